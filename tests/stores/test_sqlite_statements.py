"""What SQLite is asked: by indexes that hold no more rows than they are for, and in an order that is asked for."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Final

import pytest

from sessioncore.records import NEVER
from sessioncore.testing.clock import START
from sessioncore.testing.rows import HOUR, ended, guest
from sessioncore_io.sqlite import SqliteStore
from sessioncore_io.sqlite.statements import DUE, LIVING, OF_SUBJECT, PURGE, SCHEMA

# Each with the question that it answers, and one that it could answer only if it held rows that it is not for.
INDEXES: Final = {
    "sessions_of_subject": (OF_SUBJECT, "subject = ''"),
    "sessions_living": (LIVING, "subject <> ''"),
    "sessions_of_upstream": ("SELECT sid FROM sessions WHERE issuer = ? AND issuer <> ''", "issuer = ''"),
    "sessions_due": (DUE, f"ended_at < {NEVER}"),
    "sessions_ended": (PURGE, f"ended_at = {NEVER}"),
}


@pytest.fixture
def tables() -> Iterator[sqlite3.Connection]:
    """Make the tables, in memory."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(SCHEMA)
        yield connection


def plan_of(tables: sqlite3.Connection, query: str) -> str:
    """Say how SQLite finds what is asked for."""
    steps = tables.execute(f"EXPLAIN QUERY PLAN {query}", [""] * query.count("?"))
    return " ".join(step for *_, step in steps)


@pytest.mark.parametrize("index", INDEXES)
def test_each_question_is_answered_by_the_index_that_is_made_for_it(tables: sqlite3.Connection, index: str) -> None:
    assert f"INDEX {index} " in plan_of(tables, INDEXES[index][0])


@pytest.mark.parametrize("index", INDEXES)
def test_an_index_holds_no_rows_that_it_is_not_asked_for(tables: sqlite3.Connection, index: str) -> None:
    """Guests are in no index of subjects, tombstones in none of the living: a store is mostly such rows."""
    for rows in (INDEXES[index][1], "1"):
        with pytest.raises(sqlite3.OperationalError, match="no query solution"):
            plan_of(tables, f"SELECT sid FROM sessions INDEXED BY {index} WHERE {rows}")


def test_no_question_sorts_what_an_index_has_in_order(tables: sqlite3.Connection) -> None:
    assert ["TEMP B-TREE" in plan_of(tables, query) for query, _ in INDEXES.values()] == [False] * len(INDEXES)


# Whichever way SQLite finds the rows: without the index, it comes by them in the order of their keys.


def test_the_most_overdue_are_due_first_whatever_they_are_found_by(sqlite: SqliteStore) -> None:
    sqlite._connection.execute("DROP INDEX sessions_due")
    rows = [guest(letter * 22, at=START - number) for number, letter in enumerate("abc")]
    for row in rows:
        sqlite.swap(None, row)

    assert list(sqlite.due(START + HOUR, 2)) == [rows[2], rows[1]]


def test_what_ended_first_is_forgotten_first_whatever_it_is_found_by(sqlite: SqliteStore) -> None:
    sqlite._connection.execute("DROP INDEX sessions_ended")
    rows = [ended(guest(letter * 22), START + 9 - number) for number, letter in enumerate("abc")]
    for row in rows:
        sqlite.swap(None, row)

    assert sqlite.purge(START + HOUR, 2) == 2
    assert [sqlite.load(row.sid)[0] for row in rows] == [rows[0], None, None]
