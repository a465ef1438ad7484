"""A slow request loads its session, and something happens to it: what the slow one does then changes nothing."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from sessioncore import Limits, Policy, Reason, Refused, State
from sessioncore.policy import HOUR, MINUTE

from .driver import Browser, Handler, Site, done, rows
from .pages import end_others, log_in, log_out, look, reauthenticate, satisfy_mfa, then, write

pytestmark = pytest.mark.anyio

Ending = Callable[[Site, Browser], Awaitable[object]]


@pytest.fixture
def policy() -> Policy:
    """Let a subject have two sessions: a third login evicts."""
    return Policy(max_sessions=2, guest=Limits(idle=HOUR, lifetime=2 * HOUR))


async def by_logout(site: Site, browser: Browser) -> None:
    """End the session from the same browser."""
    await Browser(site, browser.token).ask(log_out)


async def by_idleness(site: Site, browser: Browser) -> None:
    """Let the idle limit pass."""
    site.clock.advance(timedelta(minutes=31))


async def by_age(site: Site, browser: Browser) -> None:
    """Let the lifetime pass."""
    site.clock.advance(timedelta(hours=13))


async def by_reset(site: Site, browser: Browser) -> None:
    """Reset the password."""
    site.shell.reset_password("alice")


async def by_operator(site: Site, browser: Browser) -> None:
    """End the session by its selector."""
    assert browser.token is not None
    assert site.shell.end(browser.token[:22], Reason.ADMIN, subject="alice")


async def by_deletion(site: Site, browser: Browser) -> None:
    """End all sessions of the account."""
    site.shell.end_all("alice", Reason.ACCOUNT_DELETED)


async def by_eviction(site: Site, browser: Browser) -> None:
    """Log in elsewhere, over the cap."""
    for _ in range(2):
        site.clock.advance(1)
        await Browser(site).ask(log_in("alice"))


async def by_another(site: Site, browser: Browser) -> None:
    """Log in as somebody else, in the same browser."""
    await Browser(site, browser.token).ask(log_in("bob"))


async def by_its_owner(site: Site, browser: Browser) -> None:
    """End all other sessions, from another device."""
    await Browser(site).ask(then(log_in("alice"), end_others()))


ENDINGS = [
    by_logout,
    by_idleness,
    by_age,
    by_reset,
    by_operator,
    by_deletion,
    by_eviction,
    by_another,
    by_its_owner,
]


def slowly(site: Site, browser: Browser, ending: Ending, page: Handler) -> Handler:
    """Let a page load its session, then let something happen, then let the page go on."""

    async def slow(session: Any) -> object:
        assert session.subject == "alice"
        await ending(site, browser)
        return await page(session)

    return slow


async def once(site: Site, browser: Browser) -> str:
    """Sign the browser in and give its token."""
    await browser.ask(log_in("alice"))
    assert browser.token is not None
    return browser.token


@pytest.mark.parametrize("ending", ENDINGS)
async def test_a_late_write_brings_nothing_back(site: Site, browser: Browser, ending: Ending) -> None:
    """It is dropped and told; the response goes out; the browser's cookie is not set again."""
    token = await once(site, browser)
    answer = await browser.ask(slowly(site, browser, ending, write(cart=["lamp"])))

    assert (answer.status, answer.token) == (200, None)
    assert len(site.told("dropped")) == 1
    assert await Browser(site, token).sees("state") is None
    assert all(not row.data for row in rows(site.store))


@pytest.mark.parametrize("ending", ENDINGS)
async def test_a_late_touch_brings_nothing_back(site: Site, browser: Browser, ending: Ending) -> None:
    """A request that only looked goes out as it is, and is the last one."""
    token = await once(site, browser)

    async def after_a_while(site: Site, browser: Browser) -> None:
        site.clock.advance(timedelta(minutes=5))
        await ending(site, browser)

    answer = await browser.ask(slowly(site, browser, after_a_while, look))

    assert (answer.status, answer.token) == (200, None)
    assert await Browser(site, token).sees("state") is None


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("page", [satisfy_mfa(), reauthenticate()])
async def test_a_late_proof_is_refused(site: Site, browser: Browser, ending: Ending, page: Handler) -> None:
    """By 409 from the middleware, or by the handle where the clock alone tells."""
    token = await once(site, browser)
    try:
        answer = await browser.ask(slowly(site, browser, ending, page))
    except Refused:
        assert ending in (by_idleness, by_age)
    else:
        assert (answer.status, answer.token) == (409, None)

    assert await Browser(site, token).sees("state") is None


