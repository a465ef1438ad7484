"""The shop: a regular web application, and a relying party of the authorization server."""

from pathlib import Path
from typing import Any, Final

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

from sessioncore import Policy
from sessioncore_io.asgi import Application
from sessioncore_io.oidc import RelyingParty

from ..common import own_sessions
from ..common.database import Database
from ..common.web import TEMPLATES, session_of
from ..common.wiring import STATIC, Words, on_stage, with_sessions
from ..stage import demo as stage_pages
from ..stage.layer import Stage
from ..stage.time_machine import TimeMachine
from . import cart, checkout, shopping, signing_in
from .catalog import money
from .orders import SCHEMA, Orders
from .refusals import ANSWERS
from .shop import NAME, Shop

TEMPLATES.env.filters["money"] = money

ROUTES: Final = [
    Route("/", shopping.home),
    Route("/product/{slug}", shopping.product),
    Route("/cart", shopping.show_cart),
    Route("/cart", shopping.change_cart, methods=["POST"]),
    Route("/checkout", checkout.review),
    Route("/checkout", checkout.buy, methods=["POST"]),
    Route("/orders", checkout.orders),
    Route("/login", signing_in.log_in),
    Route("/callback", signing_in.callback),
    Route("/logout", signing_in.log_out, methods=["POST"]),
    Route("/backchannel", signing_in.backchannel, methods=["POST"]),
    Route("/stage", stage_pages.show_stage),
    *own_sessions.ROUTES,
    *stage_pages.ROUTES,
    STATIC,
]

WORDS: Final = Words(title="Shop", short="shop", role="the application")


def build(
    stage: Stage, *, data: Path, clock: TimeMachine, secret: str, transport: httpx2.AsyncBaseTransport
) -> tuple[Application, Orders]:
    """Build the shop; the orders app reads the same orders."""
    pages = Starlette(routes=list(ROUTES), exception_handlers=ANSWERS)
    sessions, layer = with_sessions(pages, "shop", WORDS, stage=stage, data=data, clock=clock, policy=Policy())
    orders = Orders(Database(data / "shop.sqlite3", SCHEMA))
    pages.state.part, pages.state.stage, pages.state.context = "shop", stage, _context
    pages.state.shop = Shop(
        sessions=layer.sessions,
        clock=clock,
        orders=orders,
        login=relying_party(stage, "shop", secret, clock, transport),
    )
    return on_stage(sessions, "shop", stage), orders


def relying_party(
    stage: Stage, part: str, secret: str, clock: TimeMachine, transport: httpx2.AsyncBaseTransport
) -> RelyingParty:
    """Give an application its side of the login."""
    return RelyingParty(
        issuer=stage.sites.url("auth", "/"),
        client_id=part,
        secret=secret,
        redirect_uri=stage.sites.url(part, "/callback"),
        post_logout_redirect_uri=stage.sites.url(part, "/"),
        scopes=("openid", "profile"),
        clock=clock,
        transport=transport,
    )


def _context(request: Request) -> dict[str, Any]:
    session = session_of(request)
    name = session.get(NAME, "") if session.signed_in else ""
    return {"frame": "shop.html", "name": name, "in_cart": sum(item.count for item in cart.items(session))}
