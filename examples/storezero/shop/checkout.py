"""Buying: the place where a login of this morning is not enough."""

import secrets
from datetime import timedelta
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from sessioncore import State

from ..common.web import form_of, go, page, session_of
from . import cart
from .shop import Customer, customer, shop_of

FRESH: Final = timedelta(minutes=5)


def buyer(request: Request) -> Customer:
    """Insist on a proof of the last five minutes: a code from who uses codes, the password from others."""
    account = customer(request)
    needed = State.MFA_SATISFIED if account.uses_codes else State.AUTHENTICATED
    shop_of(request).login.require(session_of(request), needed, max_age=FRESH)
    return account


async def review(request: Request) -> Response:
    """Show what is about to be bought."""
    buyer(request)
    items = cart.items(session_of(request))
    if not items:
        return go("/cart")
    return page(request, "checkout.html", items=items, total=cart.total(items), key=secrets.token_urlsafe(12))


async def buy(request: Request) -> Response:
    """Place the order and empty the cart."""
    form = await form_of(request)
    account = buyer(request)
    shop, session = shop_of(request), session_of(request)
    items = cart.items(session)
    if items and shop.orders.place(form.get("key", ""), account.id, items, shop.clock()):
        cart.empty(session)
        session.record("bought", things=sum(item.count for item in items))
    return go("/orders")


async def orders(request: Request) -> Response:
    """List what the customer bought."""
    account = customer(request)
    return page(request, "orders.html", orders=shop_of(request).orders.of(account.id))
