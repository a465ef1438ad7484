"""Keep sessions in a SQLite file: the embedded default. Safe with threads, several processes and fork."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import wraps
from itertools import islice
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from sessioncore import Ending, Epoch, InvalidSetting, Reason, Session, StoreUnavailable, Subscription
from sessioncore.records import NEVER

from ..codec import encode, epoch_of, joined, log_unreadable, readable
from ..durability import must_last
from ..ears import Ear, Ears
from ..operating import Census, Finding
from . import operating
from .file import SqliteFile
from .statements import (
    DUE,
    FORGET,
    INSERT,
    LIVING,
    LOAD,
    MARK,
    OF_SUBJECT,
    PURGE,
    SCHEMA,
    SCHEMA_VERSION,
    SUPERSEDE,
    SUPERSEDE_EXPECTED,
    UPDATE,
    WHOSE,
)
from .watch import Watch

P = ParamSpec("P")
T = TypeVar("T")
File = TypeVar("File", bound=SqliteFile)


def _guarded(call: Callable[Concatenate[File, P], T]) -> Callable[Concatenate[File, P], T]:
    """Say of every failure of the database that the store is unavailable."""

    @wraps(call)
    def guarded(file: File, /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return call(file, *args, **kwargs)
        except sqlite3.Error as error:
            raise _unavailable(error, file) from error

    return guarded


def _unavailable(error: sqlite3.Error, file: SqliteFile) -> StoreUnavailable:
    return StoreUnavailable(f"SQLite: {error}: {file.path}; check the file, its disk and its permissions")


class SqliteStore(SqliteFile):
    """Keep sessions in the file at ``path``, in WAL mode.

    An acknowledged login, rotation, end or epoch is durable at power loss (synchronous=FULL); a Touch or a
    Write survives a crash of the process, but the last ones may be lost at power loss (NORMAL). ``patience`` is
    how long a write waits for another process's, in seconds.
    """

    def __init__(self, path: str | Path, patience: float = 2.0) -> None:
        super().__init__(path, patience)
        watch = Watch(self._connect, lambda: self._ears.tell(Ending()))
        self._ears = Ears(watch.begin, watch.end)
        self._prepared: list[str] = []
        self._initialise()

    def load(self, sid: str) -> tuple[Session | None, Epoch | None]:
        """Return the row and its subject's epoch, by one SELECT."""
        try:  # guarded here and not from outside, for every request comes by
            found = self._connection.execute(LOAD, (sid,)).fetchone()
        except sqlite3.Error as error:
            raise _unavailable(error, self) from error
        return joined(sid, *found) if found else (None, None)

    @_guarded
    def swap(self, old: Session | None, new: Session) -> bool:
        """Put ``new`` where exactly ``old`` is, by one conditional statement."""
        values = (
            new.version,
            new.proof,
            new.subject,
            *new.upstream,
            new.deadline if new.live else NEVER,
            new.ended_at,
            encode(new),
        )
        with self._durable(must_last(old, new)) as connection:
            if old is None:
                done = connection.execute(INSERT, (new.sid, *values))
            else:
                done = connection.execute(UPDATE, (*values, new.sid, old.version, old.proof))
        if done.rowcount == 1 and not new.live:
            self._ears.tell(Ending(sid=new.sid))
        return done.rowcount == 1

    @_guarded
    def epoch(self, subject: str) -> Epoch | None:
        """Return the subject's epoch."""
        found = self._connection.execute("SELECT value, cause FROM epochs WHERE subject = ?", (subject,)).fetchone()
        return epoch_of(*found) if found else None

    @_guarded
    def mint(self, subject: str, at: int) -> Epoch:
        """Insert the epoch if the subject has none; return what stands."""
        with self._durable(True) as connection:
            connection.execute(
                "INSERT INTO epochs (subject, value) VALUES (?, ?) ON CONFLICT DO NOTHING", (subject, at)
            )
        standing = self.epoch(subject)
        assert standing is not None, "an epoch is never removed"
        return standing

    @_guarded
    def supersede(self, subject: str, at: int, cause: Reason, expected: int | None = None) -> Epoch | None:
        """Move the epoch on, if it is the expected one."""
        values = {"subject": subject, "at": at, "cause": cause.value, "expected": expected}
        statement = SUPERSEDE if expected is None else SUPERSEDE_EXPECTED
        with self._durable(True) as connection:
            found = connection.execute(statement, values).fetchall()
        if found:
            self._ears.tell(Ending(subject=subject))
        return Epoch(value=found[0][0], cause=cause) if found else None

    @_guarded
    def of_subject(self, subject: str, *, live: bool = False) -> Sequence[Session]:
        """Return the rows of the subject, or only the live ones; an ended row is not even read then."""
        rows = self._rows(LIVING if live else OF_SUBJECT, (subject,))
        return [row for row in rows if row.subject == subject and (row.live or not live)]

    @_guarded
    def of_upstream(self, issuer: str, sid: str) -> Sequence[Session]:
        """Return the rows that depend on this session of an identity provider."""
        query = "SELECT sid, record FROM sessions WHERE issuer = ? AND upstream = ? AND issuer <> ''"
        return [row for row in self._rows(query, (issuer, sid)) if row.upstream == (issuer, sid)]

    @_guarded
    def due(self, before: int, limit: int) -> Sequence[Session]:
        """Return live rows whose deadline has passed, the most overdue first.

        The limit counts what can be read: unreadable rows must not stand before the others for ever. They are
        told by one line where the list ends, so once a sweep, however many batches it takes.
        """
        rows: list[Session] = []
        unreadable = 0
        for sid, record in self._connection.execute(DUE, (before,)):
            if len(rows) == limit:
                break
            row = readable(sid, record, quiet=True)
            if row is None:
                unreadable += 1
            else:
                rows.append(row)
        if unreadable and len(rows) < limit:
            log_unreadable(unreadable)
        return rows

    @_guarded
    def purge(self, before: int, limit: int) -> int:
        """Forget rows that ended before, and unreadable ones whose deadline was before."""
        with self._durable(False) as connection:
            connection.execute("DELETE FROM marks WHERE until < ?", (before,))
            gone = connection.execute(PURGE, (before, limit)).rowcount
            return gone + connection.executemany(FORGET, self._unreadable(before - 1, limit - gone)).rowcount

    @_guarded
    def mark(self, name: str, until: int) -> bool:
        """Remember the name; tell whether this was the first time."""
        with self._durable(True) as connection:
            first = connection.execute(MARK, (name, until)).rowcount == 1
            if not first:
                connection.execute("UPDATE marks SET until = max(until, ?) WHERE name = ?", (until, name))
            return first

    def subscribe(self, ear: Ear) -> Subscription:
        """Call ``ear`` when sessions end: at once for this process, within half a second for another one.

        SQLite does not tell what another process did, so after any write to the file the ear is told to look again.
        """
        return self._ears.subscribe(ear)

    def prepare(self) -> Sequence[str]:
        """Say whether the tables were made when this store was opened, which is when they are."""
        done, self._prepared = self._prepared, []
        return done

    @_guarded
    def inspect(self) -> Sequence[Finding]:
        """Look at the file, its settings and the disk that it lies on."""
        return list(operating.inspect(self._connection, self.path))

    @_guarded
    def census(self, progress: Callable[[int], object]) -> Census:
        """Count all rows, and the bytes of the file and of its log."""
        return operating.census(self._connection, self.path, progress)

    def _rows(self, query: str, values: tuple[Any, ...]) -> Iterator[Session]:
        found = self._connection.execute(query, values)
        return (row for sid, record in found if (row := readable(sid, record)) is not None)

    def _unreadable(self, before: int, limit: int) -> list[tuple[str, Any]]:
        """Give overdue rows that cannot be read, as they are; the SELECT is closed, or it would fail a write."""
        with closing(self._connection.execute(DUE, (before,))) as overdue:
            unreadable = ((sid, record) for sid, record in overdue if readable(sid, record, quiet=True) is None)
            return list(islice(unreadable, limit))

    @_guarded
    def _initialise(self) -> None:
        """Create the schema, or check that it is ours; several processes may start at once."""
        self._version()  # before anything of a file that is another program's is changed
        with self._exclusively() as connection:
            version = self._version()
            for statement in SCHEMA.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            if version == 0:
                self._prepared.append(f"made the tables of schema {SCHEMA_VERSION} in {self.path}")

    def _version(self) -> int:
        """Read the schema's version, 0 for an empty file. Raises ``InvalidSetting`` for what is not ours."""
        version, tables = self._connection.execute(WHOSE).fetchone()
        if version not in (0, SCHEMA_VERSION):
            advice = f"its schema is {version}, and this release reads {SCHEMA_VERSION}; use the one that wrote it"
            raise InvalidSetting("path", str(self.path), advice)
        if version == 0 and tables:
            raise InvalidSetting("path", str(self.path), "it holds tables of another program; name a file of its own")
        return int(version)
