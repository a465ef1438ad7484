"""The applications that use sessioncore: log in at /login, and tell who it is everywhere else."""

from typing import Any

from sessioncore import AsyncStore, Store
from sessioncore_io import asgi as asgi_adapter
from sessioncore_io import wsgi as wsgi_adapter

from .contenders import OURS, Contender, answer, asgi, wsgi
from .drive import NAME, PLAIN


async def _asgi_app(scope: Any, receive: Any, send: Any) -> None:
    session = scope["session"]
    if scope["path"] == "/login":
        session.log_in(await session.attempt(NAME), "pwd")
    await answer(send, session.subject)


async def asgi_reader(scope: Any, receive: Any, send: Any) -> None:
    """Answer with a value of the session's data."""
    session = scope["session"]
    if scope["path"] == "/login":
        session.log_in(await session.attempt(NAME), "pwd")
        session["name"] = NAME
    await answer(send, session["name"])


def _wsgi_app(environ: Any, start_response: Any) -> list[bytes]:
    session = environ["sessioncore.session"]
    if environ["PATH_INFO"] == "/login":
        session.log_in(session.attempt(NAME), "pwd")
    text = session.subject.encode()
    start_response("200 OK", list(PLAIN))
    return [text]


def wsgi_reader(environ: Any, start_response: Any) -> list[bytes]:
    """Answer with a value of the session's data."""
    session = environ["sessioncore.session"]
    if environ["PATH_INFO"] == "/login":
        session.log_in(session.attempt(NAME), "pwd")
        session["name"] = NAME
    text = session["name"].encode()
    start_response("200 OK", list(PLAIN))
    return [text]


def asgi_app(store: Store | AsyncStore, app: Any = _asgi_app) -> asgi_adapter.SessionMiddleware:
    """Serve ASGI from this store."""
    return asgi_adapter.SessionMiddleware(app, store, listener=lambda _: None)


def wsgi_app(store: Store, app: Any = _wsgi_app) -> wsgi_adapter.SessionMiddleware:
    """Serve WSGI from this store."""
    return wsgi_adapter.SessionMiddleware(app, store, listener=lambda _: None)


def contenders(memory: Store, sqlite: Store) -> list[Contender]:
    """Enter sessioncore in both worlds: who is signed in, from either store, and a value of the session's data.

    The peers keep who is signed in as one value of the data, so that is what they read.
    """
    return [
        asgi(OURS, "memory", asgi_app(memory)),
        asgi(OURS, "SQLite", asgi_app(sqlite)),
        asgi(OURS, "memory, reading data", asgi_app(memory, asgi_reader)),
        wsgi(OURS, "memory", wsgi_app(memory)),
        wsgi(OURS, "SQLite", wsgi_app(sqlite)),
        wsgi(OURS, "memory, reading data", wsgi_app(memory, wsgi_reader)),
    ]
