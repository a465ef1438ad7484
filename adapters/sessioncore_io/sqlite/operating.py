"""What operators ask of a SQLite file: settings, damage, latency, counts."""

import shutil
import sqlite3
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, Final

from ..operating import Census, Finding, tallied

OLDEST: Final = (3, 35, 0)  # RETURNING
SLOW: Final = 5.0  # milliseconds for a read: each request waits so long
SCARCE: Final = 0.05  # of the disk
LONG_LOG: Final = 64 * 2**20  # bytes; SQLite tries to keep it at 4 MiB


def inspect(connection: sqlite3.Connection, path: Path) -> Iterator[Finding]:
    """Look at the file and where it lies."""
    fits = sqlite3.sqlite_version_info >= OLDEST
    yield _finding(
        "version", f"SQLite {sqlite3.sqlite_version}", fits, "3.35 or newer is what this store is written for"
    )
    yield Finding(what="file", value=str(path.absolute()))
    yield Finding(what="schema", value=str(_one(connection, "PRAGMA user_version")))
    journal = _one(connection, "PRAGMA journal_mode")
    yield _finding(
        "journal", journal, journal == "wal", "it is no write-ahead log: readers wait for writers; stop what changes it"
    )
    mode = stat.S_IMODE(path.stat().st_mode)
    yield _finding(
        "mode", f"{mode:04o}", not mode & 0o007, "others on this machine may read what sessions hold: chmod o-rwx"
    )
    yield _room(path)
    yield _log_of(path)
    damage = _one(connection, "PRAGMA quick_check(1)")
    yield _finding(
        "integrity",
        damage,
        damage == "ok",
        "the file is damaged: begin with a new one, as docs/stores/README.md says",
    )
    yield _pace(connection)


def _finding(what: str, value: str, fine: bool, advice: str) -> Finding:
    return Finding(what=what, value=value, advice="" if fine else advice)


def _room(path: Path) -> Finding:
    disk = shutil.disk_usage(path.parent)
    value = f"{disk.free / 2**30:.1f} GiB free"
    return _finding(
        "disk", value, disk.free > SCARCE * disk.total, "when it is full, nobody can log in or out: make room"
    )


def _log_of(path: Path) -> Finding:
    log = path.with_name(path.name + "-wal")
    length = log.stat().st_size if log.exists() else 0
    advice = "a reader keeps it from being written back: look for a process that holds a transaction open"
    return _finding("write-ahead log", f"{length / 2**20:.1f} MiB", length < LONG_LOG, advice)


def _pace(connection: sqlite3.Connection) -> Finding:
    taken = []
    for number in range(20):
        began = perf_counter()
        connection.execute("SELECT record FROM sessions WHERE sid = ?", (f"nobody {number}",)).fetchone()
        taken.append((perf_counter() - began) * 1_000)
    value = f"{median(taken):.3f} ms"
    return _finding("latency", value, median(taken) < SLOW, "each request waits so long: keep the file on a local disk")


def census(connection: sqlite3.Connection, path: Path, progress: Callable[[int], object]) -> Census:
    """Read all rows; the log beside the file counts too."""
    states, unreadable = tallied(connection.execute("SELECT sid, record FROM sessions"), progress)
    subjects = _one(connection, "SELECT count(*) FROM epochs")
    size = sum(one.stat().st_size for one in (path, path.with_name(path.name + "-wal")) if one.exists())
    return Census(by_state=states, unreadable=unreadable, subjects=subjects, size=size)


def _one(connection: sqlite3.Connection, question: str) -> Any:
    return connection.execute(question).fetchone()[0]
