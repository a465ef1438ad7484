"""The wire to Valkey: batches of commands out, replies in, over the pools of valkey-py.

Nothing is ever sent twice. A connection on which anything went wrong, a cancelled request included, is closed
before it goes back to its pool: the next reply on it could be the answer to another question. Whether a command
that was sent and not answered was done is unknown: ``StoreUnavailable``.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any, Final, TypeVar

import valkey
import valkey.asyncio
import valkey.asyncio.sentinel
import valkey.sentinel
from valkey.exceptions import ReadOnlyError, ResponseError, ValkeyError

from sessioncore import StoreUnavailable

from .valkey_calls import Talk
from .valkey_place import Address, Place
from .valkey_scripts import Command

T = TypeVar("T")

UNREACHABLE: Final = "Valkey cannot be reached ({}); nothing was sent"
UNKNOWN: Final = "Valkey did not answer ({}); whether it was done is unknown"

# What a pool raises when it connects, a sentinel's answers included.
FAILURES: Final = (ValkeyError, OSError, asyncio.TimeoutError)


def _settings(place: Place, patience: float) -> dict[str, Any]:
    """Give the settings of every connection: bounded waits, and the client's own retries off."""
    return {"socket_timeout": patience, "socket_connect_timeout": patience, **place.options}


def pool_of(place: Place, address: Address | None, patience: float) -> Any:
    """Make the pool of a server; without an address, of the one that the URL names."""
    settings = _settings(place, patience)
    if place.kind == "single":
        return valkey.ConnectionPool.from_url(place.url, **settings)
    if place.kind == "sentinel":
        return valkey.sentinel.Sentinel(place.hosts, **settings).master_for(place.master).connection_pool
    assert address is not None
    kind = valkey.SSLConnection if settings.pop("ssl", False) else valkey.Connection
    return valkey.ConnectionPool(connection_class=kind, host=address[0], port=address[1], **settings)


def async_pool_of(place: Place, address: Address | None, patience: float) -> Any:
    """Make the pool of a server for an event loop."""
    settings, aio = _settings(place, patience), valkey.asyncio
    if place.kind == "single":
        return aio.ConnectionPool.from_url(place.url, **settings)
    if place.kind == "sentinel":
        return aio.sentinel.Sentinel(place.hosts, **settings).master_for(place.master).connection_pool
    assert address is not None
    kind = aio.SSLConnection if settings.pop("ssl", False) else aio.Connection
    return aio.ConnectionPool(connection_class=kind, host=address[0], port=address[1], **settings)


class Wire:
    """Reach one server."""

    def __init__(self, pool: Any) -> None:
        self.pool = pool

    def send(self, commands: Sequence[Command]) -> list[Any]:
        """Send a batch and read its replies; one that the server refused is an exception among them."""
        try:
            connection = self.pool.get_connection("_")
        except FAILURES as error:
            raise StoreUnavailable(UNREACHABLE.format(error)) from error
        clean = False
        try:
            connection.send_packed_command(_packed(connection, commands))
            replies = [self._reply(connection) for _ in commands]
            clean = not any(isinstance(reply, ReadOnlyError) for reply in replies)  # the master is elsewhere by now
            return replies
        except FAILURES as error:
            raise StoreUnavailable(UNKNOWN.format(error)) from error
        finally:
            if not clean:
                connection.disconnect()
            self.pool.release(connection)

    @staticmethod
    def _reply(connection: Any) -> Any:
        try:
            return connection.read_response()
        except ResponseError as refusal:
            return refusal

    def close(self) -> None:
        """Close the connections."""
        self.pool.disconnect()


class AsyncWire:
    """Reach one server from an event loop, over at most ``connections`` at once; who comes later waits."""

    def __init__(self, pool: Any, connections: int, patience: float) -> None:
        self.pool = pool
        self._room = asyncio.Semaphore(connections)
        self._patience = patience

    async def send(self, commands: Sequence[Command]) -> list[Any]:
        """Send a batch and read its replies; one that the server refused is an exception among them."""
        await self._enter()
        try:
            return await self._sent(commands)
        finally:
            self._room.release()

    async def _enter(self) -> None:
        if not self._room.locked():
            await self._room.acquire()
            return
        try:
            async with asyncio.timeout(self._patience):
                await self._room.acquire()
        except TimeoutError as error:
            raise StoreUnavailable(UNREACHABLE.format("all connections are waiting for it")) from error

    async def _sent(self, commands: Sequence[Command]) -> list[Any]:
        try:
            connection = await self.pool.get_connection("_")
        except FAILURES as error:
            raise StoreUnavailable(UNREACHABLE.format(error)) from error
        clean = False
        try:
            await connection.send_packed_command(_packed(connection, commands))
            replies = [await self._reply(connection) for _ in commands]
            clean = not any(isinstance(reply, ReadOnlyError) for reply in replies)
            return replies
        except FAILURES as error:
            raise StoreUnavailable(UNKNOWN.format(error)) from error
        finally:
            if not clean:
                await connection.disconnect(nowait=True)
            await self.pool.release(connection)

    @staticmethod
    async def _reply(connection: Any) -> Any:
        try:
            return await connection.read_response()
        except ResponseError as refusal:
            return refusal

    async def close(self) -> None:
        """Close the connections."""
        await self.pool.disconnect()


def _packed(connection: Any, commands: Sequence[Command]) -> Any:
    return connection.pack_command(*commands[0]) if len(commands) == 1 else connection.pack_commands(commands)


def converse(talk: Talk[T], send: "partial[list[Any]] | Any") -> T:
    """Hold a talk to its end."""
    try:
        commands = next(talk)
        while True:
            commands = talk.send(send(commands))
    except StopIteration as done:
        answer: T = done.value
        return answer


async def aconverse(talk: Talk[T], send: Any) -> T:
    """Hold a talk to its end, awaiting the replies."""
    try:
        commands = next(talk)
        while True:
            commands = talk.send(await send(commands))
    except StopIteration as done:
        answer: T = done.value
        return answer
