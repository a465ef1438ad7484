"""Let the tasks that share something take turns at it."""

import asyncio
from typing import Any


class Turns:
    """Let in one task at a time; who is in already may enter again, as from a call that it was given to make."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._within: list[asyncio.Task[Any] | None] = []

    async def __aenter__(self) -> None:
        task = asyncio.current_task()
        if task not in self._within:
            await self._lock.acquire()
        self._within.append(task)

    async def __aexit__(self, *_: object) -> None:
        self._within.pop()
        if not self._within:
            self._lock.release()
