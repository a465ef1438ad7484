"""Keep sessions in Valkey 8 and later, or Redis 6.2 and later: one server, Sentinel or Cluster."""

import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

from sessioncore import Epoch, Reason, Session, StoreUnavailable
from sessioncore.ports import Subscription

from ..ears import Ear
from ..loops import EachLoop
from ..operating import Census, Finding
from ..settings import checked_count, checked_patience
from ..world import log
from .calls import Calls
from .cluster import AsyncClusterWire, ClusterWire
from .ear import AwaitedEar, ThreadedEar
from .look import KINDS, Told, census, counted, looked
from .place import Place, async_pool_of, checked_prefix, place_of
from .scripts import Command
from .talk import aconverse, converse
from .wire import AsyncWire, Wire

Send = Callable[[Sequence[Command]], list[Any]]
AsyncSend = Callable[[Sequence[Command]], Awaitable[list[Any]]]


def _warn(findings: Sequence[Finding]) -> None:
    for finding in dict.fromkeys(findings):
        if finding.advice:
            log.warning("Valkey: %s %s: %s", finding.what, finding.value, finding.advice)


def _calls(prefix: str, place: Place, replicas: int) -> Calls:
    wait = int(place.patience * 500)  # half of it, in milliseconds: the answer has to come within the whole
    return Calls(checked_prefix(prefix), place.kind != "cluster", checked_count("replicas", replicas, 0), wait)


class ValkeyStore:
    """Keep sessions at ``url``, under keys that begin with ``prefix``, for callers that do not await.

    ``valkey://host:6379/0`` (``valkeys://`` with TLS, ``unix:///path``), ``sentinel://host:26379,host:26379/name`` or
    ``cluster://host:6379,host:6379``. ``patience`` is how long an answer may take, in seconds. With ``replicas``, a
    login, an end or an epoch is acknowledged only when so many replicas have it. Other options are those of
    valkey-py's connections. The first call has the log say what an acknowledged logout is worth there.
    """

    def __init__(
        self, url: str, *, prefix: str = "sc:", patience: float = 2.0, replicas: int = 0, **options: Any
    ) -> None:
        place = place_of(url, checked_patience(patience), 0, options)
        self._calls = _calls(prefix, place, replicas)
        self._wire = Wire(place, None) if self._calls.whole else ClusterWire(place)
        self._send: Send = self._first
        self._ear = ThreadedEar(self._calls.channel, self._wire.connected)

    def _first(self, commands: Sequence[Command]) -> list[Any]:
        """Send, and then look the server over, once."""
        replies = self._wire.send(commands)
        if self._send == self._first:  # one talk may come here twice, and several threads
            self._send = self._wire.send
            with suppress(StoreUnavailable):
                _warn(self._looked())
        return replies

    def close(self) -> None:
        """Close the connections of this process."""
        self._ear.close()
        self._wire.close()

    def subscribe(self, ear: Ear) -> Subscription:
        """Call ``ear`` after ends, in a thread that runs as long as somebody listens."""
        return self._ear.subscribe(ear)

    # -- for operators -------------------------------------------------------------------------------------

    def prepare(self) -> Sequence[str]:
        """Ask for something: Valkey needs no schema, and scripts are sent when they are missed."""
        self.epoch("")  # and not only a PING, which a server may answer that refuses all the rest
        return []

    def inspect(self) -> Sequence[Finding]:
        """Tell each server's version and settings, and the time of a round trip."""
        self.epoch("nobody")  # a connection is opened, and the log warned, before the clock runs
        began = time.perf_counter()
        self.epoch("nobody")
        took = (time.perf_counter() - began) * 1_000
        return [*self._looked(), Finding(what="latency", value=f"{took:.2f} ms")]

    def _looked(self) -> list[Finding]:
        return [finding for send in self._wire.each() for finding in converse(looked(), send)]

    def census(self, progress: Callable[[int], object]) -> Census:
        """Count all rows, by walking over the keys; ``progress`` hears of them as they come."""
        told = Told(progress)
        return census(
            [
                (kind, converse(counted(self._calls, kind, told.add), send))
                for send in self._wire.each()
                for kind in KINDS
            ]
        )

    # -- the port ------------------------------------------------------------------------------------------

    def load(self, sid: str) -> tuple[Session | None, Epoch | None]:
        """Return the row and its subject's epoch."""
        guess = self._calls.guess(sid)
        if guess is not None and (found := guess.judged(self._send(guess.reads))) is not None:
            return found
        return converse(self._calls.load(sid), self._send)

    def swap(self, old: Session | None, new: Session) -> bool:
        """Put ``new`` where exactly ``old`` is."""
        return converse(self._calls.swap(old, new), self._send)

    def epoch(self, subject: str) -> Epoch | None:
        """Return the subject's epoch."""
        return converse(self._calls.epoch(subject), self._send)

    def mint(self, subject: str, at: int) -> Epoch:
        """Insert the epoch if the subject has none; return what stands."""
        return converse(self._calls.mint(subject, at), self._send)

    def supersede(self, subject: str, at: int, cause: Reason, expected: int | None = None) -> Epoch | None:
        """Move the epoch on, if it is the expected one."""
        return converse(self._calls.supersede(subject, at, cause, expected), self._send)

    def of_subject(self, subject: str, *, live: bool = False) -> Sequence[Session]:
        """Return the rows of the subject, or only the live ones."""
        return converse(self._calls.of_subject(subject, live=live), self._send)

    def of_upstream(self, issuer: str, sid: str) -> Sequence[Session]:
        """Return the rows that depend on this session of an identity provider."""
        return converse(self._calls.of_upstream(issuer, sid), self._send)

    def due(self, before: int, limit: int) -> Sequence[Session]:
        """Return live rows whose deadline has passed, the most overdue first."""
        return converse(self._calls.due(before, limit), self._send)

    def purge(self, before: int, limit: int) -> int:
        """Forget marks and rows of before."""
        return converse(self._calls.purge(before, limit), self._send)

    def mark(self, name: str, until: int) -> bool:
        """Remember the name; tell whether this was the first time."""
        return converse(self._calls.mark(name, until), self._send)


