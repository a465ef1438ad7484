"""What the orders app needs of a server: its page, its settings, the orders behind an access token, and the trace."""

from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from attrs import frozen
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from sessioncore.sso import SILENT_RESULTS, subject_of
from sessioncore_io.asgi import Application
from sessioncore_io.oidc import AuthorizationServer

from ..common.times import day_and_time
from ..common.web import page
from ..common.wiring import STATIC, on_stage
from ..shop.orders import Orders
from ..stage import demo as stage_pages
from ..stage.hops import Hop, shown
from ..stage.layer import Layer, Stage
from ..stage.trace import message_key
from ..stage.view import stage_of

CLIENT: Final = "orders-app"
SCOPES: Final = "openid profile orders"
FILES: Final = Mount("/app", StaticFiles(directory=Path(__file__).parent / "static"))


@frozen(kw_only=True)
class Backend:
    """Hold what the API asks: the server for tokens, its sessions, and the shop's books."""

    server: AuthorizationServer
    auth: Layer
    orders: Orders


async def home(request: Request) -> Response:
    """Hand out the page; what it shows, its script decides."""
    return page(request, "app.html")


async def settings(request: Request) -> Response:
    """Tell the script where the server is, and what a silent answer means: the table of ``sessioncore.sso``."""
    stage = stage_of(request)
    issuer = stage.sites.url("auth", "/")
    return JSONResponse(
        {
            "issuer": issuer,
            "client_id": CLIENT,
            "scope": SCOPES,
            "authorize": f"{issuer}authorize",
            "token": f"{issuer}oauth/token",
            "userinfo": f"{issuer}userinfo",
            "logout": f"{issuer}oidc/logout",
            "jwks": f"{issuer}.well-known/jwks.json",
            "now": _backend(request).auth.clock(),
            "silent": {row.error: row.then for row in SILENT_RESULTS},
        }
    )


async def orders(request: Request) -> Response:
    """List the orders of whoever an access token speaks for, as long as the server's session lives."""
    backend = _backend(request)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    claims = await backend.server.bearer(token, backend.auth.sessions) if scheme.lower() == "bearer" else None
    if claims is None or "orders" not in claims["scope"].split():
        return JSONResponse({"error": "invalid_token"}, 401, {"www-authenticate": 'Bearer error="invalid_token"'})
    bought = backend.orders.of(subject_of(claims["iss"], claims["sub"]))
    listed = [{"items": one.items, "price": one.price, "at": day_and_time(one.placed_at)} for one in bought]
    return JSONResponse({"orders": listed})


Part = Literal["browser", "orders"]


class Told(msgspec.Struct):
    """Hold one message inside the browser; between one and the same it is a note."""

    source: Part
    target: Part
    what: Annotated[str, msgspec.Meta(max_length=80)]
    details: dict[str, str | int] = {}


class Telling(msgspec.Struct):
    """Hold what the script tells: the page's own name, the states that it drew, and messages."""

    page: Annotated[str, msgspec.Meta(max_length=64)]
    states: list[str] = []
    hops: list[Told] = []


_TOLD: Final = msgspec.json.Decoder(Telling)


def _hop(told: Told, order: int) -> Hop:
    return Hop(
        order=order,
        source=told.source,
        target=told.target,
        what=told.what,
        kind="note" if told.source == told.target else "message",
        details=shown((name, str(value)) for name, value in told.details.items()),
    )


async def hear(request: Request) -> Response:
    """Hear from the script what passed inside the browser, where no server stands: a message, a token verified."""
    if request.headers.get("sec-fetch-site") != "same-origin":
        return JSONResponse({"error": "only the app's own page tells"}, 403)
    try:
        said = _TOLD.decode(await request.body())
    except msgspec.MsgspecError as error:
        return JSONResponse({"error": str(error)}, 400)
    trace = stage_of(request).trace
    keys = [f"page:{said.page}", *(message_key("state", state) for state in said.states[:4])]
    hops = [_hop(hop, trace.next()) for hop in said.hops[:8]]
    trace.visitors.meet(keys).hops.extend(hops)
    return Response(status_code=204)


ROUTES: Final = [
    Route("/", home),
    Route("/callback", home),
    Route("/settings", settings),
    Route("/api/orders", orders),
    Route("/stage/hops", hear, methods=["POST"]),
    *stage_pages.ROUTES,
    FILES,
    STATIC,
]


def build(stage: Stage, *, server: AuthorizationServer, orders: Orders) -> Application:
    """Build the orders app: without the session middleware, because it has no session."""
    pages = Starlette(routes=list(ROUTES))
    state = pages.state
    state.part, state.stage, state.layer, state.context = "orders", stage, None, _context
    state.backend = Backend(server=server, auth=stage.layers["auth"], orders=orders)
    return on_stage(pages, "orders", stage)


def _backend(request: Request) -> Backend:
    backend: Backend = request.app.state.backend
    return backend


def _context(request: Request) -> dict[str, Any]:
    return {"frame": "app_frame.html"}
