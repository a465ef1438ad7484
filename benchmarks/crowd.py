"""Fill stores with many signed-in sessions, and hold the cookies of a few browsers among them."""

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from attrs import evolve

from sessioncore import Kind, Policy, Session, State
from sessioncore.flows import proof_of
from sessioncore_io.codec import encode
from sessioncore_io.memory import MemoryStore
from sessioncore_io.sqlite import SqliteStore
from sessioncore_io.sqlite.statements import INSERT
from sessioncore_io.world import new_secret, wall_clock

from .drive import jar

ALICE: Final = "alice"  # has one session
LEGION: Final = "legion"  # has as many as are asked for

BEGAN: Final = wall_clock()

SECRET: Final = new_secret()  # of all of them


def signed_in() -> Session:
    """Give the session of a browser that said "remember me"."""
    policy = Policy()
    return Session(
        sid="",
        proof=proof_of(SECRET),
        state=State.AUTHENTICATED,
        subject=ALICE,
        first=Kind.KNOWLEDGE,
        methods=("pwd",),
        epoch=BEGAN,
        created_at=BEGAN,
        authenticated_at=BEGAN,
        seen_at=BEGAN,
        since=BEGAN,
        idle=policy.remembered.idle,
        lifetime=policy.remembered.lifetime,
        remembered=True,
        data=(("theme", '"dark"'),),
    )


def sid_of(number: int) -> str:
    """Give the selector of a row by its number."""
    return f"{number:022d}"


def rows(size: int, legion: int) -> Iterator[Session]:
    """Give ``size`` sessions, ten a subject, and ``legion`` more of one subject."""
    one = signed_in()
    for number in range(size):
        yield evolve(one, sid=sid_of(number), subject=f"user-{number // 10}" if number else ALICE)
    for number in range(size, size + legion):
        yield evolve(one, sid=sid_of(number), subject=LEGION)


def cookies(size: int, browsers: int) -> list[str]:
    """Give the Cookie headers of some browsers, spread evenly among ``size`` sessions."""
    tokens = [sid_of(number * size // browsers) + SECRET for number in range(browsers)]
    return [jar([f"__Host-session={token}"]) for token in tokens]


def in_memory(size: int, legion: int = 0) -> MemoryStore:
    """Fill a memory store."""
    store = MemoryStore()
    for row in rows(size, legion):
        store.mint(row.subject, row.epoch)
        store.swap(None, row)
    return store


def in_sqlite(path: Path, size: int, legion: int = 0) -> SqliteStore:
    """Fill a SQLite store."""
    into_sqlite(path, rows(size, legion))
    return SqliteStore(path)


def into_sqlite(path: Path, rows: Iterable[Session]) -> None:
    """Fill a file in one transaction and past the store: a million durable swaps would take an hour."""
    SqliteStore(path)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN")
    connection.executemany(INSERT, map(_values, rows))
    connection.execute("INSERT INTO epochs (subject, value) SELECT DISTINCT subject, ? FROM sessions", (BEGAN,))
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _values(row: Session) -> tuple[str | int | bytes, ...]:
    return (row.sid, row.version, row.proof, row.subject, *row.upstream, row.deadline, row.ended_at, encode(row))
