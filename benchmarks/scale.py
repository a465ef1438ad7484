"""Whether a request, and a password reset, cost the same however many sessions are stored."""

import sqlite3
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from time import perf_counter_ns, thread_time_ns
from typing import Any, Final

from attrs import evolve, frozen
from tests.servers.postgres import PostgresServer
from tests.servers.valkey import serving

from sessioncore import Store
from sessioncore_io import Sessions
from sessioncore_io.postgres import PostgresStore
from sessioncore_io.sqlite import SqliteStore
from sessioncore_io.valkey import ValkeyStore

from .contenders import bare_asgi
from .crowd import ALICE, LEGION, cookies, in_memory, in_sqlite, rows
from .drive import asgi_run
from .networked_crowd import into_postgres, into_valkey
from .ours import asgi_app
from .places import postgres_running, settled
from .rounds import Clock, Run, Times, interleave

FEW: Final = 10
FEW_ON_A_SERVER: Final = 1_000


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
    clock: Clock = thread_time_ns


@frozen
class Sizes:
    """Say how many sessions are few and are many; requests come from so many browsers as are few."""

    few: int
    stored: int
    of_one: int


def filled(folder: Path, effort: int) -> Iterator[tuple[Stores, Sizes]]:
    """Fill each kind of store in turn, with few and with many sessions."""
    near, far = (Sizes(few, 10_000 * effort, 1_000 * effort) for few in (FEW, FEW_ON_A_SERVER))
    yield Stores("memory", in_memory(near.few), in_memory(near.stored, near.of_one)), near
    few, many = folder / "few.sqlite", folder / "many.sqlite"
    yield Stores("SQLite", in_sqlite(few, near.few), in_sqlite(many, near.stored, near.of_one)), near
    with serving(folder / "few") as small, serving(folder / "many") as large:
        few_kept, many_kept = ValkeyStore(small.url), ValkeyStore(large.url)
        into_valkey(few_kept, small, rows(far.few, 0))
        into_valkey(many_kept, large, rows(far.stored, far.of_one))
        yield Stores("Valkey", few_kept, many_kept, perf_counter_ns), far
    with postgres_running() as server:
        kept = [_in_postgres(server, size, of_one) for size, of_one in ((far.few, 0), (far.stored, far.of_one))]
        yield Stores("PostgreSQL", kept[0], kept[1], perf_counter_ns), far
        for store in kept:
            store.close()


def _in_postgres(server: PostgresServer, size: int, of_one: int) -> PostgresStore:
    name = server.database()
    store = PostgresStore(server.url(name))
    store.prepare()
    into_postgres(server, name, rows(size, of_one))
    settled(server, name)
    return store


def requests(stores: Stores, sizes: Sizes, rounds: int) -> Scale:
    """Compare the time that a session adds to a request."""
    few_browsers, many_browsers = cookies(sizes.few, sizes.few), cookies(sizes.stored, sizes.few)
    runs = {
        "few": asgi_run(asgi_app(stores.few), few_browsers, stores.clock),
        "bare": asgi_run(bare_asgi, few_browsers, stores.clock),
        "many": asgi_run(asgi_app(stores.many), many_browsers, stores.clock),
    }
    times = interleave(runs, rounds, requests=50)
    few, many = times["few"].minus(times["bare"]), times["many"].minus(times["bare"])
    what = f"request, {stores.keeps}, {sizes.few:,} and {sizes.stored:,} sessions"
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
