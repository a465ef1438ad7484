"""Whether a request, and a password reset, cost the same however many sessions are stored."""

import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter_ns, thread_time_ns
from typing import Any

from attrs import evolve, frozen

from sessioncore import Store
from sessioncore_io import Sessions
from sessioncore_io.sqlite import SqliteStore

from .contenders import bare_asgi
from .crowd import ALICE, LEGION, cookies, in_memory, in_sqlite
from .drive import asgi_run
from .ours import asgi_app
from .rounds import Run, Times, interleave

FEW = 10


@frozen
class Scale:
    """Hold a figure with few sessions, the same with many, and the second over the first."""

    what: str
    few: float
    many: float
    ratio: float


@frozen
class Stores:
    """Hold filled stores of one kind."""

    keeps: str
    few: Store
    many: Store


@frozen
class Sizes:
    """Say how many sessions are many."""

    stored: int
    of_one: int


def filled(folder: Path, sizes: Sizes) -> list[Stores]:
    """Fill a memory store and a SQLite store, each with few and with many sessions."""
    small, large = folder / "few.sqlite", folder / "many.sqlite"
    return [
        Stores("memory", in_memory(FEW), in_memory(sizes.stored, sizes.of_one)),
        Stores("SQLite", in_sqlite(small, FEW), in_sqlite(large, sizes.stored, sizes.of_one)),
    ]


def requests(stores: Stores, sizes: Sizes, rounds: int) -> Scale:
    """Compare the time that a session adds to a request."""
    runs = {
        "few": asgi_run(asgi_app(stores.few), cookies(FEW)),
        "bare": asgi_run(bare_asgi, cookies(FEW)),
        "many": asgi_run(asgi_app(stores.many), cookies(sizes.stored)),
    }
    times = interleave(runs, rounds, requests=50)
    few, many = times["few"].minus(times["bare"]), times["many"].minus(times["bare"])
    what = f"request, {stores.keeps}, {FEW} and {sizes.stored:,} sessions"
    return Scale(what, few.median, many.median, many.over(few))


def resets(stores: Stores, sizes: Sizes, rounds: int) -> Scale:
    """Compare the time that a password reset takes."""
    sessions = Sessions(stores.many, listener=lambda _: None)
    runs = {subject: _repeat(partial(sessions.reset_password, subject)) for subject in (ALICE, LEGION)}
    times = interleave(runs, rounds, requests=3)
    one, legion = times[ALICE], times[LEGION]
    what = f"password reset, {stores.keeps}, 1 and {sizes.of_one:,} sessions"
    return Scale(what, one.median, legion.median, legion.median / one.median)


def _repeat(act: Callable[[], Any], clock: Callable[[], int] = perf_counter_ns) -> Run:
    def run(count: int) -> int:
        began = clock()
        for _ in range(count):
            act()
        return clock() - began

    return run


# -- one SELECT, and the writes ----------------------------------------------------------------------------


def select(path: Path) -> Run:
    """Make a run of one bare SELECT by key, as a yardstick for the SQLite store."""
    connection = sqlite3.connect(path)
    (sid,) = connection.execute("SELECT sid FROM sessions").fetchone()
    query = "SELECT record FROM sessions WHERE sid = ?"
    return _repeat(lambda: connection.execute(query, (sid,)).fetchone(), thread_time_ns)


def writes(store: SqliteStore, rounds: int) -> dict[str, Times]:
    """Time a swap that must be durable at power loss, and one that need not be."""
    first, second = f"{1:022d}", f"{2:022d}"
    runs = {
        "NORMAL (Touch, Write)": _swaps(store, first, lambda n: {"data": (("n", str(n)),)}),
        "FULL (login, rotation, end)": _swaps(store, second, lambda n: {"proof": f"{n:064x}"}),
    }
    return interleave(runs, rounds, requests=3)


def _swaps(store: SqliteStore, sid: str, change: Callable[[int], dict[str, Any]]) -> Run:
    def swap() -> None:
        row, _ = store.load(sid)
        assert row is not None
        assert store.swap(row, evolve(row, version=row.version + 1, **change(row.version)))

    return _repeat(swap)
