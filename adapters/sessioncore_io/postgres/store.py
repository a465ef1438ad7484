"""Keep sessions in PostgreSQL 14 or newer, by psycopg 3 and a pool of connections to the primary.

``sessioncore store init URL`` makes the tables, or a DBA does with the files of ``sql/``: a store never does by
itself.
"""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from sessioncore import Epoch, Reason, Session
from sessioncore.effects import Flow, arun, run
from sessioncore.ports import Subscription

from ..ears import Ear, Ears
from ..loops import EachLoop
from ..operating import Census, Finding
from ..settings import checked_count, checked_flag, checked_patience
from . import flows, operating
from .listening import AsyncListening, Listening
from .pool import AsyncLink, Link
from .wire import address

T = TypeVar("T")
L = TypeVar("L", Link, AsyncLink)


def _by_all(make: Callable[[], Ears]) -> Callable[[], Ears]:
    ears = make()
    return lambda: ears


def _in_each_loop(make: Callable[[], Ears]) -> Callable[[], Ears]:
    return EachLoop(make).here


class _Told(Generic[L]):
    """Hold what both stores are told.

    ``connections`` is the most that this process opens; ``patience`` is how long a call waits for one of them, and
    then for an answer, in seconds. ``prepare=False`` suits a pooler that cannot keep prepared statements.
    ``announce=False`` saves each end a notification, if nobody subscribes. ``listen_url`` leads past a pooler to
    where ends are heard of.
    """

    _kind: type[L]
    _listening: type[Listening] | type[AsyncListening]
    _shared: Callable[[Callable[[], Ears]], Callable[[], Ears]]  # by whom the ears that were made are shared

    def __init__(
        self,
        url: str,
        *,
        connections: int = 10,
        patience: float = 2.0,
        prepare: bool = True,
        announce: bool = True,
        listen_url: str | None = None,
    ) -> None:
        checked_count("connections", connections, 1)
        checked_patience(patience)
        self.announce = checked_flag("announce", announce)
        self._link: L = self._kind(
            address("url", url, patience), connections, patience, checked_flag("prepare", prepare)
        )
        # For operators: a look goes to whatever server is there, and neither that nor a change of tables is hurried.
        self._any_address = address("url", url, patience, "any")
        self._primary_address = address("url", url, patience)
        self._listen_address = address("listen_url", url if listen_url in (None, "") else listen_url, patience)
        self._ears = self._shared(self._new_ears)

    def subscribe(self, ear: Ear) -> Subscription:
        """Call ``ear`` after each end, by whichever process; not before this returns, but at once after that."""
        return self._ears().subscribe(ear)

    def _new_ears(self) -> Ears:
        listening = self._listening(self._listen_address, self._link.patience, lambda ending: ears.tell(ending))
        ears: Ears = Ears(listening.begin, listening.end)
        return ears


