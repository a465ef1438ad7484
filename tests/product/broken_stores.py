"""Stores with one mistake each, of the kind that third parties make; every one is caught by name."""

import asyncio
from collections.abc import Sequence

from attrs import evolve
from tests.stores.awaiting import AwaitingStore

from sessioncore import Epoch, Reason, Session
from sessioncore.testing.clock import START
from sessioncore.testing.model import ModelStore
from sessioncore.testing.rows import guest
from sessioncore_io.codec import encode
from sessioncore_io.sqlite import SqliteStore


class BlindUpsert(ModelStore):
    """Write whatever comes."""

    def swap(self, old: Session | None, new: Session) -> bool:
        self.rows[new.sid] = new
        return True


class GetThenSet(ModelStore):
    """Compare, then write, with a gap between."""

    def swap(self, old: Session | None, new: Session) -> bool:
        standing = self.rows.get(new.sid)
        if standing != old or (standing is not None and not standing.live):
            return False
        self.rows[new.sid] = new
        return True


class SetUnlessThere(ModelStore):
    """Insert without comparing: a taken selector is overwritten."""

    def swap(self, old: Session | None, new: Session) -> bool:
        if old is None:
            self.rows.pop(new.sid, None)
        return super().swap(old, new)


class LiftsTombstones(ModelStore):
    """Take an ended row for one like any other."""

    def swap(self, old: Session | None, new: Session) -> bool:
        if self.rows.get(new.sid) != old:
            return False
        self.rows[new.sid] = new
        return True


class DeletesOnLogout(ModelStore):
    """Keep no tombstones."""

    def swap(self, old: Session | None, new: Session) -> bool:
        swapped = super().swap(old, new)
        if swapped and not new.live:
            del self.rows[new.sid]
        return swapped


class LetsTheTtlDecide(ModelStore):
    """Hide rows whose deadline has passed by the store's own clock."""

    def load(self, sid: str) -> tuple[Session | None, Epoch | None]:
        row, epoch = super().load(sid)
        return (None, None) if row and row.deadline < START else (row, epoch)


class FillsInDefaults(ModelStore):
    """Read a record that cannot be read as a fresh session."""

    def load(self, sid: str) -> tuple[Session | None, Epoch | None]:
        row, epoch = super().load(sid)
        return (guest(sid), epoch) if row and not row.proof else (row, epoch)


class LosesFields(ModelStore):
    """Store what there was a column for."""

    def swap(self, old: Session | None, new: Session) -> bool:
        return super().swap(old, evolve(new, needs=guest().needs, former_proof="", activities=()))


class BelievesItsIndex(ModelStore):
    """Read an index without verifying it."""

    def __init__(self) -> None:
        super().__init__()
        self.index: dict[str, set[str]] = {}

    def swap(self, old: Session | None, new: Session) -> bool:
        self.index.setdefault(new.subject, set()).add(new.sid)
        return super().swap(old, new)

    def of_subject(self, subject: str, *, live: bool = False) -> Sequence[Session]:
        rows = [self.rows[sid] for sid in sorted(self.index.get(subject, ())) if subject and sid in self.rows]
        return [row for row in rows if row.live or not live]


class ListsTheDead(ModelStore):
    """List a subject's tombstones to those who ask for the living."""

    def of_subject(self, subject: str, *, live: bool = False) -> Sequence[Session]:
        return super().of_subject(subject)


class EpochOfTheFirstSubject(ModelStore):
    """Join a row with the epoch of the subject that it was inserted for."""

    def __init__(self) -> None:
        super().__init__()
        self.first: dict[str, str] = {}

    def load(self, sid: str) -> tuple[Session | None, Epoch | None]:
        row, _ = super().load(sid)
        return row, self.epochs.get(self.first.setdefault(sid, row.subject)) if row else None

    def swap(self, old: Session | None, new: Session) -> bool:
        self.first.setdefault(new.sid, new.subject)
        return super().swap(old, new)


