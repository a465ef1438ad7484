"""The way back from the provider: each step turns what came into something believed a little more, or refuses it."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import httpx2
from authlib.integrations.base_client import OAuthError

from sessioncore import NEVER, Reason
from sessioncore.sso import Acceptance, AfterSilence, Claims, Expected, accept, moment_for, on_silent_result

from ..handle import AsyncHandle
from .failures import BadToken, LoginFailed, ProviderUnavailable
from .idtokens import check_id_token
from .logins import Login, login_of
from .party import Party

_ERROR: Final = re.compile(r"[a-z][a-z0-9_]{0,63}").fullmatch


async def check_answer(party: Party, session: AsyncHandle, login: Login, params: Mapping[str, str]) -> None:
    """See that the provider answered, and that it was this one. Raises ``LoginFailed``."""
    metadata = await party.provider.metadata()
    said, issuer = params.get("iss"), party.provider.issuer
    if said != issuer and (said or metadata.get("authorization_response_iss_parameter_supported") is True):
        raise LoginFailed("other_issuer", "the answer is not this provider's (RFC 9207)", login.next)
    error = params.get("error", "")
    if not error and params.get("code"):
        return
    if login.renew and on_silent_result(error) is AfterSilence.ENDED:
        session.log_out(Reason.IDP)
        await session.commit()
    named = error if _ERROR(error) else "invalid_response"
    raise LoginFailed(named, "the provider did not sign anybody in", login.next)


def check_renewal(session: AsyncHandle, login: Login) -> None:
    """See that a renewal's answer is for the login at hand, not for one that another tab has replaced meanwhile.

    Raises ``LoginFailed``; the new login stays, whatever the answer says of the old one.
    """
    if login.renew and session.subject and login_of(session) != login.renews:
        raise LoginFailed("changed_meanwhile", "another login has replaced the one that was to go on", login.next)


async def redeemed(party: Party, login: Login, code: str) -> Mapping[str, Any]:
    """Exchange the code for tokens. Raises ``LoginFailed`` or ``ProviderUnavailable``."""
    address = await party.provider.endpoint("token_endpoint")
    try:
        async with party.client() as client:
            tokens = await client.fetch_token(
                address, grant_type="authorization_code", code=code, code_verifier=login.verifier
            )
    except OAuthError as error:
        named = error.error if _ERROR(str(error.error)) else "invalid_response"
        raise LoginFailed(named, "the provider did not take the code", login.next) from None
    except (httpx2.HTTPError, ValueError) as error:
        raise ProviderUnavailable(f"{address} does not answer ({type(error).__name__})") from None
    if not isinstance(tokens.get("id_token"), str):
        raise LoginFailed("bad_token", "the provider sent no ID token", login.next)
    return dict(tokens)


async def verified(party: Party, login: Login, tokens: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give the claims of the ID token. Raises ``LoginFailed``."""
    try:
        return check_id_token(
            await party.provider.verified(tokens["id_token"]),
            issuer=party.provider.issuer,
            client_id=party.client_id,
            nonce=login.nonce,
            at=party.provider.clock() // 1_000,
            access_token=str(tokens.get("access_token", "")),
        )
    except BadToken as error:
        raise LoginFailed("bad_token", f"the ID token: {error}", login.next) from None


async def accepted(party: Party, session: AsyncHandle, login: Login, claims: Mapping[str, Any]) -> Acceptance:
    """Judge what the token means for this session. Raises ``LoginFailed``; a session that has to end has ended."""
    _ = session.subject  # looking at it raises if the store did not answer
    row = session.stored
    expected = Expected(
        issuer=party.provider.issuer,
        max_age=NEVER if login.max_age is None else login.max_age * 1_000,
        acr_values=login.acr,
        acr_essential=bool(login.acr),
        renewal=login.renew,
        subject=await party.subject(claims),
    )
    moment = moment_for(row, session.epoch, session.at, session.policy)
    acceptance = accept(row, Claims.read(claims), expected, moment)
    if acceptance.ends:
        session.log_out(Reason.IDP)
        await session.commit()
    if not acceptance.accepted:
        raise LoginFailed(acceptance.verdict, acceptance.why, login.next)
    return acceptance


async def still_on(session: AsyncHandle, login: Login, claims: Mapping[str, Any]) -> None:
    """End what was just begun if the provider's logout came before it. Raises ``LoginFailed``."""
    issued_at = datetime.fromtimestamp(claims["iat"], UTC)
    if await session.sessions.still_upstream(session.sid or "", issued_at=issued_at):
        return
    session.log_out(Reason.IDP)  # its row has ended already; now this request knows it too
    await session.commit()
    raise LoginFailed("ended_meanwhile", "the provider's session was over before this one began", login.next)