@pytest.mark.parametrize("ending", ENDINGS)
async def test_a_late_login_begins_another_session_without_the_old_ones_data(
    site: Site, browser: Browser, ending: Ending
) -> None:
    """The credential was checked: the user is signed in, but not into what has ended."""
    await browser.ask(write(cart=["lamp"]))
    token = await once(site, browser)
    answer = await browser.ask(slowly(site, browser, ending, log_in("alice")))

    assert answer.status == 200
    assert answer.token not in (None, "")
    assert answer.token[:22] != token[:22]
    assert await Browser(site, token).sees("state") is None
    assert (await browser.sees("subject"), await browser.sees("state")) == ("alice", State.AUTHENTICATED)
    assert (await browser.ask(lambda session: keys(session))).value == []


async def keys(session: Any) -> list[str]:
    """Serve a page that lists what is stored."""
    return list(session)


@pytest.mark.parametrize("ending", ENDINGS)
async def test_a_late_logout_succeeds_and_the_first_reason_stays(site: Site, browser: Browser, ending: Ending) -> None:
    """Being out already is a success; the cookie is cleared only by who ended the session."""
    token = await once(site, browser)
    answer = await browser.ask(slowly(site, browser, ending, log_out))
    reasons = {row.reason for row in rows(site.store) if row.sid == token[:22] and not row.live}

    assert answer.status == 200
    assert await Browser(site, token).sees("state") is None
    assert len(reasons) == 1
    assert (answer.token is None) is (ending in (by_logout, by_operator, by_eviction, by_another))


@pytest.mark.parametrize("ending", ENDINGS)
async def test_every_cookie_ever_issued_is_dead_after_each_kind_of_end(
    site: Site, browser: Browser, ending: Ending
) -> None:
    """Neither the last one nor any before opens anything, touches a cookie or writes."""
    for page in (write(cart=1), log_in("alice"), satisfy_mfa(), reauthenticate(), log_in("alice"), end_others()):
        await browser.ask(page)
    await ending(site, browser)
    if ending is by_its_owner:
        site.clock.advance(1)

    assert len(browser.ever) == len(set(browser.ever)) == 6
    for token in browser.ever:
        answer = await site.ask(look, token)
        assert (answer.status, answer.value, answer.token) == (200, None, None)
        assert (await site.ask(satisfied_or_refused, token)).value == "refused"


async def satisfied_or_refused(session: Any) -> str:
    """Serve a challenge form that says what came of it."""
    from sessioncore import LoginRequired

    try:
        session.satisfy_mfa("otp")
    except LoginRequired:
        return "refused"
    return "satisfied"


@pytest.mark.parametrize("page", [satisfy_mfa(), reauthenticate()])
@pytest.mark.parametrize("ending", [by_idleness, by_age])
async def test_a_proof_for_a_session_that_is_over_is_refused_where_it_is_called(
    site: Site, browser: Browser, ending: Ending, page: Handler
) -> None:
    """Not only when the request is stored: what the page does next counts on the proof."""
    await browser.ask(log_in())

    async def slow(session: Any) -> None:
        await ending(site, browser)
        with pytest.raises(Refused):
            await page(session)

    assert (await browser.ask(slow)).status == 200


async def test_a_write_for_a_session_that_is_over_is_dropped_without_an_error(site: Site, browser: Browser) -> None:
    """The page has done its work: that its session ran out meanwhile is no fault of its."""
    await browser.ask(log_in())

    async def slow(session: Any) -> None:
        site.clock.advance(timedelta(minutes=31))
        session.record("view")

    assert (await browser.ask(slow)).status == 200
    assert {row.activities for row in rows(site.store)} == {()}


async def test_a_login_right_at_the_idle_limit_goes_through(site: Site, browser: Browser) -> None:
    """The password takes a while to check: the session that was loaded may expire meanwhile."""
    await once(site, browser)
    site.clock.advance(30 * MINUTE - 1)

    async def slow(session: Any) -> object:
        attempt = await done(session.attempt("alice"))
        site.clock.advance(300)
        session.log_in(attempt, "pwd")
        session["welcome"] = True
        return session.signed_in

    answer = await browser.ask(slow)

    assert (answer.status, answer.value) == (200, True)
    assert await browser.sees("signed_in")


async def test_mfa_that_lapses_during_a_request_is_not_stored_as_satisfied(site: Site, browser: Browser) -> None:
    """The write goes through; the factor does not come back."""
    await browser.ask(log_in("alice", remember=True))
    await browser.ask(satisfy_mfa())

    async def slow(session: Any) -> None:
        site.clock.advance(timedelta(hours=12))
        session["note"] = 1

    assert (await browser.ask(slow)).status == 200
    assert await browser.sees("state") == State.AUTHENTICATED
