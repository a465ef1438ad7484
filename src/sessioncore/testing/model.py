"""A store that is plain data: small enough to be read as the promises of ``sessioncore.ports`` written out."""

from collections.abc import Callable, Hashable, Sequence

from attrs import define, evolve, field

from sessioncore import Epoch, Reason, Session


@define
class ModelStore:
    """Keep sessions and epochs in dicts that can be copied; ``facts`` is a table of the application's own."""

    rows: dict[str, Session] = field(factory=dict)
    epochs: dict[str, Epoch] = field(factory=dict)
    marks: dict[str, int] = field(factory=dict)
    facts: dict[str, object] = field(factory=dict)

    def copy(self) -> "ModelStore":
        """Give a store of the same kind and contents that changes on its own."""
        return evolve(
            self, rows=dict(self.rows), epochs=dict(self.epochs), marks=dict(self.marks), facts=dict(self.facts)
        )

    @property
    def key(self) -> Hashable:
        """Give a value that two stores share exactly when they hold the same."""
        tables = (self.rows, self.epochs, self.marks, self.facts)
        return tuple(frozenset(table.items()) for table in tables)

    def load(self, sid: str) -> tuple[Session | None, Epoch | None]:
        """Return the row and its subject's epoch."""
        row = self.rows.get(sid)
        return row, self.epochs.get(row.subject) if row else None

    def swap(self, old: Session | None, new: Session) -> bool:
        """Put ``new`` where exactly ``old`` is."""
        standing = self.rows.get(new.sid)
        if standing != old or (standing is not None and not standing.live):
            return False
        self.rows[new.sid] = new
        return True

    def epoch(self, subject: str) -> Epoch | None:
        """Return the subject's epoch."""
        return self.epochs.get(subject)

    def mint(self, subject: str, at: int) -> Epoch:
        """Insert the epoch if the subject has none; return what stands."""
        return self.epochs.setdefault(subject, Epoch(value=at))

    def supersede(self, subject: str, at: int, cause: Reason, expected: int | None = None) -> Epoch | None:
        """Move the epoch on, if it is the expected one."""
        standing = self.epochs.get(subject)
        if expected is not None and (standing is None or standing.value != expected):
            return None
        self.epochs[subject] = Epoch(value=max(standing.value + 1, at) if standing else at, cause=cause)
        return self.epochs[subject]

    def of_subject(self, subject: str, *, live: bool = False) -> Sequence[Session]:
        """Return the rows of the subject, or only the live ones."""
        return self._where(lambda row: bool(subject) and row.subject == subject and (row.live or not live))

    def of_upstream(self, issuer: str, sid: str) -> Sequence[Session]:
        """Return the rows that depend on this session of an identity provider."""
        return self._where(lambda row: bool(issuer) and row.upstream == (issuer, sid))

    def due(self, before: int, limit: int) -> Sequence[Session]:
        """Return live rows whose deadline has passed, the most overdue first."""
        overdue = self._where(lambda row: row.live and row.deadline <= before)
        return sorted(overdue, key=lambda row: row.deadline)[:limit]

    def purge(self, before: int, limit: int) -> int:
        """Forget marks of before, and rows that ended before."""
        self.marks = {name: until for name, until in self.marks.items() if until >= before}
        gone = self._where(lambda row: not row.live and row.ended_at < before)[:limit]
        for row in gone:
            del self.rows[row.sid]
        return len(gone)

    def mark(self, name: str, until: int) -> bool:
        """Remember the name; tell whether this was the first time."""
        first = name not in self.marks
        self.marks[name] = max(until, self.marks.get(name, until))
        return first

    def _where(self, holds: Callable[[Session], bool]) -> list[Session]:
        return [row for _, row in sorted(self.rows.items()) if holds(row)]
