"""Keep sessions in Valkey 8 and later, or Redis 6.2 and later: one server, Sentinel or Cluster."""

from collections.abc import Sequence
from typing import Any

from sessioncore import Epoch, Reason, Session

from .valkey_calls import Calls
from .valkey_place import place_of
from .valkey_wire import AsyncClusterWire, AsyncWire, ClusterWire, Wire, aconverse, converse


class ValkeyStore:
    """Keep sessions at ``url``, under keys that begin with ``prefix``, for callers that do not await."""

    def __init__(self, url: str, *, prefix: str = "sc:", patience: float = 2.0, **options: Any) -> None:
        place = place_of(url, patience, 0, options)
        self._calls = Calls(prefix, whole=place.kind != "cluster")
        self._wire = Wire(place, None) if self._calls.whole else ClusterWire(place)
        self._send = self._wire.send

    def close(self) -> None:
        """Close the connections of this process."""
        self._wire.close()

    def load(self, sid: str) -> tuple[Session | None, Epoch | None]:
        """Return the row and its subject's epoch."""
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
    """Keep sessions at ``url``, as ``ValkeyStore`` does, for callers in one event loop."""

    def __init__(
        self, url: str, *, prefix: str = "sc:", patience: float = 2.0, connections: int = 64, **options: Any
    ) -> None:
        place = place_of(url, patience, connections, options)
        self._calls = Calls(prefix, whole=place.kind != "cluster")
        self._wire = AsyncWire(place, None) if self._calls.whole else AsyncClusterWire(place)
        self._send = self._wire.send

    async def close(self) -> None:
        """Close the connections."""
        await self._wire.close()

    async def load(self, sid: str) -> tuple[Session | None, Epoch | None]:
        """Return the row and its subject's epoch."""
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
