"""What no real site has: the panel's endpoint, the time machine, and the stage itself."""

from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute

from ..common.web import TEMPLATES, go, next_page, page
from . import sequence
from .layer import Layer
from .live import live
from .view import stage_of, view_of

TRIPS: Final = ("1", "30", "720")  # minutes
MOST_DRAWN: Final = 60  # messages


async def panel(request: Request) -> Response:
    """Show the sessions as they are now, without counting as use: a page left open keeps nobody signed in."""
    if (session := request.scope.get("session")) is not None:
        session.passive()
    wide = request.query_params.get("view") == "stage"
    view = view_of(request, wide=wide)
    context = {"view": view, "drawing": sequence.draw(view.hops[-MOST_DRAWN:]) if wide else ""}
    return TEMPLATES.TemplateResponse(request, "poll.html", context)


async def show_stage(request: Request) -> Response:
    """Show all three sessions side by side, and the messages between them."""
    if (session := request.scope.get("session")) is not None:
        session.passive()
    view = view_of(request, wide=True)
    return page(request, "stage.html", view=view, drawing=sequence.draw(view.hops[-MOST_DRAWN:]))


async def clear(request: Request) -> Response:
    """Forget the messages so far, to see the next ones alone."""
    only_our_own(request)
    if (visitor := stage_of(request).trace.visitors.find([f"page:{request.query_params.get('page', '')}"])) is not None:
        visitor.hops.clear()
    return go("/stage")


async def move_clock(request: Request) -> Response:
    """Move the clock of one layer or of all, for everybody.

    The clock belongs to no session, and an expired page must still be able to go back: so what guards this form
    is not the session's token but the Origin that browsers send with every POST.
    """
    only_our_own(request)
    stage, form = stage_of(request), await request.form()
    which = str(form.get("which", "all"))
    for layer in stage.layers.values():
        if layer.clock_of == layer.part and which in ("all", layer.part):
            _move(layer, str(form.get("minutes", "")))
    await stage.sweep()
    return go(next_page(str(form.get("next", "/"))))


def only_our_own(request: Request) -> None:
    """Refuse what another site's page sends: browsers say with every POST where it comes from."""
    if request.headers.get("origin", "").partition("://")[2] != request.headers.get("host", ""):
        raise HTTPException(403, "The demo's machinery is moved from its own pages only.")


def _move(layer: Layer, minutes: str) -> None:
    if minutes == "home":
        layer.clock.return_home()
    elif minutes in TRIPS:
        layer.clock.travel(int(minutes))


ROUTES: Final = [
    Route("/panel", panel),
    WebSocketRoute("/live", live),
    Route("/demo/clock", move_clock, methods=["POST"]),
    Route("/demo/clear", clear, methods=["POST"]),
]
