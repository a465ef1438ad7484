"""Let an application's own tests start signed in: a real session in its store, and its cookie in the client's jar."""

from collections.abc import Iterable
from typing import Any

from sessioncore import InvalidSetting, State
from sessioncore.flows import Token

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
    FastAPI) or ``middleware=`` (Litestar). The session is made by the same flows
    as a real login, so it obeys the policy, the cap included; ``data`` is written into it. Works with Starlette's
    TestClient, httpx, WebTest, Werkzeug and Django clients, and any other with such a jar. Over an ``AsyncStore``
    await ``log_in_as_async``. Raises ``InvalidSetting`` for an app without the middleware or an unknown client.
    """
    middleware = middleware_of(app)
    shell = _shell_of(middleware)
    handle = shell.open(None)
    handle.update(data or {})
    handle.log_in(shell.attempt(subject), method, needs=needs, remember=remember, label=label)
    shell.commit(handle)
    return _handed_over(client, middleware, handle.order)


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
    sessions = middleware.sessions
    shell = AsyncSessions(sessions.store, sessions.policy, sessions.clock)
    handle = await shell.open(None)
    handle.update(data or {})
    handle.log_in(await shell.attempt(subject), method, needs=needs, remember=remember, label=label)
    await shell.commit(handle)
    return _handed_over(client, middleware, handle.order)


def _shell_of(middleware: Any) -> Any:
    from sessioncore_io import Sessions

    sessions = middleware.sessions
    return Sessions(sessions.store, sessions.policy, sessions.clock)


def _handed_over(client: Any, middleware: Any, token: Any) -> str:
    assert isinstance(token, Token), "a login that was committed owes the browser a token"
    _put(client, middleware.cookie.name, token.text)
    return token.sid


def _put(client: Any, name: str, value: str) -> None:
    """Put a cookie into a jar: each kind of test client has its own."""
    jar = getattr(client, "cookies", None)
    if hasattr(client, "cookiejar"):  # WebTest
        client.set_cookie(name, value)
        for crumb in client.cookiejar:  # it puts quotes around the value, which no browser does
            crumb.value = value if crumb.name == name else crumb.value
    elif jar is None and hasattr(client, "set_cookie"):  # Werkzeug, Flask
        client.set_cookie(name, value, secure=name.startswith("__"))
    elif jar is not None and hasattr(jar, "output"):  # Django: an http.cookies.SimpleCookie
        jar[name] = value
        jar[name]["secure"] = name.startswith("__")
    elif jar is not None and hasattr(jar, "set"):  # httpx, Starlette, requests
        jar.set(name, value)
    else:
        raise InvalidSetting("client", type(client).__name__, "pass a test client that keeps cookies")


__all__ = ["log_in_as", "log_in_as_async", "middleware_of"]
