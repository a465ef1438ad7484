"""Let the tasks that share something take turns at it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Final, Optional

from attrs import define, field


@define(eq=False)
class _Turn:
    """Hold one turn: who is called within it may use the thing too, one after another."""

    of: "Turns"
    holds: asyncio.Lock
    outer: Optional["_Turn"]
    within: asyncio.Lock = field(factory=asyncio.Lock)
    users: int = 1  # the one whose turn it is, and those called within it, whether they have begun or wait
    is_open: bool = True

    def leave(self) -> None:
        """Let the next one in once the last one has left."""
        self.users -= 1
        if self.users == 0:
            self.holds.release()
            if self.outer is not None:
                self.outer.leave()


# Tasks and threads inherit the context that they are begun in: so a turn is known wherever the call that it was given
# to make goes on, which its task would not tell.
_TURNS: Final[ContextVar[tuple[_Turn, ...]]] = ContextVar("sessioncore_turns", default=())


class Turns:
    """Let in one at a time; who is called within a turn need not wait for its end."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Take a turn."""
        turn = await self._begin()
        token = _TURNS.set((*_TURNS.get(), turn))
        try:
            yield
        finally:
            _TURNS.reset(token)
            turn.is_open = False  # what outlives it waits for a turn of its own
            turn.leave()

    async def _begin(self) -> _Turn:
        outer = next((turn for turn in reversed(_TURNS.get()) if turn.of is self and turn.is_open), None)
        if outer is None:
            await self._lock.acquire()
            return _Turn(self, self._lock, None)
        outer.users += 1
        try:
            await outer.within.acquire()
        except BaseException:
            outer.leave()
            raise
        return _Turn(self, outer.within, outer)
