"""What a look at a SQLite file finds, to the very bound of what it warns of; and what a count of it counts."""

import os
import shutil
import sqlite3
from itertools import cycle
from pathlib import Path
from types import SimpleNamespace
from typing import Final

import pytest

import sessioncore_io.operating
from sessioncore import State
from sessioncore.testing.clock import START
from sessioncore.testing.rows import OTHER, SID, ended, guest, user
from sessioncore_io.operating import Census, Finding
from sessioncore_io.sqlite import SqliteStore, operating

LOG: Final = "-wal"
MIB, GIB = 2**20, 2**30
SCAN: Final = "SELECT record FROM sessions"


def found(store: SqliteStore, what: str) -> tuple[str, str]:
    """Give the value that was found, and what is advised; the parts of a finding in their places."""
    [finding] = [one for one in store.inspect() if one.what == what]
    return finding.value, finding.advice


def log_of(store: SqliteStore) -> Path:
    """Give the write-ahead log beside the file."""
    return store.path.with_name(store.path.name + LOG)


# -- what is looked at -------------------------------------------------------------------------------------------


def test_a_new_file_is_looked_at_from_all_sides_and_nothing_is_advised(sqlite: SqliteStore) -> None:
    findings = {one.what: one for one in sqlite.inspect()}

    assert [what for what, one in findings.items() if one.advice and what != "disk"] == []
    assert list(findings) == [
        *("version", "file", "schema", "journal", "mode", "disk", "write-ahead log", "integrity", "latency")
    ]
    assert findings["file"] == Finding(what="file", value=str(sqlite.path))
    assert [findings[what].value for what in ("schema", "journal", "integrity")] == ["1", "wal", "ok"]


@pytest.mark.parametrize(("version", "fits"), [((3, 34, 99), False), ((3, 35, 0), True), ((3, 36, 0), True)])
def test_a_sqlite_that_is_too_old_for_the_store_is_told(
    sqlite: SqliteStore, version: tuple[int, int, int], fits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", version)
    advice = "" if fits else "3.35 or newer is what this store is written for"

    assert found(sqlite, "version") == (f"SQLite {sqlite3.sqlite_version}", advice)


def test_a_journal_that_somebody_changed_is_told(sqlite: SqliteStore) -> None:
    sqlite._connection.execute("PRAGMA journal_mode = DELETE")

    assert found(sqlite, "journal") == (
        "delete",
        "it is no write-ahead log: readers wait for writers; stop what changes it",
    )
    assert not log_of(sqlite).exists()
    assert found(sqlite, "write-ahead log") == ("0.0 MiB", "")


@pytest.mark.parametrize("mode", [0o640, 0o660, 0o600, 0o641, 0o642, 0o644])
def test_a_file_that_others_can_do_anything_with_is_told(sqlite: SqliteStore, mode: int) -> None:
    sqlite.path.chmod(mode)
    advice = "" if oct(mode).endswith("0") else "others on this machine may read what sessions hold: chmod o-rwx"

    assert found(sqlite, "mode") == (f"0{mode:o}", advice)


@pytest.mark.parametrize(("free", "enough"), [(5 * GIB - 1, False), (5 * GIB, False), (5 * GIB + 1, True)])
def test_a_disk_of_which_no_more_than_a_twentieth_is_free_is_told(
    sqlite: SqliteStore, free: int, enough: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=100 * GIB, free=free))
    advice = "" if enough else "when it is full, nobody can log in or out: make room"

    assert found(sqlite, "disk") == ("5.0 GiB free", advice)


@pytest.mark.parametrize(("length", "value", "long"), [(64 * MIB - 1, "64.0 MiB", False), (64 * MIB, "64.0 MiB", True)])
def test_a_log_that_is_not_written_back_is_told(sqlite: SqliteStore, length: int, value: str, long: bool) -> None:
    sqlite.swap(None, guest())
    os.truncate(log_of(sqlite), length)  # longer, and of nothing: SQLite reads as far as it wrote
    advice = "a reader keeps it from being written back: look for a process that holds a transaction open"

    assert found(sqlite, "write-ahead log") == (value, advice if long else "")
    assert sqlite.load(SID)[0] == guest()


@pytest.mark.parametrize(
    ("seconds", "value", "slow"), [(0.004, "4.000 ms", False), (0.004999, "4.999 ms", False), (0.005, "5.000 ms", True)]
)
def test_a_file_on_which_each_request_waits_is_told(
    sqlite: SqliteStore, seconds: float, value: str, slow: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operating, "perf_counter", cycle((0.0, seconds)).__next__)
    advice = "each request waits so long: keep the file on a local disk" if slow else ""

    assert found(sqlite, "latency") == (value, advice)


def test_the_latency_is_that_of_what_a_request_does_one_row_by_its_key(sqlite: SqliteStore) -> None:
    said: list[str] = []
    sqlite._connection.set_trace_callback(said.append)
    sqlite.inspect()
    sqlite._connection.set_trace_callback(None)
    reads = [statement for statement in said if statement.startswith(SCAN)]
    plans = [sqlite._connection.execute(f"EXPLAIN QUERY PLAN {read}").fetchall() for read in reads]

    assert len(set(reads)) > 1
    assert {step for [(*_, step)] in plans} == {"SEARCH sessions USING PRIMARY KEY (sid=?)"}


# -- what is counted ---------------------------------------------------------------------------------------------


def test_a_count_counts_each_state_what_cannot_be_read_and_the_subjects(
    sqlite: SqliteStore, caplog: pytest.LogCaptureFixture
) -> None:
    """The count tells of what cannot be read; the log would tell each row of it once more."""
    progress: list[object] = []
    for row in (guest(), user(OTHER), ended(user("u" * 22), START), guest("v" * 22)):
        sqlite.swap(None, row)
    sqlite.mint("alice", START)
    sqlite._connection.execute("UPDATE sessions SET record = X'00' WHERE sid = ?", ("v" * 22,))
    counted = sqlite.census(progress.append)

    assert counted == Census(
        by_state={State.CREATED: 1, State.AUTHENTICATED: 1, State.LOGGED_OUT: 1},
        unreadable=1,
        subjects=1,
        size=sqlite.path.stat().st_size + log_of(sqlite).stat().st_size,
    )
    assert log_of(sqlite).stat().st_size > 0
    assert (progress, caplog.messages) == ([4], [])


@pytest.mark.parametrize(("rows", "told"), [(0, [0]), (1, [1]), (5, [2, 4, 5])])
def test_a_long_count_tells_how_far_it_is_and_every_count_where_it_ends(
    sqlite: SqliteStore, rows: int, told: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessioncore_io.operating, "EVERY", 2)
    progress: list[object] = []
    for number in range(rows):
        sqlite.swap(None, guest(f"{number:022}"))
    sqlite.census(progress.append)

    assert progress == told


def test_a_file_without_a_log_is_as_large_as_itself(sqlite: SqliteStore) -> None:
    sqlite._connection.execute("PRAGMA journal_mode = DELETE")

    assert sqlite.census(print).size == sqlite.path.stat().st_size
