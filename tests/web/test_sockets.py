"""Websockets: committed before they are accepted, refused from elsewhere, and aware of the session's end."""

import asyncio
from typing import Any, cast

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient

from sessioncore import State, Store, StoreUnavailable, TooLate
from sessioncore.testing import Clock
from sessioncore_io import asgi
from sessioncore_io.memory import MemoryStore

from .driver import AsgiSite, Browser
from .pages import log_in, log_out, look, read, reauthenticate, satisfy_mfa, write
from .stores import Outage, Slow

pytestmark = pytest.mark.anyio

ACCEPT = {"type": "websocket.accept", "headers": [(b"x-app", b"1")]}


@pytest.fixture
def outage() -> Outage:
    """Give a store that can be taken down."""
    return Outage(MemoryStore())


@pytest.fixture
def site(outage: Outage, clock: Clock) -> AsgiSite:
    """Give an ASGI site over it."""
    return AsgiSite(store=outage, clock=clock)


async def connect(
    site: AsgiSite,
    talk: Any,
    token: str | None = None,
    origin: bytes | None = None,
    scheme: str = "wss",
    host: bytes | None = b"shop.example",
    **options: Any,
) -> list[asgi.Message]:
    """Open a websocket, let the handler talk, and give every message that was sent."""
    sent: list[asgi.Message] = []
    headers = [(b"host", host)] if host is not None else []
    headers += [(b"origin", origin)] if origin is not None else []
    headers += [(b"cookie", b"__Host-session=" + token.encode())] if token is not None else []

    async def app(scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        await talk(scope["session"], send)

    async def receive() -> asgi.Message:
        return {"type": "websocket.connect"}

    async def send(message: asgi.Message) -> None:
        sent.append(message)

    scope = {"type": "websocket", "scheme": scheme, "path": "/", "query_string": b"", "headers": headers}
    await asgi.SessionMiddleware(app, **site.options, **options)(scope, receive, send)
    return sent


async def token_of(site: AsgiSite, **options: Any) -> str:
    """Sign alice in."""
    return str((await site.ask(log_in(**options))).token)


async def accept_only(session: Any, send: Any) -> None:
    """Accept, and say nothing."""
    await send(dict(ACCEPT))


async def test_what_happened_before_is_committed_with_the_acceptance(site: AsgiSite) -> None:
    """The handshake's response carries the cookie; an unknown token is not adopted."""

    async def talk(session: Any, send: Any) -> None:
        await log_in("alice")(session)
        await send(ACCEPT)

    [accepted] = await connect(site, talk, "A" * 65)
    headers = dict(accepted["headers"])
    token = headers[b"set-cookie"].decode().partition(";")[0].partition("=")[2]

    assert (headers[b"x-app"], headers[b"vary"], headers[b"cache-control"]) == (b"1", b"Cookie", b"no-store")
    assert (await site.ask(look, token)).value == "alice"
    assert ACCEPT["headers"] == [(b"x-app", b"1")]


DENIAL = {"type": "websocket.http.response.start", "status": 403, "headers": [(b"x-app", b"1")]}
BODY = {"type": "websocket.http.response.body", "body": b"Log in first."}


async def refuse_and_remember(session: Any, send: Any) -> None:
    """Deny the socket by a page, and keep where its visitor wanted to go."""
    session["next"] = "/live"
    await send(DENIAL)
    await send(BODY)


async def test_a_denial_is_a_response_like_any_other(site: AsgiSite) -> None:
    """What happened before is stored, and its cookie travels; afterwards nothing more can happen."""
    late: list[type[Exception]] = []

    async def talk(session: Any, send: Any) -> None:
        await refuse_and_remember(session, send)
        try:
            session["next"] = "/elsewhere"
        except TooLate as error:
            late.append(type(error))

    denied, body = await connect(site, talk)
    headers = dict(denied["headers"])
    token = headers[b"set-cookie"].decode().partition(";")[0].partition("=")[2]

    assert (denied["status"], headers[b"x-app"], headers[b"vary"], body) == (403, b"1", b"Cookie", BODY)
    assert (await site.ask(read("next"), token)).value == "/live"
    assert late == [TooLate]
    assert DENIAL["headers"] == [(b"x-app", b"1")]


async def test_a_denial_whose_session_cannot_be_stored_is_replaced(site: AsgiSite, outage: Outage) -> None:
    outage.fail("swap")

    denied, body = await connect(site, refuse_and_remember)

    assert (denied["type"], denied["status"]) == (DENIAL["type"], 503)
    assert (body["type"], body["body"]) != (BODY["type"], BODY["body"])
    assert body["type"] == BODY["type"]


async def test_who_owes_a_factor_is_not_signed_in_on_a_socket(site: AsgiSite) -> None:
    """No route around the challenge."""
    token = await token_of(site, needs=State.MFA_SATISFIED)
    seen: list[object] = []

    async def talk(session: Any, send: Any) -> None:
        await send(dict(ACCEPT))
        seen.extend((session.subject, session.signed_in))

    await connect(site, talk, token)

    assert seen == ["alice", False]


@pytest.mark.parametrize(
    ("origin", "scheme", "host", "expected"),
    [
        (None, "wss", b"shop.example", "websocket.accept"),
        (b"https://shop.example", "wss", b"shop.example", "websocket.accept"),
        (b"https://shop.example", "ws", b"shop.example", "websocket.accept"),  # behind a proxy that speaks TLS
        (b"http://shop.example:8000", "ws", b"shop.example:8000", "websocket.accept"),
        (b"https://partner.example", "wss", b"shop.example", "websocket.accept"),  # one of ``origins``
        (b"https://evil.example", "wss", b"shop.example", "websocket.close"),
        (b"https://shop.example.evil.example", "wss", b"shop.example", "websocket.close"),
        (b"https://shop.example:444", "wss", b"shop.example", "websocket.close"),
        (b"http://shop.example", "wss", b"shop.example", "websocket.close"),
        (b"null", "wss", b"shop.example", "websocket.close"),
        (b"null", "wss", None, "websocket.close"),
        (b"file://", "wss", b"", "websocket.close"),
        (b"https://", "wss", b"", "websocket.close"),
        (b"https://X", "wss", None, "websocket.close"),
        (b"https://shop.example, https://evil.example", "wss", b"shop.example", "websocket.close"),
        (b"\xff", "wss", b"shop.example", "websocket.close"),
    ],
)
async def test_a_socket_is_for_our_own_pages(
    site: AsgiSite, origin: bytes | None, scheme: str, host: bytes | None, expected: str
) -> None:
    """Browsers send cookies with a websocket that any page opens: the origin tells them apart."""
    token = await token_of(site)
    sent = await connect(site, accept_only, token, origin, scheme, host, origins=("https://partner.example",))

    assert [message["type"] for message in sent] == [expected]


async def test_a_foreign_page_is_told_why_once_it_has_asked(site: AsgiSite) -> None:
    """A server wants its ``websocket.connect`` taken before it is answered."""
    happened: list[object] = []

    async def receive() -> asgi.Message:
        happened.append("asked")
        return {"type": "websocket.connect"}

    async def send(message: asgi.Message) -> None:
        happened.append(message)

    async def app(*_: object) -> None:
        happened.append("served")

    headers = [(b"host", b"shop.example"), (b"origin", b"https://evil.example")]
    await asgi.SessionMiddleware(app, **site.options)({"type": "websocket", "headers": headers}, receive, send)

    assert happened == ["asked", {"type": "websocket.close", "code": 1008, "reason": "origin not allowed"}]


@pytest.mark.parametrize(
    ("origin", "expected"),
    [(b"http://shop.example", "websocket.accept"), (b"ftp://shop.example", "websocket.close")],
)
async def test_a_server_that_names_no_scheme_serves_without_tls(site: AsgiSite, origin: bytes, expected: str) -> None:
    """As ASGI has it: ``ws`` is the default."""
    sent: list[str] = []

    async def app(scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        await send(dict(ACCEPT))

    async def receive() -> asgi.Message:
        return {"type": "websocket.connect"}

    async def send(message: asgi.Message) -> None:
        sent.append(message["type"])

    headers = [(b"host", b"shop.example"), (b"origin", origin)]
    await asgi.SessionMiddleware(app, **site.options)({"type": "websocket", "headers": headers}, receive, send)

    assert sent == [expected]


async def test_a_socket_whose_session_changed_meanwhile_is_told_so(
    site: AsgiSite, outage: Outage, caplog: pytest.LogCaptureFixture
) -> None:
    """And one whose store is away is told that; neither is let in."""
    token = await token_of(site)

    async def raced(session: Any, send: Any) -> None:
        attempt = await session.attempt("alice")
        site.shell.reset_password("alice")
        session.log_in(attempt, "pwd")
        await send(dict(ACCEPT))

    async def stored_nowhere(session: Any, send: Any) -> None:
        session["a"] = 1
        outage.fail("swap")
        await send(dict(ACCEPT))

    closed = {"type": "websocket.close", "code": 1011}
    assert await connect(site, raced, token) == [closed | {"reason": "session changed meanwhile"}]
    assert await connect(site, stored_nowhere) == [closed | {"reason": "session store unavailable"}]
    assert [record.__dict__["status"] for record in caplog.records if record.name == "sessioncore"] == [409, 503]


@pytest.mark.parametrize("down", [{"load"}, {"swap"}])
async def test_a_socket_whose_session_is_not_known_or_stored_is_closed(
    site: AsgiSite, outage: Outage, down: set[str]
) -> None:
    """It is never accepted as if."""
    token = await token_of(site)

    async def talk(session: Any, send: Any) -> None:
        if "swap" in down:
            session["a"] = 1
        else:
            with pytest.raises(StoreUnavailable):
                assert session.subject
        await send(dict(ACCEPT))
        await send({"type": "websocket.send", "text": "welcome"})

    outage.fail(*down)
    sent = await connect(site, talk, token)

    assert [(message["type"], message.get("code")) for message in sent] == [("websocket.close", 1011)]


async def test_refresh_sees_the_end(site: AsgiSite) -> None:
    """The next use of the handle after the session has ended elsewhere."""
    token = await token_of(site)
    seen: list[object] = []

    async def talk(session: Any, send: Any) -> None:
        await send(dict(ACCEPT))
        seen.append(session.signed_in)
        await site.ask(log_out, token)
        await session.refresh()
        seen.extend((session.signed_in, session.state, session.subject))

    await connect(site, talk, token)

    assert seen == [True, False, None, None]


@pytest.mark.parametrize("page", [satisfy_mfa(), reauthenticate()])
async def test_refresh_does_not_follow_a_rotation(site: AsgiSite, page: Any) -> None:
    """The socket holds the former secret; it has to be opened anew."""
    token = await token_of(site)
    seen: list[object] = []

    async def talk(session: Any, send: Any) -> None:
        await send(dict(ACCEPT))
        await site.ask(page, token)
        await session.refresh()
        seen.append(session.subject)

    await connect(site, talk, token)

    assert seen == [None]


async def test_a_write_needs_a_commit_and_then_is_stored(site: AsgiSite) -> None:
    """Nobody else would know when."""
    token = await token_of(site)

    async def talk(session: Any, send: Any) -> None:
        await send(dict(ACCEPT))
        session["seen"] = [1]
        await session.commit()
        session["seen"].append(2)
        await session.commit()
        session["lost"] = True

    await connect(site, talk, token)

    assert (await site.ask(read("seen"), token)).value == [1, 2]
    assert (await site.ask(read("lost"), token)).value is None


async def test_a_socket_of_a_guest_does_not_become_the_users_who_logs_in_beside_it(site: AsgiSite) -> None:
    """Also when it commits: it holds the guest's token, which anybody may know."""
    guest = (await site.ask(write(cart=["lamp"]))).token
    seen: list[object] = []

    async def talk(session: Any, send: Any) -> None:
        await send(dict(ACCEPT))
        await site.ask(log_in("alice"), guest)
        session["cart"] = ["trap"]
        await session.commit()
        seen.extend((session.subject, dict(session)))

    await connect(site, talk, guest)

    assert seen == [None, {}]


async def test_a_write_into_an_ended_session_is_dropped(site: AsgiSite) -> None:
    """It brings nothing back, and the handle knows by then."""
    token = await token_of(site)
    seen: list[object] = []

    async def talk(session: Any, send: Any) -> None:
        await send(dict(ACCEPT))
        await site.ask(log_out, token)
        session["late"] = 1
        await session.commit()
        seen.append(session.state)

    await connect(site, talk, token)

    assert seen == [None]
    assert len(site.told("dropped")) == 1
    assert (await site.ask(look, token)).value is None


async def test_nothing_rotates_on_an_open_socket(site: AsgiSite) -> None:
    """No cookie could travel; nor can a session begin."""
    token = await token_of(site)
    refused: list[str] = []

    async def talk(session: Any, send: Any) -> None:
        attempt = await session.attempt("alice")
        await send(dict(ACCEPT))
        verbs: dict[str, Any] = {
            "log_in": lambda: session.log_in(attempt, "pwd"),
            "satisfy_mfa": lambda: session.satisfy_mfa("otp"),
            "reauthenticate": lambda: session.reauthenticate("pwd"),
        }
        for name, verb in verbs.items():
            with pytest.raises(TooLate):
                verb()
            refused.append(name)
        for change in (session.password_changed, session.end_others):
            with pytest.raises(TooLate):
                await change()

    async def anonymous(session: Any, send: Any) -> None:
        await send(dict(ACCEPT))
        with pytest.raises(TooLate):
            session["cart"] = []
        with pytest.raises(TooLate):
            assert session.csrf_token
        refused.append("begin")

    await connect(site, talk, token)
    await connect(site, anonymous)

    assert refused == ["log_in", "satisfy_mfa", "reauthenticate", "begin"]
    assert (await site.ask(look, token)).value == "alice"


@pytest.mark.parametrize("accepts", [True, False])
async def test_a_logout_on_a_socket_is_done_though_nobody_committed_it(site: AsgiSite, accepts: bool) -> None:
    """Before or after the acceptance, or where the socket is refused; twice is a success too."""
    token = await token_of(site)

    async def talk(session: Any, send: Any) -> None:
        if accepts:
            await send(dict(ACCEPT))
        session.log_out()
        session.log_out()
        await send({"type": "websocket.close", "code": 1000})

    await connect(site, talk, token)

    assert (await site.ask(look, token)).value is None


@pytest.mark.parametrize(("url", "subject"), [("/live", "None"), ("wss://testserver/live", "alice")])
def test_a_test_clients_socket_has_the_cookie_only_where_it_is_secure(url: str, subject: str) -> None:
    """As docs/embedding.md says: Starlette's client makes ws:// of a path, whatever its base."""

    async def enter(request: Any) -> PlainTextResponse:
        request.session.log_in(await request.session.attempt("alice"), "pwd")
        return PlainTextResponse("welcome")

    async def live(websocket: Any) -> None:
        await websocket.accept()
        await websocket.send_text(str(websocket.session.subject))
        await websocket.close()

    routes = [Route("/login", enter, methods=["POST"]), WebSocketRoute("/live", live)]
    client = TestClient(asgi.SessionMiddleware(Starlette(routes=routes), MemoryStore()), base_url="https://testserver")
    client.post("/login")
    with client.websocket_connect(url) as socket:
        assert socket.receive_text() == subject


async def test_what_is_written_while_a_commit_is_under_way_is_not_lost(clock: Clock) -> None:
    """A socket has often one task that listens and one that talks, and one handle for both."""
    memory = MemoryStore()
    token = await token_of(AsgiSite(store=memory, clock=clock))
    slow = Slow(memory)

    async def talk(session: Any, send: Any) -> None:
        await send(dict(ACCEPT))
        session["a"] = [1]
        committing = asyncio.ensure_future(session.commit())
        while slow.calls < 2:
            await asyncio.sleep(0)
        session.record("view")
        session["a"].append(2)
        session["b"] = 1
        await committing
        await session.commit()

    await connect(AsgiSite(store=cast(Store, slow), clock=clock), talk, token)
    site = AsgiSite(store=memory, clock=clock)

    assert (await site.ask(read("a"), token)).value == [1, 2]
    assert (await site.ask(read("b"), token)).value == 1
    assert [entry["what"] for entry in await Browser(site, token).sees("activities")] == ["view"]
