"""A proof that turns out not to hold keeps nobody in who wants out, and takes nothing from anybody else."""

from typing import Any

import pytest

from sessioncore import Refused

from .driver import Browser, Site, done, rows
from .pages import log_in, read

pytestmark = pytest.mark.anyio


async def overtaken(session: Any, other: Browser) -> None:
    """Prove a second factor that will be refused: the login is another one by then, by that very kind of factor."""
    session.satisfy_mfa("otp")
    await other.ask(log_in("alice", "hwk"))


async def test_a_refused_proof_does_not_keep_the_logout_from_being_stored(site: Site, browser: Browser) -> None:
    """Not even if somebody logged in anew meanwhile, by the very factor that was to be the second."""
    await browser.ask(log_in())
    other = Browser(site, browser.token)

    async def leave(session: Any) -> None:
        await overtaken(session, other)
        session.log_out()

    answer = await browser.ask(leave)

    assert answer.status == 409, "the second factor is not acknowledged"
    assert [row.live for row in rows(site.store)] == [False]


async def test_what_was_refused_is_refused_once(site: Site, browser: Browser) -> None:
    await browser.ask(log_in())
    other = Browser(site, browser.token)

    async def leave(session: Any) -> None:
        await overtaken(session, other)
        session.log_out()
        with pytest.raises(Refused):
            await done(session.commit())
        session["cart"] = ["lamp"]
        await done(session.commit())

    answer = await browser.ask(leave)

    assert answer.status == 200
    assert (await browser.ask(read("cart"))).value == ["lamp"]


async def test_a_refused_proof_does_not_keep_the_next_one_out_for_ever(site: Site, browser: Browser) -> None:
    """Whose login ends the session of the one before."""
    await browser.ask(log_in())
    other = Browser(site, browser.token)

    async def change_hands(session: Any) -> object:
        await overtaken(session, other)
        session.log_in(await done(session.attempt("bob")), "pwd")
        with pytest.raises(Refused):
            await done(session.commit())
        await done(session.commit())
        return session.subject

    answer = await browser.ask(change_hands)

    assert answer.value == "bob"
    assert {row.subject: row.live for row in rows(site.store)} == {"alice": False, "bob": True}


async def test_what_was_written_before_a_refused_proof_is_told_as_dropped(site: Site, browser: Browser) -> None:
    """It may be another task's than the one that is refused."""
    await browser.ask(log_in())
    other = Browser(site, browser.token)

    async def leave(session: Any) -> None:
        session.record("added")
        await overtaken(session, other)
        session.log_out()

    await browser.ask(leave)

    assert len(site.told("dropped")) == 1
