"""Browsing and the cart: what anybody may do, known or not."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ..common.web import form_of, go, page, session_of
from . import cart
from .catalog import BY_SLUG, PRODUCTS, Product


async def home(request: Request) -> Response:
    """Show the shelf. A visitor who only looks gets no session and no cookie."""
    return page(request, "home.html", products=PRODUCTS)


async def product(request: Request) -> Response:
    """Show one product."""
    shown = _product(request.path_params["slug"])
    session = session_of(request)
    if session.state is not None:
        session.record("looked at", product=shown.name)
    return page(request, "product.html", product=shown)


async def show_cart(request: Request) -> Response:
    """Show the cart, a guest's too."""
    items = cart.items(session_of(request))
    return page(request, "cart.html", items=items, total=cart.total(items))


async def change_cart(request: Request) -> Response:
    """Put one more into the cart, or set how many there are."""
    form = await form_of(request)
    session = session_of(request)
    chosen = _product(form.get("slug", ""))
    if "count" in form:
        cart.put(session, chosen.slug, _count(form["count"]))
        session.record("changed the cart", product=chosen.name, count=_count(form["count"]))
    else:
        cart.add(session, chosen.slug)
        session.record("put into the cart", product=chosen.name)
    return go("/cart")


def _product(slug: str) -> Product:
    if slug not in BY_SLUG:
        raise HTTPException(404, "There is no such thing on our shelf.")
    return BY_SLUG[slug]


def _count(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 0
