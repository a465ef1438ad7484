"""One small driver for both adapters: a test is written once and served by WSGI and by ASGI, without a server.

A handler is a coroutine function that takes the session's handle. What has to be awaited under ASGI and is a
plain call under WSGI is written ``await done(...)``. A handler may serve another request while it runs: that is
how requests overlap here, in an order that the test chooses.
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import closing
from http.cookies import SimpleCookie
from inspect import isawaitable
from typing import Any, TypeVar, cast

from attrs import define, field, frozen

from sessioncore import Notice, Policy, Session, Store
from sessioncore.testing import Clock
from sessioncore_io import Cookie, Sessions, asgi, wsgi
from sessioncore_io.codec import decode
from sessioncore_io.memory import MemoryStore

from .stores import Outage, Recording

T = TypeVar("T")
Headers = list[tuple[str, str]]
Handler = Callable[[Any], Coroutine[Any, Any, object]]


@frozen
class Reply:
    """Say what a handler answers, where 200 and a line of text is not the point."""

    status: int = 200
    headers: Headers = field(factory=list)
    body: bytes = b"the application's own answer\n"


@frozen
class Answer:
    """Hold what the browser gets, and beside it what the handler returned."""

    status: int
    headers: Headers
    body: bytes
    value: Any = None

    def all(self, name: str) -> list[str]:
        """Give every value of a header."""
        return [value for key, value in self.headers if key.lower() == name]

    @property
    def token(self) -> str | None:
        """Give the cookie's new value: empty if it is cleared, None if it is left alone."""
        lines = self.all("set-cookie")
        return None if not lines else next(iter(SimpleCookie(lines[-1]).values())).value


@frozen(kw_only=True)
class Site:
    """Serve one application with sessions over a store."""

    store: Store
    clock: Clock
    policy: Policy = field(factory=Policy)
    cookie: Cookie = field(factory=Cookie)
    notices: list[Notice] = field(factory=list)
    more: dict[str, Any] = field(factory=dict)

    @property
    def options(self) -> dict[str, Any]:
        """Give what the middleware is built with besides the application."""
        return {
            "store": self.store,
            "policy": self.policy,
            "cookie": self.cookie,
            "clock": self.clock,
            "listener": self.notices.append,
            **self.more,
        }

    @property
    def shell(self) -> Sessions:
        """Give a shell over the same store, for what happens outside of requests."""
        return Sessions(self.store, self.policy, self.clock, self.notices.append)

    def told(self, what: str) -> list[Notice]:
        """Give the notices of one kind."""
        return [notice for notice in self.notices if notice.what == what]

    async def ask(self, handler: Handler, token: str | None = None, **request: Any) -> Answer:
        """Serve one request that brings this token."""
        cookies = [f"{self.cookie.name}={token}".encode()] if token is not None else []
        return await self.ask_raw(handler, cookies, **request)

    async def ask_raw(self, handler: Handler, cookies: list[bytes], method: str = "GET") -> Answer:
        """Serve one request with these Cookie headers."""
        raise NotImplementedError


class WsgiSite(Site):
    """Serve the handlers by the WSGI middleware."""

    async def ask_raw(self, handler: Handler, cookies: list[bytes], method: str = "GET") -> Answer:
        """Serve one request; several Cookie headers are joined as RFC 9113, 8.2.3 asks of a server."""
        values: list[Any] = []

        def app(environ: wsgi.Environ, start_response: wsgi.StartResponse) -> Iterable[bytes]:
            values.append(drive(handler(environ[wsgi.KEY])))
            reply = values[-1] if isinstance(values[-1], Reply) else Reply()
            start_response(f"{reply.status} So Be It", [("Content-Type", "text/plain"), *reply.headers])
            return [reply.body]

        environ = {"REQUEST_METHOD": method, "PATH_INFO": "/"}
        if cookies:
            environ["HTTP_COOKIE"] = b"; ".join(cookies).decode("latin-1")
        status, headers, body = call_wsgi(wsgi.SessionMiddleware(app, **self.options), environ)
        return Answer(int(status[:3]), headers, body, *values)


