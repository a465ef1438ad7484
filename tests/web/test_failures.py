"""A store that fails, a commit that fails, an application that fails: no response says what is not true."""

import logging
from typing import Any

import pytest

from sessioncore import Policy, State, Store, StoreUnavailable
from sessioncore.testing import Clock

from .conftest import SITES
from .driver import Answer, Browser, Handler, Reply, Site, done, rescues, rows, sent_before
from .pages import change_password, ignore, log_in, log_out, look, read, reauthenticate, satisfy_mfa, then, write
from .stores import Outage

pytestmark = pytest.mark.anyio


@pytest.fixture
def outage(store: Store) -> Outage:
    """Give a store that can be taken down."""
    return Outage(store)


@pytest.fixture(params=SITES)
def site(request: pytest.FixtureRequest, outage: Outage, clock: Clock, policy: Policy) -> Site:
    """Serve the application over the store that can be taken down."""
    return SITES[request.param](store=outage, clock=clock, policy=policy)


def answering(status: int, page: Handler) -> Handler:
    """Let a page do its part and answer with this status."""

    async def answered(session: Any) -> Reply:
        await page(session)
        return Reply(status)

    return answered


def failing(page: Handler) -> Handler:
    """Let a page do its part and break down."""

    async def failed(session: Any) -> None:
        await page(session)
        raise ZeroDivisionError

    return failed


def swallowing(page: Handler, status: int) -> Handler:
    """Let a framework turn whatever goes wrong into its own answer."""

    async def swallowed(session: Any) -> Reply:
        try:
            await page(session)
        except StoreUnavailable:
            return Reply(status)
        return Reply()

    return swallowed


async def test_a_page_that_never_looks_is_served_without_a_store(site: Site, browser: Browser, outage: Outage) -> None:
    """An outage of the store takes down no page that does without."""
    await browser.ask(log_in())
    outage.fail()

    assert (await browser.ask(ignore)).status == 200


@pytest.mark.parametrize("status", [200, 404, 500])
async def test_a_page_that_looks_is_503_whatever_the_framework_made_of_the_error(
    site: Site, browser: Browser, outage: Outage, status: int
) -> None:
    """A page that was rendered for nobody in particular is not sent to somebody in particular."""
    await browser.ask(log_in())
    outage.fail()
    answer = await browser.ask(swallowing(look, status))

    assert (answer.status, answer.token) == (503, None)
    assert answer.all("cache-control") == ["no-store"]


async def test_a_page_that_looks_is_503_when_nobody_catches_the_error(
    site: Site, browser: Browser, outage: Outage
) -> None:
    """An application without a framework's error page gets the middleware's."""
    await browser.ask(log_in())
    outage.fail()

    assert (await browser.ask(look)).status == 503


async def test_a_login_whose_attempt_finds_no_store_is_503(site: Site, browser: Browser, outage: Outage) -> None:
    """The epoch could not be read: that is an outage as well, though the session itself was not asked for."""
    outage.fail()
    answer = await browser.ask(log_in())

    assert (answer.status, answer.token) == (503, None)


@pytest.mark.parametrize("page", [log_in("alice"), satisfy_mfa(), reauthenticate(), log_out, write(a=1)])
async def test_what_cannot_be_stored_is_not_welcomed(
    site: Site, browser: Browser, outage: Outage, page: Handler
) -> None:
    """The application's response is replaced, and the browser keeps the cookie it has."""
    await browser.ask(log_in())
    outage.fail("swap")
    answer = await browser.ask(page)

    assert (answer.status, answer.token) == (503, None)
    assert b"application" not in answer.body
    outage.recover()
    assert await browser.sees("state") == State.AUTHENTICATED


async def test_nothing_is_minted_while_the_store_is_down(site: Site, browser: Browser, outage: Outage) -> None:
    """A first visit that writes gets neither row nor cookie."""
    outage.fail("swap")
    answer = await browser.ask(write(a=1))
    outage.recover()

    assert (answer.status, answer.token, rows(outage.store)) == (503, None, [])


async def test_a_touch_that_cannot_be_stored_refuses_no_page(site: Site, browser: Browser, outage: Outage) -> None:
    """It is told, and the page goes out."""
    await browser.ask(log_in())
    site.clock.advance(5 * 60_000)
    outage.fail("swap")
    answer = await browser.ask(look)

    assert (answer.status, answer.value, len(site.told("unavailable"))) == (200, "alice", 1)


