"""Say something to the server, and have its answers: as generators, whoever awaits them."""

from collections.abc import Generator, Sequence
from typing import Any, TypeVar

from valkey.exceptions import NoScriptError

from sessioncore import StoreUnavailable

from .scripts import WAIT, Command, Reads, with_source

T = TypeVar("T")
Talk = Generator[Sequence[Command], list[Any], T]


def ask(*commands: Command) -> Talk[list[Any]]:
    """Send commands and give their replies. Raises ``StoreUnavailable`` for one that the server refused."""
    return (yield from asked(list(commands)))


def read(*commands: Command) -> Talk[list[Any]]:
    """Send commands that only read, if there are any, and give their replies."""
    return (yield from asked(Reads(commands))) if commands else []


def asked(commands: list[Command]) -> Talk[list[Any]]:
    """Send a batch and give its replies. Raises ``StoreUnavailable`` for a command that the server refused."""
    replies = yield from tried(commands)
    for reply in replies:
        if isinstance(reply, Exception):
            raise StoreUnavailable(f"Valkey: {reply}") from reply
    return replies


def tried(commands: list[Command]) -> Talk[list[Any]]:
    """Send a batch and give its replies, refusals among them.

    Scripts that the server has forgotten, and so did not run, are sent again with their text.
    """
    replies = yield commands
    forgotten = [place for place, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
    if forgotten:
        waits = [place for place, command in enumerate(commands) if command[0] == WAIT]
        again = yield type(commands)(
            [*(with_source(commands[place]) for place in forgotten), *(commands[place] for place in waits)]
        )
        for place, reply in zip(forgotten + waits, again, strict=True):
            replies[place] = reply
    return replies


def converse(talk: Generator[Any, list[Any], T], send: Any) -> T:
    """Hold a talk to its end; what could not be sent is thrown into it."""
    try:
        commands = next(talk)
        while True:
            try:
                replies = send(commands)
            except StoreUnavailable as error:
                commands = talk.throw(error)
            else:
                commands = talk.send(replies)
    except StopIteration as done:
        answer: T = done.value
        return answer


async def aconverse(talk: Generator[Any, list[Any], T], send: Any) -> T:
    """Hold a talk to its end, awaiting the replies."""
    try:
        commands = next(talk)
        while True:
            try:
                replies = await send(commands)
            except StoreUnavailable as error:
                commands = talk.throw(error)
            else:
                commands = talk.send(replies)
    except StopIteration as done:
        answer: T = done.value
        return answer
