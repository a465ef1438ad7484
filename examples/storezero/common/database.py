"""Each part's own tables, beside those of its sessions: one file a part, one connection a statement."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any


class Database:
    """Run statements on the file at ``path``, from any thread."""

    def __init__(self, path: Path, schema: str) -> None:
        self.path = path
        with closing(self._connect()) as connection:
            connection.executescript(schema)

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
