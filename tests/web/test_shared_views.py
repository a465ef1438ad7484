"""One handle in several tasks: what one of them did is seen, and stored, whatever the others store meanwhile."""

import asyncio
from typing import Any, cast

import pytest

from sessioncore import Reason, Refused, State, Store
from sessioncore.flows import Token
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


async def refreshing(handle: AsyncHandle, turns: int) -> "asyncio.Future[None]":
    """Refresh in another task, as a socket's heartbeat does, and come back while that is under way."""
    under_way = asyncio.ensure_future(handle.refresh())
    await after(1 + turns)
    return under_way


async def test_what_is_written_during_a_refresh_is_stored(handle: AsyncHandle, turns: int) -> None:
    beating = await refreshing(handle, turns)
    handle["draft"] = "text"
    await handle.commit()
    await beating
    await handle.refresh()

    assert handle["draft"] == "text"


async def test_what_is_recorded_deleted_and_changed_in_place_during_a_refresh_is_stored(
    handle: AsyncHandle, turns: int
) -> None:
    handle["cart"] = cart = ["lamp"]
    await handle.commit()
    beating = await refreshing(handle, turns)
    handle.record("added")
    cart.append("shade")
    del handle["n"]
    await beating
    await handle.commit()
    await handle.refresh()

    assert dict(handle) == {"cart": ["lamp", "shade"]}
    assert len(handle.activities) == 1


async def test_a_refresh_drops_what_was_not_committed_when_it_was_called(handle: AsyncHandle, turns: int) -> None:
    handle["cart"] = cart = ["lamp"]
    await handle.commit()
    handle.record("dropped")
    handle["new"] = 1
    cart.append("shade")
    del handle["n"]
    beating = await refreshing(handle, turns)
    handle["kept"] = 1
    await beating
    await handle.commit()
    await handle.refresh()

    assert dict(handle) == {"cart": ["lamp"], "n": 0, "kept": 1}
    assert handle.activities == []


async def test_a_refresh_drops_what_json_cannot_hold(handle: AsyncHandle, turns: int) -> None:
    cart = handle["cart"] = ["lamp"]
    await handle.commit()
    cart.append(cast(str, object()))
    beating = await refreshing(handle, turns)
    await beating

    assert handle["cart"] == ["lamp"]


async def test_a_login_during_a_refresh_is_stored(handle: AsyncHandle, turns: int) -> None:
    attempt = await handle.attempt("alice")
    beating = await refreshing(handle, turns)
    handle.log_in(attempt, "pwd")
    await beating
    seen = handle.signed_in
    await handle.commit()
    await handle.refresh()

    assert seen
    assert handle.signed_in


async def test_a_first_visit_that_begins_during_a_refresh_is_stored(sessions: AsyncSessions, turns: int) -> None:
    handle = await sessions.open(None)
    beating = await refreshing(handle, turns)
    handle["cart"] = ["lamp"]
    handle.record("added")
    await beating
    await handle.commit()
    await handle.refresh()

    assert handle["cart"] == ["lamp"]


async def test_what_a_refresh_drops_leaves_no_session_behind(sessions: AsyncSessions, turns: int) -> None:
    handle = await sessions.open(None)
    handle.record("dropped")
    beating = await refreshing(handle, turns)
    await beating
    await handle.commit()

    assert handle.sid is None
    assert handle.order is None


@pytest.mark.parametrize("subject", ["", "bob"])
async def test_a_refresh_does_not_open_what_was_logged_out_of_meanwhile(
    handle: AsyncHandle, memory: MemoryStore, turns: int, subject: str
) -> None:
    """Nor does it shut out who has logged in instead."""
    handle.log_in(await handle.attempt("alice"), "pwd")
    await handle.commit()
    attempt = await handle.attempt("bob")
    beating = await refreshing(handle, turns)
    if subject:
        handle.log_in(attempt, "pwd")
    else:
        handle.log_out()
    await handle.commit()
    await beating

    assert (handle.subject or "") == subject
    assert memory.of_subject("alice", live=True) == []


