"""Send statements over a pool of connections, and survive what happens to them: once blocking, once awaited."""

import asyncio
import atexit
import os
import threading
from contextlib import suppress
from time import monotonic
from typing import Any, Final
from weakref import WeakSet

import psycopg
from attrs import define, field
from psycopg_pool import AsyncConnectionPool, ConnectionPool, PoolTimeout

from .flows import Rows, Statement
from .schema import check
from .statements import VERSION
from .wire import Address, AsyncWire, Trials, Wire, unavailable

# Seconds: who waits for a connection asks for it anew so often; a failed attempt to connect is repeated for so long.
ASK_AGAIN: Final = 0.5
GIVE_UP: Final = 0.2

_VERSION: Final = Statement(VERSION, reads=True)


@define(eq=False)
class Link:
    """Hold the pool of this process; it is opened by the first call, which also looks at the tables' version."""

    address: Address
    connections: int
    patience: float
    prepare: bool
    _pool: ConnectionPool[Wire] | None = None
    _opening: threading.Lock = field(factory=threading.Lock)
    _checked: bool = False

    def __attrs_post_init__(self) -> None:
        _links.add(self)

    def perform(self, statement: Any) -> Rows:
        """Send one statement. Raises ``StoreUnavailable``."""
        if not self._checked:
            check(self._send(_VERSION))
            self._checked = True
        return self._send(statement)

    def _send(self, statement: Statement) -> Rows:
        trials = Trials(statement)
        while True:
            pool = self._pool or self._opened()
            wire = _taken(pool, self.patience)
            try:
                return wire.ask(statement)
            except psycopg.Error as error:
                trials.after(error, wire.broken)
            finally:
                pool.putconn(wire)

    def _opened(self) -> ConnectionPool[Wire]:
        with self._opening:
            if self._pool is None:
                pool = ConnectionPool(**arguments(self, Wire))
                pool.open()
                self._pool = pool
            return self._pool

    def close(self) -> None:
        """Close the connections; the next call opens others."""
        with self._opening:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()

    def __del__(self) -> None:
        with suppress(Exception):  # a store that was forgotten: its pool would complain
            self.close()


def _taken(pool: ConnectionPool[Wire], patience: float) -> Wire:
    """Take a connection that the server has not closed meanwhile."""
    give_up_at = monotonic() + patience
    while True:
        try:
            while (wire := pool.getconn(min(ASK_AGAIN, patience))).stale:
                wire.close()
                pool.putconn(wire)
        except psycopg.Error as error:
            _wait_on(error, give_up_at)
        else:
            return wire


def _wait_on(error: psycopg.Error, give_up_at: float) -> None:
    """Return if there may be a connection yet. Raises ``StoreUnavailable``."""
    if not isinstance(error, PoolTimeout) or monotonic() >= give_up_at:
        raise unavailable(error) from error


@define(eq=False)
class AsyncLink:
    """Hold a pool for each event loop that calls; it is opened by the first call."""

    address: Address
    connections: int
    patience: float
    prepare: bool
    _pools: dict[asyncio.AbstractEventLoop, AsyncConnectionPool[AsyncWire]] = field(factory=dict)
    _checked: bool = False

    async def perform(self, statement: Any) -> Rows:
        """Send one statement. Raises ``StoreUnavailable``."""
        if not self._checked:
            check(await self._send(_VERSION))
            self._checked = True
        return await self._send(statement)

    async def _send(self, statement: Statement) -> Rows:
        trials = Trials(statement)
        while True:
            pool = self._pools.get(asyncio.get_running_loop()) or await self._opened()
            wire = await _taken_async(pool, self.patience)
            try:
                return await wire.ask(statement)
            except psycopg.Error as error:
                trials.after(error, wire.broken)
            finally:
                await pool.putconn(wire)

    async def _opened(self) -> AsyncConnectionPool[AsyncWire]:
        pool = AsyncConnectionPool(**arguments(self, AsyncWire))
        await pool.open()
        for loop in [loop for loop in self._pools if loop.is_closed()]:
            del self._pools[loop]
        standing = self._pools.setdefault(asyncio.get_running_loop(), pool)
        if standing is not pool:  # another task was first
            await pool.close()
        return standing

    async def close(self) -> None:
        """Close the connections of this event loop; the next call opens others."""
        pool = self._pools.pop(asyncio.get_running_loop(), None)
        if pool is not None:
            await pool.close()


async def _taken_async(pool: AsyncConnectionPool[AsyncWire], patience: float) -> AsyncWire:
    """Take a connection that the server has not closed meanwhile."""
    give_up_at = monotonic() + patience
    while True:
        try:
            while (wire := await pool.getconn(min(ASK_AGAIN, patience))).stale:
                await wire.close()
                await pool.putconn(wire)
        except psycopg.Error as error:
            _wait_on(error, give_up_at)
        else:
            return wire


def arguments(link: Link | AsyncLink, wire: type) -> dict[str, Any]:
    """Give what the pool is made with.

    It gives up a failed attempt to connect early: whoever asks for a connection makes the next one, so a server that is
    back is found at once, and not when a long pause between attempts is over.
    """
    return {
        "conninfo": link.address.text,
        "connection_class": type(wire.__name__, (wire,), {"patience": link.patience, "prepare": link.prepare}),
        "kwargs": {"autocommit": True},
        "min_size": 1,
        "max_size": link.connections,
        "reconnect_timeout": GIVE_UP,
        "open": False,
    }


def _close_all() -> None:
    """Close this process's connections before it forks or ends: none may be shared, and a pool's threads are lost."""
    for link in list(_links):
        with suppress(psycopg.Error):
            link.close()


_links: Final["WeakSet[Link]"] = WeakSet()
atexit.register(_close_all)  # later, Python 3.13 has stopped the threads that a pool would wait for
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_close_all)
