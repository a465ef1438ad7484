"""Keep sessions in this process: for tests, demonstrations and single-process tools. They end with it."""

import threading
from collections import defaultdict
from collections.abc import Sequence
from heapq import nsmallest
from typing import TypeVar

from sessioncore import Ending, Epoch, Reason, Session, Subscription

from .ears import Ear, Ears

Key = TypeVar("Key")


class MemoryStore:
    """Keep sessions in dicts; safe with threads. Nothing survives the process, logouts included.

    Records are frozen, so they are kept as they are and handed out without a copy.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: dict[str, Session] = {}
        self._epochs: dict[str, Epoch] = {}
        self._by_subject: defaultdict[str, set[str]] = defaultdict(set)
        self._living: defaultdict[str, set[str]] = defaultdict(set)
        self._by_upstream: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        self._marks: dict[str, int] = {}
        self._ears = Ears()

    def load(self, sid: str) -> tuple[Session | None, Epoch | None]:
        """Return the row and its subject's epoch."""
        row = self._rows.get(sid)
        return row, self._epochs.get(row.subject) if row is not None else None

    def swap(self, old: Session | None, new: Session) -> bool:
        """Put ``new`` where exactly ``old`` is."""
        with self._lock:
            standing = self._rows.get(new.sid)
            if standing != old or (standing is not None and not standing.live):
                return False
            if standing is not None:
                self._unlist(standing)
            self._list(new)
            self._rows[new.sid] = new
        if not new.live:
            self._ears.tell(Ending(sid=new.sid))
        return True

    def epoch(self, subject: str) -> Epoch | None:
        """Return the subject's epoch."""
        return self._epochs.get(subject)

    def mint(self, subject: str, at: int) -> Epoch:
        """Insert the epoch if the subject has none; return what stands."""
        with self._lock:
            return self._epochs.setdefault(subject, Epoch(value=at))

    def supersede(self, subject: str, at: int, cause: Reason, expected: int | None = None) -> Epoch | None:
        """Move the epoch on, if it is the expected one."""
        with self._lock:
            standing = self._epochs.get(subject)
            if expected is not None and (standing is None or standing.value != expected):
                return None
            value = at if standing is None else max(standing.value + 1, at)
            epoch = self._epochs[subject] = Epoch(value=value, cause=cause)
        self._ears.tell(Ending(subject=subject))
        return epoch

    def of_subject(self, subject: str, *, live: bool = False) -> Sequence[Session]:
        """Return the rows of the subject, or only the live ones."""
        index = self._living if live else self._by_subject
        with self._lock:
            rows = [self._rows.get(sid) for sid in index.get(subject, ())]
        return [row for row in rows if row is not None and row.subject == subject]

    def of_upstream(self, issuer: str, sid: str) -> Sequence[Session]:
        """Return the rows that depend on this session of an identity provider."""
        with self._lock:
            rows = [self._rows.get(key) for key in self._by_upstream.get((issuer, sid), ())]
        return [row for row in rows if row is not None and row.upstream == (issuer, sid)]

    def due(self, before: int, limit: int) -> Sequence[Session]:
        """Return live rows whose deadline has passed, the most overdue first."""
        with self._lock:
            rows = list(self._rows.values())
        return nsmallest(limit, (row for row in rows if row.live and row.deadline <= before), key=lambda s: s.deadline)

    def purge(self, before: int, limit: int) -> int:
        """Forget rows that ended before."""
        with self._lock:
            self._marks = {name: until for name, until in self._marks.items() if until >= before}
            ended = [row for row in self._rows.values() if not row.live and row.ended_at < before]
            for row in (gone := nsmallest(limit, ended, key=lambda s: s.ended_at)):
                del self._rows[row.sid]
                self._unlist(row)
            return len(gone)

    def mark(self, name: str, until: int) -> bool:
        """Remember the name; tell whether this was the first time."""
        with self._lock:
            first = name not in self._marks
            self._marks[name] = max(until, self._marks.get(name, until))
            return first

    def subscribe(self, ear: Ear) -> Subscription:
        """Call ``ear`` when sessions of this process end, in the thread that ends them."""
        return self._ears.subscribe(ear)

    def _list(self, row: Session) -> None:
        if row.subject:
            self._by_subject[row.subject].add(row.sid)
        if row.subject and row.live:
            self._living[row.subject].add(row.sid)
        if any(row.upstream):
            self._by_upstream[row.upstream].add(row.sid)

    def _unlist(self, row: Session) -> None:
        _forget(self._by_subject, row.subject, row.sid)
        _forget(self._living, row.subject, row.sid)
        _forget(self._by_upstream, row.upstream, row.sid)


def _forget(index: defaultdict[Key, set[str]], key: Key, sid: str) -> None:
    index[key].discard(sid)
    if not index[key]:
        del index[key]