@pytest.mark.parametrize("verb", [AsyncHandle.commit, AsyncHandle.end_others])
async def test_a_logout_is_stored_by_the_task_that_was_refused_meanwhile(
    sessions: AsyncSessions, handle: AsyncHandle, memory: MemoryStore, verb: Any, turns: int
) -> None:
    """It is the one whose response starts: nobody else may come to store it."""
    handle.log_in(await handle.attempt("alice"), "pwd")
    await handle.commit()
    assert isinstance(handle.order, Token)
    other = await sessions.open(handle.order)
    handle.satisfy_mfa("otp")
    other.log_in(await other.attempt("alice"), "hwk")
    await other.commit()
    under_way = asyncio.ensure_future(verb(handle))
    await after(1 + turns)
    if under_way.done():
        with pytest.raises(Refused):
            await under_way
        return
    handle.log_out()
    with pytest.raises(Refused):
        await under_way

    assert memory.of_subject("alice", live=True) == []


async def stale(handle: AsyncHandle, memory: MemoryStore) -> None:
    """Log in by a proof that a reset has made void meanwhile."""
    memory.mint("alice", handle.at)
    attempt = await handle.attempt("alice")
    memory.supersede("alice", handle.at + 1, Reason.PASSWORD_RESET)
    handle.log_in(attempt, "pwd")


async def test_what_another_task_wrote_outlives_a_refused_login(
    handle: AsyncHandle, memory: MemoryStore, turns: int
) -> None:
    """What comes after it is dropped: this handle is nobody's any more."""
    await stale(handle, memory)
    committing = commit(handle)
    await after(1 + turns)
    too_late = committing.done()
    handle["cart"] = ["lamp"]
    handle.record("added")
    with pytest.raises(Refused):
        await committing
    await handle.commit()
    await handle.refresh()

    assert handle.subject is None
    assert handle.get("cart") == (None if too_late else ["lamp"])
    assert len(handle.activities) == (0 if too_late else 1)


@pytest.mark.parametrize("stored", [True, False])
async def test_another_tasks_login_outlives_a_refused_one(
    sessions: AsyncSessions, handle: AsyncHandle, memory: MemoryStore, turns: int, stored: bool
) -> None:
    handle = handle if stored else await sessions.open(None)
    await stale(handle, memory)
    good = await handle.attempt("alice")
    committing = commit(handle)
    await after(1 + turns)
    handle.log_in(good, "pwd")
    with pytest.raises(Refused):
        await committing
    await handle.commit()
    await handle.refresh()

    assert handle.subject == "alice"


async def test_a_second_factor_is_refused_with_the_login_that_it_built_on(
    sessions: AsyncSessions, memory: MemoryStore, turns: int
) -> None:
    """To be told of nothing would be to be told that it holds."""
    handle = await sessions.open(None)
    await stale(handle, memory)
    committing = commit(handle)
    await after(1 + turns)
    if committing.done():
        with pytest.raises(Refused):
            await committing
        return
    handle.satisfy_mfa("otp")
    with pytest.raises(Refused):
        await committing
    with pytest.raises(Refused):
        await handle.commit()

    assert handle.subject is None


async def test_what_was_written_on_a_refused_first_login_is_dropped_and_told(
    memory: MemoryStore, clock: Clock, turns: int
) -> None:
    """Nobody holds the secret of a guest's session that was to be the user's at once."""
    told: list[str] = []
    sessions = AsyncSessions(cast(Store, Slow(memory)), clock=clock, listener=lambda notice: told.append(notice.what))
    handle = await sessions.open(None)
    await stale(handle, memory)
    committing = commit(handle)
    await after(1 + turns)
    begun = committing.done()
    handle.record("added")
    with pytest.raises(Refused):
        await committing
    await handle.commit()

    assert (handle.sid is not None) == begun
    assert ("dropped" in told) != begun


async def test_what_was_refused_along_with_another_tasks_proof_is_told(
    memory: MemoryStore, clock: Clock, turns: int
) -> None:
    """The task that wrote it is not the one that is refused: its own commit finds nothing left to store."""
    told: list[str] = []
    sessions = AsyncSessions(cast(Store, Slow(memory)), clock=clock, listener=lambda notice: told.append(notice.what))
    handle = await sessions.open(None)
    handle["n"] = 0
    await handle.commit()
    handle.record("added")
    await stale(handle, memory)
    refused = commit(handle)
    await after(turns)
    await asyncio.gather(handle.commit(), return_exceptions=True)

    assert isinstance(refused.exception(), Refused)
    assert told.count("dropped") == 1
