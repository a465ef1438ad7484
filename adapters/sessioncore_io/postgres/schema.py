"""The tables and their versions: plain SQL files, each run once, by whoever comes first."""

from importlib.resources import files
from typing import Final

import psycopg
from attrs import frozen

from .flows import Rows
from .statements import VERSION
from .wire import WrongSchema

# Several processes may prepare at once: the others wait for this lock, and find the work done.
LOCK: Final = b"SELECT pg_advisory_xact_lock(7526433842601)"  # "sessn" on a telephone's keys, and so nobody else's
PRESENT: Final = b"SELECT to_regclass('sessioncore.schema_version') IS NOT NULL"


@frozen
class Migration:
    """Hold one file of SQL, which makes this version of the one before."""

    version: int
    name: str
    text: str


def migrations() -> list[Migration]:
    """Read the files of this release, in order."""
    found = [file for file in (files("sessioncore_io.postgres") / "sql").iterdir() if file.name[:3].isdigit()]
    made = [Migration(int(file.name[:3]), file.name, file.read_text(encoding="utf-8")) for file in found]
    return sorted(made, key=lambda migration: migration.version)


SCHEMA_VERSION: Final = 1


def check(rows: Rows) -> None:
    """Check that the tables are those of this release. Raises ``WrongSchema``."""
    version = rows[0][0] if rows else 0
    if version < SCHEMA_VERSION:
        told = f"PostgreSQL: its tables have version {version}, and this release needs {SCHEMA_VERSION}"
        raise WrongSchema(f"{told}; run `sessioncore store init` with the address of this database")
    if version > SCHEMA_VERSION:
        told = f"PostgreSQL: its tables have version {version}, and this release knows {SCHEMA_VERSION}"
        raise WrongSchema(f"{told}; use the release whose `sessioncore store init` made them, or a later one")


def migrate(connection: psycopg.Connection[tuple[object, ...]], known: list[Migration]) -> list[str]:
    """Run what has not been run yet, all in one transaction; give the names of the files."""
    with connection.transaction():
        connection.execute(LOCK)
        standing = 0
        if connection.execute(PRESENT).fetchall() == [(True,)]:
            standing = connection.execute(VERSION).fetchall()[0][0]  # type: ignore[assignment]
        if standing > SCHEMA_VERSION:
            check([(standing,)])
        missing = [migration for migration in known if migration.version > standing]
        for migration in missing:
            connection.execute(migration.text.encode())
    return [migration.name for migration in missing]