async def test_a_commit_that_failed_can_be_tried_again(site: Site, browser: Browser, outage: Outage) -> None:
    """Nothing of the request is lost by the failure: neither the data nor the login."""

    async def stubborn(session: Any) -> None:
        session["cart"] = ["lamp"]
        await log_in()(session)
        outage.fail("swap")
        with pytest.raises(StoreUnavailable):
            await done(session.commit())
        outage.recover()
        await done(session.commit())

    await browser.ask(stubborn)

    assert await browser.sees("subject") == "alice"
    assert (await browser.ask(read("cart"))).value == ["lamp"]


@pytest.mark.parametrize("privilege", [log_in(), then(log_in(), change_password)])
async def test_the_cookie_of_what_was_committed_goes_out_with_the_replacement(
    site: Site, browser: Browser, outage: Outage, privilege: Handler
) -> None:
    """The row has rotated: without the new cookie the browser would be out for good."""

    async def half(session: Any) -> None:
        await privilege(session)
        await done(session.commit())
        session["note"] = 1
        outage.fail("swap")

    await browser.ask(write(cart=["lamp"]))
    answer = await browser.ask(half)
    outage.recover()

    assert answer.status == 503
    assert (answer.all("vary"), answer.all("cache-control")) == (["Cookie"], ["no-store"])
    assert await browser.sees("subject") == "alice"


@pytest.mark.parametrize("fate", ["outage", "reset"])
async def test_the_answer_for_a_password_that_was_written_does_not_say_that_it_was_not(
    site: Site, browser: Browser, outage: Outage, fate: str
) -> None:
    """The hash is stored; what failed is to end the sessions once more, and to keep this one."""
    await browser.ask(log_in())
    hashes: list[str] = []

    def write_hash() -> None:
        hashes.append("new")
        if fate == "outage":
            outage.fail("supersede")
        else:
            site.shell.reset_password("alice")

    async def change(session: Any) -> None:
        await done(session.password_changed(write_hash))

    answer = await browser.ask(change)

    assert (answer.status, hashes) == (503 if fate == "outage" else 409, ["new"])
    assert b"not done" not in answer.body
    assert b"may not have been done, or only in part" in answer.body


@pytest.mark.parametrize("status", [500, 503, 599])
async def test_an_application_error_commits_nothing_but_a_logout(site: Site, browser: Browser, status: int) -> None:
    """Half of what a broken request wanted is not what it wanted."""
    await browser.ask(write(cart=["lamp"]))
    before = browser.token

    for page in (log_in(), write(cart=["trap"])):
        assert (await browser.ask(answering(status, page))).token is None
    assert (await browser.ask(read("cart"))).value == ["lamp"]
    answer = await browser.ask(answering(status, log_out))

    assert (answer.status, answer.token) == (status, "")
    assert await Browser(site, before).sees("state") is None


async def test_an_exception_commits_nothing_but_a_logout(site: Site, browser: Browser) -> None:
    """The exception goes on to the server; the logout is done all the same."""
    await browser.ask(log_in())
    for page in (write(cart=1), satisfy_mfa()):
        with pytest.raises(ZeroDivisionError):
            await browser.ask(failing(page))
    assert await browser.sees("state") == State.AUTHENTICATED
    with pytest.raises(ZeroDivisionError):
        await browser.ask(failing(log_out))
    await rescues()

    assert await browser.sees("state") is None


async def broken_off(browser: Browser, page: Handler) -> Answer | None:
    """Ask for a page that breaks down, and give what the browser got all the same."""
    with pytest.raises(ZeroDivisionError) as raised:
        await browser.ask(page)
    await rescues()
    sent = sent_before(raised.value)
    return browser.take(Answer(int(str(sent[0])[:3]), *sent[1:])) if sent else None


async def committed(session: Any) -> None:
    """Store what happened so far."""
    await done(session.commit())


async def change_to_what_cannot_be_written(session: Any) -> None:
    """Change the password, where the table of the users breaks down."""

    def write_hash() -> None:
        raise ZeroDivisionError

    await done(session.password_changed(write_hash))


