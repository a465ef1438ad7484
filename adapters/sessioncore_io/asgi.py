"""Bind sessions to ASGI 3: the handle is ``scope["session"]``, so ``request.session`` of Starlette and FastAPI."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from sessioncore import AsyncStore, Epoch, Policy, Session, SessionError, Store
from sessioncore.flows import CURRENT, Standing, Token, at_rest, glance

from .answers import CONFLICT, UNCOMMITTED, plain_headers, replacement, unanswered, with_cookie
from .checks import check_cookie, origins_of
from .cookies import Cookie
from .handle import AsyncHandle
from .raw_headers import decoded, encoded, varying_message
from .shell import AsyncSessions
from .world import Clock, Listener, log, log_notice, wall_clock

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Loaded = tuple[Session | None, Epoch | None]
# Each framework has types of its own for an ASGI application, and no two of them fit: so Any.
Application = Callable[[Any, Any, Any], Awaitable[None]]

KEY: Final = "session"

_SERVED: Final = ("http", "websocket")

# Whose pages may open a websocket of this scheme; a proxy may have taken TLS off it, but nobody puts it on.
_PAGES: Final = {"ws": ("http", "https"), "wss": ("https",)}


class SessionMiddleware:
    """Give every http request and websocket of an ASGI application its session.

    What a request did is stored before its response starts, and what a websocket did before it is accepted. If
    that fails, the application's response is replaced: 503 for the store, 409 for a session that changed
    meanwhile.
    """

    def __init__(
        self,
        app: Application,
        store: Store | AsyncStore,
        policy: Policy = Policy(),  # noqa: B008 - frozen
        cookie: Cookie = Cookie(),  # noqa: B008 - frozen
        clock: Clock = wall_clock,
        listener: Listener = log_notice,
        origins: tuple[str, ...] = (),
    ) -> None:
        check_cookie(cookie)
        self.app = app
        self.cookie = cookie
        self.origins = origins_of(origins)
        self.sessions = AsyncSessions(store, policy, clock, listener)
        self._rescues: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection."""
        kind = scope["type"]
        if kind not in _SERVED:
            await self.app(scope, receive, send)
            return
        if kind == "websocket" and not self._same_origin(scope):
            await _refuse_socket(receive, send)
            return
        opened = self._open(self._token(scope))
        handle = scope[KEY] = opened if isinstance(opened, AsyncHandle) else await opened
        handle.loop = asyncio.get_running_loop()
        answer = (_Http if kind == "http" else _Socket)(handle, self.cookie, send)
        try:
            await self.app(scope, receive, answer.send)
        except Exception as error:
            await _rescued(handle)
            if not (isinstance(error, UNCOMMITTED) and await answer.instead(error)):
                raise
        except BaseException:
            self._rescue(handle)
            raise
        else:
            if kind == "websocket":
                await handle.store_logout()  # there is no response to store it with, and nobody may have committed
            handle.warn_of_lost()

    def _open(self, token: Token | None) -> AsyncHandle | Awaitable[AsyncHandle]:
        """Open the session: without a coroutine, if the store answers at once and nothing has to be settled."""
        if token is None:
            return AsyncHandle(self.sessions, None, Standing.ABSENT, None, None)
        try:
            loaded = self.sessions.store.load(token.sid)
            handle = self._glance(token, loaded) if isinstance(loaded, tuple) else None
        except UNCOMMITTED as error:
            return self._failed(token, error)
        return self._open_in_time(token, loaded) if handle is None else handle

    async def _open_in_time(self, token: Token, loaded: Loaded | Awaitable[Loaded]) -> AsyncHandle:
        try:
            handle = None if isinstance(loaded, tuple) else self._glance(token, await loaded)
            return await self.sessions.open(token) if handle is None else handle
        except UNCOMMITTED as error:
            return self._failed(token, error)

    def _glance(self, token: Token, loaded: Loaded) -> AsyncHandle | None:
        sessions = self.sessions
        row, epoch = loaded
        at, policy = sessions.clock(), sessions.policy
        if at_rest(row, epoch, token.secret, at, policy):
            handle = AsyncHandle(sessions, token, CURRENT, row, epoch)
            handle.at_rest = True
            return handle
        standing = glance(row, epoch, token.secret, at, policy)
        return None if standing is None else AsyncHandle(sessions, token, standing, row, epoch)

    def _failed(self, token: Token, error: SessionError) -> AsyncHandle:
        return AsyncHandle(self.sessions, token, Standing.ABSENT, None, None, error)

    def _token(self, scope: Scope) -> Token | None:
        """Find our token in the Cookie headers; HTTP/2 may send one a crumb, which is as one header of them all."""
        crumbs = []
        for name, value in scope["headers"]:
            if name == b"cookie":
                crumbs.append(value)
        return self.cookie.find_in(b"; ".join(crumbs).decode("latin-1")) if crumbs else None

    def _same_origin(self, scope: Scope) -> bool:
        """Tell whether a websocket was opened by our own pages: browsers send cookies with any."""
        headers = dict(scope["headers"])
        origin = headers.get(b"origin", b"").decode("latin-1")
        host = headers.get(b"host", b"").decode("latin-1")
        scheme, _, authority = origin.partition("://")
        ours = bool(host) and authority == host and scheme in _PAGES.get(scope.get("scheme", "ws"), ())
        return not origin or origin in self.origins or ours

    def _rescue(self, handle: AsyncHandle) -> None:
        """Store the LogOut of a cancelled request, in a task of ours: the request's own may not wait any more."""
        if handle.wants_log_out:
            task = asyncio.get_running_loop().create_task(_rescued(handle))
            self._rescues.add(task)
            task.add_done_callback(self._rescues.discard)


