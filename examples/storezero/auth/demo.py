"""What no real login service shows to everybody: its customers' mail and phones."""

from starlette.requests import Request
from starlette.responses import Response

from ..common.web import page, session_of
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