class PostgresStore(_Told[Link]):
    """Keep sessions in the database at ``url``; safe with threads, several processes and fork.

    An acknowledged login, rotation, end or epoch is as durable as the server's ``synchronous_commit`` makes it; a
    Touch or a Write does not wait for the disk, and the last ones may be lost when the server crashes.
    """

    _kind = Link
    _listening = Listening
    _shared = staticmethod(_by_all)

    def load(self, sid: str) -> tuple[Session | None, Epoch | None]:
        """Return the row and its subject's epoch, by one SELECT."""
        return flows.loaded(sid, self._link.perform(flows.loading(sid)))

    def swap(self, old: Session | None, new: Session) -> bool:
        """Put ``new`` where exactly ``old`` is, by one conditional statement."""
        return self._run(flows.swap(old, new, self.announce))

    def epoch(self, subject: str) -> Epoch | None:
        """Return the subject's epoch."""
        return self._run(flows.epoch(subject))

    def mint(self, subject: str, at: int) -> Epoch:
        """Insert the epoch if the subject has none; return what stands."""
        return self._run(flows.mint(subject, at))

    def supersede(self, subject: str, at: int, cause: Reason, expected: int | None = None) -> Epoch | None:
        """Move the epoch on, if it is the expected one."""
        return self._run(flows.supersede(subject, at, cause, expected, self.announce))

    def of_subject(self, subject: str, *, live: bool = False) -> Sequence[Session]:
        """Return the rows of the subject, or only the live ones."""
        return self._run(flows.of_subject(subject, live))

    def of_upstream(self, issuer: str, sid: str) -> Sequence[Session]:
        """Return the rows that depend on this session of an identity provider."""
        return self._run(flows.of_upstream(issuer, sid))

    def due(self, before: int, limit: int) -> Sequence[Session]:
        """Return live rows whose deadline has passed, the most overdue first."""
        return self._run(flows.due(before, limit))

    def purge(self, before: int, limit: int) -> int:
        """Forget rows that ended before, and unreadable ones whose deadline was before."""
        return self._run(flows.purge(before, limit))

    def mark(self, name: str, until: int) -> bool:
        """Remember the name; tell whether this was the first time."""
        return self._run(flows.mark(name, until))

    def prepare(self) -> Sequence[str]:
        """Make the tables or bring them to this release's version, and say which files were run."""
        return operating.prepare(self._primary_address)

    def inspect(self) -> Sequence[Finding]:
        """Tell version, role, settings and latency, and warn of what weakens a promise."""
        return operating.inspect(self._any_address)

    def census(self, progress: Callable[[int], object]) -> Census:
        """Count all rows."""
        return operating.census(self._primary_address, progress)

    def close(self) -> None:
        """Close the connections of this process; the next call opens others."""
        self._link.close()

    def _run(self, flow: Flow[T]) -> T:
        return run(flow, self._link.perform)


class AsyncPostgresStore(_Told[AsyncLink]):
    """Keep sessions in the database at ``url``, for callers that await: the promises of ``PostgresStore``.

    A call that is cancelled closes its connection, so nobody gets another's answer; what it asked for may be done.
    """

    _kind = AsyncLink
    _listening = AsyncListening
    _shared = staticmethod(_in_each_loop)

    async def load(self, sid: str) -> tuple[Session | None, Epoch | None]:
        """Return the row and its subject's epoch, by one SELECT."""
        return flows.loaded(sid, await self._link.perform(flows.loading(sid)))

    async def swap(self, old: Session | None, new: Session) -> bool:
        """Put ``new`` where exactly ``old`` is, by one conditional statement."""
        return await self._run(flows.swap(old, new, self.announce))

    async def epoch(self, subject: str) -> Epoch | None:
        """Return the subject's epoch."""
        return await self._run(flows.epoch(subject))

    async def mint(self, subject: str, at: int) -> Epoch:
        """Insert the epoch if the subject has none; return what stands."""
        return await self._run(flows.mint(subject, at))

    async def supersede(self, subject: str, at: int, cause: Reason, expected: int | None = None) -> Epoch | None:
        """Move the epoch on, if it is the expected one."""
        return await self._run(flows.supersede(subject, at, cause, expected, self.announce))

    async def of_subject(self, subject: str, *, live: bool = False) -> Sequence[Session]:
        """Return the rows of the subject, or only the live ones."""
        return await self._run(flows.of_subject(subject, live))

    async def of_upstream(self, issuer: str, sid: str) -> Sequence[Session]:
        """Return the rows that depend on this session of an identity provider."""
        return await self._run(flows.of_upstream(issuer, sid))

    async def due(self, before: int, limit: int) -> Sequence[Session]:
        """Return live rows whose deadline has passed, the most overdue first."""
        return await self._run(flows.due(before, limit))

    async def purge(self, before: int, limit: int) -> int:
        """Forget rows that ended before, and unreadable ones whose deadline was before."""
        return await self._run(flows.purge(before, limit))

    async def mark(self, name: str, until: int) -> bool:
        """Remember the name; tell whether this was the first time."""
        return await self._run(flows.mark(name, until))

    async def close(self) -> None:
        """Close the connections of this event loop; the next call opens others."""
        await self._link.close()

    async def _run(self, flow: Flow[T]) -> T:
        return await arun(flow, self._link.perform)