ROTATED: list[Handler] = [
    failing(then(log_in(), committed)),
    failing(then(satisfy_mfa(), committed)),
    failing(then(satisfy_mfa(), committed, write(cart=1))),
    failing(change_password),
    change_to_what_cannot_be_written,
]


@pytest.mark.parametrize("page", ROTATED)
async def test_the_cookie_of_what_was_committed_goes_out_though_the_application_fails(
    site: Site, browser: Browser, page: Handler
) -> None:
    """The row has rotated: with the server's own 500, which has no cookie, the browser would be out for good."""
    await browser.ask(log_in())
    before = browser.token
    answer = await broken_off(browser, page)

    assert answer is not None
    assert (answer.status, answer.body, answer.all("cache-control")) == (
        500,
        b"Internal Server Error\n",
        ["no-store"],
    )
    assert browser.token not in (before, None)
    assert await browser.sees("subject") == "alice"


async def test_the_cookie_is_cleared_though_the_application_fails_after_the_logout(
    site: Site, browser: Browser
) -> None:
    """It is done, as the browser may know."""
    await browser.ask(log_in())
    answer = await broken_off(browser, failing(log_out))

    assert answer is not None
    assert (answer.status, answer.token) == (500, "")


@pytest.mark.parametrize("page", [ignore, look, write(cart=1), satisfy_mfa()])
async def test_a_failure_that_leaves_the_cookie_as_it_is_is_the_servers_to_answer(
    site: Site, browser: Browser, page: Handler
) -> None:
    """Nothing was stored, so nobody has to know."""
    await browser.ask(log_in())

    assert await broken_off(browser, failing(page)) is None
    assert await browser.sees("subject") == "alice"


LOST_LOGOUT = (logging.ERROR, "a logout was not stored, and its session is alive: swap is down")


def said_aloud(caplog: pytest.LogCaptureFixture) -> list[tuple[int, str]]:
    """Give what the log holds of warnings and errors."""
    return [(record.levelno, record.getMessage()) for record in caplog.records if record.levelno > logging.INFO]


async def test_a_logout_that_is_lost_with_an_exception_is_logged_and_the_exception_goes_on(
    site: Site, browser: Browser, outage: Outage, caplog: pytest.LogCaptureFixture
) -> None:
    """The first failure is the one to raise; that somebody is still signed in has to be known all the same."""
    await browser.ask(log_in())
    outage.fail("swap")
    with pytest.raises(ZeroDivisionError):
        await browser.ask(failing(log_out))
    await rescues()
    outage.recover()

    assert said_aloud(caplog) == [LOST_LOGOUT]
    assert await browser.sees("subject") == "alice"


async def test_a_logout_that_is_lost_with_a_replaced_answer_is_logged(
    site: Site, browser: Browser, outage: Outage, caplog: pytest.LogCaptureFixture
) -> None:
    """The answer is about what the page did last."""
    await browser.ask(log_in())

    async def page(session: Any) -> None:
        session.log_out()
        outage.fail()
        await done(session.attempt("alice"))

    answer = await browser.ask(page)
    await rescues()

    assert answer.status == 503
    assert (logging.ERROR, LOST_LOGOUT[1].replace("swap", "load")) in said_aloud(caplog)


@pytest.mark.parametrize("page", [then(write(a=1), log_out), then(log_in(), log_out)])
async def test_a_broken_request_that_ended_what_it_began_leaves_no_row(site: Site, page: Handler) -> None:
    """Nothing was there before it, and nothing is after it."""
    answer = await site.ask(answering(500, page))

    assert (answer.token, rows(site.store)) == (None, [])


async def test_a_logout_that_fails_is_503_also_on_the_way_out_of_an_error(
    site: Site, browser: Browser, outage: Outage
) -> None:
    """No answer lets the user believe that the session has ended."""
    await browser.ask(log_in())
    outage.fail("swap")
    answer = await browser.ask(answering(500, log_out))

    assert (answer.status, answer.token) == (503, None)


REPLACED = "the application's answer was replaced (%d): %s"
UNKNOWN = "the session could not be loaded; nobody is authenticated, caused by: load is down"
REVOKED = (
    "LogIn on a session that is created: all sessions of the subject were ended since the credential check began; "
    "check the credential again"
)


