"""What a SQLite store says: of a file that fails, whichever way it is asked; of one that is not its own; of its own."""

import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing
from inspect import getdoc
from pathlib import Path
from typing import Final

import pytest

from sessioncore import InvalidSetting, StoreUnavailable
from sessioncore.testing.clock import START
from sessioncore.testing.contracts.store import CALLS as OF_THE_PORT
from sessioncore.testing.rows import HOUR, user
from sessioncore_io.sqlite import SqliteStore

CALLS: Final[dict[str, Callable[[SqliteStore], object]]] = {
    **OF_THE_PORT,
    "inspect": lambda store: store.inspect(),
    "census": lambda store: store.census(print),
}


# Nearly all of them are wrapped, by ``_guarded``: help sees through that.


@pytest.mark.parametrize("name", CALLS)
def test_help_says_of_each_call_what_it_does(name: str) -> None:
    call = getattr(SqliteStore, name)

    assert (call.__name__, bool(getdoc(call))) == (name, True)


def said_by(store: SqliteStore, call: Callable[[SqliteStore], object]) -> str:
    """Give what it says when it is unavailable."""
    with pytest.raises(StoreUnavailable) as unavailable:
        call(store)
    return str(unavailable.value)


def test_a_store_whose_connection_is_gone_is_unavailable_whatever_it_is_asked(sqlite: SqliteStore) -> None:
    sqlite._connection.close()
    said = {said_by(sqlite, call) for call in CALLS.values()}

    assert said == {
        f"SQLite: Cannot operate on a closed database.: {sqlite.path}; check the file, its disk and its permissions"
    }


def test_a_write_waits_two_seconds_for_another_process_unless_it_is_told_otherwise(sqlite: SqliteStore) -> None:
    assert sqlite._connection.execute("PRAGMA busy_timeout").fetchone() == (2_000,)


# -- its own file, and those of others ---------------------------------------------------------------------------


def test_tables_that_were_made_are_told_once_and_only_by_who_made_them(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    with closing(SqliteStore(path)) as first, closing(SqliteStore(path)) as second:
        assert list(first.prepare()) == [f"made the tables of schema 1 in {path}"]
        assert list(first.prepare()) == []
        assert list(second.prepare()) == []


def test_a_file_of_another_program_is_refused_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE notes (text)")

    with pytest.raises(InvalidSetting) as refused:
        SqliteStore(path)
    assert str(refused.value) == f"path = {str(path)!r}: it holds tables of another program; name a file of its own"


def test_a_file_of_a_newer_release_is_refused_by_its_path_and_both_schemas(tmp_path: Path) -> None:
    path = tmp_path / "newer.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 7")

    with pytest.raises(InvalidSetting) as refused:
        SqliteStore(path)
    advice = "its schema is 7, and this release reads 1; use the one that wrote it"
    assert str(refused.value) == f"path = {str(path)!r}: {advice}"


def test_a_purge_says_nothing_of_what_it_forgets_unread(sqlite: SqliteStore, caplog: pytest.LogCaptureFixture) -> None:
    """The sweep has told of it; the purge is its end."""
    sqlite.swap(None, user())
    sqlite._connection.execute("UPDATE sessions SET record = X'00'")

    with caplog.at_level(logging.DEBUG, "sessioncore"):
        assert sqlite.purge(START + 2 * HOUR, 10) == 1
    assert caplog.messages == []
