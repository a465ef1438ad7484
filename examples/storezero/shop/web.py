"""What all pages share: the session with its type, forms that cannot be forged, and templates."""

from pathlib import Path
from typing import Any, Final

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.templating import Jinja2Templates

from sessioncore_io.handle import AsyncHandle

from ..auth.accounts import Account
from ..common.times import clock_time, day_and_time
from ..stage.panel import look
from . import cart
from .catalog import money
from .shop import shop_of

HERE: Final = Path(__file__).parents[1]

TEMPLATES: Final = Jinja2Templates(
    directory=[HERE / part / "templates" for part in ("common", "shop", "auth", "stage")]
)
TEMPLATES.env.filters.update(money=money, clock_time=clock_time, day_and_time=day_and_time)

STALE: Final = "This form is out of date, perhaps because you logged in or out in another tab. Go back and try again."


def session_of(request: Request) -> AsyncHandle:
    """Give the request's session: ``request.session``, with its type."""
    session: AsyncHandle = request.scope["session"]
    return session


async def form_of(request: Request) -> dict[str, str]:
    """Read a form that this session's own page sent; any other is refused."""
    form = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    if not session_of(request).csrf_matches(form.get("csrf")):
        raise HTTPException(403, STALE)
    return form


def customer(request: Request) -> Account:
    """Give who is signed in. Raises ``LoginRequired`` or ``StepUpRequired``; ``refusals`` answers them."""
    session = session_of(request)
    session.require()
    account = shop_of(request).accounts.get(session.subject or "")
    if account is None:
        raise HTTPException(404, "This account is gone.")
    return account


def page(request: Request, template: str, status: int = 200, **context: Any) -> Response:
    """Render a page, with the panel beside it."""
    session = session_of(request)
    shop = shop_of(request)
    account = shop.accounts.get(session.subject) if session.subject else None
    shared = {
        "session": session,
        "csrf": lambda: Markup('<input type="hidden" name="csrf" value="{}">').format(session.csrf_token),
        "panel": look(shop, session.sid or request.query_params.get("was"), own=session.sid is not None),
        "account": account,
        "in_cart": sum(item.count for item in cart.items(session)),
    }
    return TEMPLATES.TemplateResponse(request, template, shared | context, status)


def go(address: str) -> Response:
    """Send the browser on with a GET, wherever it came from."""
    return RedirectResponse(address, 303)


def next_page(presented: str | None) -> str:
    """Accept only an address of our own to go on to: ``//evil.example`` and ``/\\evil.example`` are not."""
    ours = presented is not None and presented.startswith("/") and not presented.startswith(("//", "/\\"))
    return presented if ours and presented and presented.isprintable() else "/"
