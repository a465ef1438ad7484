"""Logging in and out: the shop keeps a session of its own, and asks the authorization server who somebody is."""

from functools import partial
from urllib.parse import urlencode

from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import Response

from sessioncore_io.oidc import Call, Reply

from ..common.labels import label_of
from ..common.web import form_of, go, next_page, session_of
from .checkout import FRESH
from .shop import NAME, USES_CODES, shop_of


async def log_in(request: Request) -> Response:
    """Send the browser to the authorization server, whose session may make the rest a matter of redirects.

    ``fresh`` asks for a proof of the last minutes. There is no request parameter for the age of a second factor, so
    who uses codes is asked to log in anew, which takes both.
    """
    session, asked = session_of(request), request.query_params
    wanted = next_page(asked.get("next"))
    fresh, social = "fresh" in asked, asked.get("idp") == "friendbook"
    begin = partial(shop_of(request).login.begin, session, next=wanted)
    if social:
        begin = partial(begin, connection="friendbook")
    if fresh:
        begin = partial(begin, max_age=int(FRESH.total_seconds()), prompt="login" if session.get(USES_CODES) else "")
    return go(await begin())


async def callback(request: Request) -> Response:
    """Take the server's answer: only the browser that asked can bring it."""
    shop, session = shop_of(request), session_of(request)
    call = await Call.read(request.scope, request.receive)
    landed = await shop.login.finish(call, label=label_of(request.headers.get("user-agent", "")))
    session[NAME] = (await shop.login.userinfo(landed)).get("name", "")
    session[USES_CODES] = "otp" in (landed.claims.get("amr") or [])
    session.record("came back from the login service")
    return go(landed.next)


async def log_out(request: Request) -> Response:
    """End this session, always and first; then the server's, unless only this one is meant."""
    form = await form_of(request)
    session, login = session_of(request), shop_of(request).login
    ended, scope = session.sid or "", form.get("scope", "")
    if scope == "local":
        session.log_out()
        return go(f"/?{urlencode({'was': ended})}")
    address = URL(await login.log_out(session))
    return go(str(address.include_query_params(federated="yes") if scope == "federated" else address))


async def backchannel(request: Request) -> Reply:
    """Hear from the server that a session of its own has ended: no browser takes part."""
    return await shop_of(request).login.back_channel(await Call.read(request.scope, request.receive))
