"""What a response owes the browser and the caches on the way, and nothing more than that."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any

import pytest

from sessioncore import LoginRequired
from sessioncore_io import Cookie
from sessioncore_io.memory import MemoryStore

from .driver import Browser, Handler, Reply, Site, rows
from .pages import ignore, log_in, log_out, look, read, reauthenticate, satisfy_mfa, write

pytestmark = pytest.mark.anyio


def instant(at: int) -> datetime:
    """Give milliseconds since the Unix epoch as a datetime."""
    return datetime.fromtimestamp(at / 1000, UTC)


@pytest.fixture
def store() -> MemoryStore:
    """Keep sessions in memory: headers do not depend on the store."""
    return MemoryStore()


READINGS: dict[str, Callable[[Any], object]] = {
    "[]": lambda s: s["cart"],
    "get": lambda s: s.get("nothing"),
    "in": lambda s: "nothing" in s,
    "len": len,
    "bool": bool,
    "iter": list,
    "keys": lambda s: list(s.keys()),
    "values": lambda s: list(s.values()),
    "items": lambda s: list(s.items()),
    "setdefault": lambda s: s.setdefault("cart", []),
    "repr": repr,
    "str": str,
    "format": lambda s: f"{s}",
    "csrf_token": lambda s: s.csrf_token,
    "csrf_matches": lambda s: s.csrf_matches("x"),
    "require": lambda s: s.require(),
    "challenge": lambda s: s.challenge(),
    **{
        name: attrgetter(name)
        for name in (
            *("state", "subject", "signed_in", "sid", "label", "remembered", "methods", "authenticated_at"),
            *("mfa_at", "idle_at", "expires_at", "activities"),
        )
    },
}


def answering(page: Handler, *headers: tuple[str, str]) -> Handler:
    """Let a page do its part and answer with these headers."""

    async def answered(session: Any) -> Reply:
        await page(session)
        return Reply(headers=list(headers))

    return answered


@pytest.mark.parametrize("reading", READINGS.values(), ids=READINGS)
async def test_every_way_of_reading_counts_as_access(
    site: Site, browser: Browser, reading: Callable[[Any], object]
) -> None:
    """The response varies by cookie and the use is recorded; read-only requests set no cookie."""

    async def page(session: Any) -> None:
        reading(session)

    await browser.ask(write(cart=["lamp"]))
    await browser.ask(log_in())
    site.clock.advance(timedelta(minutes=2))
    answer = await browser.ask(page)

    assert answer.all("vary") == ["Cookie"]
    assert answer.all("set-cookie") == answer.all("cache-control") == []
    assert (await browser.sees("idle_at")).timestamp() * 1000 == site.clock() + 30 * 60_000


@pytest.mark.parametrize("reading", READINGS.values(), ids=READINGS)
async def test_every_way_of_reading_varies_for_strangers_too(site: Site, reading: Callable[[Any], object]) -> None:
    """A cached page for nobody would be served to somebody."""

    async def page(session: Any) -> None:
        try:
            reading(session)
        except (KeyError, LoginRequired):
            return

    assert (await site.ask(page)).all("vary") == ["Cookie"]


async def test_a_request_that_does_not_look_is_neither_touched_nor_varied(site: Site, browser: Browser) -> None:
    """Static pages stay cacheable, and a page that polls them keeps nobody signed in."""
    await browser.ask(log_in())
    site.clock.advance(timedelta(minutes=2))
    answer = await browser.ask(ignore)

    assert (answer.all("vary"), answer.all("set-cookie"), answer.all("cache-control")) == ([], [], [])
    assert (await browser.sees("idle_at")).timestamp() * 1000 == site.clock() + 28 * 60_000


async def test_a_passive_request_reads_without_touching(site: Site, browser: Browser) -> None:
    """A live panel must not keep its user signed in."""

    async def panel(session: Any) -> object:
        session.passive()
        return session.subject

    await browser.ask(log_in())
    for _ in range(29):
        site.clock.advance(timedelta(minutes=1))
        assert (await browser.ask(panel)).value == "alice"
    site.clock.advance(timedelta(minutes=1))
    answer = await browser.ask(panel)

    assert (answer.value, answer.all("vary")) == (None, ["Cookie"])


@pytest.mark.parametrize("vary", ["Accept", "accept-encoding, Origin", "COOKIE", "Accept, cookie", "*"])
async def test_every_set_cookie_comes_with_vary_and_no_store(site: Site, browser: Browser, vary: str) -> None:
    """The application's Vary is kept, its permission to store is not; for setting, rotating and clearing alike."""
    headers = [("Vary", vary), ("Cache-Control", "public, max-age=600"), ("cache-control", "immutable")]
    for page in (write(a=1), log_in(), satisfy_mfa(), reauthenticate(), log_out):
        answer = await browser.ask(answering(page, *headers))
        fields = [field.strip().lower() for field in ", ".join(answer.all("vary")).split(",")]

        assert answer.all("cache-control") == ["no-store"]
        assert len(answer.all("set-cookie")) == 1
        assert {field.strip().lower() for field in vary.split(",")} <= set(fields)
        assert "cookie" in fields or "*" in fields
        assert len(fields) == len(set(fields))


