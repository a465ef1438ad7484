"""What belongs to one event loop and would fail in another: connections, and the task that listens."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class EachLoop(Generic[T]):
    """Make one thing for each event loop that asks, by ``make``; those of loops that are closed are forgotten.

    An application has one loop for life; but a test client makes one a request, and a script calls ``asyncio.run``.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: dict[asyncio.AbstractEventLoop, T] = {}

    def here(self) -> T:
        """Give the one of the running event loop."""
        loop = asyncio.get_running_loop()
        found = self._made.get(loop)
        return self._first(loop) if found is None else found

    def _first(self, loop: asyncio.AbstractEventLoop) -> T:
        for other in list(self._made):
            if other.is_closed():
                self._made.pop(other, None)
        found = self._made[loop] = self._make()
        return found
