"""The ASGI middleware over a store that is truly awaited, with requests that overlap."""

import asyncio
from typing import Any

from tests.stores.awaiting import AwaitingStore

from sessioncore.testing import Clock
from sessioncore_io.asgi import SessionMiddleware


async def shop(scope: Any, receive: Any, send: Any) -> None:
    """Log in, put something into the cart, log out, or say who is there."""
    session = scope["session"]
    verb, _, key = scope["path"].strip("/").partition("/")
    if verb == "login":
        session.log_in(await session.attempt("alice"), "pwd")
    elif verb == "put":
        session[key] = True
    elif verb == "logout":
        session.log_out()
    body = f"{session.subject} {sorted(session)}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


async def visit(app: SessionMiddleware, path: str, cookie: str = "") -> tuple[int, str, str]:
    """Make one request; give the status, the body and the cookie afterwards."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"cookie", cookie.encode())] if cookie else []
    await app({"type": "http", "path": path, "headers": headers}, _nothing, send)
    start, *bodies = sent
    cookies = [value.decode().partition(";")[0] for name, value in start["headers"] if name == b"set-cookie"]
    return start["status"], b"".join(body["body"] for body in bodies).decode(), (cookies or [cookie])[0]


async def _nothing() -> Any:
    raise AssertionError("nothing is to be received")


def test_a_whole_visit_is_kept_in_an_awaited_store(clock: Clock) -> None:
    async def story() -> None:
        app = SessionMiddleware(shop, AwaitingStore(), clock=clock)
        _, _, cookie = await visit(app, "/put/apple")
        _, said, cookie = await visit(app, "/login", cookie)
        assert said == "alice ['apple']"

        _, _, _ = await visit(app, "/logout", cookie)
        assert (await visit(app, "/", cookie))[1] == "None []"

    asyncio.run(story())


def test_requests_that_overlap_lose_no_write(clock: Clock) -> None:
    async def story() -> None:
        app = SessionMiddleware(shop, AwaitingStore(), clock=clock)
        _, _, cookie = await visit(app, "/login")
        answers = await asyncio.gather(*(visit(app, f"/put/key{number}", cookie) for number in range(4)))

        assert {status for status, _, _ in answers} == {200}
        assert (await visit(app, "/", cookie))[1] == "alice ['key0', 'key1', 'key2', 'key3']"

    asyncio.run(story())


def test_a_logout_among_requests_that_overlap_is_final(clock: Clock) -> None:
    async def story() -> None:
        app = SessionMiddleware(shop, AwaitingStore(), clock=clock)
        _, _, cookie = await visit(app, "/login")
        paths = ["/put/a", "/logout", "/put/b", "/login", "/"]
        answers = await asyncio.gather(*(visit(app, path, cookie) for path in paths))

        assert {status for status, _, _ in answers} <= {200, 409}
        assert (await visit(app, "/", cookie))[1] == "None []"

    asyncio.run(story())
