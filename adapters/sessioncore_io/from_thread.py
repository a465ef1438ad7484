"""Wait in a worker thread for what the event loop does."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextvars import Context, copy_context
from inspect import isawaitable
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import field, frozen

from sessioncore import Attempt, InvalidSetting, Reason

from .checks import check_write

if TYPE_CHECKING:
    from .handle import AsyncHandle

T = TypeVar("T")
Writer = Callable[[], object]


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


class FromThread:
    """Give the awaited verbs of a handle as plain calls."""

    def __init__(self, handle: "AsyncHandle", loop: asyncio.AbstractEventLoop | None) -> None:
        if loop is None:
            raise InvalidSetting("from_thread", None, "this handle came without the ASGI middleware: set its loop")
        if _in_event_loop():
            raise InvalidSetting("from_thread", "in the event loop", "await the session's own verb instead")
        self._handle = handle
        self._loop = loop

    def _wait(self, awaited: Coroutine[Any, Any, T]) -> T:
        return self._begin(awaited).result()

    def _begin(self, awaited: Coroutine[Any, Any, T]) -> Future[T]:
        # The context comes along: what is called within a turn is let in there too.
        return asyncio.run_coroutine_threadsafe(awaited, self._loop)

    def attempt(self, subject: str) -> Attempt:
        """As ``AsyncHandle.attempt``."""
        return self._wait(self._handle.attempt(subject))

    def commit(self) -> None:
        """As ``AsyncHandle.commit``."""
        self._wait(self._handle.commit())

    def refresh(self) -> None:
        """As ``AsyncHandle.refresh``."""
        self._wait(self._handle.refresh())

    def password_changed(self, write: Writer | None = None) -> None:
        """As ``AsyncHandle.password_changed``; ``write`` runs in this thread, a coroutine function in the event loop.

        So a plain one may be slow, and use what belongs to the thread, such as a database connection.
        """
        check_write(write)
        if write is None:
            self._wait(self._handle.password_changed())
            return
        here = _Here(write)
        changing = self._begin(self._handle.password_changed(here.called))
        changing.add_done_callback(here.stop)
        try:
            here.serve()
        except BaseException:  # an exit is this thread's own: in the loop it would stop the server
            changing.cancel()
            raise
        changing.result()

    def end_others(self, reason: Reason = Reason.USER_ALL) -> None:
        """As ``AsyncHandle.end_others``."""
        self._wait(self._handle.end_others(reason))


@frozen
class _Asked:
    """Hold the loop's question: in which context to call, and where it waits for what was returned or raised."""

    context: Context = field(factory=copy_context)
    answer: "Future[tuple[object, Exception | None]]" = field(factory=Future)


class _Here:
    """Let the event loop have a function called in the thread that waits for it."""

    def __init__(self, function: Writer) -> None:
        self._function = function
        self._asked: SimpleQueue[_Asked | None] = SimpleQueue()

    async def called(self) -> object:
        """In the loop: have it called, and wait for that."""
        asked = _Asked()
        self._asked.put(asked)
        value, error = await asyncio.wrap_future(asked.answer)
        if error is not None:
            raise error
        return await value if isawaitable(value) else value

    def stop(self, _: object) -> None:
        """In the loop: nothing more will be asked, however it came to that."""
        self._asked.put(None)

    def serve(self) -> None:
        """In the thread: call the function when the loop asks for it, until it needs no more."""
        while (asked := self._asked.get()) is not None:
            if asked.answer.set_running_or_notify_cancel():  # or the loop waits no longer
                asked.answer.set_result(asked.context.run(self._try))

    def _try(self) -> tuple[object, Exception | None]:
        try:
            return self._function(), None
        except Exception as error:
            return None, error
