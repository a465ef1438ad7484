"""One bare read of a session's record, by the client that the store uses: the yardstick for a whole request."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import valkey
import valkey.asyncio
from attrs import frozen
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from sessioncore_io.postgres import AsyncPostgresStore, PostgresStore
from sessioncore_io.postgres.flows import Statement
from sessioncore_io.valkey import AsyncValkeyStore, ValkeyStore
from sessioncore_io.valkey.scripts import Reads

from .crowd import rows, sid_of
from .drive import LOOP
from .networked_crowd import into_postgres, into_valkey
from .places import Places
from .rounds import Clock, Run

WHERE: Final = "SELECT record FROM sessioncore.sessions WHERE sid = "
POOLED: Final[dict[str, Any]] = {"kwargs": {"autocommit": True}, "min_size": 1, "open": False}


@frozen
class Reader:
    """Hold one way to read a record."""

    world: str
    server: str
    how: str
    run: Run

    @property
    def key(self) -> str:
        """Name it."""
        return self.key_of(self.world, self.server, self.how)

    @staticmethod
    def key_of(world: str, server: str, how: str) -> str:
        """Name one: those of the ASGI world are awaited."""
        return f"{server}, {'awaited' if world == 'ASGI' else 'plain'}, {how}"


def plain(read: Callable[[], object], clock: Clock) -> Run:
    """Make a run of reads."""

    def run(count: int) -> int:
        began = clock()
        for _ in range(count):
            read()
        return clock() - began

    assert read(), "the record is there"
    return run


def awaited(read: Callable[[], Awaitable[object]], clock: Clock) -> Run:
    """Make a run of reads that are awaited, in the loop of all ASGI applications."""

    async def run(count: int) -> int:
        began = clock()
        for _ in range(count):
            await read()
        return clock() - began

    async def once() -> object:  # a store's connection is that of the running loop
        return await read()

    assert LOOP.run_until_complete(once()), "the record is there"
    return lambda count: LOOP.run_until_complete(run(count))


def readers(places: Places, clock: Clock) -> list[Reader]:
    """Store one session, and make each way to read its record.

    "By the client" is as an application would write it; "by the connection" is the same read sent as the store sends
    its own, with nothing around it: less than that no store could do.
    """
    store = ValkeyStore(places.valkey)
    into_valkey(store, places.valkey_server, rows(1, 0))
    into_postgres(places.postgres_server, "postgres", rows(1, 0))
    sid = sid_of(0)
    return [*_valkey(places, store._calls.row(sid), clock), *_postgres(places, sid, clock)]


def _valkey(places: Places, key: str, clock: Clock) -> list[Reader]:
    (host, port), get = places.valkey_address, Reads([("GET", key)])
    client, client_awaited = valkey.Valkey(host, port), valkey.asyncio.Valkey(host=host, port=port)
    send, send_awaited = ValkeyStore(places.valkey)._wire.send, AsyncValkeyStore(places.valkey)._sent
    return [
        Reader("WSGI", "Valkey", "by the client", plain(lambda: client.get(key), clock)),
        Reader("WSGI", "Valkey", "by the connection", plain(lambda: send(get)[0], clock)),
        Reader("ASGI", "Valkey", "by the client", awaited(lambda: client_awaited.get(key), clock)),
        Reader("ASGI", "Valkey", "by the connection", awaited(lambda: send_awaited(get), clock)),
    ]


def _postgres(places: Places, sid: str, clock: Clock) -> list[Reader]:
    pool, pool_awaited = ConnectionPool(places.postgres, **POOLED), AsyncConnectionPool(places.postgres, **POOLED)
    pool.open()
    LOOP.run_until_complete(pool_awaited.open())
    statement = Statement(f"{WHERE}$1".encode(), (sid,), reads=True)
    link, link_awaited = PostgresStore(places.postgres)._link, AsyncPostgresStore(places.postgres)._link

    def read() -> Any:
        with pool.connection() as connection:
            return connection.execute(f"{WHERE}%s", (sid,), binary=True).fetchone()

    async def read_awaited() -> Any:
        async with pool_awaited.connection() as connection:
            return await (await connection.execute(f"{WHERE}%s", (sid,), binary=True)).fetchone()

    return [
        Reader("WSGI", "PostgreSQL", "by the client", plain(read, clock)),
        Reader("WSGI", "PostgreSQL", "by the connection", plain(lambda: link.perform(statement), clock)),
        Reader("ASGI", "PostgreSQL", "by the client", awaited(read_awaited, clock)),
        Reader("ASGI", "PostgreSQL", "by the connection", awaited(lambda: link_awaited.perform(statement), clock)),
    ]
