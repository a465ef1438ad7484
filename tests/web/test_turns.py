"""One handle in several tasks: what they store, they store one after another, and each thing once."""

import asyncio
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from typing import Any, cast

import pytest

from sessioncore import Policy, Reason, Refused, Store
from sessioncore.testing import Clock
from sessioncore_io import AsyncHandle, AsyncSessions, Handle, Sessions
from sessioncore_io.memory import MemoryStore

from .stores import Slow

pytestmark = pytest.mark.anyio

TIMES = 40
ROOMY = Policy(max_activities=1_000)


@pytest.fixture
def memory() -> MemoryStore:
    """Keep what the tests store."""
    return MemoryStore()


@pytest.fixture
def sessions(memory: MemoryStore, clock: Clock) -> AsyncSessions:
    """Open sessions on a store whose every call gives way to other tasks."""
    return AsyncSessions(cast(Store, Slow(memory)), ROOMY, clock)


def recorded(handle: Any) -> Counter[int]:
    """Count how often each number was recorded."""
    return Counter(activity["details"]["number"] for activity in handle.activities)


async def in_flight(handle: AsyncHandle) -> "asyncio.Future[None]":
    """Begin a commit, and come back once it waits for the store."""
    committing = asyncio.ensure_future(handle.commit())
    await asyncio.sleep(0)
    return committing


async def test_tasks_that_commit_at_once_lose_nothing_and_store_nothing_twice(sessions: AsyncSessions) -> None:
    handle = await sessions.open(None)

    async def talk(task: int) -> None:
        for number in range(TIMES):
            handle.record("said", number=task * TIMES + number)
            await asyncio.sleep(0)
            await handle.commit()

    await asyncio.gather(*map(talk, range(3)))

    assert recorded(handle) == Counter(range(3 * TIMES))


async def test_a_logout_while_the_login_is_being_stored_ends_what_was_stored(
    sessions: AsyncSessions, memory: MemoryStore
) -> None:
    handle = await sessions.open(None)
    handle.log_in(await handle.attempt("alice"), "pwd")
    committing = await in_flight(handle)
    handle.log_out()
    await committing

    assert not handle.signed_in
    assert memory.of_subject("alice", live=True) == [], "the response that waited for it may start now"
    assert len(memory.of_subject("alice")) == 1


@pytest.mark.parametrize("turns", range(1, 16))
@pytest.mark.parametrize("verb", [AsyncHandle.end_others, AsyncHandle.password_changed, AsyncHandle.commit])
async def test_a_logout_outlasts_whatever_was_under_way(
    sessions: AsyncSessions, memory: MemoryStore, clock: Clock, verb: Any, turns: int
) -> None:
    """Ending the others, changing the password, touching: what they give back is not a way in again."""
    handle = await sessions.open(None)
    handle.log_in(await handle.attempt("alice"), "pwd")
    await handle.commit()
    clock.advance(timedelta(minutes=5))
    await handle.refresh()
    assert handle.signed_in
    under_way = asyncio.ensure_future(verb(handle))
    for _ in range(turns):
        await asyncio.sleep(0)
    too_late = under_way.done()
    handle.log_out()
    with suppress(Refused):  # there is nobody left whose others could be ended
        await under_way
    if too_late or under_way.exception() is not None:
        await handle.store_logout()

    assert not handle.signed_in
    assert memory.of_subject("alice", live=True) == []
    handle["cart"] = "the next one's"
    await handle.commit()
    assert memory.of_subject("alice", live=True) == []
    assert handle.sid is not None
    assert handle["cart"] == "the next one's"


async def test_what_is_recorded_while_a_commit_is_under_way_is_stored_by_it(sessions: AsyncSessions) -> None:
    """For the response may start right after it, and then it is too late."""
    handle = await sessions.open(None)
    handle.record("said", number=1)
    committing = await in_flight(handle)
    handle.record("said", number=2)
    await committing
    await handle.refresh()

    assert recorded(handle) == Counter([1, 2])


async def test_a_refusal_takes_nothing_from_who_came_after_a_logout(
    sessions: AsyncSessions, memory: MemoryStore
) -> None:
    handle = await sessions.open(None)
    handle.log_in(await handle.attempt("alice"), "pwd")
    await handle.commit()
    refused = asyncio.ensure_future(handle.end_others())
    await asyncio.sleep(0)
    memory.supersede("alice", sessions.clock() + 1, Reason.ADMIN)
    handle.log_out()
    handle["cart"] = "the next one's"
    with pytest.raises(Refused):
        await refused
    ended = memory.of_subject("alice", live=True) == []
    await handle.commit()

    assert ended, "the response that waited for it may start now"
    assert handle["cart"] == "the next one's"


async def test_somebody_else_may_log_in_while_a_login_is_being_stored(
    sessions: AsyncSessions, memory: MemoryStore
) -> None:
    handle = await sessions.open(None)
    handle.log_in(await handle.attempt("alice"), "pwd")
    attempt = await handle.attempt("bob")
    committing = await in_flight(handle)
    handle.log_in(attempt, "pwd")
    await committing
    await handle.commit()

    assert handle.subject == "bob"
    assert memory.of_subject("alice", live=True) == []
    assert len(memory.of_subject("bob", live=True)) == 1


@pytest.mark.parametrize("kind", [Sessions, AsyncSessions])
async def test_who_stores_the_new_hash_may_commit_the_session_meanwhile(
    kind: Any, memory: MemoryStore, clock: Clock
) -> None:
    """Whoever waits for a turn that is their own would wait for ever."""
    shell = kind(memory, clock=clock)
    handle: Any = shell.open(None)
    if isinstance(handle, Handle):
        handle.log_in(handle.attempt("alice"), "pwd")
        handle.commit()
        handle.password_changed(handle.commit)
    else:
        handle = await handle
        handle.log_in(await handle.attempt("alice"), "pwd")
        await handle.commit()
        await asyncio.wait_for(handle.password_changed(handle.commit), 20)

    assert handle.signed_in
