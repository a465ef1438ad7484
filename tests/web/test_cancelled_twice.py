"""A reset whose write is cancelled still ends what was checked against the old password, however often it is cancelled.

Cancel scopes, as of anyio and so of Starlette, cancel again at each ``await`` until the scope is left.
"""

import asyncio
import logging

import anyio
import pytest
from tests.stores.awaiting import AwaitingStore

from sessioncore import Epoch, Notice, Reason, Refused, StoreUnavailable
from sessioncore.testing import Clock
from sessioncore_io import AsyncSessions
from sessioncore_io.handle import AsyncHandle

pytestmark = pytest.mark.anyio

LOST = "the end of all sessions of a subject may not be stored, and nobody waits for it"


class Failing(AwaitingStore):
    """Fail from the second end of all sessions on."""

    ends = 0

    async def supersede(self, subject: str, at: int, cause: Reason, expected: int | None = None) -> Epoch | None:
        """Move the epoch on, once."""
        await asyncio.sleep(0)
        self.ends += 1
        if self.ends > 1:
            raise StoreUnavailable("supersede is down")
        return await super().supersede(subject, at, cause, expected)


async def reset_in_a_cancelled_scope(sessions: AsyncSessions) -> AsyncHandle:
    """Cancel a reset for good while it writes; give the login that was checked against the old password meanwhile."""
    login = await sessions.open(None)

    with anyio.CancelScope() as scope:

        async def write() -> None:
            login.log_in(await login.attempt("alice"), "pwd")
            scope.cancel()
            await anyio.sleep(0)

        await sessions.reset_password("alice", write)

    assert scope.cancelled_caught
    for _ in range(4):  # the store and its callback, each a step of the event loop or two
        await asyncio.sleep(0)
    return login


async def test_a_reset_that_is_cancelled_for_good_ends_what_was_checked_meanwhile(clock: Clock) -> None:
    sessions = AsyncSessions(AwaitingStore(), clock=clock)
    login = await reset_in_a_cancelled_scope(sessions)

    with pytest.raises(Refused):
        await sessions.commit(login)

    assert await sessions.sessions_of("alice") == []


async def test_an_end_that_nobody_waits_for_any_more_is_told(clock: Clock) -> None:
    told: list[Notice] = []
    await reset_in_a_cancelled_scope(AsyncSessions(AwaitingStore(), clock=clock, listener=told.append))

    assert [(one.what, one.subject, one.reason) for one in told] == [
        ("superseded", "alice", Reason.PASSWORD_RESET),
        ("superseded", "alice", Reason.PASSWORD_RESET),
    ]


def test_an_end_that_the_end_of_its_loop_interrupts_is_logged(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, "sessioncore")
    sessions = AsyncSessions(AwaitingStore(), clock=clock)

    async def stopping() -> None:
        async def write() -> None:
            await asyncio.sleep(3_600)

        task = asyncio.ensure_future(sessions.reset_password("alice", write))
        for _ in range(6):  # until it writes
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(stopping())

    assert [record.getMessage() for record in caplog.records] == [f"{LOST}: interrupted"]


async def test_an_end_that_nobody_waits_for_any_more_is_logged_if_it_fails(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR, "sessioncore")
    await reset_in_a_cancelled_scope(AsyncSessions(Failing(), clock=clock))

    assert [record.getMessage() for record in caplog.records] == [f"{LOST}: supersede is down"]
