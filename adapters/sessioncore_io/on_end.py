"""Call back when a session ends: in an event loop, or from a thread of the library's own where nobody awaits."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from inspect import isawaitable, iscoroutine, iscoroutinefunction
from typing import Any

from sessioncore import InvalidSetting, Reason

from .world import log

Callback = Callable[[Reason | None], object]
Ended = Callable[[], Coroutine[Any, Any, Reason | None]]


@asynccontextmanager
async def calling_back(ended: Ended, callback: Callback) -> AsyncIterator[None]:
    """Call back, and await what that gives, if the session ends before this block does.

    The block waits for a callback that has begun: a socket is not left half closed.
    """
    if iscoroutine(callback):
        callback.close()
    if not callable(callback):
        advice = "pass a function that takes a Reason or None: lambda reason: websocket.close(4401)"
        raise InvalidSetting("callback", callback, advice)
    waiting = asyncio.ensure_future(ended())
    calling = asyncio.ensure_future(_call(waiting, callback))
    try:
        yield
    finally:
        waiting.cancel()
        await asyncio.wait([calling])


async def _call(waiting: "asyncio.Future[Reason | None]", callback: Callback) -> None:
    try:
        await asyncio.wait([waiting])
        if not waiting.cancelled():
            answer = callback(waiting.result())
            if isawaitable(answer):
                await answer
    except Exception:
        log.exception("what was to happen at the end of a session failed")


@contextmanager
def calling_back_from_a_thread(ended: Ended, callback: Callback) -> Iterator[None]:
    """Call back in the library's thread, if the session ends before this block does."""
    if not callable(callback) or iscoroutinefunction(callback):
        raise InvalidSetting("callback", callback, "pass a plain function that takes a Reason or None")
    with _LISTENING as loop:
        waiting = asyncio.run_coroutine_threadsafe(_until_cancelled(ended, callback), loop)
        try:
            yield
        finally:
            waiting.cancel()


async def _until_cancelled(ended: Ended, callback: Callback) -> None:
    async with calling_back(ended, callback):
        await asyncio.get_running_loop().create_future()


class _Listening:
    """Run an event loop in a thread, while somebody is within this block."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._within = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._enough: asyncio.Event | None = None

    def __enter__(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._thread is None or not self._thread.is_alive():  # it does not survive a fork
                self._within = 0
                self._start()
            self._within += 1
            assert self._loop is not None
            return self._loop

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._within -= 1
            if self._within == 0 and self._loop is not None and self._enough is not None:
                self._loop.call_soon_threadsafe(self._enough.set)
                self._thread = None

    def _start(self) -> None:
        started = threading.Event()
        self._thread = threading.Thread(
            target=asyncio.run, args=(self._serve(started),), name="sessioncore-endings", daemon=True
        )
        self._thread.start()
        started.wait()

    async def _serve(self, started: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        enough = self._enough = asyncio.Event()
        started.set()
        await enough.wait()


_LISTENING = _Listening()
