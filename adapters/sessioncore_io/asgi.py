"""Bind sessions to ASGI 3: the handle is ``scope["session"]``, so ``request.session`` of Starlette and FastAPI."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from inspect import isawaitable
from typing import Any, Final

from sessioncore import AsyncStore, Policy, SessionError, Store
from sessioncore.effects import arun
from sessioncore.flows import Standing, Token, glance

from .answers import UNCOMMITTED, plain_headers, replacement, with_cookie
from .cookies import Cookie
from .handle import AsyncHandle
from .shell import AsyncSessions
from .world import Clock, Listener, log_notice, wall_clock

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

KEY: Final = "session"


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
        self.app = app
        self.cookie = cookie
        self.origins = origins
        self.sessions = AsyncSessions(store, policy, clock, listener)
        self._rescues: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        kind = scope["type"]
        if kind == "http":
            await self._serve(scope, receive, send, _Http)
        elif kind == "websocket":
            if not self._same_origin(scope):
                await _refuse_socket(receive, send)
                return
            await self._serve(scope, receive, send, _Socket)
        else:
            await self.app(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, response: "type[_Response]") -> None:
        handle = scope[KEY] = await self._open(scope)
        answer = response(handle, self.cookie, send)
        try:
            await self.app(scope, receive, answer.send)
        except BaseException:
            self._rescue(handle)
            raise

    async def _open(self, scope: Scope) -> AsyncHandle:
        sessions = self.sessions
        token = self._token(scope)
        if token is None:
            return AsyncHandle(sessions, None, Standing.ABSENT, None, None)
        try:
            loaded = sessions.store.load(token.sid)
            row, epoch = await loaded if isawaitable(loaded) else loaded
            standing = glance(row, epoch, token.secret, sessions.clock(), sessions.policy)
            if standing is None:
                return await sessions.open(token)
            return AsyncHandle(sessions, token, standing, row, epoch)
        except UNCOMMITTED as error:
            return AsyncHandle(sessions, token, Standing.ABSENT, None, None, error)

    def _token(self, scope: Scope) -> Token | None:
        headers = [value for name, value in scope["headers"] if name == b"cookie"]
        return self.cookie.find(b"; ".join(headers)) if headers else None

    def _same_origin(self, scope: Scope) -> bool:
        """Tell whether a websocket was opened by our own pages: browsers send cookies with any."""
        headers = dict(scope["headers"])
        origin = headers.get(b"origin", b"").decode("latin-1")
        host = headers.get(b"host", b"").decode("latin-1")
        return not origin or origin in self.origins or origin.partition("://")[2] == host

    def _rescue(self, handle: AsyncHandle) -> None:
        """Store a LogOut whose request failed or was cancelled: in a task of ours, the client may be gone."""
        if handle.wants_log_out:
            task = asyncio.get_running_loop().create_task(_log_out_only(handle))
            self._rescues.add(task)
            task.add_done_callback(self._rescues.discard)


class _Response:
    """Stand between the application and the server's ``send``."""

    def __init__(self, handle: AsyncHandle, cookie: Cookie, send: Send) -> None:
        self.handle = handle
        self.cookie = cookie
        self._send = send
        self._replaced = False

    async def send(self, message: Message) -> None:
        raise NotImplementedError

    async def _committed(self, status: int) -> SessionError | None:
        handle = self.handle
        try:
            if status >= 500:
                await _log_out_only(handle)
            elif not handle.idle:
                await handle.commit()
        except UNCOMMITTED as error:
            return error
        return None

    def _add_headers(self, message: Message) -> None:
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in message.get("headers", ())]
        answered = with_cookie(headers, self.handle, self.cookie)
        message["headers"] = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answered]


class _Http(_Response):
    """Commit before the response starts."""

    async def send(self, message: Message) -> None:
        """Pass a message on, the first one with the session's headers; or send another response instead."""
        if message["type"] == "http.response.start":
            error = await self._committed(message["status"])
            if error is not None or self.handle.failed:
                await self._replace(replacement(error))
                return
            self._add_headers(message)
            self.handle.seal()
        if not self._replaced:
            await self._send(message)

    async def _replace(self, answer: tuple[int, str]) -> None:
        self._replaced = True
        code, body = answer
        headers = [(name.encode(), value.encode()) for name, value in plain_headers(body)]
        await self._send({"type": "http.response.start", "status": code, "headers": headers})
        await self._send({"type": "http.response.body", "body": body.encode()})


class _Socket(_Response):
    """Commit before the socket is accepted; afterwards no cookie can travel, so nothing may rotate."""

    async def send(self, message: Message) -> None:
        """Pass a message on; refuse the socket if its session's changes could not be stored."""
        if message["type"] == "websocket.accept":
            error = await self._committed(101)
            if error is not None or self.handle.failed:
                self._replaced = True
                await self._send({"type": "websocket.close", "code": 1011, "reason": "session store unavailable"})
                return
            self._add_headers(message)
            self.handle.seal("rotations")
        if not self._replaced:
            await self._send(message)


async def _refuse_socket(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.close", "code": 1008, "reason": "origin not allowed"})


async def _log_out_only(handle: AsyncHandle) -> None:
    """After a failure of the application, do the one thing that must not be lost."""
    if handle.wants_log_out:
        await arun(handle._committing(only_logout=True), handle._shell.perform)
