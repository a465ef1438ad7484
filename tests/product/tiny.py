"""An awaited store as a third party might write it from the documentation alone."""

import asyncio
from collections.abc import Sequence

from sessioncore import Epoch, Reason, Session
from sessioncore.testing.model import ModelStore


class TinyAsyncStore:
    """Keep sessions behind one lock, with the pauses of a network."""

    def __init__(self) -> None:
        self.tables = ModelStore()
        self.lock = asyncio.Lock()

    async def load(self, sid: str) -> tuple[Session | None, Epoch | None]:
        await asyncio.sleep(0)
        answer = self.tables.load(sid)
        await asyncio.sleep(0)
        return answer

    async def swap(self, old: Session | None, new: Session) -> bool:
        async with self.lock:
            await asyncio.sleep(0)
            return self.tables.swap(old, new)

    async def epoch(self, subject: str) -> Epoch | None:
        await asyncio.sleep(0)
        return self.tables.epoch(subject)

    async def mint(self, subject: str, at: int) -> Epoch:
        async with self.lock:
            await asyncio.sleep(0)
            return self.tables.mint(subject, at)

    async def supersede(self, subject: str, at: int, cause: Reason, expected: int | None = None) -> Epoch | None:
        async with self.lock:
            await asyncio.sleep(0)
            return self.tables.supersede(subject, at, cause, expected)

    async def of_subject(self, subject: str) -> Sequence[Session]:
        await asyncio.sleep(0)
        return self.tables.of_subject(subject)

    async def of_upstream(self, issuer: str, sid: str) -> Sequence[Session]:
        await asyncio.sleep(0)
        return self.tables.of_upstream(issuer, sid)

    async def due(self, before: int, limit: int) -> Sequence[Session]:
        await asyncio.sleep(0)
        return self.tables.due(before, limit)

    async def purge(self, before: int, limit: int) -> int:
        await asyncio.sleep(0)
        return self.tables.purge(before, limit)

    async def mark(self, name: str, until: int) -> bool:
        await asyncio.sleep(0)
        return self.tables.mark(name, until)
