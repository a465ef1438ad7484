"""A file that is locked, read-only, full, broken or not ours: a clear error, in time, and nothing half-done."""

import os
import re
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from sessioncore import InvalidSetting, Reason, Store, StoreUnavailable
from sessioncore.testing.clock import START
from sessioncore.testing.rows import OTHER, SID, ended, guest, touched, user
from sessioncore_io import AsyncSessions, Sessions
from sessioncore_io.sqlite import SqliteStore

Call = Callable[[Store], object]
READS: dict[str, Call] = {
    "load": lambda store: store.load(SID),
    "epoch": lambda store: store.epoch("alice"),
    "of_subject": lambda store: store.of_subject("alice"),
    "of_upstream": lambda store: store.of_upstream("https://op.example", "op-1"),
    "due": lambda store: store.due(START, 10),
}
WRITES: dict[str, Call] = {
    "insert": lambda store: store.swap(None, guest(OTHER)),
    "swap": lambda store: store.swap(user(), touched(user(), START + 1)),
    "end": lambda store: store.swap(user(), ended(user(), START + 1)),
    "mint": lambda store: store.mint("carol", START),
    "supersede": lambda store: store.supersede("alice", START, Reason.ADMIN),
    "purge": lambda store: store.purge(START, 10),
    "mark": lambda store: store.mark("jti", START),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Give a file that holds one user's session."""
    store = SqliteStore(tmp_path / "sessions.db")
    store.swap(None, user())
    store.mint("alice", START)
    store.close()
    return store.path


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_locked_file_is_unavailable_within_its_patience(file: Path, write: Call) -> None:
    store = SqliteStore(file, patience=0.05)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    began = time.monotonic()

    with pytest.raises(StoreUnavailable, match="locked"):
        write(store)
    waited = time.monotonic() - began
    other.execute("ROLLBACK")
    other.close()

    assert waited < 2
    assert write(store) is not False, "it can be tried again"
    store.close()


def test_a_store_without_patience_is_unavailable_at_once_while_its_file_is_locked(file: Path) -> None:
    store, other = SqliteStore(file, patience=0), sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(StoreUnavailable, match="locked"):
        store.mint("alice", 1)
    other.close()
    store.close()


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_a_locked_file_can_still_be_read(file: Path, read: Call) -> None:
    store = SqliteStore(file, patience=0.05)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    assert read(store) is not None

    other.close()
    store.close()


@pytest.mark.parametrize("call", [*READS.values(), *WRITES.values()], ids=[*READS, *WRITES])
def test_a_file_that_is_overwritten_with_rubbish_is_unavailable(file: Path, call: Call) -> None:
    store = SqliteStore(file)
    store.close()
    for part in file.parent.iterdir():
        part.write_bytes(b"rubbish " * 4096)

    with pytest.raises(StoreUnavailable, match=f"{re.escape(str(file))}; check the file"):
        call(store)
    store.close()


def test_a_file_that_is_no_database_is_refused_when_it_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("remember the milk\n" * 500)

    with pytest.raises(StoreUnavailable, match="not a database"):
        SqliteStore(path)
    assert path.read_text().startswith("remember the milk")


@pytest.mark.parametrize("table", ["notes", "sessions"])
def test_the_database_of_another_program_is_refused_and_left_alone(tmp_path: Path, table: str) -> None:
    path = tmp_path / "app.db"
    with sqlite3.connect(path) as connection:
        connection.execute(f"CREATE TABLE {table} (text)")
    connection.close()
    before = path.read_bytes()

    with pytest.raises(InvalidSetting, match="a file of its own"):
        SqliteStore(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_the_file_is_where_it_was_when_the_store_was_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server may change its directory before its threads open connections of their own."""
    monkeypatch.chdir(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with closing(SqliteStore("sessions.db")) as store, ThreadPoolExecutor() as threads:
        store.swap(None, guest())
        monkeypatch.chdir(elsewhere)
        row, _ = threads.submit(store.load, SID).result()

    assert row == guest()
    assert list(elsewhere.iterdir()) == []


def test_a_file_of_another_schema_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "newer.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 7")
    connection.close()

    with pytest.raises(InvalidSetting, match="7") as caught:
        SqliteStore(path)
    with sqlite3.connect(path) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
    connection.close()

    assert str(path) in str(caught.value)
    assert tables == []


@pytest.mark.parametrize("path", ["", ":memory:"])
def test_a_store_without_a_file_is_refused(path: str) -> None:
    with pytest.raises(InvalidSetting, match="MemoryStore"):
        SqliteStore(path)


@pytest.mark.parametrize("path", [None, 5, b"sessions.db", "ses\0sions.db"])
def test_what_names_no_file_is_refused(path: Any) -> None:
    with pytest.raises(InvalidSetting, match="name a file") as refused:
        SqliteStore(path)

    assert (refused.value.name, refused.value.value) == ("path", path)


@pytest.mark.parametrize("patience", [3_601, -1, float("nan"), "2", None, True])
def test_a_patience_that_is_no_span_is_refused(tmp_path: Path, patience: Any) -> None:
    with pytest.raises(InvalidSetting, match="write seconds") as refused:
        SqliteStore(tmp_path / "sessions.db", patience=patience)

    assert (refused.value.name, list(tmp_path.iterdir())) == ("patience", [])


@pytest.mark.parametrize("path", ["sqlite:///sessions.db", Path("sqlite:////var/lib/sessions.db")])
def test_a_url_is_no_path(path: str | Path) -> None:
    with pytest.raises(InvalidSetting, match=r"URLs are for the command") as refused:
        SqliteStore(path)

    assert refused.value.name == "path"


def test_a_new_file_is_for_few_eyes_and_an_old_one_keeps_its_mode(tmp_path: Path, file: Path) -> None:
    new, lost = tmp_path / "new.db", tmp_path / "lost.db"
    before = os.umask(0o022)
    file.chmod(0o600)
    for path in (new, lost, file):
        SqliteStore(path).close()
    store = SqliteStore(lost)
    store.close()
    lost.unlink()
    with pytest.raises(StoreUnavailable, match="no such table"):
        store.load(SID)
    store.close()
    os.umask(before)

    assert [stat.S_IMODE(path.stat().st_mode) for path in (new, lost, file)] == [0o640, 0o640, 0o600]


def test_a_file_system_without_shared_memory_is_unavailable_at_once(tmp_path: Path) -> None:
    opened: list[sqlite3.Connection] = []

    class OnSuchAFileSystem(SqliteStore):
        def _connect(self) -> sqlite3.Connection:
            uri = f"file:{self.path}?vfs=unix-dotfile"  # locks by files and shares no memory, as on some networks
            opened.append(sqlite3.connect(uri, uri=True, isolation_level=None))
            return opened[-1]

    with pytest.raises(StoreUnavailable, match="write-ahead log"):
        OnSuchAFileSystem(tmp_path / "sessions.db")
    opened[-1].close()


def test_a_folder_that_does_not_exist_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "sessions.db"
    with pytest.raises(StoreUnavailable, match=f"unable to open .*{re.escape(str(path))}"):
        SqliteStore(path)


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_full_disk_is_unavailable_and_nothing_is_half_written(file: Path, write: Call) -> None:
    store = SqliteStore(file)
    big = evolve(user(OTHER), data=(("fill", '"' + "x" * 60_000 + '"'),))
    (pages,) = store._connection.execute("PRAGMA page_count").fetchone()
    store._connection.execute(f"PRAGMA max_page_count = {pages}")

    with pytest.raises(StoreUnavailable, match="full"):
        store.swap(None, big)
    assert store.load(OTHER) == (None, None)
    assert store.load(SID)[0] == user()

    store._connection.execute(f"PRAGMA max_page_count = {pages + 100}")
    assert write(store) is not False
    store.close()


READ_ONLY = """
import os, sys
from sessioncore import Reason, StoreUnavailable
from sessioncore_io.sqlite import SqliteStore
from sessioncore.testing.rows import SID, ended, user
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
path = sys.argv[1]
try:
    store = SqliteStore(path)
    row, _ = store.load(SID)
    assert row == user(), row
    store.swap(user(), ended(user(), user().seen_at))
except StoreUnavailable as error:
    print("unavailable:", error)
else:
    print("written")
"""


def test_a_read_only_file_is_unavailable(tmp_path: Path, file: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(READ_ONLY)
    for folder in (file.parent, *file.parents[1:3]):
        folder.chmod(folder.stat().st_mode | stat.S_IXOTH | stat.S_IROTH)
    file.chmod(0o444)
    file.parent.chmod(0o555)

    done = run_script(script, str(file))
    file.parent.chmod(0o755)

    assert done.startswith("unavailable: SQLite: "), done
    store = SqliteStore(file)
    assert store.load(SID)[0] == user()
    store.close()


def run_script(script: Path, *args: str) -> str:
    """Run a script in a process of its own and give what it prints."""
    root = Path(__file__).parents[2]
    environ = {**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, script, *args], env=environ, capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr


# -- through the shell -----------------------------------------------------------------------------------------


def test_a_logout_that_meets_a_locked_file_is_not_acknowledged_and_succeeds_later(file: Path) -> None:
    store = SqliteStore(file, patience=0.02)
    sessions = Sessions(store, clock=lambda: START)
    handle = sessions.open(None)
    handle.log_in(handle.attempt("alice"), "pwd")
    handle.commit()
    order = handle.order
    again = sessions.open(getattr(order, "text", ""))
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    again.log_out()

    with pytest.raises(StoreUnavailable):
        again.commit()
    assert sessions.open(getattr(order, "text", "")).signed_in, "it was not done"
    other.close()
    again.commit()

    assert not sessions.open(getattr(order, "text", "")).signed_in
    store.close()


def test_nothing_is_assumed_of_a_session_that_cannot_be_loaded(file: Path) -> None:
    store = SqliteStore(file)
    store.close()
    for part in file.parent.iterdir():
        part.write_bytes(b"rubbish " * 4096)

    with pytest.raises(StoreUnavailable):
        Sessions(store).open(SID + "x" * 43)
    store.close()


async def _open(store: SqliteStore) -> None:
    await AsyncSessions(store).open(SID + "x" * 43)


def test_nothing_is_assumed_of_a_session_that_cannot_be_loaded_when_awaited(file: Path) -> None:
    import asyncio

    store = SqliteStore(file)
    store.close()
    for part in file.parent.iterdir():
        part.write_bytes(b"rubbish " * 4096)

    with pytest.raises(StoreUnavailable):
        asyncio.run(_open(store))
    store.close()
