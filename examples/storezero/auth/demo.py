"""What no real login service shows to everybody: its customers' mail and phones, and the operator's desk."""

from starlette.requests import Request
from starlette.responses import Response

from sessioncore import Reason

from ..common.web import go, page, session_of
from ..stage.demo import only_our_own
from . import codes
from .house import house_of


async def outbox(request: Request) -> Response:
    """Show the mail that was not sent."""
    return page(request, "outbox.html", mails=house_of(request).books.outbox.newest())


async def phone(request: Request) -> Response:
    """Show what the customers' authenticator apps show now; the page renews itself, so it is passive too."""
    session_of(request).passive()
    house = house_of(request)
    at = house.clock()
    owners = [(account, codes.code_at(account.secret, at)) for account in house.accounts.with_phone()]
    pictures = {account.name: codes.qr_svg(account.name, account.secret) for account, _ in owners}
    return page(request, "demo_phone.html", owners=owners, pictures=pictures, left=codes.seconds_left(at))


async def desk(request: Request) -> Response:
    """Show what an operator may do; a real one logs in first, and with more than a password."""
    return page(request, "operator.html")


async def revoke(request: Request) -> Response:
    """End every session of a customer, as an operator does who has seen enough; applications are told at once."""
    only_our_own(request)
    house = house_of(request)
    account = house.accounts.named(str((await request.form()).get("name", "")))
    if account is not None:
        await house.sessions.end_all(account.id, Reason.ADMIN)
        await house.settle(account.id)
    return go("/demo/operator")
