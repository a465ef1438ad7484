"""Reviews: one page, a session of its own, and an ear for the server's logout messages."""

from pathlib import Path
from typing import Any, Final

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sessioncore import LoginRequired, Policy
from sessioncore_io.asgi import Application
from sessioncore_io.oidc import Call, RelyingParty, Reply

from ..common import refusals
from ..common.web import form_of, go, page, session_of
from ..common.wiring import STATIC, Words, on_stage, with_sessions
from ..shop.app import relying_party
from ..shop.catalog import PRODUCTS
from ..stage import demo as stage_pages
from ..stage.layer import Stage
from ..stage.time_machine import TimeMachine

NOTE: Final = "note"
LONGEST: Final = 140


async def home(request: Request) -> Response:
    """Show what others think, and what this visitor noted."""
    return page(request, "reviews.html", products=PRODUCTS[:4], note=session_of(request).get(NOTE, ""))


async def write(request: Request) -> Response:
    """Keep a note in the session: it ends with it."""
    form = await form_of(request)
    session = session_of(request)
    session.require()
    session[NOTE] = form.get("note", "")[:LONGEST]
    session.record("wrote a note")
    return go("/")


async def log_in(request: Request) -> Response:
    """Ask the server who this is."""
    return go(await _party(request).begin(session_of(request)))


async def callback(request: Request) -> Response:
    """Take its answer."""
    party, session = _party(request), session_of(request)
    landed = await party.finish(await Call.read(request.scope, request.receive))
    session["name"] = (await party.userinfo(landed)).get("name", "")
    return go("/")


async def log_out(request: Request) -> Response:
    """End this session and the server's; the shop hears of it."""
    await form_of(request)
    return go(await _party(request).log_out(session_of(request)))


async def backchannel(request: Request) -> Reply:
    """Hear that the server's session has ended."""
    return await _party(request).back_channel(await Call.read(request.scope, request.receive))


def _party(request: Request) -> RelyingParty:
    party: RelyingParty = request.app.state.party
    return party


def _context(request: Request) -> dict[str, Any]:
    session = session_of(request)
    return {"frame": "reviews_frame.html", "name": session.get("name", "") if session.signed_in else ""}


def _to_login(request: Request, error: Exception) -> Response:
    return go("/login")


WORDS: Final = Words(title="Reviews", short="reviews", role="a second application")
ANSWERS: Final[dict[Any, refusals.Answer]] = refusals.ANSWERS | {LoginRequired: _to_login}
ROUTES: Final = [
    Route("/", home),
    Route("/note", write, methods=["POST"]),
    Route("/login", log_in),
    Route("/callback", callback),
    Route("/logout", log_out, methods=["POST"]),
    Route("/backchannel", backchannel, methods=["POST"]),
    *stage_pages.ROUTES,
    STATIC,
]


def build(
    stage: Stage, *, data: Path, clock: TimeMachine, secret: str, transport: httpx2.AsyncBaseTransport
) -> Application:
    """Build the reviews."""
    pages = Starlette(routes=list(ROUTES), exception_handlers=ANSWERS)
    sessions, _ = with_sessions(pages, "reviews", WORDS, stage=stage, data=data, clock=clock, policy=Policy())
    pages.state.part, pages.state.stage, pages.state.context = "reviews", stage, _context
    pages.state.party = relying_party(stage, "reviews", secret, clock, transport)
    return on_stage(sessions, "reviews", stage)
