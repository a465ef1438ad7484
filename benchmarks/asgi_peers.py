"""Other session libraries for ASGI, each used as its own documentation shows."""

from typing import Any

from litestar import Litestar, Request, get
from litestar.middleware.session.server_side import ServerSideSessionConfig
from starlette.middleware.sessions import SessionMiddleware
from starsessions import InMemoryStore, SessionAutoloadMiddleware  # type: ignore[import-not-found,unused-ignore]
from starsessions import SessionMiddleware as Starsessions

from .contenders import Contender, answer, asgi
from .drive import NAME


async def peer_app(scope: Any, receive: Any, send: Any) -> None:
    session = scope["session"]
    if scope["path"] == "/login":
        session["name"] = NAME
    await answer(send, session["name"])


def _starlette() -> Contender:
    app = SessionMiddleware(peer_app, secret_key="x" * 32, https_only=True)
    return asgi("Starlette", "signed cookie", app)


def starsessions_app(store: Any) -> Any:
    """Serve from one of starsessions' stores."""
    return Starsessions(SessionAutoloadMiddleware(peer_app), store=store, lifetime=3600)


def _starsessions() -> Contender:
    return asgi("starsessions", "memory", starsessions_app(InMemoryStore()))


@get("/login", sync_to_thread=False)
def _login(request: Request[Any, Any, Any]) -> str:
    request.session["name"] = NAME
    return NAME


@get("/", sync_to_thread=False)
def _home(request: Request[Any, Any, Any]) -> str:
    return str(request.session["name"])


@get("/", sync_to_thread=False)
def _bare_home(request: Request[Any, Any, Any]) -> str:
    return NAME


def litestar_apps(**stores: Any) -> tuple[Litestar, Litestar]:
    """Serve from one of Litestar's stores, and without sessions."""
    app = Litestar([_login, _home], middleware=[ServerSideSessionConfig().middleware], stores=stores)
    return app, Litestar([_bare_home])


def _litestar() -> Contender:
    return asgi("Litestar", "memory", *litestar_apps())


def contenders() -> list[Contender]:
    """Enter the peers of the ASGI world."""
    return [_starlette(), _starsessions(), _litestar()]
