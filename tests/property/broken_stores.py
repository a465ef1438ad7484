"""Stores that are almost right."""

from sessioncore import (
    Epoch,
    Reason,
    Session,
)
from sessioncore_io.memory import MemoryStore


class Careless(MemoryStore):
    """Store over any live row, without a look at it."""

    def swap(self, old: Session | None, new: Session) -> bool:
        """Put ``new`` where anything live is."""
        return super().swap(self._rows.get(new.sid), new)


class Reviving(MemoryStore):
    """Store over ended rows."""

    def swap(self, old: Session | None, new: Session) -> bool:
        """Put ``new`` where ``old`` or an ended row is."""
        standing = self._rows.get(new.sid)
        if standing is not None and not standing.live:
            del self._rows[new.sid]
            return super().swap(None, new)
        return super().swap(old, new)


class Deleting(MemoryStore):
    """Delete what has ended."""

    def swap(self, old: Session | None, new: Session) -> bool:
        done = super().swap(old, new)
        if done and not new.live:
            del self._rows[new.sid]
        return done


class Lenient(MemoryStore):
    """Acknowledge a reset and do nothing."""

    def supersede(self, subject: str, at: int, cause: Reason, expected: int | None = None) -> Epoch | None:
        return super().supersede(subject, at, cause, expected) if expected else self.mint(subject, at)


class Idle(MemoryStore):
    """Know nothing of deadlines."""

    def due(self, before: int, limit: int) -> list[Session]:
        return [row for row in super().due(before, limit) if row.subject]


class LivePurging(MemoryStore):
    """Purge live rows too."""

    def purge(self, before: int, limit: int) -> int:
        gone = [sid for sid, row in self._rows.items() if row.seen_at < before]
        for sid in gone:
            del self._rows[sid]
        return 0


STORES: dict[type[MemoryStore], str] = {
    Reviving: "NoResurrection",
    Careless: "NoLostUpdate",
    Deleting: "EndsAreFrozen",
    Lenient: "ResetRevokesAllPrior",
    Idle: "ExpiredNeverActs",
    LivePurging: "NotEarly",
}
