"""Requests of one browser that overlap: it ends signed in, in whatever order the answers arrive, and loses nothing."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from sessioncore import State

from .driver import Answer, Browser, Handler, Site, rows
from .pages import log_in, log_out, look, read, reauthenticate, satisfy_mfa, then, write

pytestmark = pytest.mark.anyio


def around(site: Site, token: str | None, page: Handler, inner: Handler, answers: list[Answer]) -> Handler:
    """Let a page load its session, then serve another request of the same browser, then let the page go on."""

    async def outer(session: Any) -> object:
        assert session.state is not State.LOGGED_OUT
        answers.append(await site.ask(inner, token))
        return await page(session)

    return outer


@pytest.mark.parametrize("order", list(permutations([0, 1])))
@pytest.mark.parametrize("guest", [True, False])
async def test_a_login_form_sent_twice_leaves_the_browser_signed_in(
    site: Site, browser: Browser, order: tuple[int, ...], guest: bool
) -> None:
    """Both are answered alike; the cookie that stays is one that works."""
    if guest:
        await browser.ask(write(cart=["lamp"]))
    answers: list[Answer] = []
    answers.append(await site.ask(around(site, browser.token, log_in(), log_in(), answers), browser.token))
    for arrives in order:
        browser.take(answers[arrives])

    assert [answer.status for answer in answers] == [200, 200]
    assert await browser.sees("subject") == "alice"
    assert (await browser.ask(read("cart"))).value == (["lamp"] if guest else None)


@pytest.mark.parametrize("order", list(permutations([0, 1])))
@pytest.mark.parametrize("page", [satisfy_mfa(), reauthenticate(), log_in("alice", ("pwd", "otp"))])
async def test_a_proof_sent_twice_leaves_the_browser_signed_in(
    site: Site, browser: Browser, order: tuple[int, ...], page: Handler
) -> None:
    """Only the first to be stored rotates, and only it sets a cookie."""
    await browser.ask(log_in())
    answers: list[Answer] = []
    answers.append(await site.ask(around(site, browser.token, page, page, answers), browser.token))
    for arrives in order:
        browser.take(answers[arrives])

    assert [answer.status for answer in answers] == [200, 200]
    assert len([answer for answer in answers if answer.token]) == 1
    assert await browser.sees("signed_in")


@pytest.mark.parametrize("order", list(permutations([0, 1, 2])))
async def test_a_page_loaded_beside_a_login_does_not_take_the_cookie_away(
    site: Site, browser: Browser, order: tuple[int, ...]
) -> None:
    """Neither a page that looks nor one that writes, begun before the login and answered after it."""
    await browser.ask(write(cart=["lamp"]))
    answers: list[Answer] = []
    token = browser.token
    reading = around(site, token, look, log_in(), answers)
    answers.append(await site.ask(around(site, token, write(seen=True), reading, answers), token))
    for arrives in order:
        browser.take(answers[arrives])

    assert await browser.sees("subject") == "alice"
    assert [answer.status for answer in answers] == [200, 200, 200]


async def test_an_answer_of_a_dead_session_leaves_a_newer_login_alone(site: Site, browser: Browser) -> None:
    """It neither sets nor clears: clearing goes by name and would hit the newer cookie."""
    await browser.ask(log_in())
    old = browser.token
    answers: list[Answer] = []
    late = await site.ask(around(site, old, then(look, write(note=1)), then(log_out, log_in("alice")), answers), old)
    browser.take(answers[0])
    browser.take(late)

    assert late.token is None
    assert await browser.sees("subject") == "alice"


@pytest.mark.parametrize("overtaking", [log_in("alice"), satisfy_mfa(), reauthenticate()])
async def test_a_logout_beside_a_rotation_leaves_nothing_alive(
    site: Site, browser: Browser, overtaking: Handler
) -> None:
    """Whichever is stored first."""
    await browser.ask(log_in("alice"))
    first, answers = browser.token, list[Answer]()
    await site.ask(around(site, first, log_out, overtaking, answers), first)

    assert all(not row.live for row in rows(site.store))
    assert (await site.ask(look, answers[0].token)).value is None


async def test_a_proof_beside_a_logout_is_not_acknowledged(site: Site, browser: Browser) -> None:
    """The second factor comes too late: nothing to step up is left."""
    await browser.ask(log_in("alice"))
    answers: list[Answer] = []
    answer = await site.ask(around(site, browser.token, satisfy_mfa(), log_out, answers), browser.token)

    assert (answer.status, answer.token, answers[0].token) == (409, None, "")
    assert all(not row.live for row in rows(site.store))


async def test_two_requests_that_set_different_keys_are_both_kept(site: Site, browser: Browser) -> None:
    """Writes merge by key."""
    await browser.ask(write(a=0, b=0))
    answers: list[Answer] = []
    await site.ask(around(site, browser.token, write(a=1), write(b=2), answers), browser.token)

    assert ((await browser.ask(read("a"))).value, (await browser.ask(read("b"))).value) == (1, 2)


async def test_two_requests_that_set_the_same_key_leave_the_last_ones_value(site: Site, browser: Browser) -> None:
    """No third value comes of it."""
    await browser.ask(write(a=0))
    await site.ask(around(site, browser.token, write(a=[1]), write(a=[2]), []), browser.token)

    assert (await browser.ask(read("a"))).value == [1]


async def test_clear_leaves_what_another_request_adds(site: Site, browser: Browser) -> None:
    """It drops the keys that it saw."""

    async def clearing(session: Any) -> None:
        session.clear()

    await browser.ask(write(a=1))
    await site.ask(around(site, browser.token, clearing, write(b=2), []), browser.token)

    assert list((await browser.ask(items)).value) == [("b", 2)]


async def items(session: Any) -> object:
    """Serve a page that lists everything."""
    return list(session.items())


async def test_activities_of_overlapping_requests_are_all_recorded(site: Site, browser: Browser) -> None:
    """They are appended to the row as it is, not to the copy that was read."""

    def recording(what: str) -> Handler:
        async def page(session: Any) -> None:
            session.record(what, path="/")

        return page

    await browser.ask(recording("first"))
    await site.ask(around(site, browser.token, recording("third"), recording("second"), []), browser.token)

    assert [entry["what"] for entry in await browser.sees("activities")] == ["first", "second", "third"]


async def test_a_long_request_does_not_write_an_older_use_back(site: Site, browser: Browser) -> None:
    """The idle limit runs from the last use that anybody stored."""
    await browser.ask(log_in())
    token = browser.token

    async def slow(session: Any) -> None:
        session["a"] = 1
        site.clock.advance(timedelta(minutes=10))
        await site.ask(look, token)
        site.clock.advance(timedelta(minutes=-10))

    await site.ask(slow, token)
    site.clock.advance(timedelta(minutes=10))
    seen = {row.seen_at for row in rows(site.store)}

    assert seen == {site.clock()}


async def test_a_login_that_overtakes_a_login_of_another_keeps_both_out_of_each_others_session(
    site: Site, browser: Browser
) -> None:
    """Two people at one browser, or a planted cookie: each answer signs in who proved to be that one."""
    await browser.ask(write(cart=["lamp"]))
    answers: list[Answer] = []
    late = await site.ask(
        around(site, browser.token, log_in("mallory"), then(log_in("alice"), write(diary=1)), answers), browser.token
    )

    assert (await site.ask(look, answers[0].token)).value == "alice"
    assert (await site.ask(look, late.token)).value == "mallory"
    assert (await site.ask(items, late.token)).value == []
