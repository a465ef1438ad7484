"""What a request sees after a commit that other requests overtook: never more than it proved."""

from datetime import timedelta
from typing import Any

import pytest

from sessioncore import Refused, SessionError

from .driver import Browser, Site, done
from .pages import log_in, log_out, read, reauthenticate, satisfy_mfa, write

pytestmark = pytest.mark.anyio


async def test_an_overtaken_guest_does_not_become_the_user_who_logged_in_meanwhile(
    site: Site, browser: Browser
) -> None:
    """A token known before the login must not open the session after it, not even inside a request that was slow."""
    await browser.ask(write(cart=["lamp"]))
    victim = Browser(site, browser.token)

    async def slow(session: Any) -> object:
        session["cart"] = ["trap"]
        await victim.ask(log_in("alice"))
        await victim.ask(write(secret="alice's"))
        await done(session.commit())
        return session.subject, session.signed_in, dict(session)

    answer = await browser.ask(slow)

    assert answer.value == (None, False, {})
    assert answer.token is None
    assert await victim.sees("subject") == "alice"
    assert (await victim.ask(read("cart"))).value == ["lamp"]


async def test_an_overtaken_touch_does_not_open_the_session_either(site: Site, browser: Browser) -> None:
    """The touch commits at once where it is due, and its outcome is the row as it is by then."""
    await browser.ask(write(cart=["lamp"]))
    victim = Browser(site, browser.token)

    async def slow(session: Any) -> object:
        site.clock.advance(timedelta(minutes=5))
        await victim.ask(log_in("alice"))
        assert session.subject is None
        await done(session.commit())
        return session.subject

    assert None is (await browser.ask(slow)).value


async def test_an_overtaken_password_session_does_not_gain_the_second_factor(site: Site, browser: Browser) -> None:
    """A thief of the cookie from before the second factor stays outside."""
    await browser.ask(log_in("alice"))
    victim = Browser(site, browser.token)

    async def slow(session: Any) -> object:
        session["note"] = "mine"
        await victim.ask(satisfy_mfa())
        await done(session.commit())
        return session.state

    assert None is (await browser.ask(slow)).value


async def test_an_overtaken_request_may_still_log_out(site: Site, browser: Browser) -> None:
    """A former secret is good for that, and for nothing else."""
    await browser.ask(log_in("alice"))
    other = Browser(site, browser.token)

    async def slow(session: Any) -> None:
        session["note"] = "mine"
        await other.ask(reauthenticate())
        await done(session.commit())
        session.log_out()

    await browser.ask(slow)

    assert None is await other.sees("subject")


async def test_what_an_overtaken_request_writes_after_its_commit_begins_nothing(site: Site, browser: Browser) -> None:
    """Neither a row nor a cookie: the browser's newer cookie would be overwritten."""
    await browser.ask(log_in("alice"))
    other = Browser(site, browser.token)

    async def slow(session: Any) -> None:
        session["first"] = 1
        await other.ask(log_out)
        await done(session.commit())
        session["second"] = 2

    answer = await browser.ask(slow)

    assert (answer.status, answer.token) == (200, None)


async def test_a_commit_that_was_refused_leaves_nobody_signed_in(site: Site, browser: Browser) -> None:
    """A handler that catches the error may answer as it likes, and knows that it greets nobody."""
    await browser.ask(log_in("alice"))

    async def slow(session: Any) -> object:
        session.satisfy_mfa("otp")
        site.shell.reset_password("alice")
        with pytest.raises(Refused):
            await done(session.commit())
        return session.signed_in

    answer = await browser.ask(slow)

    assert (answer.status, answer.value) == (200, False)
    assert answer.token is None


async def test_changing_the_password_in_an_ended_session_is_refused_by_name(site: Site, browser: Browser) -> None:
    """Also when the request had something to store before."""
    await browser.ask(log_in("alice"))
    other = Browser(site, browser.token)
    changed: list[str] = []

    async def slow(session: Any) -> object:
        session["note"] = "mine"
        await other.ask(log_out)
        with pytest.raises(SessionError):
            await done(session.password_changed(lambda: changed.append("yes")))
        return session.signed_in

    answer = await browser.ask(slow)

    assert (changed, answer.value, answer.token) == ([], False, None)


async def test_two_logins_in_one_request_sign_a_new_subject_in(site: Site, browser: Browser) -> None:
    """The subject's first epoch is minted at commit, for both of them."""

    async def twice(session: Any) -> None:
        attempt = await done(session.attempt("alice"))
        session.log_in(attempt, "pwd")
        session.log_in(attempt, ("pwd", "otp"))
        session.reauthenticate("pwd")

    answer = await browser.ask(twice)

    assert answer.status == 200
    assert await browser.sees("methods") == ("pwd", "otp")
    assert None is (await browser.ask(read("anything"))).token
