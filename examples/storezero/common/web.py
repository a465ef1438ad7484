"""What all pages share: the session with its type, forms that cannot be forged, and templates."""

from pathlib import Path
from typing import Any, Final

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.templating import Jinja2Templates

from sessioncore import InvalidSetting
from sessioncore_io.handle import AsyncHandle
from sessioncore_io.oidc.logins import own_path

from ..stage.view import stage_of, view_of
from .times import clock_time, day_and_time

HERE: Final = Path(__file__).parents[1]
PARTS: Final = ("common", "shop", "auth", "friendbook", "orders_app", "reviews", "stage")

TEMPLATES: Final = Jinja2Templates(directory=[HERE / part / "templates" for part in PARTS])
TEMPLATES.env.filters.update(clock_time=clock_time, day_and_time=day_and_time)

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


def page(request: Request, template: str, status: int = 200, **context: Any) -> Response:
    """Render a page, with the panel beside it; ``app.state.context`` adds what a part's own pages share."""
    session = request.scope.get("session")
    stage, state = stage_of(request), request.app.state
    shared = {
        "session": session,
        "csrf": lambda: Markup('<input type="hidden" name="csrf" value="{}">').format(session_of(request).csrf_token),
        "view": context.pop("view", None) or view_of(request),
        "part": state.part,
        "stage_url": stage.sites.url("shop", "/stage"),
        "shop_url": stage.sites.url("shop"),
        "auth_url": stage.sites.url("auth"),
        "orders_url": stage.sites.url("orders"),
        "reviews_url": stage.sites.url("reviews"),
        "idp_url": stage.sites.url("idp"),
    }
    return TEMPLATES.TemplateResponse(request, template, shared | state.context(request) | context, status)


def go(address: str) -> Response:
    """Send the browser on with a GET, wherever it came from."""
    return RedirectResponse(address, 303)


def next_page(presented: str | None) -> str:
    """Accept only an address of our own to go on to: ``//evil.example`` and ``/\\evil.example`` are not."""
    try:
        return own_path(presented or "")
    except InvalidSetting:
        return "/"
