"""A real uvicorn with real websockets: what the tests of ends that reach open sockets talk to."""

import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

import httpx2
import uvicorn
from attrs import frozen
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from websockets.asyncio.client import ClientConnection, connect

from sessioncore import Policy
from sessioncore_io import Cookie, asgi

COOKIE: Final = Cookie.for_plain_http()
GONE: Final = 4401  # the close code of these handlers


async def live(websocket: Any) -> None:
    """Echo, until the session ends."""
    await websocket.accept()
    async with websocket.session.on_end(lambda reason: websocket.close(GONE, reason or "unconfirmed")):
        async for text in websocket.iter_text():
            await websocket.send_text(text)


async def wait(websocket: Any) -> None:
    """Say nothing, and close when the session ends."""
    await websocket.accept()
    reason = await websocket.session.ended()
    await websocket.close(GONE, reason or "unconfirmed")


async def log_in(request: Request) -> PlainTextResponse:
    """Sign somebody in."""
    session: Any = request.session
    session.log_in(await session.attempt(request.path_params["subject"]), "pwd")
    return PlainTextResponse(session.sid)


async def log_out(request: Request) -> PlainTextResponse:
    """Log out."""
    request.session.log_out()  # type: ignore[attr-defined]
    return PlainTextResponse("bye")


async def guest(request: Request) -> PlainTextResponse:
    """Begin a guest's session."""
    request.session["cart"] = ["lamp"]
    return PlainTextResponse("kept")


async def change(request: Request) -> PlainTextResponse:
    """Change the password: all other sessions end."""
    session: Any = request.session
    await session.password_changed(lambda: None)
    return PlainTextResponse("changed")


async def look(request: Request) -> PlainTextResponse:
    """Use the session."""
    return PlainTextResponse(request.session.subject or "nobody")  # type: ignore[attr-defined]


ROUTES: Final = [
    WebSocketRoute("/live", live),
    WebSocketRoute("/wait", wait),
    Route("/in/{subject}", log_in),
    Route("/out", log_out),
    Route("/guest", guest),
    Route("/change", change),
    Route("/", look),
]


@frozen
class Site:
    """Hold a served site."""

    port: int
    sessions: Any

    @property
    def url(self) -> str:
        """Give the address of its pages."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def waiting(self) -> int:
        """Count who waits for an end."""
        return sum(len(group) for endings in self.sessions._endings.values() for group in endings._waiting.values())

    @asynccontextmanager
    async def socket(self, token: str, path: str = "/live") -> AsyncIterator[ClientConnection]:
        """Open a websocket with this cookie."""
        headers = {"Cookie": f"{COOKIE.name}={token}"}
        async with connect(f"ws://127.0.0.1:{self.port}{path}", additional_headers=headers) as opened:
            yield opened


@contextmanager
def served(store: Any, clock: Any, policy: Policy = Policy(), listener: Any = print) -> Iterator[Site]:  # noqa: B008
    """Serve the site by uvicorn on a free port."""
    middleware = asgi.SessionMiddleware(
        Starlette(routes=ROUTES), store, policy=policy, cookie=COOKIE, clock=clock, listener=listener
    )
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()  # who connects before the server is ready waits
        config = uvicorn.Config(middleware, log_config=None, lifespan="off", ws="websockets-sansio")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield Site(listening.getsockname()[1], middleware.sessions)
        finally:
            server.should_exit = True
            thread.join(timeout=10)
            assert not thread.is_alive()


def cookie_of(site: Site, path: str = "/in/alice", token: str = "") -> str:
    """Visit a page as a browser with this cookie and give the cookie that it has then."""
    headers = {"Cookie": f"{COOKIE.name}={token}"} if token else {}
    answer = httpx2.get(f"{site.url}{path}", headers=headers).raise_for_status()
    return answer.cookies.get(COOKIE.name) or token
