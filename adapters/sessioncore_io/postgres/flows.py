"""What ``PostgresStore`` and ``AsyncPostgresStore`` say to the server: one statement, one round trip, one row.

Each method of the port is a flow that yields statements and is sent their rows; who awaits the answer and who
blocks for it is not known here. Every write is one statement that is its own transaction and names the row that
it replaces, so nothing depends on the isolation level.
"""

from collections.abc import Sequence
from typing import Any, Final

from attrs import frozen

from sessioncore import Epoch, Reason, Session, StoreUnavailable
from sessioncore.effects import Effect, Flow

from ..codec import encode, epoch_of, joined, log_unreadable, readable
from ..durability import must_last
from . import statements as sql

Rows = list[tuple[Any, ...]]

SWEEP: Final = 3_600_000
BATCH: Final = 1_000


@frozen
class Statement(Effect[Rows]):
    """Send one statement and give its rows; one that only ``reads`` may be sent again when a connection broke."""

    text: bytes
    values: tuple[Any, ...] = ()
    reads: bool = False


def loading(sid: str) -> Statement:
    """Ask for the row and its subject's epoch: nearly every request does just this, so without a flow around it."""
    return Statement(sql.LOAD, (sid,), True)


def loaded(sid: str, rows: Rows) -> tuple[Session | None, Epoch | None]:
    """Understand the answer to ``LOAD``."""
    if not rows:
        return None, None
    *found, replica = rows[0]
    _refuse_replica(replica)
    return joined(sid, *found)


def swap(old: Session | None, new: Session, announce: bool) -> Flow[bool]:
    """Insert, or replace exactly the old row; say it to those who listen if this is an end."""
    values = (
        new.sid,
        new.version,
        new.deadline,
        new.deadline - new.deadline % SWEEP,
        new.ended_at,
        new.subject,
        *new.upstream,
        encode(new),
    )
    if old is None:
        rows = yield from Statement(sql.INSERT, values).ask()
    else:
        rows = yield from Statement(_update(old, new, announce), (*values, old.version, encode(old))).ask()
    return len(rows) == 1


def _update(old: Session, new: Session, announce: bool) -> bytes:
    if not new.live:
        return sql.END if announce else sql.UPDATE
    return sql.UPDATE if must_last(old, new) else sql.UPDATE_LIGHTLY


def epoch(subject: str) -> Flow[Epoch | None]:
    """Read the subject's epoch."""
    return known((yield from Statement(sql.EPOCH, (subject,), reads=True).ask()))


def known(rows: Rows) -> Epoch | None:
    """Understand the answer to ``EPOCH``."""
    if not rows:
        return None
    *found, replica = rows[0]
    _refuse_replica(replica)
    return epoch_of(*found)


def mint(subject: str, at: int) -> Flow[Epoch]:
    """Insert the epoch if there is none, and read what stands."""
    rows = yield from Statement(sql.MINT, (subject, at)).ask()
    standing = epoch_of(*rows[0])
    assert standing is not None, "its value is never null"
    return standing


def supersede(subject: str, at: int, cause: Reason, expected: int | None, announce: bool) -> Flow[Epoch | None]:
    """Move the epoch on, if it is the expected one, and say it to those who listen."""
    values: tuple[Any, ...] = (subject, at, cause.value)
    text = sql.SUPERSEDE
    if expected is not None:
        text, values = sql.SUPERSEDE_EXPECTED, (*values, expected)
    rows = yield from Statement(text + (sql.ANNOUNCE_MOVED if announce else sql.MOVED), values).ask()
    return Epoch(value=rows[0][0], cause=cause) if rows else None


def of_subject(subject: str, live: bool) -> Flow[Sequence[Session]]:
    """List the subject's rows."""
    rows = yield from Statement(sql.LIVING if live else sql.OF_SUBJECT, (subject,), reads=True).ask()
    return [row for row in _sessions(rows) if row.subject == subject and (row.live or not live)]


def of_upstream(issuer: str, sid: str) -> Flow[Sequence[Session]]:
    """List the rows of a session at an identity provider."""
    rows = yield from Statement(sql.OF_UPSTREAM, (issuer, sid), reads=True).ask()
    return [row for row in _sessions(rows) if row.upstream == (issuer, sid)]


def due(before: int, limit: int) -> Flow[Sequence[Session]]:
    """List overdue rows.

    The limit counts what can be read: unreadable rows must not stand before the others for ever. They are told by
    one line where the list ends, so once a sweep, however many batches it takes.
    """
    found: list[Session] = []
    unreadable, after = 0, sql.FIRST
    while len(found) < limit:
        rows = yield from Statement(sql.DUE, (before, *after, limit), reads=True).ask()
        readables = [row for sid, record, *_ in rows if (row := readable(sid, record, quiet=True))]
        unreadable += len(rows) - len(readables)
        found += readables
        if len(rows) < limit:
            break
        after = _place(rows[-1])
    if unreadable and len(found) < limit:
        log_unreadable(unreadable)
    return found[:limit]


def purge(before: int, limit: int) -> Flow[int]:
    """Forget marks and tombstones of before, and unreadable rows whose deadline was before."""
    while (yield from Statement(sql.PURGE_MARKS, (before, BATCH)).ask())[0][0] == BATCH:
        pass
    ((gone,),) = yield from Statement(sql.PURGE, (before, limit)).ask()
    after = sql.FIRST
    while gone < limit:
        rows = yield from Statement(sql.DUE, (before - 1, *after, BATCH), reads=True).ask()
        spoilt = [(sid, bytes(record)) for sid, record, *_ in rows if readable(sid, record, quiet=True) is None]
        for row in spoilt[: limit - gone]:
            gone += len((yield from Statement(sql.FORGET, row).ask()))
        if len(rows) < BATCH:
            break
        after = _place(rows[-1])
    return int(gone)


def mark(name: str, until: int) -> Flow[bool]:
    """Remember the name, or remember it longer."""
    first = yield from Statement(sql.MARK, (name, until)).ask()
    if not first:
        yield from Statement(sql.MARK_LONGER, (name, until)).ask()
    return bool(first)


def _sessions(rows: Rows) -> list[Session]:
    return [row for sid, record in rows if (row := readable(sid, record)) is not None]


def _place(row: tuple[Any, ...]) -> tuple[int, int, str]:
    sid, _, sweep_at, deadline = row
    return sweep_at, deadline, sid


def _refuse_replica(replica: bool) -> None:
    """Refuse what a replica says: it may not have heard of an end yet."""
    if replica:
        raise StoreUnavailable("PostgreSQL: a replica answered; let the connection lead to the primary")
