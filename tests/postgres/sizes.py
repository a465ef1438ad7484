"""Measure what a session takes and what a call costs: ``python -m tests.postgres.sizes``."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import closing
from statistics import median
from typing import Any

import psycopg
from attrs import evolve
from psycopg_pool import AsyncConnectionPool, ConnectionPool
from tests.servers.postgres import PostgresServer

from sessioncore import Reason, Session
from sessioncore.testing.clock import START
from sessioncore.testing.rows import ended, guest, rotated, touched, user
from sessioncore_io.codec import encode
from sessioncore_io.postgres import AsyncPostgresStore, PostgresStore

MANY = 100_000
BARELY: Any = {"kwargs": {"autocommit": True}, "min_size": 1}
ROUNDS, EACH = 40, 100
BARE = "SELECT record FROM bare WHERE sid = %s"
COPY = "COPY sessioncore.sessions FROM STDIN"
UPDATES = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_all_tables WHERE relid = 'sessioncore.sessions'::regclass"


def copied(server: PostgresServer, rows: Iterable[Session]) -> None:
    """Put rows as the store would, but many at once."""
    with psycopg.connect(server.url()) as connection, connection.cursor().copy(COPY) as copy:
        for row in rows:
            hour = row.deadline - row.deadline % 3_600_000
            keys = row.sid, row.version, row.deadline, hour, row.ended_at
            copy.write_row((*keys, row.subject, *row.upstream, encode(row)))


def people() -> Iterable[Session]:
    """Make signed-in users with an empty bag, each with one session."""
    for number in range(MANY):
        plain = evolve(user(f"{number:022d}", f"user-{number:08d}"), upstream=("", ""))
        yield rotated(plain, str(number))


def bytes_a_session(server: PostgresServer) -> None:
    """Fill the table and divide."""
    copied(server, people())
    whole = "SELECT pg_total_relation_size('sessioncore.sessions'), pg_table_size('sessioncore.sessions')"
    ((total, table),) = server.ask(whole)
    size, indexes = len(encode(next(iter(people())))), (total - table) / MANY
    print(f"{MANY:,} sessions of {size} bytes: {total / MANY:.0f} bytes each, {indexes:.0f} of them indexes")


def per_call(call: Callable[[], object]) -> float:
    """Give the microseconds of one call, of a short round of them."""
    began = time.perf_counter()
    for _ in range(EACH):
        call()
    return (time.perf_counter() - began) / EACH * 1e6


async def per_await(call: Callable[[], Awaitable[object]]) -> float:
    """Give the microseconds of one awaited call."""
    began = time.perf_counter()
    for _ in range(EACH):
        await call()
    return (time.perf_counter() - began) / EACH * 1e6


def told(what: str, bare: list[float], ours: list[float]) -> None:
    """Tell medians, and what an undisturbed machine shows: the quietest tenth."""
    for when, (read, load) in {
        "usually": (median(bare), median(ours)),
        "at best": (sorted(bare)[len(bare) // 10], sorted(ours)[len(ours) // 10]),
    }.items():
        print(f"{what}, {when}: bare read {read:.0f} µs, load {load:.0f} µs: {load / read:.2f} times")


def loads(server: PostgresServer) -> None:
    """Load next to a bare SELECT by key of the same bytes, by the same client and pool."""
    server.ask("CREATE TABLE bare AS SELECT sid, record FROM sessioncore.sessions")
    server.ask("ALTER TABLE bare ADD PRIMARY KEY (sid)")
    server.ask("VACUUM ANALYZE")
    sid = f"{MANY // 2:022d}"

    def read() -> Any:
        with pool.connection() as connection:
            return connection.execute(BARE, (sid,)).fetchone()

    with (
        closing(PostgresStore(server.url())) as store,
        ConnectionPool(server.url(), kwargs={"autocommit": True}) as pool,
    ):
        per_call(read), per_call(lambda: store.load(sid))
        rounds = [(per_call(read), per_call(lambda: store.load(sid))) for _ in range(ROUNDS)]
    told("plain", *map(list, zip(*rounds, strict=True)))
    asyncio.run(awaited_loads(server, sid))


async def awaited_loads(server: PostgresServer, sid: str) -> None:
    """Do the same, awaited."""
    store = AsyncPostgresStore(server.url())

    async def read() -> Any:
        async with pool.connection() as connection:
            return await (await connection.execute(BARE, (sid,))).fetchone()

    async with AsyncConnectionPool(server.url(), **BARELY, open=False) as pool:
        await per_await(read), await per_await(lambda: store.load(sid))
        rounds = [(await per_await(read), await per_await(lambda: store.load(sid))) for _ in range(ROUNDS)]
    await store.close()
    told("awaited", *map(list, zip(*rounds, strict=True)))


def touches(server: PostgresServer) -> None:
    """Use 2,000 sessions each three minutes for two hours."""
    rows = [guest(f"t{number:021d}") for number in range(2_000)]
    with closing(PostgresStore(server.url())) as store:
        for row in rows:
            store.swap(None, row)
        began = time.perf_counter()
        for minutes in range(3, 123, 3):
            later = [touched(row, START + minutes * 60_000) for row in rows]
            for old, new in zip(rows, later, strict=True):
                assert store.swap(old, new)
            rows = later
        taken = time.perf_counter() - began
    server.end_backends("postgres")
    ((updates, hot),) = server.ask(UPDATES)
    print(f"{updates:,} touches, {hot / updates:.1%} of them in place (HOT), {taken / updates * 1e6:.0f} µs each")


def ends(server: PostgresServer) -> None:
    """End sessions with a notification and without; then forget them all."""
    for announce in (True, False):
        rows = [guest(f"{'e' if announce else 'f'}{number:021d}") for number in range(2_000)]
        copied(server, rows)
        with closing(PostgresStore(server.url(), announce=announce)) as store:
            began = time.perf_counter()
            for row in rows:
                store.swap(row, ended(row, START))
            taken = (time.perf_counter() - began) / len(rows)
        print(f"an end {'with' if announce else 'without'} a notification: {taken * 1e6:.0f} µs, fsync on")
    with closing(PostgresStore(server.url())) as store:
        began = time.perf_counter()
        gone = sum(iter(lambda: store.purge(START + 1, 1_000), 0))
        print(f"purge: {gone / (time.perf_counter() - began):,.0f} rows a second, 1,000 at a time")
        began = time.perf_counter()
        store.supersede("user-00000001", START, Reason.PASSWORD_RESET)
        print(f"a reset: {(time.perf_counter() - began) * 1e3:.1f} ms, however many sessions there are")


if __name__ == "__main__":
    private = PostgresServer.create(fsync="on", autovacuum="on")
    try:
        with closing(PostgresStore(private.url())) as preparing:
            preparing.prepare()
        for measure in (bytes_a_session, loads, touches, ends):
            measure(private)
    finally:
        private.destroy()
