"""Hear of ends by LISTEN, on a connection of its own that exists only while somebody has subscribed."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import aclosing, closing
from typing import Final

import psycopg

from sessioncore import Ending

from ..world import log
from .statements import LISTEN
from .wire import Address, AsyncWire, Wire

# Seconds without a word after which the server is asked whether it is there; and between attempts to reach it.
TICK: Final = 1.0
PAUSE: Final = 0.5

ANYTHING: Final = Ending()


def heard(payload: str) -> Ending:
    """Understand a notification; one that is not ours may mean anything."""
    kind, _, name = payload.partition(":")
    if kind == "sid" and name:
        return Ending(sid=name)
    if kind == "subject" and name:
        return Ending(subject=name)
    return ANYTHING


class _Outage:
    """Write one warning an outage, however often it is tried to end it."""

    def __init__(self) -> None:
        self._told = False

    def warn(self, error: psycopg.Error) -> None:
        """Tell of it, unless that is done."""
        if not self._told:
            log.warning("ends are not heard of until PostgreSQL is in reach again: %s", error)
        self._told = True

    def over(self) -> None:
        """Tell of the next one again."""
        self._told = False


class Listening:
    """Listen in a thread, and ``tell`` what is heard; after each connection that was made, that anything may be."""

    def __init__(self, address: Address, patience: float, tell: Callable[[Ending], object]) -> None:
        self._address = address
        self._patience = patience
        self._tell = tell
        self._outage = _Outage()
        self._enough = threading.Event()

    def begin(self) -> None:
        """Start the thread."""
        self._enough = threading.Event()
        threading.Thread(target=self._run, args=(self._enough,), name="sessioncore-postgres", daemon=True).start()

    def end(self) -> None:
        """Let the thread end by itself, soon; it may be the one that asks for it."""
        self._enough.set()

    def _run(self, enough: threading.Event) -> None:
        while not enough.is_set():
            try:
                with closing(Wire.connect(self._address.text, autocommit=True)) as wire:
                    self._listen(wire, enough)
            except psycopg.Error as error:
                self._outage.warn(error)
                enough.wait(PAUSE)

    def _listen(self, wire: Wire, enough: threading.Event) -> None:
        wire.patience = self._patience
        wire.execute(LISTEN)
        self._outage.over()
        self._tell(ANYTHING)
        while not enough.is_set():
            for notification in wire.notifies(timeout=TICK):
                if not enough.is_set():
                    self._tell(heard(notification.payload))
            wire.execute(b"")


class AsyncListening:
    """Listen in a task of the event loop that subscribed, and ``tell`` what is heard."""

    def __init__(self, address: Address, patience: float, tell: Callable[[Ending], object]) -> None:
        self._address = address
        self._patience = patience
        self._tell = tell
        self._outage = _Outage()
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Start the task."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="sessioncore-postgres")

    def end(self) -> None:
        """Stop the task; it may be the one that asks for it."""
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        while True:
            try:
                wire = await AsyncWire.connect(self._address.text, autocommit=True)
                try:
                    await self._listen(wire)
                finally:
                    await wire.close()
            except psycopg.Error as error:
                self._outage.warn(error)
                await asyncio.sleep(PAUSE)

    async def _listen(self, wire: AsyncWire) -> None:
        wire.patience = self._patience
        await wire.execute(LISTEN)
        self._outage.over()
        self._tell(ANYTHING)
        while True:
            async with aclosing(wire.notifies(timeout=TICK)) as notifications:
                async for notification in notifications:
                    self._tell(heard(notification.payload))
            await wire.execute(b"")
