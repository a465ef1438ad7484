"""Rows that cannot be read do not stay for ever, and a sweep does not name them again and again."""

import logging
import sqlite3
from contextlib import closing
from typing import Final

import pytest

from sessioncore.flows import ending
from sessioncore.testing import Clock
from sessioncore.testing.clock import START
from sessioncore.testing.rows import HOUR, OTHER, SID, ended, guest, touched
from sessioncore_io import Sessions, codec
from sessioncore_io.sqlite import SqliteStore

DUE_AT: Final = START + HOUR


def spoil(store: SqliteStore, *sids: str, record: object = b"an old release") -> None:
    """Put bytes that are no record under these keys."""
    with closing(sqlite3.connect(store.path)) as connection, connection:
        connection.executemany("UPDATE sessions SET record = ? WHERE sid = ?", [(record, sid) for sid in sids])


def kept(store: SqliteStore) -> list[str]:
    """Give the selectors of all rows in the file, readable or not."""
    with closing(sqlite3.connect(store.path)) as connection:
        return [sid for (sid,) in connection.execute("SELECT sid FROM sessions ORDER BY sid")]


def some(store: SqliteStore, letters: str, at: int = START) -> list[str]:
    """Put a guest's row under each letter."""
    sids = [letter * 22 for letter in letters]
    for sid in sids:
        store.swap(None, guest(sid, at=at))
    return sids


@pytest.mark.parametrize("record", [b"", b"an old release", "text", 7, 7.5], ids=repr)
def test_an_unreadable_row_is_forgotten_once_its_deadline_is_of_before(sqlite: SqliteStore, record: object) -> None:
    sqlite.swap(None, guest())
    sqlite.swap(None, guest(OTHER))
    spoil(sqlite, SID, record=record)

    assert (sqlite.purge(DUE_AT, 10), kept(sqlite)) == (0, [SID, OTHER])
    assert (sqlite.purge(DUE_AT + 1, 10), kept(sqlite)) == (1, [OTHER])
    assert (sqlite.purge(DUE_AT + 1, 10), sqlite.load(OTHER)[0]) == (0, guest(OTHER))


def test_an_unreadable_tombstone_is_forgotten_once_its_end_is_of_before(sqlite: SqliteStore) -> None:
    sqlite.swap(None, guest())
    sqlite.swap(guest(), ended(guest(), START + 5))
    spoil(sqlite, SID)

    assert (sqlite.purge(START + 5, 10), kept(sqlite)) == (0, [SID])
    assert (sqlite.purge(START + 6, 10), kept(sqlite)) == (1, [])


def test_one_limit_counts_tombstones_and_unreadable_rows_together(sqlite: SqliteStore) -> None:
    spoil(sqlite, *some(sqlite, "abc"))
    for sid in some(sqlite, "xyz"):
        sqlite.swap(guest(sid), ended(guest(sid), START))

    assert [sqlite.purge(DUE_AT + 1, 4) for _ in range(3)] == [4, 2, 0]
    assert kept(sqlite) == []


def test_a_purge_forgets_many_batches_of_unreadable_rows(sqlite: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "BATCH", 2)
    spoil(sqlite, *some(sqlite, "abcde"))
    sqlite.swap(None, guest())

    assert Sessions(sqlite, clock=Clock(START + 10**12)).purge() == 5
    assert kept(sqlite) == [SID]


@pytest.mark.parametrize("limit", [1, 10])
def test_a_row_that_was_written_again_meanwhile_is_not_forgotten(
    sqlite: SqliteStore, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who loaded it before it was spoilt may still swap it: the purge forgets exactly what it could not read."""
    sqlite.swap(None, guest())
    sqlite.swap(None, guest(OTHER, at=START + HOUR))
    spoil(sqlite, SID, OTHER)
    decode, other = codec.decode, SqliteStore(sqlite.path)

    def racing(sid: str, record: bytes) -> object:
        try:
            return decode(sid, record)
        finally:
            other.swap(guest(), touched(guest(), START + 1))

    monkeypatch.setattr(codec, "decode", racing)
    purged = sqlite.purge(DUE_AT + 10 * HOUR, limit)
    monkeypatch.undo()
    other.close()

    assert sqlite.load(SID)[0] == touched(guest(), START + 1)
    assert (purged, kept(sqlite)) == ((0, [SID, OTHER]) if limit == 1 else (1, [SID]))


@pytest.mark.parametrize("live", ["", "x", "xy", "xyz", "wxyz"], ids=len)
def test_a_sweep_says_once_how_many_rows_it_cannot_read(
    sqlite: SqliteStore, live: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(ending, "BATCH", 2)
    spoil(sqlite, *some(sqlite, "abc"))
    some(sqlite, live, START + 1)
    spoil(sqlite, *some(sqlite, "de", START + 2))

    with caplog.at_level(logging.WARNING, "sessioncore"):
        assert Sessions(sqlite, clock=Clock(DUE_AT + 2)).sweep() == len(live)

    assert [record.getMessage() for record in caplog.records] == [
        "5 overdue records cannot be read: treated as absent, until a purge forgets them"
    ]


def test_a_sweep_that_can_read_everything_says_nothing_of_it(
    sqlite: SqliteStore, caplog: pytest.LogCaptureFixture
) -> None:
    some(sqlite, "abc")

    with caplog.at_level(logging.WARNING, "sessioncore"):
        assert Sessions(sqlite, clock=Clock(DUE_AT)).sweep() == 3

    assert caplog.records == []