class AsgiSite(Site):
    """Serve the handlers by the ASGI middleware."""

    async def ask_raw(self, handler: Handler, cookies: list[bytes], method: str = "GET") -> Answer:
        """Serve one request."""
        values: list[Any] = []

        async def app(scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
            values.append(await handler(scope[asgi.KEY]))
            reply = values[-1] if isinstance(values[-1], Reply) else Reply()
            headers = [("content-type", "text/plain"), *reply.headers]
            encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
            await send({"type": "http.response.start", "status": reply.status, "headers": encoded})
            await send({"type": "http.response.body", "body": reply.body})

        scope = http_scope([(b"cookie", value) for value in cookies], method)
        status, headers, body = await call_asgi(asgi.SessionMiddleware(app, **self.options), scope)
        return Answer(status, headers, body, *values)


@define
class Browser:
    """Hold one cookie as a browser does, and remember every one it ever held."""

    site: Site
    token: str | None = None
    ever: list[str] = field(factory=list)

    async def ask(self, handler: Handler) -> Answer:
        """Send a request and take its answer in."""
        return self.take(await self.site.ask(handler, self.token))

    def take(self, answer: Answer) -> Answer:
        """Take an answer in, whenever it arrives."""
        if answer.token is not None:
            self.token = answer.token or None
        if answer.token:
            self.ever.append(answer.token)
        return answer

    async def sees(self, what: str) -> Any:
        """Read one property of the session, as a page does."""

        async def look(session: Any) -> object:
            return getattr(session, what)

        return (await self.ask(look)).value


async def done(value: T | Awaitable[T]) -> T:
    """Wait for what has to be awaited under ASGI and is done already under WSGI."""
    return await value if isawaitable(value) else value


async def rescues() -> None:
    """Wait for the tasks of the adapter's own: there are none under WSGI."""
    await asyncio.gather(*(task for task in asyncio.all_tasks() if "_rescued" in repr(task.get_coro())))


def drive(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that awaits nothing but others of its kind: a WSGI handler."""
    try:
        coroutine.send(None)
    except StopIteration as returned:
        return cast(T, returned.value)
    coroutine.close()
    raise AssertionError("a WSGI handler waited for an event loop")


Sent = tuple[str | int, Headers, bytes]


def sent_before(error: BaseException) -> Sent | None:
    """Give what the browser got before the application's failure reached the server; None if nothing."""
    return cast(Sent | None, error.__dict__.get("sent"))


def call_wsgi(app: wsgi.Application, environ: wsgi.Environ) -> tuple[str, Headers, bytes]:
    """Do a WSGI server's part: the headers leave with the first byte of the body."""
    started: list[tuple[str, Headers]] = []
    written: list[bytes] = []

    def start_response(status: str, headers: Headers, exc_info: Any = None) -> Callable[[bytes], object]:
        assert exc_info is not None or not started, "the response has started; only exc_info may replace it"
        if exc_info is not None and any(written):
            raise exc_info[1]
        started.append((status, headers))
        return written.append

    body = app(environ, start_response)
    try:
        for chunk in body:
            written.append(chunk)  # noqa: PERF402 - what has left is known while the rest is made
    except Exception as error:
        if any(written):
            error.__dict__["sent"] = (*started[-1], b"".join(written))
        raise
    finally:
        if hasattr(body, "close"):
            body.close()
    return (*started[-1], b"".join(written))


def http_scope(headers: list[tuple[bytes, bytes]], method: str = "GET") -> asgi.Scope:
    """Write the scope of a request by hand."""
    return {"type": "http", "method": method, "path": "/", "query_string": b"", "headers": headers}


async def call_asgi(app: asgi.Application, scope: asgi.Scope) -> tuple[int, Headers, bytes]:
    """Do an ASGI server's part."""
    sent: list[asgi.Message] = []

    async def receive() -> asgi.Message:
        return {"type": "http.request"}

    async def send(message: asgi.Message) -> None:
        sent.append(message)

    try:
        await app(scope, receive, send)
    except Exception as error:
        error.__dict__["sent"] = _read_asgi(sent) if sent else None
        raise
    return _read_asgi(sent)


def _read_asgi(sent: list[asgi.Message]) -> tuple[int, Headers, bytes]:
    start, *rest = sent
    assert start["type"] == "http.response.start", "a response starts once, and first"
    assert {message["type"] for message in rest} <= {"http.response.body"}
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]]
    return start["status"], headers, b"".join(message.get("body", b"") for message in rest)


def rows(store: Any) -> list[Session]:
    """List every row of a store, the ended ones too: behind its port, which has no such call."""
    while isinstance(store, Recording | Outage):
        store = store.store
    if isinstance(store, MemoryStore):
        return list(store._rows.values())
    with closing(sqlite3.connect(store.path)) as connection:
        return [decode(*row) for row in connection.execute("SELECT sid, record FROM sessions")]
