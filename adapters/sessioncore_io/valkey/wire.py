"""The wire to Valkey: batches of commands out, replies in, over connections of valkey-py.

What may change something is never sent twice. A connection on which anything went wrong, a cancelled request
included, is closed: the next reply on it could be the answer to another question. Whether a command that was sent
and not answered was done is unknown, and ``StoreUnavailable`` says so.
"""

import asyncio
import os
from collections.abc import Sequence
from typing import Any, Final

from valkey.exceptions import ReadOnlyError, ResponseError, ValkeyError

from sessioncore import StoreUnavailable

from .place import Address, Place, async_pool_of, pool_of
from .scripts import Command, Reads

UNREACHABLE: Final = "Valkey cannot be reached ({}); nothing was sent"
UNKNOWN: Final = "Valkey did not answer ({}); whether it was done is unknown"

# What connections raise, a sentinel's and a time-out included.
FAILURES: Final = (ValkeyError, OSError)
# In an event loop, the words for a connection that was reset meanwhile too: uvloop's, and asyncio's since Python 3.12,
# whose transport then writes to a loop that it has let go.
ASYNC_FAILURES: Final = (*FAILURES, RuntimeError, AttributeError)


class Lost(StoreUnavailable):
    """The connection was lost, rather than slow."""


def _failed(text: str, error: BaseException) -> StoreUnavailable:
    slow = isinstance(error, TimeoutError) or "Timeout" in type(error).__name__
    return (StoreUnavailable if slow else Lost)(text.format(str(error) or "it took too long"))


def _packed(connection: Any, commands: Sequence[Command]) -> Any:
    if not isinstance(commands, Reads):
        return _pack(connection, commands)
    if commands.packed is None:
        commands.packed = _pack(connection, commands)
    return commands.packed


def _pack(connection: Any, commands: Sequence[Command]) -> Any:
    return connection.pack_command(*commands[0]) if len(commands) == 1 else connection.pack_commands(commands)


def _sentinels(pool: Any) -> Sequence[Any]:
    """Give the clients by which a pool asks sentinels for the master."""
    manager = getattr(pool, "sentinel_manager", None)
    return manager.sentinels if manager is not None else ()


def _demoted(replies: list[Any]) -> bool:
    """Tell whether the server has become a replica: the master is elsewhere by now."""
    return any(isinstance(reply, ReadOnlyError) for reply in replies)


class Wire:
    """Reach one server; safe with threads and fork."""

    def __init__(self, place: Place, address: Address | None) -> None:
        self._pool = pool_of(place, address)
        self._idle: list[Any] = []
        self._pid = os.getpid()

    def send(self, commands: Sequence[Command]) -> list[Any]:
        """Send a batch and read its replies; one that the server refused is an exception among them."""
        connection = self._waiting()
        if connection is not None:
            if not isinstance(commands, Reads):
                return self._exchange(connection, commands)
            try:
                return self._exchange(connection, commands)
            except Lost:
                pass  # it was closed while nobody used it, as by a server that started anew
        return self._exchange(self.connected(), commands)

    def _waiting(self) -> Any:
        if self._pid != os.getpid():
            self._idle, self._pid = [], os.getpid()  # the connections are the parent's
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def each(self) -> list[Any]:
        """Give what sends to each server."""
        return [self.send]

    def connected(self) -> Any:
        """Open a connection."""
        connection = self._pool.make_connection()
        try:
            connection.connect()
        except BaseException as error:
            connection.disconnect()
            if isinstance(error, FAILURES):
                raise _failed(UNREACHABLE, error) from error
            raise
        return connection

    def _exchange(self, connection: Any, commands: Sequence[Command]) -> list[Any]:
        clean = False
        try:
            connection.send_packed_command(_packed(connection, commands))
            replies = [_reply(connection) for _ in commands]
            clean = not _demoted(replies)
            return replies
        except FAILURES as error:
            self._drop()  # the others are no better
            raise _failed(UNKNOWN, error) from error
        finally:
            if clean:
                self._idle.append(connection)
            else:
                connection.disconnect()

    def _drop(self) -> None:
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.disconnect()

    def close(self) -> None:
        """Close the connections that nobody uses, those to sentinels too."""
        self._drop()
        for sentinel in _sentinels(self._pool):
            sentinel.close()


def _reply(connection: Any) -> Any:
    try:
        return connection.read_response()
    except ResponseError as refusal:
        return refusal


class AsyncWire:
    """Reach one server from one event loop, over at most ``connections`` at once; who comes later waits."""

    def __init__(self, place: Place, address: Address | None) -> None:
        self._pool = async_pool_of(place, address)
        self._room = asyncio.Semaphore(place.connections)
        self._patience = place.patience
        self._idle: list[Any] = []

    async def send(self, commands: Sequence[Command]) -> list[Any]:
        """Send a batch and read its replies; one that the server refused is an exception among them."""
        try:
            async with asyncio.timeout(self._patience), self._room:
                if self._idle:
                    try:
                        return await self._exchange(self._idle.pop(), commands)
                    except Lost:
                        if not isinstance(commands, Reads):
                            raise
                return await self._exchange(await self.connected(), commands)
        except TimeoutError as error:
            await self._drop()  # the other connections are no better
            raise _failed(UNKNOWN, error) from error

    async def each(self) -> list[Any]:
        """Give what sends to each server."""
        return [self.send]

    async def connected(self) -> Any:
        """Open a connection."""
        connection = self._pool.make_connection()
        try:
            await connection.connect()
        except BaseException as error:
            await connection.disconnect(nowait=True)
            if isinstance(error, FAILURES):
                raise _failed(UNREACHABLE, error) from error
            raise
        return connection

    async def _exchange(self, connection: Any, commands: Sequence[Command]) -> list[Any]:
        clean = False
        try:
            await connection.send_packed_command(_packed(connection, commands))
            replies = [await _areply(connection) for _ in commands]
            clean = not _demoted(replies)
            return replies
        except ASYNC_FAILURES as error:
            await self._drop()
            raise _failed(UNKNOWN, error) from error
        finally:
            if clean:
                self._idle.append(connection)
            else:
                await connection.disconnect(nowait=True)  # gives way to nobody, so a cancelled request does it too

    async def _drop(self) -> None:
        idle, self._idle = self._idle, []
        for connection in idle:
            await connection.disconnect(nowait=True)

    async def close(self) -> None:
        """Close the connections that nobody uses, those to sentinels too."""
        await self._drop()
        for sentinel in _sentinels(self._pool):
            await sentinel.aclose()


async def _areply(connection: Any) -> Any:
    try:
        return await connection.read_response()
    except ResponseError as refusal:
        return refusal
