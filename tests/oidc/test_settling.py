"""Storing what time or a reset has done to a session, and telling of it once."""

from typing import Any

import pytest

from sessioncore import Notice, Reason, What
from sessioncore.effects import arun
from sessioncore.flows import settle_one
from sessioncore.testing import Clock
from sessioncore_io import AsyncSessions
from sessioncore_io.memory import MemoryStore
from sessioncore_io.oidc.watching import watched

pytestmark = pytest.mark.anyio


async def test_what_a_reset_has_ended_is_stored_and_told_once(clock: Clock) -> None:
    told: list[Notice] = []
    ends: list[Any] = []
    store = watched(MemoryStore(), lambda old, new: ends.append((old.subject, new.reason)))
    sessions = AsyncSessions(store, clock=clock, listener=told.append)
    handle = await sessions.open(None)
    handle.log_in(await handle.attempt("alice"), "pwd")
    await handle.commit()
    sid = handle.sid or ""
    told.clear()
    version = store.load(sid)[0].version
    await arun(settle_one(sid, sessions.policy), sessions.perform)
    await arun(settle_one("nobody", sessions.policy), sessions.perform)
    assert (told, ends, store.load(sid)[0].version) == ([], [], version), "nothing has happened to it"

    await sessions.reset_password("alice")
    told.clear()
    for _ in range(2):
        await arun(settle_one(sid, sessions.policy), sessions.perform)

    assert ends == [("alice", Reason.PASSWORD_RESET)]
    assert [(notice.what, notice.sid, notice.at, notice.reason) for notice in told] == [
        (What.ENDED, sid, clock(), Reason.PASSWORD_RESET)
    ]


async def test_only_the_swap_that_ended_a_session_is_told_of(clock: Clock) -> None:
    ends: list[Any] = []
    store = watched(MemoryStore(), lambda old, new: ends.append(new.sid))
    sessions = AsyncSessions(store, clock=clock)
    handle = await sessions.open(None)
    handle.log_in(await handle.attempt("alice"), "pwd")
    await handle.commit()
    alive = store.load(handle.sid)[0]
    handle["cart"] = 1
    await handle.commit()
    assert ends == []

    handle.log_out()
    await handle.commit()
    ended = store.load(alive.sid)[0]
    assert store.swap(alive, ended) is False, "somebody else has changed it meanwhile"
    assert store.swap(ended, ended) is False
    assert ends == [alive.sid]
