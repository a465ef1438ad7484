"""Logging in by an identity provider: Friendbook's session decides, this server's is signed in by it."""

from urllib.parse import parse_qs, urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from sessioncore.sso import Interaction
from sessioncore_io.oidc import Call, LoggedOut, RelyingParty, Reply

from ..common.labels import label_of
from ..common.web import go, session_of
from .house import house_of
from .login import GONE, PASSWORD, login_form, page_for, waiting

# A request may name the way to log in at once, as an application does whose button says "Log in with Friendbook".
CONNECTION = "connection"


def friendbook_of(request: Request) -> RelyingParty:
    """Give the provider; only a house that has one has this page."""
    party: RelyingParty = request.app.state.friendbook
    return party


async def start(request: Request) -> Response:
    """Send the browser to Friendbook; what waits here is resumed when it comes back."""
    form = await login_form(request)
    return await _sent(request, form.get("transaction", ""))


async def start_at_once(request: Request) -> Response:
    """The same for a request that asked for it: the application's own page had the button.

    Any page can send a browser here. So nobody who is signed in is replaced without a form of ours that says so.
    """
    name = request.query_params.get("transaction", "")
    pending = waiting(request, {"transaction": name}, *PASSWORD)
    if pending is None:
        return go("/login")
    return page_for(pending) if session_of(request).subject else await _sent(request, name)


async def _sent(request: Request, name: str) -> Response:
    pending = waiting(request, {"transaction": name}, *PASSWORD)
    again = pending is not None and (
        pending.kind is Interaction.REAUTHENTICATE or "login" in pending.params.get("prompt", "")
    )
    where = f"/friendbook/done?transaction={name}" if name else "/account"
    address = await friendbook_of(request).begin(
        session_of(request),
        next=where,
        prompt="login" if again else "",
        max_age=pending.max_age if pending is not None else None,  # Friendbook may know them by an older proof
    )
    return go(address)


async def callback(request: Request) -> Response:
    """Take Friendbook's answer: its user is known here by the pair of issuer and subject, never by a name."""
    house, party, session = house_of(request), friendbook_of(request), session_of(request)
    label = label_of(request.headers.get("user-agent", ""))
    landed = await party.finish(await Call.read(request.scope, request.receive), label=label)
    said = await party.userinfo(landed)
    house.accounts.welcome(landed.subject, str(said.get("name", "")))
    session.record("came from Friendbook")
    name = parse_qs(urlsplit(landed.next).query).get("transaction", [""])[0]
    if not name:
        return go(landed.next)
    pending = house.server.pending(session, name, PASSWORD)
    if pending is None:
        raise HTTPException(410, GONE)
    done = Interaction.REAUTHENTICATE if pending.kind is Interaction.REAUTHENTICATE else Interaction.LOG_IN
    house.server.did(session, pending, done)
    return go(pending.resume)


async def left(request: Request, goodbye: LoggedOut) -> Response:
    """Go on after a logout: to the provider if that was asked for, then to where the application wanted."""
    if not any(goodbye.upstream):
        return go("/left")
    sealed = house_of(request).server.keys.seal(goodbye.then)
    return go(await friendbook_of(request).logout_url(goodbye.upstream_hint, state=sealed))


async def came_back(request: Request) -> Response:
    """Come back from the provider's logout; where to go on was sealed by us, so that no link of others can say it."""
    return go(house_of(request).server.keys.unseal(request.query_params.get("state", "")) or "/left")


async def backchannel(request: Request) -> Reply:
    """Hear from Friendbook that a session of its own has ended."""
    return await friendbook_of(request).back_channel(await Call.read(request.scope, request.receive))
