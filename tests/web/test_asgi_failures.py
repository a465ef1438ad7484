"""A store that fails while it is awaited, and a logout that cannot be stored: nobody is signed in, and it is told."""

import asyncio
import logging
from typing import Any

import pytest

from sessioncore import StoreUnavailable
from sessioncore.testing import Clock
from sessioncore_io import asgi
from sessioncore_io.memory import MemoryStore

from .driver import AsgiSite, Reply, call_asgi, http_scope, rescues, rows
from .pages import log_in, log_out, look
from .stores import Outage, Recording, Slow

pytestmark = pytest.mark.anyio


class AwaitedOutage(Outage):
    """Have the session awaited, and fail only then."""

    async def load(self, sid: str) -> Any:
        """Load it, later."""
        await asyncio.sleep(0)
        if "load" in self.down:
            raise StoreUnavailable("load is down")
        return self.store.load(sid)


@pytest.fixture
def outage() -> Any:
    """Give a store that is awaited and can be taken down."""
    return AwaitedOutage(MemoryStore())


@pytest.fixture
def site(outage: Any, clock: Clock) -> AsgiSite:
    """Give a site over it."""
    return AsgiSite(store=outage, clock=clock)


async def never_looks(session: Any) -> str:
    """Serve a page that is everybody's."""
    return "everybody's"


async def test_a_page_that_looks_is_503_when_the_awaited_store_fails_and_another_is_served(
    site: AsgiSite, outage: Any
) -> None:
    token = str((await site.ask(log_in())).token)
    outage.fail("load")

    async def looks(session: Any) -> object:
        with pytest.raises(StoreUnavailable, match="nobody is authenticated") as refused:
            assert session.subject
        return str(refused.value.__cause__)

    looked, served = await site.ask(looks, token), await site.ask(never_looks, token)
    outage.recover()

    assert (looked.status, looked.value, looked.token) == (503, "load is down", None)
    assert (served.status, served.value, served.token) == (200, "everybody's", None)
    assert (await site.ask(look, token)).value == "alice", "the cookie is as good as it was"


async def test_a_store_that_fails_while_something_is_settled_signs_nobody_in(
    site: AsgiSite, outage: Any, clock: Clock
) -> None:
    """The first look says that the time has come, and the second, which would store that, finds no store."""
    token = str((await site.ask(log_in())).token)
    clock.advance(site.policy.login.lifetime)
    asked: list[str] = []

    async def once(sid: str) -> Any:
        asked.append(sid)
        if len(asked) > 1:
            raise StoreUnavailable("load is down now")
        return outage.store.load(sid)

    outage.load = once

    async def looks(session: Any) -> str:
        with pytest.raises(StoreUnavailable):
            assert session.subject
        return "refused"

    answer = await site.ask(looks, token)
    assert (answer.status, answer.value, len(asked)) == (503, "refused", 2)


@pytest.mark.parametrize("lost", [RuntimeError("a bug"), asyncio.CancelledError()])
async def test_a_logout_that_cannot_be_stored_after_a_failure_is_logged_and_the_failure_goes_on(
    site: AsgiSite, outage: Any, lost: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    """The first failure is the one to raise; that somebody is still signed in has to be known all the same."""
    token = str((await site.ask(log_in())).token)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await log_out(scope["session"])
        outage.fail("swap")
        raise lost

    served = asgi.SessionMiddleware(app, **site.options)
    with pytest.raises(type(lost)):
        await call_asgi(served, http_scope([(b"cookie", f"__Host-session={token}".encode())]))
    assert len(served._rescues) == isinstance(lost, asyncio.CancelledError), "a task that nobody holds may vanish"
    await rescues()
    await asyncio.sleep(0)
    outage.recover()

    assert not served._rescues
    assert [(record.levelno, record.getMessage()) for record in caplog.records if record.levelno > logging.INFO] == [
        (logging.ERROR, "a logout was not stored, and its session is alive: swap is down")
    ]
    assert (await site.ask(look, token)).value == "alice"


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize("at", [1, 2])
async def test_a_logout_is_stored_though_the_request_is_cancelled_while_it_is_stored(
    clock: Clock, kind: str, at: int
) -> None:
    """After a failure, and at the end of a websocket: the client may leave, or the server stop, at any call."""
    slow = Slow(MemoryStore())
    steady = AsgiSite(store=slow.store, clock=clock)
    token = str((await steady.ask(log_in())).token)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await log_out(scope["session"])
        slow.task, slow.cancel_at = asyncio.current_task(), slow.calls + at
        if kind == "http":
            raise RuntimeError("a bug")

    served = asgi.SessionMiddleware(app, **(steady.options | {"store": slow}))
    scope = {**http_scope([(b"cookie", f"__Host-session={token}".encode())]), "type": kind}
    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(call_asgi(served, scope))
    await rescues()

    assert (await steady.ask(look, token)).value is None
    assert [notice.what for notice in steady.told("ended")] == ["ended"]


async def test_a_request_that_was_cancelled_and_logged_nobody_out_leaves_no_task(site: AsgiSite) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise asyncio.CancelledError

    served = asgi.SessionMiddleware(app, **site.options)
    with pytest.raises(asyncio.CancelledError):
        await call_asgi(served, http_scope([]))

    assert not served._rescues


async def test_what_is_raised_after_the_answer_started_goes_on_to_the_server(site: AsgiSite) -> None:
    """A second answer cannot be sent."""
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise StoreUnavailable("gone")

    async def send(message: Any) -> None:
        sent.append(message["type"])

    with pytest.raises(StoreUnavailable, match="gone"):
        await asgi.SessionMiddleware(app, **site.options)(http_scope([]), None, send)

    assert sent == ["http.response.start"]


@pytest.mark.parametrize(("status", "stored"), [(499, True), (500, False), (501, False)])
async def test_what_a_failed_request_did_is_not_stored(site: AsgiSite, status: int, stored: bool) -> None:
    """A server's error is from 500 on; a client's is an answer like any other."""

    async def page(session: Any) -> Reply:
        session["cart"] = 1
        return Reply(status)

    answer = await site.ask(page)

    assert (answer.status, bool(answer.token), bool(rows(site.store.store))) == (status, stored, stored)  # type: ignore[attr-defined]


@pytest.mark.parametrize("crumbs", [1, 2])
async def test_a_steady_request_asks_the_store_once(clock: Clock, crumbs: int) -> None:
    """Also where the cookies come a crumb a header, as HTTP/2 may send them."""
    store = Recording(MemoryStore())
    steady = AsgiSite(store=store, clock=clock)
    token = (await steady.ask(log_in())).token
    store.calls.clear()
    cookies = [b"theme=dark", f"__Host-session={token}".encode()]
    answer = await steady.ask_raw(look, cookies if crumbs == 2 else [b"; ".join(cookies)])

    assert (answer.value, store.calls) == ("alice", ["load"])
