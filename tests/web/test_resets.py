"""Resets, password changes, caps and policies, as the browsers of the people concerned see them."""

from datetime import timedelta
from typing import Any

import pytest

from sessioncore import Limits, Policy, Reason, Refused, State, StoreUnavailable
from sessioncore.policy import HOUR, MINUTE

from .conftest import SITES
from .driver import Browser, Site, done, rows
from .pages import change_password, end_others, log_in, look, read, satisfy_mfa, write
from .stores import Outage

pytestmark = pytest.mark.anyio


async def test_a_reset_ends_every_session_of_its_subject_and_no_other(site: Site) -> None:
    """Signed in, remembered, strong or half-way through: dead at their next request."""
    browsers = [Browser(site) for _ in range(5)]
    logins: list[dict[str, Any]] = [{}, {"remember": True}, {}, {"needs": State.MFA_SATISFIED}]
    for browser, options in zip(browsers, logins, strict=False):
        await browser.ask(log_in("alice", **options))
    await browsers[2].ask(satisfy_mfa())
    await browsers[4].ask(log_in("bob"))
    guest = Browser(site)
    await guest.ask(write(cart=["lamp"]))
    written: list[str] = []
    site.shell.reset_password("alice", lambda: written.append("hash"))

    assert [await browser.sees("state") for browser in browsers] == [None] * 4 + [State.AUTHENTICATED]
    assert (await guest.ask(read("cart"))).value == ["lamp"]
    assert written == ["hash"]
    assert {row.reason for row in rows(site.store) if row.subject == "alice"} == {Reason.PASSWORD_RESET}


@pytest.mark.parametrize("keeping", [change_password, end_others()])
async def test_a_password_change_keeps_its_own_session_with_a_new_token(
    site: Site, browser: Browser, keeping: Any
) -> None:
    """And its data and its factors; all others die."""
    other = Browser(site)
    await other.ask(log_in("alice", remember=True))
    await browser.ask(log_in("alice"))
    await browser.ask(satisfy_mfa())
    await browser.ask(write(cart=["lamp"]))
    former = browser.token
    answer = await browser.ask(keeping)

    assert answer.token not in (None, "", former)
    assert (await browser.sees("state"), (await browser.ask(read("cart"))).value) == (State.MFA_SATISFIED, ["lamp"])
    assert (await site.ask(look, former)).value is None
    assert await other.sees("state") is None


async def test_a_harmless_request_beside_a_password_change_does_not_sign_the_user_out(
    site: Site, browser: Browser
) -> None:
    """It may be the first to see that the epoch has moved, and record the end of the session that was to stay."""
    await browser.ask(log_in("alice"))
    await browser.ask(write(cart=["lamp"]))
    token = browser.token

    async def changing(session: Any) -> None:
        async def meanwhile() -> None:
            await site.ask(look, token)

        def at_once() -> None:
            coroutine = meanwhile()
            with pytest.raises(StopIteration):
                coroutine.send(None)

        await done(session.password_changed(at_once))

    answer = await browser.ask(changing)

    assert answer.status == 200
    assert (await browser.sees("subject"), (await browser.ask(read("cart"))).value) == ("alice", ["lamp"])
    assert (await site.ask(look, token)).value is None


async def test_a_thiefs_password_change_does_not_outlive_the_owners_reset(site: Site, browser: Browser) -> None:
    """Whichever comes in between: nothing is kept."""
    await browser.ask(log_in("alice"))

    async def changing(session: Any) -> None:
        with pytest.raises(Refused):
            await done(session.password_changed(lambda: site.shell.reset_password("alice")))

    await browser.ask(changing)

    assert await browser.sees("state") is None
    assert all(not row.live for row in rows(site.store))


@pytest.fixture
def capped(site: Site) -> Site:
    """Let a subject have two sessions."""
    return type(site)(store=site.store, clock=site.clock, policy=Policy(max_sessions=2))


async def test_a_login_over_the_cap_ends_the_oldest(capped: Site) -> None:
    """By the time of its login, whenever its guest session began."""
    browsers = [Browser(capped) for _ in range(4)]
    await browsers[3].ask(write(cart=["lamp"]))
    for browser in browsers:
        capped.clock.advance(1)
        await browser.ask(log_in("alice"))

    assert [await browser.sees("subject") for browser in browsers] == [None, None, "alice", "alice"]
    assert [row.reason for row in rows(capped.store)].count(Reason.EVICTED) == 2


async def test_who_steps_up_beyond_the_cap_is_told_apart_from_a_conflict(capped: Site) -> None:
    """Others logged in while this login owed its factor, so it is the oldest when it completes."""
    browser = Browser(capped)
    await browser.ask(log_in("alice", needs=State.MFA_SATISFIED))
    for _ in range(2):
        capped.clock.advance(1)
        await Browser(capped).ask(log_in("alice"))

    async def step_up(session: Any) -> object:
        session.satisfy_mfa("otp")
        with pytest.raises(Refused) as refused:
            await done(session.commit())
        return refused.value.state, refused.value.settled.reason

    assert (await browser.ask(step_up)).value == (State.LOGGED_OUT, Reason.EVICTED)


async def test_logins_that_overlap_keep_the_cap(capped: Site) -> None:
    """When they have all answered, no more than two live."""

    def nested(depth: int) -> Any:
        async def page(session: Any) -> None:
            attempt = await done(session.attempt("alice"))
            if depth:
                capped.clock.advance(1)
                await capped.ask(nested(depth - 1))
            session.log_in(attempt, "pwd")

        return page

    await capped.ask(nested(4))

    assert len(capped.shell.sessions_of("alice")) == 2


async def test_a_limit_that_was_lowered_and_raised_again_brings_nothing_back(site: Site, browser: Browser) -> None:
    """A session that was once answered as ended stays ended; so does one that a wrong clock ended."""
    strict = Policy(login=Limits(idle=5 * MINUTE, lifetime=HOUR))
    await browser.ask(log_in("alice"))
    site.clock.advance(timedelta(minutes=10))
    lowered = await type(site)(store=site.store, clock=site.clock, policy=strict).ask(look, browser.token)

    assert (lowered.value, await browser.sees("state")) == (None, None)
    await browser.ask(log_in("alice"))
    site.clock.advance(timedelta(days=1))
    assert await browser.sees("state") is None
    site.clock.advance(timedelta(days=-1))
    assert await browser.sees("state") is None


class Vague(Outage):
    """Do what is asked, and lose the answer once."""

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            answer = getattr(self.store, name)(*args, **kwargs)
            if name in self.down:
                self.recover()
                raise StoreUnavailable(f"the answer of {name} was lost")
            return answer

        return call


@pytest.mark.parametrize("kind", SITES)
@pytest.mark.parametrize("guest", [True, False])
async def test_a_login_whose_storing_was_not_acknowledged_can_be_tried_again(
    site: Site, kind: str, guest: bool
) -> None:
    """It was stored all the same: the second try must find its own secret there, and set the cookie for it."""
    vague = Vague(site.store)
    browser = Browser(SITES[kind](store=vague, clock=site.clock))
    if guest:
        await browser.ask(write(cart=["lamp"]))

    async def stubborn(session: Any) -> None:
        await log_in()(session)
        vague.fail("swap")
        with pytest.raises(StoreUnavailable):
            await done(session.commit())

    answer = await browser.ask(stubborn)

    assert (answer.status, bool(answer.token)) == (200, True)
    assert await browser.sees("subject") == "alice"
    assert (await browser.ask(read("cart"))).value == (["lamp"] if guest else None)
