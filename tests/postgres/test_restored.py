"""What an older copy of the epochs brings back, and that the statements of docs/stores/README.md take it away again."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from attrs import frozen
from tests.postgres.test_split import signed_in

from sessioncore import Reason, Store
from sessioncore_io import Sessions
from sessioncore_io.memory import MemoryStore
from sessioncore_io.postgres import PostgresStore
from sessioncore_io.split import SplitStore
from sessioncore_io.sqlite import SqliteStore

PAGE: Final = Path(__file__).parents[2] / "docs" / "stores" / "README.md"


def told(kind: str) -> str:
    """Read from the page what an operator is told to run."""
    found = re.search(rf"<!-- restored: {kind} -->\n```sql\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


@frozen
class Place:
    """Hold a store for epochs, its table, and a connection to it for operators."""

    store: Store
    table: str
    connection: Any
    told: str

    def back_up(self) -> None:
        """Copy the epochs."""
        self.connection.execute(f"CREATE TABLE backup AS SELECT * FROM {self.table}")

    def restore(self) -> None:
        """Put the copy in their place."""
        self.connection.execute(f"DELETE FROM {self.table}")
        self.connection.execute(f"INSERT INTO {self.table} SELECT * FROM backup")

    def move_on(self) -> None:
        """Do what the page says."""
        self.connection.execute(self.told)


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Give a real store of each kind for which the page has a statement."""
    if request.param == "sqlite":
        path = tmp_path / "epochs.db"
        with closing(SqliteStore(path)) as file, closing(sqlite3.connect(path, isolation_level=None)) as connection:
            yield Place(file, "epochs", connection, told("sqlite"))
        return
    url = request.getfixturevalue("url")
    with closing(PostgresStore(url)) as store, psycopg.connect(url, autocommit=True) as server:
        yield Place(store, "sessioncore.epochs", server, told("postgres"))


@pytest.fixture
def sessions(place: Place) -> Sessions:
    """Give sessions in memory whose epochs are there."""
    return Sessions(SplitStore(sessions=MemoryStore(), epochs=place.store))


def test_an_older_copy_of_the_epochs_revives_what_a_reset_ended_and_nobody_used_since(
    sessions: Sessions, place: Place
) -> None:
    """A hole that the page names: no row says that its epoch was superseded."""
    stolen, used = signed_in(sessions), signed_in(sessions)
    place.back_up()
    sessions.reset_password("alice")
    was_dead = not sessions.open(used).signed_in
    late, new = signed_in(sessions), signed_in(sessions, "newcomer")
    place.restore()

    assert was_dead
    assert [sessions.open(token).signed_in for token in (stolen, used, late, new)] == [True, False, False, False]


def test_when_all_epochs_are_moved_on_no_user_is_signed_in_and_guests_stay(sessions: Sessions, place: Place) -> None:
    guest = sessions.open(None)
    guest["cart"] = 1
    guest.commit()
    stolen = signed_in(sessions)
    place.back_up()
    sessions.reset_password("alice")
    late = signed_in(sessions)
    place.restore()
    place.move_on()

    assert [sessions.open(token).signed_in for token in (stolen, late)] == [False, False]
    assert [one.reason for one in sessions.sessions_of("alice", ended=True)] == [Reason.ADMIN, Reason.ADMIN]
    assert sessions.open(guest.order.text)["cart"] == 1  # type: ignore[union-attr]
    assert sessions.open(signed_in(sessions)).signed_in