class EpochFollowsTheClock(ModelStore):
    """Supersede with the clock alone: a clock that goes back takes the epoch with it."""

    def supersede(self, subject: str, at: int, cause: Reason, expected: int | None = None) -> Epoch | None:
        moved = super().supersede(subject, at, cause, expected)
        if moved is not None:
            self.epochs[subject] = evolve(moved, value=at)
            return self.epochs[subject]
        return None


class MintOverwrites(ModelStore):
    """Mint whatever stands."""

    def mint(self, subject: str, at: int) -> Epoch:
        self.epochs[subject] = Epoch(value=at)
        return self.epochs[subject]


class IgnoresTheExpectation(ModelStore):
    """Supersede in any case."""

    def supersede(self, subject: str, at: int, cause: Reason, expected: int | None = None) -> Epoch | None:
        return super().supersede(subject, at, cause)


class DueInTheOrderOfTheTable(ModelStore):
    """List overdue rows as they come."""

    def due(self, before: int, limit: int) -> Sequence[Session]:
        return sorted(super().due(before, 10**6), key=lambda row: row.sid)[:limit]


class DueTooLate(ModelStore):
    """Take the deadline itself for alive."""

    def due(self, before: int, limit: int) -> Sequence[Session]:
        return super().due(before - 1, limit)


class PurgesTheLiving(ModelStore):
    """Purge by the deadline."""

    def purge(self, before: int, limit: int) -> int:
        for row in list(self.rows.values()):
            if row.live and row.deadline < before:
                del self.rows[row.sid]
        return super().purge(before, limit)


class PurgesEpochs(ModelStore):
    """Tidy up too much."""

    def purge(self, before: int, limit: int) -> int:
        self.epochs = {subject: epoch for subject, epoch in self.epochs.items() if epoch.value >= before}
        return super().purge(before, limit)


class ForgetsMarks(ModelStore):
    """Keep a mark until the instant of its first caller."""

    def mark(self, name: str, until: int) -> bool:
        first = name not in self.marks
        self.marks.setdefault(name, until)
        return first


class NonAtomicSupersede(ModelStore):
    """Read the epoch in one statement and write it in another."""

    def supersede(self, subject: str, at: int, cause: Reason, expected: int | None = None) -> Epoch | None:
        standing = self.epochs.get(subject)
        if expected is not None and (standing is None or standing.value != expected):
            return None
        moved = Epoch(value=max(standing.value + 1, at) if standing else at, cause=cause)
        self.epochs[subject] = moved
        return moved


class AsyncGetThenSet(AwaitingStore):
    """Compare, await, write."""

    async def swap(self, old: Session | None, new: Session) -> bool:
        standing = self.model.rows.get(new.sid)
        await asyncio.sleep(0)
        if standing != old or (standing is not None and not standing.live):
            return False
        self.model.rows[new.sid] = new
        return True


class AsyncForgetsWhenCancelled(AwaitingStore):
    """Take the row out to change it, and have it nowhere if the caller goes meanwhile."""

    async def swap(self, old: Session | None, new: Session) -> bool:
        taken = self.model.rows.pop(new.sid, None)
        await asyncio.sleep(0)
        if taken is not None:
            self.model.rows[new.sid] = taken
        return self.model.swap(old, new)


class TwoTransactions(SqliteStore):
    """Compare in one transaction and write in another, after some work in between."""

    def swap(self, old: Session | None, new: Session) -> bool:
        standing, _ = self.load(new.sid)
        if standing != old or standing is None or not standing.live:
            return old is None and super().swap(None, new)
        for _ in range(300):
            self.epoch(new.subject)
        values = (encode(new), new.version, new.proof, new.subject, new.ended_at, new.sid)
        self._connection.execute(UPDATE, values)
        return True


UPDATE = "UPDATE sessions SET record = ?, version = ?, proof = ?, subject = ?, ended_at = ? WHERE sid = ?"
