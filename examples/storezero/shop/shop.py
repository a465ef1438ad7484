"""What every page of the shop may need, in one place."""

from collections.abc import Callable

from attrs import frozen
from starlette.exceptions import HTTPException
from starlette.requests import Request

from sessioncore_io import AsyncSessions
from sessioncore_io.oidc import RelyingParty

from ..common.web import session_of
from .orders import Orders


@frozen(kw_only=True)
class Shop:
    """Hold the shelves, the books, the clock, and who vouches for customers."""

    sessions: AsyncSessions
    clock: Callable[[], int]
    orders: Orders
    login: RelyingParty


@frozen(kw_only=True)
class Customer:
    """Hold who is signed in, as far as the shop knows: the rest is the login service's affair."""

    id: str
    uses_codes: bool


def shop_of(request: Request) -> Shop:
    """Give the shop that a request came to."""
    shop: Shop = request.app.state.shop
    return shop


def customer(request: Request) -> Customer:
    """Give who is signed in. Raises ``LoginRequired``, which ``refusals`` answers."""
    session = session_of(request)
    session.require()
    if not session.subject:
        raise HTTPException(404, "This account is gone.")
    return Customer(id=session.subject, uses_codes=session.get(USES_CODES, False))


# What the shop keeps of an ID token in its own session.
NAME = "name"
USES_CODES = "uses codes"
