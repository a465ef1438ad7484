"""Log in and out through the installed wheel, in WSGI and in ASGI: run by ``make wheel``, away from the sources."""

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import sessioncore
import sessioncore_io
from sessioncore_io import asgi, wsgi
from sessioncore_io.handle import SessionHandle
from sessioncore_io.memory import MemoryStore
from sessioncore_io.sqlite import SqliteStore

Reply = tuple[str, str]


def wsgi_app(environ: wsgi.Environ, start_response: wsgi.StartResponse) -> list[bytes]:
    """Log in, show or log out."""
    session = environ[wsgi.KEY]
    if environ["PATH_INFO"] == "/login":
        session.log_in(session.attempt("alice"), "pwd")
    return [_body(session, environ["PATH_INFO"], lambda: start_response("200 OK", []))]


def _body(session: SessionHandle, path: str, start: Callable[[], object]) -> bytes:
    if path == "/logout":
        session.log_out()
    body = (session.subject or "nobody").encode()
    start()
    return body


async def asgi_app(scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
    """Log in, show or log out."""
    session = scope[asgi.KEY]
    if scope["path"] == "/login":
        session.log_in(await session.attempt("alice"), "pwd")
    body = _body(session, scope["path"], lambda: None)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


def call_wsgi(app: wsgi.Application, path: str, cookie: str) -> Reply:
    """Send one request; return the body and the cookie set."""
    seen: dict[str, str] = {}

    def start_response(status: str, headers: list[tuple[str, str]]) -> Callable[[bytes], object]:
        seen.update(headers)
        return lambda _: None

    body = b"".join(app({"PATH_INFO": path, "HTTP_COOKIE": cookie}, start_response))
    return body.decode(), seen.get("set-cookie", "").partition(";")[0]


def call_asgi(app: Callable[..., Awaitable[None]], path: str, cookie: str) -> Reply:
    """Send one request; return the body and the cookie set."""
    sent: list[asgi.Message] = []

    async def receive() -> asgi.Message:
        return {"type": "http.request"}

    async def send(message: asgi.Message) -> None:
        sent.append(message)

    scope = {"type": "http", "path": path, "headers": [(b"cookie", cookie.encode())]}
    asyncio.run(_served(app(scope, receive, send)))
    headers = dict(sent[0]["headers"])
    return sent[1]["body"].decode(), headers.get(b"set-cookie", b"").decode().partition(";")[0]


async def _served(response: Awaitable[None]) -> None:
    await response


def tell_life(call: Callable[[Any, str, str], Reply], app: Any) -> None:
    """Follow one login from its beginning to a replay after its end."""
    assert call(app, "/", "") == ("nobody", "")
    welcome, cookie = call(app, "/login", "")
    assert (welcome, len(cookie)) == ("alice", len("__Host-session=") + 65)
    assert call(app, "/", cookie) == ("alice", "")
    assert call(app, "/logout", cookie) == ("nobody", "__Host-session=")
    assert call(app, "/", cookie) == ("nobody", "")


def main() -> None:
    """Run the round trip on both sides and both stores, and check what the wheel brought along."""
    for package in (sessioncore, sessioncore_io):
        home = Path(package.__file__ or "").parent
        assert "site-packages" in home.parts, f"{home} is not the installed wheel"
        assert (home / "py.typed").exists(), f"{home} is not typed"
    needed = sorted(line.partition(">")[0] for line in requires("sessioncore") or () if "extra" not in line)
    assert needed == ["attrs", "msgspec", "transitions"], needed
    with tempfile.TemporaryDirectory() as folder:
        for store in (MemoryStore(), SqliteStore(Path(folder) / "sessions.sqlite3")):
            tell_life(call_wsgi, wsgi.SessionMiddleware(wsgi_app, store))
            tell_life(call_asgi, asgi.SessionMiddleware(asgi_app, store))
    print(f"the wheel of sessioncore, on Python {sys.version.split()[0]}: WSGI and ASGI, memory and SQLite: fine")


if __name__ == "__main__":
    main()
