"""Every store keeps the contract that ``sessioncore.testing`` offers to others."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import pytest
from tests.stores.awaiting import AwaitingStore

from sessioncore.testing.contracts import AsyncStoreContract, StoreContract
from sessioncore.testing.contracts.promises import EpochPromises, ListPromises, RowPromises
from sessioncore.testing.model import ModelStore
from sessioncore_io.memory import MemoryStore
from sessioncore_io.sqlite import SqliteStore


class TestModelStore(RowPromises, EpochPromises, ListPromises):
    """The reference, which one caller at a time may use."""

    @pytest.fixture
    def plain(self) -> ModelStore:
        """Give an empty store."""
        return ModelStore()


class TestMemoryStore(StoreContract):
    """Memory has nothing to reopen, to damage or to cut off."""

    @pytest.fixture
    def store(self) -> MemoryStore:
        """Give an empty store."""
        return MemoryStore()


class TestSqliteStore(StoreContract):
    """SQLite, with every hook."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[SqliteStore]:
        """Give an empty store."""
        with closing(SqliteStore(tmp_path / "sessions.db", patience=30)) as store:
            yield store

    def reopen(self, store: SqliteStore) -> SqliteStore:
        """Open the file anew."""
        store.close()
        return SqliteStore(store.path)

    def opener(self, store: SqliteStore) -> Callable[[], SqliteStore]:
        """Open the file in another process."""
        return partial(SqliteStore, store.path, patience=30)

    def damage(self, store: SqliteStore, sid: str) -> None:
        """Flip the record's last byte."""
        with closing(sqlite3.connect(store.path)) as connection, connection:
            (record,) = connection.execute("SELECT record FROM sessions WHERE sid = ?", (sid,)).fetchone()
            spoilt = record[:-1] + bytes([record[-1] ^ 1])
            connection.execute("UPDATE sessions SET record = ? WHERE sid = ?", (spoilt, sid))

    @contextmanager
    def cut_off(self, store: SqliteStore) -> Iterator[None]:
        """Put a directory where the file was."""
        store.close()
        aside = store.path.with_suffix(".aside")
        store.path.rename(aside)
        store.path.mkdir()
        yield
        store.path.rmdir()
        aside.rename(store.path)


class TestAwaitingStore(AsyncStoreContract):
    """A small awaited store."""

    @pytest.fixture
    def store(self) -> AwaitingStore:
        """Give an empty store."""
        return AwaitingStore()
