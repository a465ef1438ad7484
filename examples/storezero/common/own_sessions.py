"""What people may do about their own sessions, in any part that has some: see them, end one, end all others."""

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sessioncore import NotYours

from ..stage.layer import Layer
from .web import form_of, go, page, session_of

# What else has to happen when somebody's other sessions have ended: whoever hangs on them is told at once.
Settle = Callable[[Request, str], Awaitable[None]]


def layer_of(request: Request) -> Layer:
    """Give the layer that a request came to."""
    layer: Layer = request.app.state.layer
    return layer


async def show(request: Request) -> Response:
    """List one's sessions: the live ones, and how the last others ended."""
    session = session_of(request)
    session.require()
    every = await layer_of(request).sessions.sessions_of(session.subject or "", ended=True)
    ended = sorted((one for one in every if not one.live), key=lambda one: -one.ended_at)
    return page(request, "sessions.html", live=[one for one in every if one.live], ended=ended[:5])


async def end_one(request: Request) -> Response:
    """End one session, which may be this one."""
    form = await form_of(request)
    session, sessions, sid = session_of(request), layer_of(request).sessions, form.get("sid", "")
    session.require()
    if sid == session.sid:
        session.log_out()
    else:
        try:
            await sessions.end(sid, subject=session.subject or "")
        except NotYours:
            raise HTTPException(404, "You have no such session.") from None
        session.record("ended another session")
    return go("/sessions" if session.signed_in else "/")


async def end_others(request: Request) -> Response:
    """End every session of the user's but this one."""
    await form_of(request)
    session = session_of(request)
    session.require()
    await session.end_others()
    session.record("ended all other sessions")
    await session.commit()
    settle: Settle | None = getattr(request.app.state, "settle", None)
    if settle is not None:
        await settle(request, session.subject or "")
    return go("/sessions")


ROUTES: Final = [
    Route("/sessions", show),
    Route("/sessions/end", end_one, methods=["POST"]),
    Route("/sessions/end-others", end_others, methods=["POST"]),
]
