"""Every store, one after the other, under the same tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sessioncore import Store
from sessioncore.testing.model import ModelStore
from sessioncore_io.memory import MemoryStore
from sessioncore_io.sqlite import SqliteStore


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[SqliteStore]:
    """Give an empty SQLite store."""
    store = SqliteStore(tmp_path / "sessions.db")
    yield store
    store.close()


@pytest.fixture(params=["model", "memory", "sqlite"])
def store(request: pytest.FixtureRequest) -> Store:
    """Give an empty store of each kind; the model is the contract itself."""
    if request.param == "sqlite":
        made: Store = request.getfixturevalue("sqlite")
        return made
    return ModelStore() if request.param == "model" else MemoryStore()
