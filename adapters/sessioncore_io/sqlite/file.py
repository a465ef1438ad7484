"""Connections to a SQLite file: one a thread and process, because SQLite's may not cross a fork."""

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final
from weakref import WeakSet

from sessioncore import InvalidSetting

from ..settings import checked_patience


class _Connection(sqlite3.Connection):
    """Close when the thread that held it has ended: Python 3.13 warns of connections that are only forgotten."""

    def __del__(self) -> None:
        with suppress(sqlite3.ProgrammingError):  # the file could not be opened
            self.close()


class _Held(threading.local):
    """Hold a thread's connection, the process that opened it, and whether its writes reach the disk."""

    connection: sqlite3.Connection | None = None
    pid = 0
    full = True


class SqliteFile:
    """Hold the connections to one file in WAL mode, each in its thread."""

    def __init__(self, path: str | Path, patience: float) -> None:
        if not isinstance(path, str | os.PathLike) or "\0" in str(path):
            raise InvalidSetting("path", path, "name a file, as text without a NUL or as a pathlib.Path")
        if str(path) in ("", ":memory:"):
            raise InvalidSetting("path", str(path), "name a file; without one, use MemoryStore")
        if str(path).startswith("sqlite:"):
            raise InvalidSetting("path", str(path), "name the file itself; URLs are for the command, sessioncore store")
        self.path = Path(path).absolute()  # other threads open it too, and after a chdir
        self.patience = checked_patience(patience, least=0)
        self._local = _Held()
        _files.add(self)

    def close(self) -> None:
        """Close this thread's connection; others close theirs when their thread ends."""
        if self._local.connection is not None:
            self._local.connection.close()
            self._local.connection = None

    def _make(self) -> None:
        """Make the file for few eyes: what sessions hold is no affair of everybody on the machine."""
        with suppress(OSError):  # it is there, or SQLite will say why it cannot be
            self.path.touch(mode=0o640, exist_ok=False)

    @property
    def _connection(self) -> sqlite3.Connection:
        local = self._local
        connection = local.connection
        if connection is None or local.pid != os.getpid():
            connection = local.connection = self._connect()
            local.pid = os.getpid()
            local.full = True
        return connection

    def _connect(self) -> sqlite3.Connection:
        self._make()
        connection = sqlite3.connect(
            self.path, timeout=self.patience, isolation_level=None, check_same_thread=False, factory=_Connection
        )
        connection.execute("PRAGMA synchronous = FULL")
        return connection

    @contextmanager
    def _durable(self, matters: bool) -> Iterator[sqlite3.Connection]:
        """Give the connection, set to reach the disk before it answers if the write matters."""
        connection = self._connection
        if self._local.full is not matters:
            connection.execute(f"PRAGMA synchronous = {'FULL' if matters else 'NORMAL'}")
            self._local.full = matters
        yield connection

    @contextmanager
    def _exclusively(self) -> Iterator[sqlite3.Connection]:
        connection = self._connection
        self._switch_to_wal(connection)
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def _switch_to_wal(self, connection: sqlite3.Connection) -> None:
        """Switch the journal, which SQLite does not wait for: another process may be doing the same."""
        give_up_at = time.monotonic() + self.patience
        while connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
            try:
                (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
            except sqlite3.OperationalError:
                if time.monotonic() > give_up_at:
                    raise
                time.sleep(0.01)
            else:
                if mode != "wal":
                    raise sqlite3.OperationalError("this file system cannot hold a write-ahead log")


def _close_all() -> None:
    """Close this thread's connections before it forks: a server may load the application and then its workers."""
    for file in list(_files):
        file.close()


_files: Final["WeakSet[SqliteFile]"] = WeakSet()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_close_all)
