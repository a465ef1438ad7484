"""Which server of a cluster holds which keys, and what to do when one says that it does not."""

from collections.abc import Generator, Sequence
from typing import Any, Final, TypeVar

from valkey.crc import key_slot
from valkey.exceptions import AskError, ClusterDownError, MovedError, TryAgainError

from sessioncore import StoreUnavailable

from .place import Address
from .scripts import WAIT, Command, Reads

T = TypeVar("T")

# To each step, a server and a batch, come its replies; or ``StoreUnavailable`` is thrown in. No server: wait a little.
Step = tuple[Address | None, Sequence[Command]]
Route = Generator[Step, list[Any], T]

REDIRECTIONS: Final = 5
PAUSE: Final = 0.05  # seconds

# What a server says of a command that it did not do: it is for another one, or for later. (A MOVED is an ASK, too.)
NOT_DONE: Final = (AskError, TryAgainError)


def slot_of(command: Command) -> int:
    """Compute the slot of a command's keys, which are all in one."""
    key = command[3] if command[0] in ("EVALSHA", "EVAL") else command[1]
    return key_slot(key.encode())


class Cluster:
    """Hold the map of a cluster, as its servers tell it."""

    def __init__(self, seeds: Sequence[Address]) -> None:
        self._seeds = tuple(seeds)
        self._map: dict[int, Address] = {}

    def primaries(self) -> Route[list[Address]]:
        """Name the servers that hold keys."""
        yield from self._refresh()
        return sorted(set(self._map.values()))

    def route(self, commands: Sequence[Command]) -> Route[list[Any]]:
        """Send each command where its keys are, one batch a server, and follow those that were moved."""
        if not self._map:
            yield from self._refresh()
        try:
            replies = yield from self._sent(commands)
            for place, reply in enumerate(replies):
                if isinstance(reply, NOT_DONE):
                    waits = [command for command in commands[place + 1 : place + 2] if command[0] == WAIT]
                    batch = [commands[place], *waits]  # who waits for replicas waits where it was done
                    replies[place : place + len(batch)] = yield from self._follow(batch, reply)
                if isinstance(replies[place], ClusterDownError):
                    self._map = {}
        except StoreUnavailable:
            self._map = {}  # a replica may have taken over: ask again next time
            raise
        return replies

    def _sent(self, commands: Sequence[Command]) -> Route[list[Any]]:
        parts: dict[Address, list[int]] = {}
        for place, command in enumerate(commands):
            if command[0] != WAIT:  # that goes where the one before it went
                address = self._where(slot_of(command))
            parts.setdefault(address, []).append(place)
        replies: list[Any] = [None] * len(commands)
        for address, places in parts.items():
            batch = [commands[place] for place in places]
            answers = yield address, Reads(batch) if isinstance(commands, Reads) else batch
            for place, answer in zip(places, answers, strict=True):
                replies[place] = answer
        return replies

    def _where(self, slot: int) -> Address:
        try:
            return self._map[slot]
        except KeyError:
            raise StoreUnavailable(f"no server of the cluster serves slot {slot}; nothing was sent") from None

    def _follow(self, batch: list[Command], reply: Any) -> Route[list[Any]]:
        """Send a command that was not done where the refusal says; a slot on the move is asked for by name."""
        for _ in range(REDIRECTIONS):
            if isinstance(reply, MovedError):
                yield from self._refresh()
                self._map[reply.slot_id] = (reply.host, reply.port)
                replies = yield (reply.host, reply.port), batch
            elif isinstance(reply, AskError):
                _, *replies = yield (reply.host, reply.port), [("ASKING",), *batch]
            else:
                yield None, []
                replies = yield self._where(slot_of(batch[0])), batch
            reply = replies[0]
            if not isinstance(reply, NOT_DONE):
                return replies
        raise StoreUnavailable(f"the cluster put a command off {REDIRECTIONS} times, and nobody did it: {reply}")

    def _refresh(self) -> Route[None]:
        """Ask any server for the map; those that hold keys now are asked first."""
        for address in dict.fromkeys([*self._map.values(), *self._seeds]):
            try:
                (ranges,) = yield address, Reads([("CLUSTER", "SLOTS")])
            except StoreUnavailable:
                continue
            if isinstance(ranges, list) and ranges:
                self._map = {
                    slot: (host.decode() if host else address[0], port)
                    for first, last, (host, port, *_), *_ in ranges
                    for slot in range(first, last + 1)
                }
                return
        raise StoreUnavailable("no server of the cluster can be reached; nothing was sent")
