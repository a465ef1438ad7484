"""What a store promises. There is no save, no delete and no upsert: every write names what it replaces.

A store keeps two tables: sessions by ``sid``, and one epoch a subject. It reads no clock and decides no expiry;
a time-to-live, where it has one, only collects garbage. A record that it cannot read, or that belongs to
another key, is absent. Every method raises ``StoreUnavailable`` when it cannot know the answer.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from .records import Epoch, Reason, Session
from .values import Ending


class Store(Protocol):
    """Keep sessions and epochs, for callers that do not await."""

    def load(self, sid: str) -> tuple[Session | None, Epoch | None]:
        """Return the row and its subject's epoch, in one round trip; a guest's row has no epoch."""
        ...

    def swap(self, old: Session | None, new: Session) -> bool:
        """Put ``new`` where exactly ``old`` is, or where nothing is if ``old`` is None.

        False, and nothing changed, if the row is missing, differs from ``old`` or has ended. Indexes are hints:
        written before the row and verified when read.
        """
        ...

    def epoch(self, subject: str) -> Epoch | None:
        """Return the subject's epoch."""
        ...

    def mint(self, subject: str, at: int) -> Epoch:
        """Insert the epoch ``at`` without a cause if the subject has none; return what stands."""
        ...

    def supersede(self, subject: str, at: int, cause: Reason, expected: int | None = None) -> Epoch | None:
        """Set the epoch to max(epoch + 1, at), or ``at`` if there is none, and record the cause: O(1).

        With ``expected``, only if that is the epoch's value; otherwise return None and change nothing.
        """
        ...

    def of_subject(self, subject: str, *, live: bool = False) -> Sequence[Session]:
        """Return the rows of the subject, ended ones included; with ``live``, only those that have not ended.

        Every login asks for the live ones: that costs as much as there are of them, however many have ended.
        A guest's row is nobody's: no row belongs to the subject "".
        """
        ...

    def of_upstream(self, issuer: str, sid: str) -> Sequence[Session]:
        """Return the rows that depend on this session of an identity provider; no row depends on ("", "")."""
        ...

    def due(self, before: int, limit: int) -> Sequence[Session]:
        """Return live rows whose deadline is at most ``before``, the most overdue first."""
        ...

    def purge(self, before: int, limit: int) -> int:
        """Forget marks of before, and at most ``limit`` rows of before; return how many rows.

        A row is of before if it ended before, or if it cannot be read and its deadline was before: nobody can
        end that one. A live row that can be read is never forgotten.
        """
        ...

    def mark(self, name: str, until: int) -> bool:
        """Remember the name at least until then; tell whether this was the first time."""
        ...


class AsyncStore(Protocol):
    """Keep sessions and epochs: the promises of ``Store``, awaited."""

    async def load(self, sid: str) -> tuple[Session | None, Epoch | None]: ...

    async def swap(self, old: Session | None, new: Session) -> bool: ...

    async def epoch(self, subject: str) -> Epoch | None: ...

    async def mint(self, subject: str, at: int) -> Epoch: ...

    async def supersede(self, subject: str, at: int, cause: Reason, expected: int | None = None) -> Epoch | None: ...

    async def of_subject(self, subject: str, *, live: bool = False) -> Sequence[Session]: ...

    async def of_upstream(self, issuer: str, sid: str) -> Sequence[Session]: ...

    async def due(self, before: int, limit: int) -> Sequence[Session]: ...

    async def purge(self, before: int, limit: int) -> int: ...

    async def mark(self, name: str, until: int) -> bool: ...


class Subscription(Protocol):
    """Hold what ``Announcer.subscribe`` began."""

    def close(self) -> None:
        """Hear nothing from now on; twice is no error."""
        ...


class Announcer(Protocol):
    """Tell when sessions end: what a store of either kind may do besides, so that an open websocket hears of it."""

    def subscribe(self, ear: Callable[[Ending], object]) -> Subscription:
        """Call ``ear`` after a swap to an end and after a ``supersede``, by whichever process; within a second.

        It is called in any thread, or in the event loop of an awaited store (which subscribes from inside it). A
        store that may have missed something, as after a lost connection, says ``Ending()``: look again.
        """
        ...
