"""Bind sessions to ASGI 3: the handle is ``scope["session"]``, so ``request.session`` of Starlette and FastAPI."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from sessioncore import AsyncStore, Epoch, Policy, Session, Store
from sessioncore.flows import Token

from .answers import UNCOMMITTED, Answering, Page, answerable, plain_page
from .asgi_sending import HttpSending, Message, Send, SocketSending
from .checks import check_cookie, check_page, origins_of
from .cookies import Cookie
from .handle import AsyncHandle, at_a_glance, opens_nothing
from .shell import AsyncSessions
from .world import Clock, Listener, log, log_notice, wall_clock

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
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
    meanwhile. ``page`` writes these answers: it gets the status and a sentence, and returns a media type and the body.
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
        page: Page = plain_page,
    ) -> None:
        check_cookie(cookie)
        check_page(page)
        self.app = app
        self.cookie = cookie
        self._answering = Answering(cookie, page)
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
        answer = (HttpSending if kind == "http" else SocketSending)(handle, self._answering, send)
        try:
            await self.app(scope, receive, answer.send)
        except Exception as error:
            await self._store_logout(handle)
            if not (answerable(error, handle) and await answer.instead(error)):
                await answer.give_cookie()
                raise
        except BaseException:
            self._rescue(handle)
            raise
        else:
            if kind == "websocket":
                await self._store_logout(handle)  # there is no response to store it with, and nobody may have committed
            handle.warn_of_lost()

    def _open(self, token: Token | None) -> AsyncHandle | Awaitable[AsyncHandle]:
        """Open the session: without a coroutine, if the store answers at once and nothing has to be settled."""
        if token is None:
            return opens_nothing(AsyncHandle, self.sessions)
        try:
            loaded = self.sessions.store.load(token.sid)
            handle = at_a_glance(AsyncHandle, self.sessions, token, loaded) if isinstance(loaded, tuple) else None
        except UNCOMMITTED as error:
            return opens_nothing(AsyncHandle, self.sessions, token, error)
        return self._open_in_time(token, loaded) if handle is None else handle

    async def _open_in_time(self, token: Token, loaded: Loaded | Awaitable[Loaded]) -> AsyncHandle:
        try:
            handle = None if isinstance(loaded, tuple) else at_a_glance(AsyncHandle, self.sessions, token, await loaded)
            return await self.sessions.open(token) if handle is None else handle
        except UNCOMMITTED as error:
            return opens_nothing(AsyncHandle, self.sessions, token, error)

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

    async def _store_logout(self, handle: AsyncHandle) -> None:
        """Store a LogOut that nothing else will store; who cancels the request meanwhile ends only the waiting."""
        if (task := self._rescue(handle)) is not None:
            await asyncio.shield(task)

    def _rescue(self, handle: AsyncHandle) -> asyncio.Task[None] | None:
        """Store a LogOut in a task of ours: the request's own may be cancelled, and may not wait any more then."""
        if not handle.wants_log_out:
            return None
        task = asyncio.get_running_loop().create_task(_rescued(handle))
        self._rescues.add(task)
        task.add_done_callback(self._rescues.discard)
        return task


async def _refuse_socket(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.close", "code": 1008, "reason": "origin not allowed"})


async def _rescued(handle: AsyncHandle) -> None:
    """Store the LogOut of a request that failed; another failure is logged, the first one is the one to raise."""
    try:
        await handle.store_logout()
    except UNCOMMITTED as error:
        log.error("a logout was not stored, and its session is alive: %s", error)


__all__ = ["KEY", "Message", "Receive", "Scope", "Send", "SessionMiddleware"]
