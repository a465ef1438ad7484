"""What a flow may ask of the world, and the two drivers that let the world answer.

A flow is a generator: it yields an effect and is sent the answer, so one text of logic serves callers that
await and callers that do not, and a test can stop it, or let another flow run, at every single yield.
"""

from collections.abc import Awaitable, Callable, Generator, Sequence
from inspect import isawaitable, iscoroutine
from typing import Any, Generic, TypeVar, cast

from attrs import field, frozen

from .errors import InvalidSetting
from .records import Epoch, Reason, Session
from .values import Notice

T = TypeVar("T")


class Effect(Generic[T]):
    """Ask the world for one thing; ``answer = yield from Effect(...).ask()`` has the answer's type."""

    __slots__ = ()

    def ask(self) -> "Flow[T]":
        """Yield this effect and return the answer."""
        return cast(T, (yield self))


Flow = Generator[Effect[Any], Any, T]


@frozen
class Now(Effect[int]):
    """What time is it? Milliseconds since the Unix epoch."""


@frozen
class NewSid(Effect[str]):
    """Draw a fresh selector: 128 random bits, 22 characters."""


@frozen
class NewSecret(Effect[str]):
    """Draw a fresh secret: 256 random bits, 43 characters."""


@frozen
class Load(Effect[tuple[Session | None, Epoch | None]]):
    """Read a row and its subject's epoch."""

    sid: str


@frozen
class Swap(Effect[bool]):
    """Put ``new`` where exactly ``old`` is."""

    old: Session | None
    new: Session


@frozen
class ReadEpoch(Effect[Epoch | None]):
    """Read the subject's epoch."""

    subject: str


@frozen
class Mint(Effect[Epoch]):
    """Give the subject a first epoch, unless there is one."""

    subject: str
    at: int


@frozen
class Supersede(Effect[Epoch | None]):
    """End all sessions of the subject by moving the epoch on."""

    subject: str
    at: int
    cause: Reason
    expected: int | None = None


@frozen
class OfSubject(Effect[Sequence[Session]]):
    """List the rows of a subject, or only the live ones."""

    subject: str
    live: bool


@frozen
class OfUpstream(Effect[Sequence[Session]]):
    """List the rows that hang on a session of an identity provider."""

    issuer: str
    sid: str


@frozen
class Due(Effect[Sequence[Session]]):
    """List live rows past their deadline."""

    before: int
    limit: int


@frozen
class Purge(Effect[int]):
    """Forget rows that ended long ago."""

    before: int
    limit: int


@frozen
class Pause(Effect[int]):
    """Wait a little, with jitter, before attempt number ``attempt``; answer how long, in milliseconds."""

    attempt: int


@frozen
class Call(Effect[None]):
    """Let the application do its part, such as writing the new password's hash."""

    function: Callable[[], object] = field(repr=False)


@frozen
class Tell(Effect[None]):
    """Tell whoever listens what happened."""

    notice: Notice


def run(flow: Flow[T], perform: Callable[[Effect[Any]], Any]) -> T:
    """Drive a flow to its end, performing each effect; an interruption is thrown in too, and the flow may go on."""
    try:
        effect = next(flow)
        while True:
            try:
                answer = _at_hand(effect, perform(effect))
            except BaseException as error:
                effect = flow.throw(error)
            else:
                effect = flow.send(answer)
    except StopIteration as done:
        return cast(T, done.value)


def _at_hand(effect: Effect[Any], answer: Any) -> Any:
    """Refuse an answer that has to be awaited: taken for the answer itself, nothing of it would ever happen."""
    if isawaitable(answer):
        if iscoroutine(answer):
            answer.close()
        name, advice = type(effect).__name__, "nobody awaits here: answer it by a plain call, or drive the flow by arun"
        if isinstance(effect, Call):
            name, advice = "write", "it returned something to await, and nobody awaits here: pass a plain function"
        raise InvalidSetting(name, type(answer).__name__, advice)
    return answer


async def arun(flow: Flow[T], perform: Callable[[Effect[Any]], Any | Awaitable[Any]]) -> T:
    """Drive a flow to its end, performing each effect and awaiting the answers that ask for it.

    A cancellation is thrown in as any failure is, and the flow may go on: what it asks for then is awaited.
    """
    try:
        effect = next(flow)
        while True:
            try:
                answer = perform(effect)
                if isawaitable(answer):
                    answer = await answer
            except GeneratorExit:  # nobody awaits this any more
                raise
            except BaseException as error:
                effect = flow.throw(error)
            else:
                effect = flow.send(answer)
    except StopIteration as done:
        return cast(T, done.value)
    finally:
        flow.close()
