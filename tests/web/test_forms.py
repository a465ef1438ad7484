"""The token against forgery: bound to the secret that the browser holds, and worth nothing with another."""

from datetime import timedelta
from typing import Any

import pytest

from sessioncore_io.memory import MemoryStore

from .driver import Browser, Site, done, rows
from .pages import log_in, log_out, reauthenticate, satisfy_mfa

pytestmark = pytest.mark.anyio


@pytest.fixture
def store() -> MemoryStore:
    """Keep sessions in memory: forms do not depend on the store."""
    return MemoryStore()


async def test_a_forgery_token_follows_the_secret(site: Site, browser: Browser) -> None:
    """It changes with every proof; the former one and another session's do not match."""

    async def token(session: Any) -> object:
        return session.csrf_token

    forms = [(await browser.ask(token)).value]
    for page in (log_in(), satisfy_mfa(), reauthenticate()):
        answer = await browser.ask(page)
        forms.append((await browser.ask(token)).value)
        assert answer.token
    other = Browser(site)
    forms.append((await other.ask(token)).value)

    async def matching(session: Any) -> list[bool]:
        return [session.csrf_matches(form) for form in [*forms, "", None, b"x", 3, "\xe9", forms[3].upper()]]

    assert len(set(forms)) == 5
    assert (await browser.ask(matching)).value == [False, False, False, True, *[False] * 7]
    assert (await site.ask(matching)).value == [False] * 11


async def test_a_form_rendered_in_the_login_response_is_good_afterwards(site: Site, browser: Browser) -> None:
    """Before the commit as well as after it."""

    async def page(session: Any) -> object:
        await log_in()(session)
        early = session.csrf_token
        await done(session.commit())
        return [early, session.csrf_token]

    forms = (await browser.ask(page)).value

    async def matching(session: Any) -> list[bool]:
        return [session.csrf_matches(form) for form in forms]

    assert (await browser.ask(matching)).value == [True, True]


async def test_a_form_beside_a_proof_is_good_for_the_secret_that_it_brings(site: Site, browser: Browser) -> None:
    """Not for the one that the browser came with, which is worth nothing once the answer is there."""
    await browser.ask(log_in())

    async def page(session: Any) -> object:
        former = session.csrf_token
        await satisfy_mfa()(session)
        return [former, session.csrf_token]

    forms = (await browser.ask(page)).value

    async def matching(session: Any) -> list[bool]:
        return [session.csrf_matches(form) for form in forms]

    assert (await browser.ask(matching)).value == [False, True]


async def test_a_form_beside_a_logout_is_a_new_guests(site: Site, browser: Browser) -> None:
    """And nobody else's: it is made of a secret."""

    async def page(session: Any) -> object:
        session.log_out()
        return session.csrf_token

    forms = []
    for _ in range(2):
        await browser.ask(log_in())
        forms.append((await browser.ask(page)).value)

    async def matching(session: Any) -> list[bool]:
        return [session.csrf_matches(form) for form in forms]

    assert (await browser.ask(matching)).value == [False, True]
    assert (await site.ask(matching)).value == [False, False]


async def test_a_form_of_a_session_that_is_gone_matches_nobody(site: Site, browser: Browser) -> None:
    """Not even who still has its cookie."""
    await browser.ask(log_in())
    form = await browser.sees("csrf_token")
    token = browser.token
    await browser.ask(log_out)
    site.clock.advance(timedelta(days=400))
    site.shell.purge()

    async def post(session: Any) -> bool:
        return bool(session.csrf_matches(form))

    assert rows(site.store) == []
    assert (await site.ask(post, token)).value is False


async def test_a_strangers_form_begins_a_guests_session(site: Site, browser: Browser) -> None:
    """A login form is worth protecting too."""
    form = await browser.sees("csrf_token")
    assert browser.token

    async def post(session: Any) -> bool:
        return bool(session.csrf_matches(form))

    assert (await browser.ask(post)).value is True
    assert (await Browser(site).ask(post)).value is False