async def test_a_page_that_only_looks_keeps_the_applications_cache_control(site: Site, browser: Browser) -> None:
    """What is private enough is the application's to say; it varies in any case."""
    await browser.ask(log_in())
    answer = await browser.ask(answering(look, ("Cache-Control", "private, max-age=5"), ("Vary", "Accept")))

    assert (answer.all("cache-control"), answer.all("vary")) == (["private, max-age=5"], ["Accept, Cookie"])


@pytest.mark.parametrize("page", [ignore, look, write(a=1)])
async def test_the_applications_headers_arrive_as_they_were(site: Site, page: Handler) -> None:
    """Duplicates, order, case of values and bytes beyond ASCII."""
    theirs = [("X-B", "2"), ("X-A", "1"), ("X-B", "2"), ("X-Odd", "caf\xe9 \xff"), ("Set-Cookie", "theirs=1; Path=/x")]
    answer = await site.ask(answering(page, *theirs))
    names = {name.lower() for name, _ in theirs}
    arrived = [(name.lower(), value) for name, value in answer.headers if name.lower() in names]

    assert [pair for pair in arrived if not pair[1].startswith("__Host-")] == [(n.lower(), v) for n, v in theirs]


async def test_a_cookie_for_this_visit_has_no_max_age(site: Site, browser: Browser) -> None:
    """It goes when the browser does."""
    for page in (write(a=1), log_in(), satisfy_mfa()):
        [line] = (await browser.ask(page)).all("set-cookie")

        assert line == f"__Host-session={browser.token}; Path=/; Secure; HttpOnly; SameSite=Lax"


async def test_a_remembered_login_keeps_its_cookie_for_as_long_as_it_can_last(site: Site, browser: Browser) -> None:
    """By its lifetime, never by its idle limit; counted from now."""
    [first] = (await browser.ask(log_in(remember=True))).all("set-cookie")
    site.clock.advance(timedelta(days=10))
    [second] = (await browser.ask(satisfy_mfa())).all("set-cookie")
    [third] = (await browser.ask(reauthenticate())).all("set-cookie")

    assert f"Max-Age={30 * 86_400};" in first
    assert f"Max-Age={20 * 86_400};" in second
    assert f"Max-Age={30 * 86_400};" in third


async def test_a_remembered_login_ends_with_its_identity_providers(site: Site, browser: Browser) -> None:
    """The cookie does not outlive the bound from upstream."""
    [line] = (await browser.ask(log_in(remember=True, not_after=instant(site.clock() + 90_000)))).all("set-cookie")

    assert "Max-Age=90;" in line


@pytest.mark.parametrize(
    "cookie",
    [
        Cookie(),
        Cookie(name="__Secure-sid", path="/shop", domain="example.org", same_site="None"),
        Cookie(name="sid", same_site="Strict", path="/a/b"),
        Cookie.for_plain_http(),
    ],
)
async def test_the_clearing_cookie_has_the_attributes_of_the_setting_one(site: Site, cookie: Cookie) -> None:
    """Otherwise the browser keeps the one that it has."""
    browser = Browser(type(site)(store=site.store, clock=site.clock, cookie=cookie))
    [setting] = (await browser.ask(log_in())).all("set-cookie")
    [clearing] = (await browser.ask(log_out)).all("set-cookie")
    name, *attributes = setting.split("; ")

    assert name == f"{cookie.name}={browser.ever[0]}"
    assert clearing == "; ".join([f"{cookie.name}=", "Max-Age=0", "Expires=Thu, 01 Jan 1970 00:00:00 GMT", *attributes])


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
async def test_head_is_answered_like_get(site: Site, browser: Browser, method: str) -> None:
    """The same headers, and the same session."""
    await browser.ask(log_in())
    answer = await site.ask(look, browser.token, method=method)

    assert (answer.value, answer.all("vary")) == ("alice", ["Cookie"])


async def test_nothing_but_what_the_session_needs_is_stored(site: Site, browser: Browser) -> None:
    """A stranger who reads gets neither row nor cookie."""
    answer = await browser.ask(read("cart"))

    assert (answer.token, rows(site.store)) == (None, [])