class _Response:
    """Stand between the application and the server's ``send``.

    Where nothing has to be awaited but ``send`` itself, its own awaitable is handed on: a coroutine of ours around
    each message would cost more than all that the steady request asks of it.
    """

    __slots__ = ("_replaced", "_send", "cookie", "handle")

    sealing = "all"

    def __init__(self, handle: AsyncHandle, cookie: Cookie, send: Send) -> None:
        self.handle = handle
        self.cookie = cookie
        self._send = send
        self._replaced = False

    def send(self, message: Message) -> Awaitable[None]:
        raise NotImplementedError

    def _start(self, message: Message) -> Awaitable[None]:
        """Start the response with the session's headers; no more than ``sealing`` allows can happen afterwards."""
        answered = self._with_headers(message)
        self.handle.seal(self.sealing)
        return self._send(answered)

    async def _commit_and_start(self, message: Message, status: int) -> None:
        error = await self._committed(status) or unanswered(self.handle, status)
        if error is not None or self.handle.failed:
            self._replaced = True
            await self._replace(error)
        else:
            await self._start(message)

    async def instead(self, error: SessionError) -> bool:
        """Answer 503 or 409 for an application that let a verb's failure through; False if it is too late for that."""
        if not self.handle.sealed and not self._replaced:
            self._replaced = True
            await self._replace(error)
        return self._replaced

    async def _replace(self, error: SessionError | None) -> None:
        raise NotImplementedError

    async def _committed(self, status: int) -> SessionError | None:
        try:
            if status >= 500:
                await self.handle.store_logout()
            elif not self.handle.idle:
                await self.handle.commit()
        except UNCOMMITTED as error:
            return error
        return None

    def _with_headers(self, message: Message) -> Message:
        handle = self.handle
        if handle.order is None:
            return varying_message(message) if handle.accessed else message
        headers = with_cookie(decoded(message.get("headers", ())), handle, self.cookie)
        return {**message, "headers": encoded(headers)}


class _Http(_Response):
    """Commit before the response starts."""

    __slots__ = ()

    def send(self, message: Message) -> Awaitable[None]:
        """Pass a message on, the first one with the session's headers; or send another response instead."""
        send = self._send
        if message["type"] != "http.response.start":
            return _nothing() if self._replaced else send(message)
        handle = self.handle
        if message["status"] >= 500 or not handle.may_start():
            return self._commit_and_start(message, message["status"])
        answered = varying_message(message) if handle.accessed else message
        handle.seal()
        return send(answered)

    async def _replace(self, error: SessionError | None) -> None:
        code, body = replacement(error)
        headers = encoded(with_cookie(plain_headers(body), self.handle, self.cookie))
        await self._send({"type": "http.response.start", "status": code, "headers": headers})
        await self._send({"type": "http.response.body", "body": body.encode()})


class _Socket(_Response):
    """Commit before the socket is accepted; afterwards no cookie can travel, so nothing may rotate."""

    __slots__ = ()

    sealing = "rotations"

    def send(self, message: Message) -> Awaitable[None]:
        """Pass a message on; refuse the socket if its session's changes could not be stored."""
        if message["type"] == "websocket.accept":
            return self._commit_and_start(message, 101)
        return _nothing() if self._replaced else self._send(message)

    async def _replace(self, error: SessionError | None) -> None:
        reason = "session changed meanwhile" if replacement(error) is CONFLICT else "session store unavailable"
        await self._send({"type": "websocket.close", "code": 1011, "reason": reason})


async def _nothing() -> None:
    """Send nothing: another response was sent instead."""


async def _refuse_socket(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.close", "code": 1008, "reason": "origin not allowed"})


async def _rescued(handle: AsyncHandle) -> None:
    """Store the LogOut of a request that failed; another failure is logged, the first one is the one to raise."""
    try:
        await handle.store_logout()
    except UNCOMMITTED as error:
        log.error("a logout was not stored, and its session is alive: %s", error)
