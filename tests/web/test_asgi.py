"""What only ASGI has: other scopes, messages, cancelled requests and worker threads."""

import asyncio
from typing import Any

import pytest

from sessioncore import Reason, StoreUnavailable, TooLate
from sessioncore.testing import Clock
from sessioncore_io import asgi
from sessioncore_io.memory import MemoryStore

from .driver import AsgiSite, call_asgi, http_scope, rescues
from .pages import log_in, look, satisfy_mfa
from .stores import Outage, Slow

pytestmark = pytest.mark.anyio


@pytest.fixture
def outage() -> Outage:
    """Give a store that can be taken down."""
    return Outage(MemoryStore())


@pytest.fixture
def site(outage: Outage, clock: Clock) -> AsgiSite:
    """Give an ASGI site over it."""
    return AsgiSite(store=outage, clock=clock)


def middleware(site: AsgiSite, app: Any) -> asgi.SessionMiddleware:
    """Put the middleware around an application of its own kind."""
    return asgi.SessionMiddleware(app, **site.options)


def scope_of(token: str | None) -> asgi.Scope:
    """Write the scope of a request that brings a token."""
    return http_scope([] if token is None else [(b"cookie", b"__Host-session=" + token.encode())])


async def token_of(site: AsgiSite) -> str:
    """Sign alice in."""
    return str((await site.ask(log_in())).token)


async def test_other_scopes_pass_through_untouched(site: AsgiSite) -> None:
    """Lifespan, and whatever comes next."""
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.extend((scope, receive, send))

    receive, send = object(), object()
    for kind in ("lifespan", "webtransport"):
        scope = {"type": kind}
        seen.clear()
        await middleware(site, app)(scope, receive, send)

        assert seen[0] is scope
        assert seen[1:] == [receive, send]
        assert scope == {"type": kind}


START = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]}


async def test_a_message_that_the_application_sends_again_keeps_no_cookie_of_another_browser(site: AsgiSite) -> None:
    """An application may hold its response ready, and send the very same object to everybody."""
    pages = iter([log_in("alice"), look])

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await next(pages)(scope["session"])
        await send(START)
        await send({"type": "http.response.body", "body": b""})

    first, second = [await call_asgi(middleware(site, app), scope_of(None)) for _ in range(2)]

    assert "set-cookie" in dict(first[1])
    assert "set-cookie" not in dict(second[1])
    assert START["headers"] == [(b"content-type", b"text/plain")]


async def test_headers_may_be_any_iterable_or_be_left_out(site: AsgiSite) -> None:
    """As the specification has it."""
    token = await token_of(site)
    given: list[Any] = [iter([(b"x-a", b"1"), (b"vary", b"Accept")]), ((b"x-a", b"1"),), [[b"x-a", b"1"]], None]
    for headers in given:
        start = {"type": "http.response.start", "status": 200} | ({} if headers is None else {"headers": headers})

        async def app(scope: Any, receive: Any, send: Any, start: Any = start) -> None:
            assert scope["session"].subject == "alice"
            await send(start)
            await send({"type": "http.response.body", "body": b""})

        _, answered, _ = await call_asgi(middleware(site, app), scope_of(token))
        assert "Cookie" in dict(answered)["vary"]
        assert (headers is None) or dict(answered)["x-a"] == "1"


async def test_a_response_in_pieces_is_passed_on_in_pieces(site: AsgiSite) -> None:
    """And nothing can happen to the session once it has begun."""
    token, refused = await token_of(site), list[str]()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        session = scope["session"]
        session["cart"] = [1]
        attempt = await session.attempt("alice")
        await send(dict(START))
        verbs = {
            "set": lambda: session.update(cart=2),
            "del": lambda: session.pop("cart"),
            "record": lambda: session.record("view"),
            "log_in": lambda: session.log_in(attempt, "pwd"),
            "satisfy_mfa": lambda: session.satisfy_mfa("otp"),
            "reauthenticate": lambda: session.reauthenticate("pwd"),
            "log_out": session.log_out,
        }
        for name, verb in verbs.items():
            with pytest.raises(TooLate):
                verb()
            refused.append(name)
        for change in (session.password_changed, session.end_others):
            with pytest.raises(TooLate):
                await change()
        for number in range(3):
            await send({"type": "http.response.body", "body": b"%d" % number, "more_body": number < 2})

    status, _, body = await call_asgi(middleware(site, app), scope_of(token))

    assert (status, body, len(refused)) == (200, b"012", 7)


async def test_a_cancelled_requests_logout_is_committed(site: AsgiSite) -> None:
    """The client is gone; the user meant it."""
    token = await token_of(site)
    reached = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["session"].log_out()
        reached.set()
        await asyncio.Event().wait()

    request = asyncio.ensure_future(call_asgi(middleware(site, app), scope_of(token)))
    await reached.wait()
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    await rescues()

    assert (await site.ask(look, token)).value is None


@pytest.mark.parametrize("cancel_at", range(1, 5))
@pytest.mark.parametrize("page", ["logout", "mfa"])
async def test_a_request_cancelled_at_any_await_of_the_store_leaves_the_session_whole(
    clock: Clock, cancel_at: int, page: str
) -> None:
    """A logout that was asked for is done; a rotation that was not answered is either done or not."""
    memory = MemoryStore()
    token = await token_of(AsgiSite(store=memory, clock=clock))
    slow = Slow(memory)
    asked: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if page == "mfa":
            await satisfy_mfa()(scope["session"])
        else:
            scope["session"].log_out()
        asked.append(page)
        await send(dict(START))
        await send({"type": "http.response.body", "body": b""})

    options: dict[str, Any] = {"store": slow, "clock": clock, "listener": lambda _: None}
    served = asgi.SessionMiddleware(app, **options)
    slow.cancel_at, slow.task = cancel_at, asyncio.ensure_future(call_asgi(served, scope_of(token)))
    await asyncio.gather(slow.task, return_exceptions=True)
    await rescues()
    [row] = memory.of_subject("alice")

    assert row.live is not (page == "logout" and bool(asked))
    assert row.reason is (None if row.live else Reason.USER)


async def test_nothing_of_the_application_follows_a_replacement(site: AsgiSite, outage: Outage) -> None:
    """However long it goes on to send, and whatever it breaks afterwards."""
    token = await token_of(site)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["session"]["a"] = 1
        outage.fail("swap")
        await send(dict(START))
        await send({"type": "http.response.body", "body": b"welcome", "more_body": True})
        outage.recover()
        await send({"type": "http.response.body", "body": b"welcome"})
        raise StoreUnavailable("again")

    status, headers, body = await call_asgi(middleware(site, app), scope_of(token))

    assert (status, b"welcome" in body) == (503, False)
    assert len(body) == int(dict(headers)["content-length"])
