"""One file, many threads and processes: no update is lost, and nothing crosses a fork."""

import gc
import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import evolve

from sessioncore import Reason, Store
from sessioncore.testing.clock import START
from sessioncore.testing.rows import SID, ended, guest, touched, user
from sessioncore_io.memory import MemoryStore
from sessioncore_io.sqlite import SqliteStore

THREADS = 8
ROUNDS = 25


def increment(store: Store, times: int) -> None:
    """Count one up in a row's data, by load and swap, until every one is in."""
    done = 0
    while done < times:
        row, _ = store.load(SID)
        assert row is not None
        count = int(dict(row.data)["count"]) + 1
        done += store.swap(row, evolve(touched(row, START), data=(("count", str(count)),)))


def in_parallel(work: Callable[[], object], threads: int = THREADS) -> None:
    """Do the same in several threads, and fail if one of them does."""
    failures: list[BaseException] = []

    def guarded() -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)

    running = [threading.Thread(target=guarded) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()

    assert failures == []


@pytest.fixture(params=["memory", "sqlite"])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Give the stores that say they are safe with threads."""
    return MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "shared.db", patience=30)


def test_every_increment_of_many_threads_is_there(shared: Store) -> None:
    shared.swap(None, evolve(guest(), data=(("count", "0"),)))

    in_parallel(lambda: increment(shared, ROUNDS))

    row, _ = shared.load(SID)
    assert row is not None
    assert dict(row.data)["count"] == str(THREADS * ROUNDS)
    assert row.version == THREADS * ROUNDS + 1


def test_of_many_threads_that_insert_one_selector_one_wins(shared: Store) -> None:
    wins: list[bool] = []

    in_parallel(lambda: wins.append(shared.swap(None, guest(secret=str(threading.get_ident())))))

    assert sorted(wins) == [False] * (THREADS - 1) + [True]


def test_of_many_threads_that_end_one_session_one_tells(shared: Store) -> None:
    shared.swap(None, guest())
    wins: list[bool] = []

    in_parallel(lambda: wins.append(shared.swap(guest(), ended(guest(), START))))

    assert wins.count(True) == 1


def test_of_many_threads_that_expect_one_epoch_one_moves_it(shared: Store) -> None:
    shared.mint("alice", START)
    moved: list[object] = []

    in_parallel(lambda: moved.append(shared.supersede("alice", START, Reason.ADMIN, expected=START)))

    assert len([epoch for epoch in moved if epoch is not None]) == 1


def test_of_many_threads_that_mark_one_name_one_is_first(shared: Store) -> None:
    firsts: list[bool] = []

    in_parallel(lambda: firsts.append(shared.mark("jti", START)))

    assert firsts.count(True) == 1


# -- processes -----------------------------------------------------------------------------------------------


def increment_elsewhere(path: str, times: int) -> None:
    """Count up in a process of its own."""
    store = SqliteStore(path, patience=30)
    increment(store, times)
    store.close()


def test_every_increment_of_several_processes_is_there(sqlite: SqliteStore) -> None:
    sqlite.swap(None, evolve(guest(), data=(("count", "0"),)))
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=increment_elsewhere, args=(str(sqlite.path), 40)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)

    row, _ = sqlite.load(SID)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert row is not None
    assert dict(row.data)["count"] == "120"


OPEN_AT_ONCE = """
import sys
from sessioncore_io.sqlite import SqliteStore
sys.stdin.readline()
for _ in range(20):
    SqliteStore(sys.argv[1] + str(_)).close()
print("opened")
"""

FORK = """
import os, sqlite3, sys
from sessioncore_io import Sessions
from sessioncore_io.sqlite import SqliteStore
from sessioncore_io.world import new_secret, new_sid

store = SqliteStore(sys.argv[1])
inherited = store._connection
sessions = Sessions(store)

def visit():
    handle = sessions.open(None)
    handle["cart"] = 1
    handle.commit()
    return handle.order.text

visit()
reader, writer = os.pipe()
child = os.fork()
try:
    inherited.execute("SELECT 1")
except sqlite3.ProgrammingError:
    token = visit()
else:
    sys.exit("a connection crossed the fork")
if child == 0:
    os.write(writer, token.encode())
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
theirs = os.read(reader, 200).decode()
assert len(theirs) == len(token) == 65
assert theirs[:22] != token[:22] and theirs[22:] != token[22:], "a token was drawn twice"
assert sessions.open(theirs)["cart"] == sessions.open(token)["cart"] == 1
integrity = store._connection.execute("PRAGMA integrity_check").fetchone()
print("apart", *integrity)
"""

FORK_WHILE_SOMEBODY_LISTENS = """
import os, sys, threading
from sessioncore_io.sqlite import SqliteStore

store = SqliteStore(sys.argv[1])
listening = threading.Event()
store.subscribe(lambda _: listening.set())
assert listening.wait(20)  # a fork while its thread is inside SQLite would leave SQLite's own locks held in the child
child = os.fork()
if child == 0:
    heard = threading.Event()
    store.subscribe(lambda _: heard.set())
    os._exit(0 if heard.wait(20) else 1)
print("heard" if os.waitpid(child, 0)[1] == 0 else "deaf")
"""

DIE = """
import os, sys
from sessioncore_io import Sessions
from sessioncore_io.sqlite import SqliteStore

store = SqliteStore(sys.argv[1])
sessions = Sessions(store)
handle = sessions.open(None)
handle.log_in(handle.attempt("alice"), "pwd")
handle.commit()
token = handle.order.text
handle = sessions.open(token)
assert handle.signed_in
handle.log_out()
handle.commit()
print(token, flush=True)
os.kill(os.getpid(), 9)
"""


def python(script: str, *args: str) -> subprocess.Popen[str]:
    """Start a script in a process of its own."""
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", script, *args], stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def test_several_processes_may_create_the_file_at_once(tmp_path: Path) -> None:
    processes = [python(OPEN_AT_ONCE, str(tmp_path / "new.db")) for _ in range(3)]

    outputs = [process.communicate("go\n", timeout=60) for process in processes]

    assert [output for output, _ in outputs] == ["opened\n"] * 3, outputs


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_after_a_fork_no_token_and_no_connection_is_shared(tmp_path: Path) -> None:
    output, errors = python(FORK, str(tmp_path / "sessions.db")).communicate(timeout=60)

    assert output == "apart ok\n", errors


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_after_a_fork_the_child_hears_though_its_parent_listened_already(tmp_path: Path) -> None:
    """The thread that watches the file is the parent's: it is not there in the child."""
    output, errors = python(FORK_WHILE_SOMEBODY_LISTENS, str(tmp_path / "sessions.db")).communicate(timeout=60)

    assert output == "heard\n", errors


def test_an_acknowledged_logout_survives_kill_9(tmp_path: Path) -> None:
    process = python(DIE, str(tmp_path / "sessions.db"))
    output, errors = process.communicate(timeout=60)
    token = output.strip()
    store = SqliteStore(tmp_path / "sessions.db")
    row, _ = store.load(token[:22])
    store.close()

    assert process.returncode == -signal.SIGKILL, errors
    assert row is not None
    assert row.reason is Reason.USER


# -- settings and connections ----------------------------------------------------------------------------------


def pragma(store: SqliteStore, name: str) -> object:
    """Read a setting of this thread's connection."""
    return store._connection.execute(f"PRAGMA {name}").fetchone()[0]


def test_the_journal_is_a_write_ahead_log(sqlite: SqliteStore) -> None:
    assert pragma(sqlite, "journal_mode") == "wal"
    assert pragma(sqlite, "user_version") == 1


FULL, NORMAL = 2, 1
EXPECTED: dict[str, tuple[int, Callable[[SqliteStore], object]]] = {
    "begin": (FULL, lambda store: store.swap(None, guest("b" * 22))),
    "touch": (NORMAL, lambda store: store.swap(user(), touched(user(), START + 1))),
    "write": (NORMAL, lambda store: store.swap(user(), evolve(touched(user(), START), data=(("a", "1"),)))),
    "rotate": (FULL, lambda store: store.swap(user(), evolve(touched(user(), START), proof="f" * 64))),
    "end": (FULL, lambda store: store.swap(user(), ended(user(), START))),
    "mint": (FULL, lambda store: store.mint("alice", START)),
    "supersede": (FULL, lambda store: store.supersede("alice", START, Reason.ADMIN)),
    "mark": (FULL, lambda store: store.mark("jti", START)),
    "purge": (NORMAL, lambda store: store.purge(START, 10)),
}


@pytest.mark.parametrize(("level", "call"), EXPECTED.values(), ids=EXPECTED)
def test_what_must_survive_a_power_loss_reaches_the_disk(
    sqlite: SqliteStore, level: int, call: Callable[[SqliteStore], object]
) -> None:
    sqlite.swap(None, user())
    for _ in range(2):  # from either setting
        sqlite.swap(touched(user(), START), user())
        call(sqlite)

        assert pragma(sqlite, "synchronous") == level


def test_a_closed_store_opens_again_when_it_is_asked(sqlite: SqliteStore) -> None:
    sqlite.swap(None, guest())
    sqlite.close()
    sqlite.close()

    assert sqlite.load(SID)[0] == guest()


def test_a_thread_that_ends_leaves_no_open_connection_behind(sqlite: SqliteStore) -> None:
    def connections() -> int:
        gc.collect()
        # By type(): asking some frameworks' lazy objects for their class would wake them up.
        return sum(issubclass(type(thing), sqlite3.Connection) for thing in gc.get_objects())

    before = connections()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        in_parallel(lambda: sqlite.load(SID))

        assert connections() == before
