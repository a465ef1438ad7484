"""The login service: one set of pages, for the authorization server and for Friendbook."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import httpx2
from argon2 import PasswordHasher
from attrs import frozen
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sessioncore import Limits, LoginRequired, Policy, StepUpRequired
from sessioncore.policy import DAY, HOUR
from sessioncore_io.asgi import Application
from sessioncore_io.oidc import (
    AuthorizationServer,
    Call,
    Client,
    ConfirmLogout,
    Keys,
    LoggedOut,
    RelyingParty,
    Reply,
)
from sessioncore_io.oidc.addresses import origin_of

from ..common import own_sessions, refusals
from ..common.web import go, page, session_of
from ..common.wiring import STATIC, Words, on_stage, with_sessions
from ..stage import demo as stage_pages
from ..stage.layer import Stage
from ..stage.time_machine import TimeMachine
from . import account, demo, forgotten, login, social
from .accounts import DEMO, DemoUser
from .house import Books, House, house_of

ROUTES: Final = [
    Route("/", account.home),
    Route("/account", account.home),
    Route("/login", login.ask_password),
    Route("/login", login.check_password, methods=["POST"]),
    Route("/code", login.ask_code),
    Route("/code", login.check_code, methods=["POST"]),
    Route("/confirm", login.ask_again),
    Route("/confirm", login.check_again, methods=["POST"]),
    Route("/consent", login.ask_consent),
    Route("/consent", login.give_consent, methods=["POST"]),
    Route("/select", login.ask_account),
    Route("/select", login.choose_account, methods=["POST"]),
    Route("/logout", account.log_out, methods=["POST"]),
    Route("/left", account.left),
    Route("/forgotten", forgotten.ask_name),
    Route("/forgotten", forgotten.send_link, methods=["POST"]),
    Route("/reset/{token}", forgotten.ask_new_password),
    Route("/reset/{token}", forgotten.reset_password, methods=["POST"]),
    Route("/password", account.ask_change),
    Route("/password", account.change_password, methods=["POST"]),
    Route("/phone", account.ask_phone),
    Route("/phone", account.add_phone, methods=["POST"]),
    Route("/demo/outbox", demo.outbox),
    Route("/demo/phone", demo.phone),
    Route("/demo/operator", demo.desk),
    Route("/demo/operator", demo.revoke, methods=["POST"]),
    *own_sessions.ROUTES,
    *stage_pages.ROUTES,
    STATIC,
]

SOCIAL: Final = [
    Route("/friendbook", social.start, methods=["POST"]),
    Route("/friendbook/start", social.start_at_once),
    Route("/friendbook/callback", social.callback),
    Route("/friendbook/left", social.came_back),
    Route("/friendbook/backchannel", social.backchannel, methods=["POST"]),
]

# Each layer outlives the one that hangs on it, so that one sees them end one after the other.
AUTH_POLICY: Final = Policy(login=Limits(idle=2 * HOUR, lifetime=24 * HOUR))
IDP_POLICY: Final = Policy(login=Limits(idle=3 * DAY, lifetime=14 * DAY))


@frozen(kw_only=True)
class Service:
    """Say what tells one login service from another."""

    part: str
    words: Words
    policy: Policy
    users: Sequence[DemoUser] = DEMO


AUTH: Final = Service(
    part="auth",
    words=Words(title="Authorization server", short="server", role="the login service of Storezero"),
    policy=AUTH_POLICY,
)


def build(
    service: Service,
    stage: Stage,
    *,
    data: Path,
    clock: TimeMachine,
    hasher: PasswordHasher,
    keys: Keys,
    clients: Iterable[Client],
    transport: httpx2.AsyncBaseTransport,
    friendbook: Callable[[], RelyingParty] | None = None,
) -> tuple[Application, House]:
    """Build a login service: its pages, its customers, its session, and the server that applications ask."""
    pages = Starlette(routes=[*ROUTES, *(SOCIAL if friendbook else [])], exception_handlers=ANSWERS)
    books = Books.open(data / f"{service.part}.sqlite3", hasher, service.users)
    server = AuthorizationServer(
        issuer=stage.sites.url(service.part, "/"),
        clients=clients,
        keys=keys,
        rules=books.rules,
        claims=books.claims,
        clock=clock,
        transport=transport,
    )
    sessions, layer = with_sessions(
        pages,
        service.part,
        service.words,
        stage=stage,
        data=data,
        clock=clock,
        policy=service.policy,
        watching=server.watching,
    )
    house = House(
        part=service.part,
        title=service.words.title,
        users=service.users,
        sessions=layer.sessions,
        clock=clock,
        books=books,
        server=server,
    )
    state = pages.state
    state.part, state.stage, state.house, state.context = service.part, stage, house, _context
    state.friendbook = friendbook() if friendbook else None
    state.settle = _settle
    pages.router.routes.extend(_endpoint(path, verb) for path, verb in server.endpoints.items())
    origins = [origin_of(uri) for client in server.clients.values() for uri in client.redirect_uris]
    return on_stage(sessions, service.part, stage, origins), house


def _endpoint(path: str, verb: Callable[[Call], Awaitable[Any]]) -> Route:
    """Serve one of the server's endpoints, and our own page where a user is needed."""

    async def served(request: Request) -> Response:
        answer = await verb(await Call.read(request.scope, request.receive))
        return answer if isinstance(answer, Reply) else await _shown(request, answer)  # type: ignore[return-value]

    return Route(path, served, methods=["GET", "POST", "OPTIONS"])


async def _shown(request: Request, value: Any) -> Response:
    """Draw what the server asks for: send the browser to the page, or show it."""
    if isinstance(value, ConfirmLogout):
        return page(request, "leaving.html", asked=value)
    if isinstance(value, LoggedOut):
        return await social.left(request, value)
    if value.params.get(social.CONNECTION) == "friendbook" and value.kind.value == "log_in":
        return go(f"/friendbook/start?{value.query}")
    return login.page_for(value)


async def _settle(request: Request, subject: str) -> None:
    await house_of(request).settle(subject)


def _context(request: Request) -> dict[str, Any]:
    house, session = house_of(request), session_of(request)
    known = house.accounts.get(session.subject) if session.subject else None
    return {"house": house, "frame": "auth.html", "friendbook": request.app.state.friendbook, "known": known}


def _to_login(request: Request, error: Exception) -> Response:
    """Ask who this is; somebody who is signed in only proves it again."""
    return _ask("/confirm" if session_of(request).signed_in else "/login", request)


def _to_code(request: Request, error: Exception) -> Response:
    """Ask for the second factor."""
    return _ask("/code", request)


def _ask(address: str, request: Request) -> Response:
    wanted = request.url.path if request.method == "GET" else "/"
    return go(f"{address}?{urlencode({'next': wanted})}")


def _onward(request: Request, error: Exception) -> Response:
    """Go on where another tab's login has led."""
    assert isinstance(error, login.OutOfDate)
    return go(error.resume)


ANSWERS: Final[dict[Any, refusals.Answer]] = refusals.ANSWERS | {
    LoginRequired: _to_login,
    StepUpRequired: _to_code,
    login.OutOfDate: _onward,
}
