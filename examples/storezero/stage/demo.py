"""What no real shop has: the panel's endpoint, the time machine, the outbox and the phone."""

from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ..auth import codes
from ..shop.shop import shop_of
from ..shop.web import TEMPLATES, go, next_page, page, session_of
from .panel import look
from .time_machine import TimeMachine

TRIPS: Final = ("1", "30", "720")  # minutes


async def panel(request: Request) -> Response:
    """Show the session as it is now, without counting as use: a page left open keeps nobody signed in."""
    session = session_of(request)
    session.passive()
    sid = session.sid or request.query_params.get("sid")
    context = {"panel": look(shop_of(request), sid, own=session.sid is not None)}
    return TEMPLATES.TemplateResponse(request, "panel.html", context)


async def move_clock(request: Request) -> Response:
    """Move the shop's clock, for everybody.

    The clock belongs to no session, and an expired page must still be able to go back: so what guards this form
    is not the session's token but the Origin that browsers send with every POST.
    """
    if request.headers.get("origin", "").partition("://")[2] != request.headers.get("host", ""):
        raise HTTPException(403, "The time machine is moved from the shop's own pages only.")
    shop, form = shop_of(request), await request.form()
    if isinstance(shop.clock, TimeMachine):
        _move(shop.clock, str(form.get("minutes", "")))
    await shop.sessions.sweep()
    return go(next_page(str(form.get("next", "/"))))


async def outbox(request: Request) -> Response:
    """Show the mail that was not sent."""
    return page(request, "outbox.html", mails=shop_of(request).outbox.newest())


async def phone(request: Request) -> Response:
    """Show what the customers' authenticator apps show now; the page renews itself, so it is passive too."""
    session_of(request).passive()
    shop = shop_of(request)
    at = shop.clock()
    owners = [(account, codes.code_at(account.secret, at)) for account in shop.accounts.with_phone()]
    pictures = {account.name: codes.qr_svg(account.name, account.secret) for account, _ in owners}
    return page(request, "demo_phone.html", owners=owners, pictures=pictures, left=codes.seconds_left(at))


def _move(clock: TimeMachine, minutes: str) -> None:
    if minutes == "home":
        clock.return_home()
    elif minutes in TRIPS:
        clock.travel(int(minutes))
