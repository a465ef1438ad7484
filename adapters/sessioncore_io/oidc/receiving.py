"""Back-channel logout, the receiving side: what a logout token has to be, and which sessions it ends."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from joserfc.jwt import Token

from sessioncore import NEVER, Contention, StoreUnavailable
from sessioncore.sso import LogoutToken

from .failures import BadToken, ProviderUnavailable
from .idtokens import check_names, check_origin
from .notices import EVENT, LOGOUT_TOKEN
from .party import Party
from .web import Call, Reply


def check_logout_token(
    token: Token, *, issuer: str, client_id: str, at: int, any_type: bool = False
) -> Mapping[str, Any]:
    """Give the claims of a token whose signature is good; ``at`` is in seconds. Raises ``BadToken``.

    Source: OpenID Connect Back-Channel Logout 1.0, section 2.6. ``any_type`` takes tokens of providers that do not set
    ``typ``, as the specification permits; an ID token never passes, because of its missing event.
    """
    claims = token.claims
    if not any_type and str(token.header.get("typ", "")).lower() != LOGOUT_TOKEN:
        raise BadToken(f"its typ is not {LOGOUT_TOKEN}")
    check_origin(claims, issuer=issuer, client_id=client_id, at=at, needs="jti")
    _check_event(claims)
    return claims


def _check_event(claims: Mapping[str, Any]) -> None:
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(EVENT), dict):
        raise BadToken("its events name no back-channel logout")
    if "nonce" in claims:
        raise BadToken("it has a nonce: it may be an ID token")
    toe = claims.get("toe", 0)
    if not isinstance(toe, int | float) or isinstance(toe, bool) or not toe >= 0:
        raise BadToken("its toe is no instant")
    check_names(claims, "sub", "sid", "jti")
    if not claims.get("sub") and not claims.get("sid"):
        raise BadToken("it names neither a subject nor a session")


async def received(call: Call, party: Party) -> Reply:
    """Answer a logout token: 200, or 400 and nothing changed; 503 asks to try again."""
    call.session.passive()
    try:
        claims = await _checked(call, party)
        token = await _meant(claims, party)
        issued_at = datetime.fromtimestamp(claims["iat"], UTC)
        happened_at = datetime.fromtimestamp(min(claims["iat"], claims.get("toe", NEVER)), UTC)
        await call.session.sessions.end_upstream(
            token.issuer,
            sid=token.sid,
            subject=token.owner,
            issued_at=issued_at,
            jti=claims["jti"],
            happened_at=happened_at,
        )
    except BadToken as error:
        return _answer(400, "invalid_request", str(error))
    except (ProviderUnavailable, StoreUnavailable, Contention):
        return _answer(503, "temporarily_unavailable")
    return _answer(200)


async def _meant(claims: Mapping[str, Any], party: Party) -> LogoutToken:
    """Say what a token names, in the application's own words.

    An account of one's own may be named by what a logout token does not say; a session is known by its ``sid`` alone.
    """
    sub, sid = claims.get("sub", ""), claims.get("sid", "")
    if sid and party.account:
        sub = ""
    subject = await party.subject(claims) if sub else ""
    return LogoutToken(issuer=party.provider.issuer, sub=sub, sid=sid, subject=subject)


async def _checked(call: Call, party: Party) -> Mapping[str, Any]:
    text = call.form.get("logout_token")
    if call.method != "POST" or call.form.repeated or not text:
        raise BadToken("post one logout_token")
    return check_logout_token(
        await party.provider.verified(text),
        issuer=party.provider.issuer,
        client_id=party.client_id,
        at=party.provider.clock() // 1_000,
        any_type=party.any_logout_type,
    )


def _answer(status: int, error: str = "", why: str = "") -> Reply:
    """Answer the provider; nobody may keep it (Back-Channel Logout 1.0, 2.8)."""
    said = {"error": error, "error_description": why} if why else {"error": error}
    headers = (("content-type", "application/json"), ("cache-control", "no-store"))
    return Reply(status=status, headers=headers, body=json.dumps(said).encode() if error else b"")
