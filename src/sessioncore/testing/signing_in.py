"""Let an application's own tests start signed in: a real session in its store, and its cookie in the client's jar."""

from collections.abc import Iterable
from typing import Any

from sessioncore import State
from sessioncore.flows import Token

from .jars import Receive, receiver_of
from .wrapping import middleware_of


def log_in_as(
    client: Any,
    subject: str,
    app: Any,
    *,
    method: str | Iterable[str] = "pwd",
    needs: State = State.AUTHENTICATED,
    remember: bool = False,
    label: str = "",
    data: dict[str, Any] | None = None,
) -> str:
    """Begin a session of the subject, put its cookie into the client's jar, and return its ``sid``.

    ``app`` is the application as the client calls it: its ``SessionMiddleware``, or something that holds one as
    ``app``, ``application``, ``wsgi_app`` or ``asgi_app``, or that was given it by ``add_middleware`` (Starlette,
    FastAPI) or ``middleware=`` (Litestar). The session is made by the same flows as a real login, so it obeys the
    policy, the cap included; ``data`` is written into it. The cookie comes to the jar as by a response, so the
    application's next one takes its place: unless the ``Cookie`` is for plain http, the client's ``base_url`` (for
    WebTest, its ``wsgi.url_scheme``) has to be https. Works with the clients of Starlette, Litestar, Quart and
    Flask (Werkzeug), WebTest, httpx, and any other with such a jar; with Django's, if its handler is inside the
    middleware (``session_client`` in docs/embedding.md). Over an ``AsyncStore`` await ``log_in_as_async``. Raises
    ``InvalidSetting`` for an app without the middleware, or for a client that would not send the cookie or that
    keeps none.
    """
    middleware = middleware_of(app)
    receive = receiver_of(client, middleware.cookie)
    shell = _shell_of(middleware)
    handle = shell.open(None)
    handle.update(data or {})
    handle.log_in(shell.attempt(subject), method, needs=needs, remember=remember, label=label)
    shell.commit(handle)
    return _handed_over(receive, middleware.cookie, handle)


async def log_in_as_async(
    client: Any,
    subject: str,
    app: Any,
    *,
    method: str | Iterable[str] = "pwd",
    needs: State = State.AUTHENTICATED,
    remember: bool = False,
    label: str = "",
    data: dict[str, Any] | None = None,
) -> str:
    """Do as ``log_in_as``, over a store of either kind."""
    from sessioncore_io import AsyncSessions

    middleware = middleware_of(app)
    receive = receiver_of(client, middleware.cookie)
    sessions = middleware.sessions
    shell = AsyncSessions(sessions.store, sessions.policy, sessions.clock)
    handle = await shell.open(None)
    handle.update(data or {})
    handle.log_in(await shell.attempt(subject), method, needs=needs, remember=remember, label=label)
    await shell.commit(handle)
    return _handed_over(receive, middleware.cookie, handle)


def _shell_of(middleware: Any) -> Any:
    from sessioncore_io import Sessions

    sessions = middleware.sessions
    return Sessions(sessions.store, sessions.policy, sessions.clock)


def _handed_over(receive: Receive, cookie: Any, handle: Any) -> str:
    token = handle.order
    assert isinstance(token, Token), "a login that was committed owes the browser a token"
    receive(token.text, cookie.write(token, handle.stored, handle.at))
    return token.sid


__all__ = ["log_in_as", "log_in_as_async", "middleware_of"]
