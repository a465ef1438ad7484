"""A connection belongs to one thread of one process; a file that somebody else is preparing is waited for."""

import os
import sqlite3
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sessioncore import InvalidSetting, StoreUnavailable
from sessioncore.testing.clock import START
from sessioncore.testing.rows import SID, ended, guest, touched, user
from sessioncore_io.sqlite import SqliteStore


def level(store: SqliteStore) -> object:
    """Read whether this thread's writes reach the disk: 2 is FULL, 1 is NORMAL."""
    return store._connection.execute("PRAGMA synchronous").fetchone()[0]


def test_a_closed_connection_is_closed_although_somebody_still_holds_it(sqlite: SqliteStore) -> None:
    held = sqlite._connection
    sqlite.close()

    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        held.execute("SELECT 1")


def test_a_connection_that_another_process_opened_is_not_used(
    sqlite: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = sqlite._connection
    monkeypatch.setattr(os, "getpid", lambda: -1)
    ours = sqlite._connection

    assert ours is not theirs
    assert sqlite._connection is ours


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_thread_that_forks_has_closed_its_connections_before(sqlite: SqliteStore) -> None:
    held = sqlite._connection
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of Python 3.12, if other tests have left threads
        child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)

    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        held.execute("SELECT 1")
    assert sqlite.load(SID) == (None, None)


def test_a_connection_that_is_opened_anew_is_set_for_what_it_writes_first(sqlite: SqliteStore) -> None:
    old, new = user(), touched(user(), START + 1)
    sqlite.swap(None, old)
    sqlite.swap(old, new)
    sqlite.close()
    sqlite.swap(new, touched(new, START + 2))
    after_a_touch = level(sqlite)
    sqlite.close()
    sqlite.swap(touched(new, START + 2), ended(touched(new, START + 2), START + 3))

    assert (after_a_touch, level(sqlite)) == (1, 2)


def test_what_must_survive_a_power_loss_does_with_a_sqlite_that_was_built_to_hurry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some systems build it with another default than FULL."""
    connect = sqlite3.connect

    def hurrying(*args: Any, **named: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **named)
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection

    monkeypatch.setattr(sqlite3, "connect", hurrying)
    with closing(SqliteStore(tmp_path / "sessions.db")) as store:
        store.swap(None, user())

        assert level(store) == 2


def test_a_connection_that_is_forgotten_is_closed_by_whichever_thread_collects_it(sqlite: SqliteStore) -> None:
    """Python 3.13 warns of one that is not; here the collector is this thread, and the holder another one."""
    with ThreadPoolExecutor(1) as threads:
        held: Any = threads.submit(lambda: sqlite._connection).result()
    held.__del__()

    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        held.execute("SELECT 1")


def test_to_open_a_file_is_not_to_change_it(sqlite: SqliteStore) -> None:
    """Backups go by its times."""
    os.utime(sqlite.path, ns=(1, 1))
    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(sqlite.load, SID).result() == (None, None)

    assert sqlite.path.stat().st_mtime_ns == 1


# -- a file that others have a hand in -------------------------------------------------------------------------


@pytest.fixture
def other(tmp_path: Path) -> sqlite3.Connection:
    """Give another process's connection, which is about to prepare the file."""
    connection = sqlite3.connect(tmp_path / "new.db", isolation_level=None, timeout=0)
    connection.execute("PRAGMA user_version = 0")  # which writes the first page
    connection.execute("BEGIN IMMEDIATE")
    return connection


def test_a_new_file_that_is_locked_is_waited_for(
    tmp_path: Path, other: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    def let_go(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            other.execute("ROLLBACK")

    monkeypatch.setattr(time, "sleep", let_go)
    with closing(other), closing(SqliteStore(tmp_path / "new.db", patience=60)) as store:
        assert store.swap(None, guest())
        assert len(waits) == 3
        assert max(waits) < 0.1, "nobody waits much longer than the lock is held"


def test_a_new_file_that_stays_locked_is_unavailable(tmp_path: Path, other: sqlite3.Connection) -> None:
    with closing(other), pytest.raises(StoreUnavailable, match="locked"):
        SqliteStore(tmp_path / "new.db", patience=0.02)


def test_nobody_else_writes_from_the_moment_the_tables_are_looked_for(sqlite: SqliteStore) -> None:
    with closing(sqlite3.connect(sqlite.path, isolation_level=None, timeout=0)) as another:
        with sqlite._exclusively(), pytest.raises(sqlite3.OperationalError, match="locked"):
            another.execute("BEGIN IMMEDIATE")
        another.execute("BEGIN IMMEDIATE")


def interrupted(store: SqliteStore) -> None:
    """Make a table, and come to an end before the next."""
    with store._exclusively() as connection:
        connection.execute("CREATE TABLE half (made)")
        raise KeyboardInterrupt


def test_tables_that_are_not_all_made_are_not_made_at_all(sqlite: SqliteStore) -> None:
    """Whatever comes between, a Ctrl-C too: it is passed on, and the file is as it was and free for others."""
    with pytest.raises(KeyboardInterrupt):
        interrupted(sqlite)

    with closing(sqlite3.connect(sqlite.path, isolation_level=None, timeout=0)) as another:
        assert another.execute("SELECT * FROM sqlite_master WHERE name = 'half'").fetchall() == []
        another.execute("BEGIN IMMEDIATE")
        another.execute("ROLLBACK")
    assert sqlite.swap(None, guest())


def test_a_file_that_is_refused_is_not_left_locked(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "newer.db", isolation_level=None, timeout=0)) as connection:
        connection.execute("PRAGMA user_version = 7")

        with pytest.raises(InvalidSetting, match="7") as refused:
            SqliteStore(tmp_path / "newer.db")
        connection.execute("BEGIN IMMEDIATE")
        assert refused.value.name == "path"


@pytest.mark.parametrize("path", ["", ":memory:"])
def test_what_is_no_file_is_refused_by_name(path: str) -> None:
    with pytest.raises(InvalidSetting) as refused:
        SqliteStore(path)

    assert (refused.value.name, refused.value.value) == ("path", path)
