"""What operators ask of PostgreSQL: tables, settings, counts. On a connection of its own, without haste."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from statistics import median
from time import perf_counter
from typing import Any, Final

import psycopg

from ..operating import EVERY, Census, Finding, tallied
from .schema import SCHEMA_VERSION, migrate, migrations
from .statements import VERSION
from .wire import Address, unavailable

Connection = psycopg.Connection[tuple[Any, ...]]

OLDEST: Final = 140_000  # PostgreSQL 14
SLOW: Final = 5.0  # milliseconds for a statement that reads nothing: each request waits so long
TABLES: Final = ("sessions", "epochs", "marks")

# What each setting has to be, and what an acknowledged logout is worth if it is not.
WANTED: Final = {
    "fsync": ("on", "a crash of the machine may lose ends, or the whole database: turn it on"),
    "full_page_writes": ("on", "a crash of the machine may spoil pages: turn it on"),
    "synchronous_commit": (
        "on",
        "it is not 'on': see docs/stores/postgres.md for what an acknowledged logout is then worth",
    ),
    "default_transaction_read_only": ("off", "nothing can be written: nobody can log in or out"),
    "autovacuum": ("on", "old versions of rows are never removed: turn it on"),
}
STRONGER: Final = {"synchronous_commit": ("on", "remote_apply")}


@contextmanager
def connected(address: Address) -> Iterator[Connection]:
    """Open a connection for one piece of work. Raises ``StoreUnavailable``."""
    try:
        with closing(psycopg.connect(address.text, autocommit=True)) as connection:
            yield connection
    except psycopg.Error as error:
        raise unavailable(error) from error


def prepare(address: Address) -> Sequence[str]:
    """Make the tables, or bring them to this release's version."""
    with connected(address) as connection:
        return [f"ran sql/{name}" for name in migrate(connection, migrations())]


def inspect(address: Address) -> Sequence[Finding]:
    """Look at the server, primary or not."""
    with connected(address) as connection:
        return [
            _version(connection),
            _role(connection),
            *_settings(connection),
            *_tables(connection),
            _pace(connection),
        ]


def _version(connection: Connection) -> Finding:
    number = connection.info.server_version
    advice = "" if number >= OLDEST else "PostgreSQL 14 or newer is what this store is written for: upgrade"
    return Finding(what="version", value=f"PostgreSQL {number // 10_000}.{number % 10_000}", advice=advice)


def _role(connection: Connection) -> Finding:
    if _one(connection, "SELECT pg_is_in_recovery()"):
        return Finding(what="role", value="replica", advice="let the address lead to the primary: nothing works here")
    return Finding(what="role", value="primary")


def _settings(connection: Connection) -> Iterator[Finding]:
    for name, (wanted, advice) in WANTED.items():
        value = _one(connection, f"SELECT current_setting('{name}')")
        fine = value in STRONGER.get(name, (wanted,))
        yield Finding(what=name, value=value, advice="" if fine else advice)


def _tables(connection: Connection) -> Iterator[Finding]:
    try:
        version = _one(connection, VERSION.decode())
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        yield Finding(what="schema", value="missing", advice="run `sessioncore store init`")
        return
    advice = "" if version == SCHEMA_VERSION else f"this release's is {SCHEMA_VERSION}: run `sessioncore store init`"
    yield Finding(what="schema", value=str(version), advice=advice)


def _pace(connection: Connection) -> Finding:
    taken = []
    for _ in range(20):
        began = perf_counter()
        _one(connection, "SELECT 1")
        taken.append((perf_counter() - began) * 1000)
    advice = "" if median(taken) < SLOW else "each request waits so long: bring application and database together"
    return Finding(what="latency", value=f"{median(taken):.2f} ms", advice=advice)


def census(address: Address, progress: Callable[[int], object]) -> Census:
    """Read all rows in batches, from one snapshot."""
    with connected(address) as connection:
        subjects = _one(connection, "SELECT count(*) FROM sessioncore.epochs")
        size = sum(_one(connection, f"SELECT pg_total_relation_size('sessioncore.{name}')") for name in TABLES)
        with connection.transaction(), connection.cursor("census", binary=True) as rows:
            rows.itersize = EVERY
            rows.execute("SELECT sid, record FROM sessioncore.sessions")
            states, unreadable = tallied(rows, progress)
    return Census(by_state=states, unreadable=unreadable, subjects=subjects, size=size)


def _one(connection: Connection, question: str) -> Any:
    found = connection.execute(question.encode()).fetchone()
    assert found is not None, "it always has one row"
    return found[0]
