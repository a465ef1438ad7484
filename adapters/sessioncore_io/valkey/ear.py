"""Hear of ends by pub/sub: one connection a store, opened when somebody first listens, closed with the last.

After each connection it says ``Ending()``: something may have been missed before. It says so again and again where the
server forbids the channel.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

from attrs import frozen
from valkey.exceptions import ResponseError

from sessioncore import StoreUnavailable
from sessioncore.values import Ending

from ..ears import Ear
from ..world import log
from .wire import ASYNC_FAILURES, FAILURES

AGAIN: Final = 0.25  # seconds before a lost connection is opened anew
QUIET: Final = 5.0  # seconds of silence after which the server is asked whether it is there; as many to answer


@frozen
class _Listening:
    leave: Callable[[object], None]
    key: object

    def close(self) -> None:
        """Hear nothing from now on; the last one ends the connection."""
        self.leave(self.key)


def ending_of(message: Any) -> Ending | None:
    """Read what a server pushed: an end, or nothing of interest."""
    if not isinstance(message, list) or message[0] != b"message":
        return None
    text = message[2].decode(errors="replace")
    return Ending(sid=text[1:]) if text[:1] == "s" else Ending(subject=text[1:])


class _Ears:
    """Tell all who listen; what one of them does wrong is its own affair."""

    def __init__(self) -> None:
        self.open: dict[object, Ear] = {}
        self._deaf = False

    def hear(self, message: Any) -> None:
        """Tell of what a server pushed."""
        if isinstance(message, list) and message[0] == b"subscribe":
            self._deaf = False
            self._tell(Ending())
        elif (ending := ending_of(message)) is not None:
            self._tell(ending)

    def lose(self, error: Exception) -> None:
        """Write one warning an outage. If the server is there, and refuses, they have to look for themselves."""
        if not self._deaf:
            log.warning("no news of ended sessions (%s); connecting again and again", error)
            self._deaf = True
        if isinstance(error, ResponseError):
            self._tell(Ending())

    def _tell(self, ending: Ending) -> None:
        for ear in list(self.open.values()):
            try:
                ear(ending)
            except Exception:
                log.exception("a listener failed on %s", ending)


class ThreadedEar:
    """Listen in a thread of its own."""

    def __init__(self, channel: str, connect: Callable[[], Any]) -> None:
        self._channel, self._connect = channel, connect
        self._ears = _Ears()
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def subscribe(self, ear: Ear) -> _Listening:
        """Call ``ear`` from now on, in this ear's thread."""
        with self._lock:
            self._ears.open[key := object()] = ear
            if self._thread is None or not self._thread.is_alive():  # as in the child of a fork
                self._stopped = stopped = threading.Event()
                self._thread = threading.Thread(target=self._listen, args=(stopped,), name="sessioncore", daemon=True)
                self._thread.start()
        return _Listening(self._leave, key)

    def _leave(self, key: object) -> None:
        with self._lock:
            if self._ears.open.pop(key, None) is not None and not self._ears.open:
                self._thread = None
                self._stopped.set()

    def close(self) -> None:
        """Hear nothing more, and end the thread."""
        with self._lock:
            self._ears.open.clear()
            thread, self._thread = self._thread, None
            self._stopped.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _listen(self, stopped: threading.Event) -> None:
        while not stopped.is_set():
            connection = None
            try:
                connection = self._connect()
                connection.send_command("SUBSCRIBE", self._channel)
                self._hear(connection, stopped)
            except (StoreUnavailable, *FAILURES) as error:
                self._ears.lose(error)
                stopped.wait(AGAIN)
            finally:
                if connection is not None:
                    connection.disconnect()

    def _hear(self, connection: Any, stopped: threading.Event) -> None:
        silence = 0.0
        while not stopped.is_set():
            if not connection.can_read(timeout=AGAIN):
                silence += AGAIN
                if silence == QUIET:
                    connection.send_command("PING")
                if silence >= 2 * QUIET:
                    raise StoreUnavailable("it is silent")
                continue
            silence = 0.0
            self._ears.hear(connection.read_response())


class AwaitedEar:
    """Listen in a task of the event loop."""

    def __init__(self, channel: str, connect: Callable[[], Awaitable[Any]]) -> None:
        self._channel, self._connect = channel, connect
        self._ears = _Ears()
        self._task: asyncio.Task[None] | None = None

    def subscribe(self, ear: Ear) -> _Listening:
        """Call ``ear`` from now on, in the event loop that runs now."""
        self._ears.open[key := object()] = ear
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._listen())
        return _Listening(self._leave, key)

    def _leave(self, key: object) -> None:
        if self._ears.open.pop(key, None) is not None and not self._ears.open:
            self._stop()

    def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def close(self) -> None:
        """Hear nothing more, and end the task."""
        task = self._task
        self._ears.open.clear()
        self._stop()
        if task is not None:
            with suppress(asyncio.CancelledError):
                await task

    async def _listen(self) -> None:
        while True:
            connection = None
            try:
                connection = await self._connect()
                await connection.send_command("SUBSCRIBE", self._channel)
                await self._hear(connection)
            except (StoreUnavailable, *ASYNC_FAILURES) as error:
                self._ears.lose(error)
                await asyncio.sleep(AGAIN)
            finally:
                if connection is not None:
                    await connection.disconnect(nowait=True)

    async def _hear(self, connection: Any) -> None:
        asked = False
        while True:
            message = await connection.read_response(timeout=QUIET, disconnect_on_error=False)
            if message is None:
                if asked:
                    raise StoreUnavailable("it is silent")
                await connection.send_command("PING")
                asked = True
                continue
            asked = False
            self._ears.hear(message)
