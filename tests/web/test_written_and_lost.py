"""A password that was written though its acknowledgement was lost, and a secret that two tasks rotate at once."""

import asyncio
from typing import Any

import pytest
from attrs import evolve

from sessioncore import Epoch, Kind, Policy, Reason, Refused, State, begin
from sessioncore.flows import Token
from sessioncore.flows.retelling import retold
from sessioncore.policy import HOUR, Limits
from sessioncore.testing.clock import START, Clock
from sessioncore_io import AsyncSessions
from sessioncore_io.memory import MemoryStore

from .driver import Browser, Site, done
from .pages import log_in

pytestmark = pytest.mark.anyio


class Gated:
    """Answer like the store behind, but hold every swap until the test opens the gate."""

    def __init__(self, store: MemoryStore) -> None:
        self.store = store
        self.entered = asyncio.Event()
        self.gate = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        async def call(*args: Any, **options: Any) -> Any:
            if name == "swap":
                self.entered.set()
                await self.gate.wait()
            return getattr(self.store, name)(*args, **options)

        return call


class Lost(Exception):
    """The database stored the hash and its answer never came."""


async def test_a_login_against_the_old_password_dies_though_the_reset_reports_a_failure(
    site: Site, browser: Browser
) -> None:
    """The hash may have been written all the same, so the epoch moves on a second time before the error goes on."""

    async def slow(session: Any) -> object:
        def written_and_lost() -> None:
            begun.append(site.shell.attempt("alice"))  # reads the epoch, and then the old hash
            raise Lost

        begun: list[Any] = []
        with pytest.raises(Lost):
            site.shell.reset_password("alice", written_and_lost)
        session.log_in(begun[0], "pwd")
        with pytest.raises(Refused):
            await done(session.commit())
        return session.signed_in

    assert (await browser.ask(slow)).value is False


async def test_a_password_change_that_reports_a_failure_keeps_its_own_session(site: Site, browser: Browser) -> None:
    """Its user is not signed out for a database that hiccups; the others are, for the hash may be new."""
    other = Browser(site)
    await other.ask(log_in("alice"))
    await browser.ask(log_in("alice"))

    async def change(session: Any) -> None:
        with pytest.raises(Lost):
            await done(session.password_changed(lose))

    def lose() -> None:
        raise Lost

    await browser.ask(change)

    assert (await browser.sees("subject"), await other.sees("subject")) == ("alice", None)


async def test_a_refused_password_change_leaves_nobody_signed_in(site: Site, browser: Browser) -> None:
    """Somebody reset the password meanwhile: this request's session is dead, and its handle says so."""
    await browser.ask(log_in("alice"))

    async def change(session: Any) -> object:
        site.shell.reset_password("alice")
        with pytest.raises(Refused):
            await done(session.password_changed(lambda: None))
        return session.signed_in, session.subject

    assert (await browser.ask(change)).value == (False, None)


async def test_a_login_made_while_another_task_commits_keeps_its_cookie(clock: Clock) -> None:
    """The commit that is under way takes only the secret that it began with."""
    store = Gated(MemoryStore())
    sessions = AsyncSessions(store, clock=clock, listener=lambda _: None)
    handle = await sessions.open(None)
    handle["seen"] = 1
    committing = asyncio.ensure_future(handle.commit())
    await store.entered.wait()
    handle.log_in(await sessions.attempt("alice"), "pwd")
    store.gate.set()
    await committing
    await handle.commit()

    assert isinstance(handle.order, Token)
    assert (await sessions.open(handle.order)).subject == "alice"


async def test_the_csrf_token_of_a_page_that_found_its_session_ended_fits_the_next_request(
    site: Site, browser: Browser
) -> None:
    """Its cookie is left alone, so the token hangs on the secret that the browser still has."""
    await browser.ask(log_in("alice"))
    site.shell.end_all("alice", Reason.ADMIN)

    async def form(session: Any) -> object:
        return session.csrf_token

    token = (await browser.ask(form)).value

    async def posted(session: Any) -> object:
        return session.csrf_matches(token)

    assert (await browser.ask(posted)).value is True


def test_a_life_of_many_reauthentications_can_be_told_again() -> None:
    """It is longer than one lifetime, and its activities are as many as the policy allows."""
    policy = Policy(login=Limits(idle=HOUR, lifetime=8 * HOUR), max_activities=100)
    kept = evolve(
        begin("k" * 22, "p", START, idle=HOUR, lifetime=8 * HOUR),
        state=State.MFA_SATISFIED,
        subject="alice",
        first=Kind.KNOWLEDGE,
        second=Kind.POSSESSION,
        methods=("pwd",),
        mfa_methods=("otp",),
        mfa_at=START,
        authenticated_at=START + 9 * HOUR,
        since=START + 9 * HOUR,
        seen_at=START + 9 * HOUR,
        activities=tuple(f"{number}" for number in range(80)),
    )
    told = retold(kept, "n" * 22, "q", Epoch(value=1), START + 9 * HOUR, policy)

    assert (told.authenticated_at, told.mfa_at) == (kept.authenticated_at, kept.mfa_at)
    assert told.activities == kept.activities