@pytest.mark.parametrize(
    ("down", "page", "why"),
    [
        ("load", look, UNKNOWN),
        ("load", swallowing(look, 200), "load is down"),
        ("load", swallowing(look, 500), "load is down"),
        ("epoch", log_in(), "epoch is down"),
        ("swap", satisfy_mfa(), "swap is down"),
        ("swap", answering(500, log_out), "swap is down"),
    ],
)
async def test_every_503_is_in_the_log_once_with_what_caused_it(
    site: Site, browser: Browser, outage: Outage, caplog: pytest.LogCaptureFixture, down: str, page: Handler, why: str
) -> None:
    """The page says no more than that there is trouble; who runs the site has to know which."""
    await browser.ask(log_in())
    outage.fail(down)

    assert (await browser.ask(page)).status == 503
    assert said_aloud(caplog) == [(logging.ERROR, REPLACED % (503, why))]
    assert caplog.records[-1].__dict__["status"] == 503


async def test_every_409_is_in_the_log_once_with_what_caused_it(
    site: Site, browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    """It is nobody's fault, and many of them are worth a look."""

    async def raced(session: Any) -> None:
        attempt = await done(session.attempt("alice"))
        site.shell.reset_password("alice")
        session.log_in(attempt, "pwd")

    await browser.ask(log_in())
    await browser.ask(log_out)

    assert (await browser.ask(raced)).status == 409
    assert said_aloud(caplog) == [(logging.WARNING, REPLACED % (409, REVOKED))]


async def test_what_is_served_as_it_is_leaves_no_line(
    site: Site, browser: Browser, outage: Outage, caplog: pytest.LogCaptureFixture
) -> None:
    """Not even without a store."""
    await browser.ask(then(log_in(), write(cart=1)))
    outage.fail("load")
    await browser.ask(ignore)

    assert said_aloud(caplog) == []


async def test_a_refused_event_is_409(site: Site, browser: Browser) -> None:
    """A login whose password check began before a reset is not acknowledged, and sets no cookie."""
    await browser.ask(log_in())

    async def raced(session: Any) -> None:
        attempt = await done(session.attempt("alice"))
        site.shell.reset_password("alice")
        session.log_out()
        session.log_in(attempt, "pwd")

    answer = await browser.ask(raced)

    assert (answer.status, answer.token in (None, "")) == (409, True)
    assert await browser.sees("subject") is None


async def test_a_refused_login_leaves_the_guest_where_he_was(site: Site, browser: Browser) -> None:
    """His cart is not the login's to lose."""
    await browser.ask(log_in())
    await browser.ask(log_out)
    await browser.ask(write(cart=["lamp"]))

    async def raced(session: Any) -> None:
        attempt = await done(session.attempt("alice"))
        site.shell.reset_password("alice")
        session.log_in(attempt, "pwd")

    answer = await browser.ask(raced)

    assert (answer.status, answer.token) == (409, None)
    assert (await browser.ask(read("cart"))).value == ["lamp"]


async def test_a_failed_refresh_leaves_nobody_signed_in(site: Site, browser: Browser, outage: Outage) -> None:
    """What the store cannot confirm is not assumed to be as it was."""
    await browser.ask(log_in())

    async def reloading(session: Any) -> object:
        assert session.signed_in
        outage.fail("load")
        with pytest.raises(StoreUnavailable):
            await done(session.refresh())
        with pytest.raises(StoreUnavailable):
            return session.signed_in
        outage.recover()
        await done(session.refresh())
        return session.signed_in

    answer = await browser.ask(reloading)

    assert answer.value is True


async def test_a_session_that_could_not_be_loaded_is_loaded_by_a_refresh(
    site: Site, browser: Browser, outage: Outage
) -> None:
    """By the token that came with the request; until then nobody is signed in."""
    await browser.ask(log_in())
    outage.fail("load")
    seen: list[object] = []

    async def page(session: Any) -> None:
        seen.append(session.csrf_matches("anything"))
        outage.recover()
        await done(session.refresh())
        seen.extend((session.subject, session.signed_in))

    answer = await browser.ask(page)

    assert (answer.status, seen) == (200, [False, "alice", True])
