"""One handle in several tasks: what one of them did is seen, and stored, whatever the others store meanwhile."""

import asyncio
from typing import cast

import pytest

from sessioncore import State, Store
from sessioncore.testing import Clock
from sessioncore_io import AsyncHandle, AsyncSessions
from sessioncore_io.memory import MemoryStore

from .stores import Slow

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("turns", range(12))]


@pytest.fixture
def memory() -> MemoryStore:
    """Keep what the tests store."""
    return MemoryStore()


@pytest.fixture
def sessions(memory: MemoryStore, clock: Clock) -> AsyncSessions:
    """Open sessions on a store whose every call gives way to other tasks."""
    return AsyncSessions(cast(Store, Slow(memory)), clock=clock)


@pytest.fixture
async def handle(sessions: AsyncSessions) -> AsyncHandle:
    """Open the session of a browser that has one."""
    first = await sessions.open(None)
    first["n"] = 0
    await first.commit()
    assert first.sid is not None
    return first


async def after(turns: int) -> None:
    """Let the other tasks go on for a while."""
    for _ in range(turns):
        await asyncio.sleep(0)


def commit(handle: AsyncHandle) -> "asyncio.Future[None]":
    """Commit in another task."""
    return asyncio.ensure_future(handle.commit())


async def test_a_value_that_waits_for_its_commit_stays_in_sight(handle: AsyncHandle, turns: int) -> None:
    """A task that no longer saw its own cart would begin a new one, and so lose it."""
    handle["n"] = 1
    committing = commit(handle)
    await after(1)
    handle["cart"] = ["lamp"]
    handle.record("added")
    await after(turns)
    handle.setdefault("cart", []).append("shade")
    await committing
    await handle.commit()
    await handle.refresh()

    assert handle["cart"] == ["lamp", "shade"]
    assert len(handle.activities) == 1


async def test_a_list_that_waits_for_its_commit_may_still_be_changed_in_place(handle: AsyncHandle, turns: int) -> None:
    handle["n"] = 1
    committing = commit(handle)
    await after(1)
    cart = handle["cart"] = ["lamp"]
    handle.record("added")
    await after(turns)
    cart.append("shade")
    await committing
    await handle.commit()
    await handle.refresh()

    assert handle["cart"] == ["lamp", "shade"]


async def test_a_login_that_waits_for_its_commit_stays_in_sight(handle: AsyncHandle, turns: int) -> None:
    """Else the second factor of somebody who has just proved the first would be refused."""
    attempt = await handle.attempt("alice")
    handle["n"] = 1
    committing = commit(handle)
    await after(1)
    handle.log_in(attempt, "pwd", needs=State.MFA_SATISFIED)
    await after(turns)
    seen = handle.subject
    handle.satisfy_mfa("otp")
    await committing
    await handle.commit()
    await handle.refresh()

    assert seen == "alice"
    assert handle.state is State.MFA_SATISFIED
