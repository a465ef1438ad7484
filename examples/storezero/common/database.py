"""The shop's own tables, beside those of the sessions: one file, one connection a statement."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Final

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS accounts (
    id TEXT PRIMARY KEY, name TEXT UNIQUE NOT NULL, greeting TEXT NOT NULL,
    password_hash TEXT NOT NULL, secret TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS spent_codes (account TEXT, step INTEGER, PRIMARY KEY (account, step));
CREATE TABLE IF NOT EXISTS links (proof TEXT PRIMARY KEY, account TEXT NOT NULL, expires_at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS mails (
    id INTEGER PRIMARY KEY, recipient TEXT NOT NULL, subject TEXT NOT NULL,
    body TEXT NOT NULL, link TEXT NOT NULL, sent_at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS orders (
    key TEXT PRIMARY KEY, account TEXT NOT NULL, placed_at INTEGER NOT NULL,
    items TEXT NOT NULL, cents INTEGER NOT NULL);
"""


class Database:
    """Run statements on the file at ``path``, from any thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with closing(self._connect()) as connection:
            connection.executescript(SCHEMA)

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Run one statement, store what it did, and return what it gave."""
        with closing(self._connect()) as connection, connection:
            return connection.execute(statement, values).fetchall()

    def changed(self, statement: str, *values: object) -> bool:
        """Run one statement and tell whether it changed a row."""
        with closing(self._connect()) as connection, connection:
            return connection.execute(statement, values).rowcount > 0

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=5)