class AsyncValkeyStore:
    """Keep sessions at ``url``, as ``ValkeyStore`` does, for callers that await.

    Each event loop has connections of its own, to one server ``connections`` at most; who needs one more waits, for
    ``patience`` at most.
    """

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "sc:",
        patience: float = 2.0,
        replicas: int = 0,
        connections: int = 64,
        **options: Any,
    ) -> None:
        place = place_of(url, checked_patience(patience), checked_count("connections", connections, 1), options)
        self._calls = _calls(prefix, place, replicas)
        self._wires = EachLoop(lambda: AsyncWire(place, None) if self._calls.whole else AsyncClusterWire(place))
        self._send: AsyncSend = self._first
        self._ears = EachLoop(lambda: AwaitedEar(self._calls.channel, self._wires.here().connected))
        async_pool_of(place, place.hosts[0] if place.hosts else None)  # wrong options are refused now

    async def _first(self, commands: Sequence[Command]) -> list[Any]:
        """Send, and then look the server over, once."""
        replies = await self._sent(commands)
        if self._send == self._first:
            self._send = self._sent
            with suppress(StoreUnavailable):
                each = await self._wires.here().each()
                _warn([found for send in each for found in await aconverse(looked(), send)])
        return replies

    def _sent(self, commands: Sequence[Command]) -> Awaitable[list[Any]]:
        return self._wires.here().send(commands)

    async def close(self) -> None:
        """Close the connections of this event loop."""
        await self._ears.here().close()
        await self._wires.here().close()

    def subscribe(self, ear: Ear) -> Subscription:
        """Call ``ear`` after ends, in this event loop, as long as somebody listens."""
        return self._ears.here().subscribe(ear)

    async def load(self, sid: str) -> tuple[Session | None, Epoch | None]:
        """Return the row and its subject's epoch."""
        guess = self._calls.guess(sid)
        if guess is not None and (found := guess.judged(await self._send(guess.reads))) is not None:
            return found
        return await aconverse(self._calls.load(sid), self._send)

    async def swap(self, old: Session | None, new: Session) -> bool:
        """Put ``new`` where exactly ``old`` is."""
        return await aconverse(self._calls.swap(old, new), self._send)

    async def epoch(self, subject: str) -> Epoch | None:
        """Return the subject's epoch."""
        return await aconverse(self._calls.epoch(subject), self._send)

    async def mint(self, subject: str, at: int) -> Epoch:
        """Insert the epoch if the subject has none; return what stands."""
        return await aconverse(self._calls.mint(subject, at), self._send)

    async def supersede(self, subject: str, at: int, cause: Reason, expected: int | None = None) -> Epoch | None:
        """Move the epoch on, if it is the expected one."""
        return await aconverse(self._calls.supersede(subject, at, cause, expected), self._send)

    async def of_subject(self, subject: str, *, live: bool = False) -> Sequence[Session]:
        """Return the rows of the subject, or only the live ones."""
        return await aconverse(self._calls.of_subject(subject, live=live), self._send)

    async def of_upstream(self, issuer: str, sid: str) -> Sequence[Session]:
        """Return the rows that depend on this session of an identity provider."""
        return await aconverse(self._calls.of_upstream(issuer, sid), self._send)

    async def due(self, before: int, limit: int) -> Sequence[Session]:
        """Return live rows whose deadline has passed, the most overdue first."""
        return await aconverse(self._calls.due(before, limit), self._send)

    async def purge(self, before: int, limit: int) -> int:
        """Forget marks and rows of before."""
        return await aconverse(self._calls.purge(before, limit), self._send)

    async def mark(self, name: str, until: int) -> bool:
        """Remember the name; tell whether this was the first time."""
        return await aconverse(self._calls.mark(name, until), self._send)
