"""A store in memory that is truly awaited: every call lets other tasks run before it acts and after."""

import asyncio
from collections.abc import Sequence

from attrs import define, field

from sessioncore import Epoch, Reason, Session
from sessioncore.testing.model import ModelStore


@define
class AwaitingStore:
    """Keep what a model store keeps, and give way around each call."""

    model: ModelStore = field(factory=ModelStore)

    async def load(self, sid: str) -> tuple[Session | None, Epoch | None]:
        """Return the row and its subject's epoch."""
        await asyncio.sleep(0)
        loaded = self.model.load(sid)
        await asyncio.sleep(0)
        return loaded

    async def swap(self, old: Session | None, new: Session) -> bool:
        """Put ``new`` where exactly ``old`` is."""
        await asyncio.sleep(0)
        done = self.model.swap(old, new)
        await asyncio.sleep(0)
        return done

    async def epoch(self, subject: str) -> Epoch | None:
        """Return the subject's epoch."""
        await asyncio.sleep(0)
        return self.model.epoch(subject)

    async def mint(self, subject: str, at: int) -> Epoch:
        """Insert the epoch if the subject has none; return what stands."""
        await asyncio.sleep(0)
        return self.model.mint(subject, at)

    async def supersede(self, subject: str, at: int, cause: Reason, expected: int | None = None) -> Epoch | None:
        """Move the epoch on, if it is the expected one."""
        await asyncio.sleep(0)
        return self.model.supersede(subject, at, cause, expected)

    async def of_subject(self, subject: str, *, live: bool = False) -> Sequence[Session]:
        """Return the rows of the subject, or only the live ones."""
        await asyncio.sleep(0)
        return self.model.of_subject(subject, live=live)

    async def of_upstream(self, issuer: str, sid: str) -> Sequence[Session]:
        """Return the rows that depend on this session of an identity provider."""
        await asyncio.sleep(0)
        return self.model.of_upstream(issuer, sid)

    async def due(self, before: int, limit: int) -> Sequence[Session]:
        """Return live rows whose deadline has passed."""
        await asyncio.sleep(0)
        return self.model.due(before, limit)

    async def purge(self, before: int, limit: int) -> int:
        """Forget rows that ended before."""
        await asyncio.sleep(0)
        return self.model.purge(before, limit)

    async def mark(self, name: str, until: int) -> bool:
        """Remember the name; tell whether this was the first time."""
        await asyncio.sleep(0)
        return self.model.mark(name, until)
