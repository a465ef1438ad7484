"""Fill stores with many signed-in sessions, and hold the cookies of a few browsers among them."""

import sqlite3
from collections.abc import Iterator
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

BROWSERS: Final = 10
ALICE: Final = "alice"  # has one session
LEGION: Final = "legion"  # has as many as are asked for

BEGAN: Final = wall_clock()

_SECRETS: Final = [new_secret() for _ in range(BROWSERS)]


def _session() -> Session:
    policy = Policy()
    return Session(
        sid="",
        proof=proof_of(_SECRETS[0]),
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


def _sid(number: int) -> str:
    return f"{number:022d}"


def rows(size: int, legion: int) -> Iterator[Session]:
    """Give ``size`` sessions, ten a subject, and ``legion`` more of one subject.

    Ours are spread evenly among them.
    """
    one = _session()
    ours = {number * size // BROWSERS: secret for number, secret in enumerate(_SECRETS)}
    for number in range(size):
        proof = proof_of(ours[number]) if number in ours else one.proof
        yield evolve(one, sid=_sid(number), proof=proof, subject=f"user-{number // 10}" if number else ALICE)
    for number in range(size, size + legion):
        yield evolve(one, sid=_sid(number), subject=LEGION)


def cookies(size: int) -> list[str]:
    """Give the Cookie headers of our browsers among ``size`` sessions."""
    tokens = [_sid(number * size // BROWSERS) + secret for number, secret in enumerate(_SECRETS)]
    return [jar([f"__Host-session={token}"]) for token in tokens]


def in_memory(size: int, legion: int = 0) -> MemoryStore:
    """Fill a memory store."""
    store = MemoryStore()
    for row in rows(size, legion):
        store.mint(row.subject, row.epoch)
        store.swap(None, row)
    return store


def in_sqlite(path: Path, size: int, legion: int = 0) -> SqliteStore:
    """Fill a SQLite store, in one transaction and past the store: a million durable swaps would take an hour."""
    store = SqliteStore(path)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN")
    connection.executemany(INSERT, map(_values, rows(size, legion)))
    connection.execute("INSERT INTO epochs (subject, value) SELECT DISTINCT subject, ? FROM sessions", (BEGAN,))
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return store


def _values(row: Session) -> tuple[str | int | bytes, ...]:
    return (row.sid, row.version, row.proof, row.subject, *row.upstream, row.deadline, row.ended_at, encode(row))
