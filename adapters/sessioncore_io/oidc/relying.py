"""An application that logs its users in by an OpenID provider: each verb is one step of the user's way."""

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import httpx2
from attrs import field, frozen
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client

from sessioncore import NEVER, Contention, InvalidSetting, Reason, StoreUnavailable
from sessioncore.factors import KIND_OF
from sessioncore.sso import (
    Acceptance,
    AfterSilence,
    Claims,
    Expected,
    LogoutToken,
    Verdict,
    accept,
    moment_for,
    on_silent_result,
)

from ..handle import AsyncHandle
from ..shell import AsyncSessions
from ..world import Clock, wall_clock
from . import logins
from .addresses import check_address
from .failures import BadToken, LoginFailed, ProviderUnavailable
from .idtokens import check_id_token
from .keys import ALGORITHMS
from .logins import Login, carried
from .provider import Provider
from .receiving import check_logout_token, end_sessions
from .settings import settled
from .transport import client_options
from .web import Call, Reply

ID_TOKEN: Final = "oidc.id_token"

# Give one's own account for a provider's user: by default (iss, sub) is the account.
Account = Callable[[Mapping[str, Any]], str | Awaitable[str]]


@frozen(kw_only=True)
class Landed:
    """Say how a login ended: who is signed in, where they wanted to go, and what the provider said."""

    subject: str
    next: str
    verdict: Verdict
    claims: Mapping[str, Any] = field(repr=False)
    access_token: str = field(repr=False)


class RelyingParty:
    """Log users in by one provider, over the application's own sessions.

    ``account(claims)`` names one's own account for a user of the provider's; without it (iss, sub) is the account.
    ``assumed_method`` is recorded for a login of which the provider says no method. Raises ``InvalidSetting``.
    """

    def __init__(
        self,
        *,
        issuer: str,
        client_id: str,
        redirect_uri: str,
        secret: str = "",
        auth_method: str = "",
        post_logout_redirect_uri: str = "",
        scopes: tuple[str, ...] = ("openid", "profile", "email"),
        algorithms: tuple[str, ...] = ALGORITHMS,
        assumed_method: str = "pwd",
        account: Account | None = None,
        clock: Clock = wall_clock,
        transport: httpx2.AsyncBaseTransport | None = None,
        any_logout_type: bool = False,
    ) -> None:
        check_address("redirect_uri", redirect_uri)
        if post_logout_redirect_uri:
            check_address("post_logout_redirect_uri", post_logout_redirect_uri)
        if not algorithms or "none" in algorithms or any(name.startswith("HS") for name in algorithms):
            raise InvalidSetting("algorithms", algorithms, "name those that the provider signs with: RS256, ES256")
        self.client_id = client_id
        self.redirect_uri = redirect_uri
        self.post_logout_redirect_uri = post_logout_redirect_uri
        self.scopes = scopes
        self.provider = Provider(issuer, algorithms, clock, transport)
        self._secret = secret
        self._auth_method = auth_method or ("client_secret_basic" if secret else "none")
        self._assumed_method = assumed_method
        self._account = account
        self._any_logout_type = any_logout_type

    @property
    def issuer(self) -> str:
        """Name the provider."""
        return self.provider.issuer

    # -- going there -----------------------------------------------------------------------------------------

    async def begin(
        self,
        session: AsyncHandle,
        *,
        next: str = "/",
        prompt: str = "",
        max_age: int | None = None,
        acr_values: tuple[str, ...] = (),
        login_hint: str = "",
        renew: bool = False,
        **more: str,
    ) -> str:
        """Give the address to send the browser to; what has to come back is kept in the session.

        ``next`` is a path of this application. ``max_age`` is in seconds, the lifetime of a login here if None. With
        ``renew`` the session is to go on, silently if ``prompt="none"``. Raises ``ProviderUnavailable``.
        """
        address = await self.provider.endpoint("authorization_endpoint")
        oldest = session._shell.policy.login.lifetime // 1_000 if max_age is None else max_age
        login = logins.begin(session, next=next, max_age=oldest, renew=renew, at=session.at, issuer=self.issuer)
        asked = {"prompt": prompt, "acr_values": " ".join(acr_values), "login_hint": login_hint, **more}
        async with self._client() as client:
            url, _ = client.create_authorization_url(
                address,
                state=login.state,
                code_verifier=login.verifier,
                nonce=login.nonce,
                max_age=str(oldest),
                **{name: value for name, value in asked.items() if value},
            )
        return str(url)

    # -- coming back -----------------------------------------------------------------------------------------

    async def finish(
        self,
        call: Call,
        *,
        remember: bool = False,
        label: str = "",
        not_after: datetime | None = None,
    ) -> Landed:
        """Make of the provider's answer a login of this session. Raises ``LoginFailed`` or ``ProviderUnavailable``.

        A login is committed before this returns, and ends again if the provider's logout came first.
        """
        session, params = call.session, call.params.once
        login = logins.take(session, params.get("state", ""), session.at, self.issuer)
        if login is None:
            raise LoginFailed("unknown_state", "this browser did not begin this login, or it took too long")
        await self._check_answer(session, login, params)
        tokens = await self._redeemed(login, params.get("code", ""))
        claims = await self._verified(login, tokens)
        acceptance = await self._accepted(session, login, claims)
        if acceptance.verdict is Verdict.SIGN_IN:
            attempt = await session.attempt(acceptance.subject)
            kept = carried(session)
            session.log_in(
                attempt,
                self._methods(claims),
                remember=remember,
                label=label,
                upstream=acceptance.upstream,
                not_after=not_after,
            )
            session.update(kept)
        session[ID_TOKEN] = tokens["id_token"]
        await session.commit()
        await self._still_on(session, login, claims)
        return Landed(
            subject=acceptance.subject,
            next=login.next,
            verdict=acceptance.verdict,
            claims=claims,
            access_token=tokens.get("access_token", ""),
        )

    async def _still_on(self, session: AsyncHandle, login: Login, claims: Mapping[str, Any]) -> None:
        """End what was just begun if the provider's logout came before it."""
        issued_at = datetime.fromtimestamp(claims["iat"], UTC)
        if await _shell_of(session).still_upstream(session.sid or "", issued_at=issued_at):
            return
        session.log_out(Reason.IDP)  # its row has ended already; now this request knows it too
        await session.commit()
        raise LoginFailed("ended_meanwhile", "the provider's session was over before this one began", login.next)

    async def _check_answer(self, session: AsyncHandle, login: Login, params: Mapping[str, str]) -> None:
        metadata = await self.provider.metadata()
        said = params.get("iss")
        if said != self.issuer and (said or metadata.get("authorization_response_iss_parameter_supported") is True):
            raise LoginFailed("other_issuer", "the answer is not this provider's (RFC 9207)", login.next)
        error = params.get("error", "")
        if not error and params.get("code"):
            return
        if login.renew and on_silent_result(error) is AfterSilence.ENDED:
            session.log_out(Reason.IDP)
            await session.commit()
        raise LoginFailed(error or "invalid_response", "the provider did not sign anybody in", login.next)

    async def _redeemed(self, login: Login, code: str) -> Mapping[str, Any]:
        address = await self.provider.endpoint("token_endpoint")
        try:
            async with self._client() as client:
                tokens = await client.fetch_token(
                    address, grant_type="authorization_code", code=code, code_verifier=login.verifier
                )
        except OAuthError as error:
            raise LoginFailed(str(error.error), "the provider did not take the code", login.next) from None
        except (httpx2.HTTPError, ValueError) as error:
            raise ProviderUnavailable(f"{address} does not answer ({type(error).__name__})") from None
        if not isinstance(tokens.get("id_token"), str):
            raise LoginFailed("bad_token", "the provider sent no ID token", login.next)
        return dict(tokens)

    async def _verified(self, login: Login, tokens: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            return check_id_token(
                await self.provider.verified(tokens["id_token"]),
                issuer=self.issuer,
                client_id=self.client_id,
                nonce=login.nonce,
                at=self.provider.clock() // 1_000,
                access_token=tokens.get("access_token", ""),
            )
        except BadToken as error:
            raise LoginFailed("bad_token", f"the ID token: {error}", login.next) from None

    async def _accepted(self, session: AsyncHandle, login: Login, claims: Mapping[str, Any]) -> Acceptance:
        subject = await self._subject(claims)
        _ = session.subject  # looking at it raises if the store did not answer
        row = session.stored
        moment = moment_for(row, session._epoch, session.at, session._shell.policy)
        expected = Expected(
            issuer=self.issuer,
            max_age=NEVER if login.max_age is None else login.max_age * 1_000,
            renewal=login.renew,
            subject=subject,
        )
        acceptance = accept(row, Claims.read(claims), expected, moment)
        if acceptance.ends:
            session.log_out(Reason.IDP)
            await session.commit()
        if not acceptance.accepted:
            raise LoginFailed(acceptance.verdict, acceptance.why, login.next)
        return acceptance

    def _methods(self, claims: Mapping[str, Any]) -> tuple[str, ...]:
        said = claims.get("amr")
        names = [name for name in said if name in KIND_OF or name == "mfa"] if isinstance(said, list) else []
        return tuple(dict.fromkeys(names)) or (self._assumed_method,)

    # -- leaving ---------------------------------------------------------------------------------------------

    async def userinfo(self, landed: Landed) -> Mapping[str, Any]:
        """Ask the provider what is known about who has just logged in (OpenID Connect Core 1.0, 5.3).

        Raises ``ProviderUnavailable``, also for an answer about somebody else.
        """
        address = await self.provider.endpoint("userinfo_endpoint")
        said = await self.provider.fetch(address, {"authorization": f"Bearer {landed.access_token}"})
        if said.get("sub") != landed.claims["sub"]:
            raise ProviderUnavailable(f"{address} answers about somebody else")
        return said

    async def log_out(self, session: AsyncHandle, *, state: str = "", reason: Reason = Reason.USER, **more: str) -> str:
        """End the session here, at once and whatever happens; give the address that ends the provider's too.

        Commit it, or let the middleware, before the browser goes there. Without an endpoint there, it is where the user
        would come back to.
        """
        hint = str(session.get(ID_TOKEN, ""))
        session.log_out(reason)
        await session.commit()
        try:
            return await self.logout_url(hint, state, **more)
        except ProviderUnavailable:
            return self.post_logout_redirect_uri or "/"

    async def logout_url(self, id_token_hint: str = "", state: str = "", **more: str) -> str:
        """Give the address at which the provider ends its session. Raises ``ProviderUnavailable`` if it has none.

        A server of this package takes ``federated="yes"``, and has its own provider's session ended too.
        """
        address = await self.provider.endpoint("end_session_endpoint")
        asked = {
            "id_token_hint": id_token_hint,
            "client_id": self.client_id,
            "post_logout_redirect_uri": self.post_logout_redirect_uri,
            "state": state,
            **more,
        }
        return str(httpx2.URL(address).copy_merge_params({name: value for name, value in asked.items() if value}))

    async def back_channel(self, call: Call) -> Reply:
        """End what a logout token of the provider's names: 200, or 400 and nothing changed; 503 asks to try again."""
        call.session.passive()
        text = call.form.get("logout_token")
        if call.method != "POST" or call.form.repeated or not text:
            return _answered(400, "invalid_request")
        at = self.provider.clock() // 1_000
        try:
            token = await self.provider.verified(text)
            claims = check_logout_token(
                token, issuer=self.issuer, client_id=self.client_id, at=at, any_type=self._any_logout_type
            )
        except BadToken as error:
            return _answered(400, "invalid_request", str(error))
        except ProviderUnavailable:
            return _answered(503, "temporarily_unavailable")
        named = LogoutToken(
            issuer=self.issuer,
            sub=claims.get("sub", ""),
            sid=claims.get("sid", ""),
            subject=await self._subject(claims) if claims.get("sub") else "",
        )
        try:
            await end_sessions(named, claims, _shell_of(call.session))
        except (StoreUnavailable, Contention):
            return _answered(503, "temporarily_unavailable")
        return _answered(200)

    async def _subject(self, claims: Mapping[str, Any]) -> str:
        """Give one's own account for a provider's user, or nothing: then (iss, sub) is the account."""
        return await settled(self._account(claims)) if self._account else ""

    def _client(self) -> AsyncOAuth2Client:
        return AsyncOAuth2Client(
            self.client_id,
            self._secret or None,
            token_endpoint_auth_method=self._auth_method,
            scope=" ".join(self.scopes),
            redirect_uri=self.redirect_uri,
            code_challenge_method="S256",
            **client_options(self.provider.transport),
        )


def _shell_of(session: AsyncHandle) -> AsyncSessions:
    shell = session._shell
    assert isinstance(shell, AsyncSessions), "an AsyncHandle has an awaiting shell"
    return shell


def _answered(status: int, error: str = "", why: str = "") -> Reply:
    """Answer the provider; nobody may keep it (Back-Channel Logout 1.0, 2.8)."""
    said = {"error": error, "error_description": why} if error else {}
    headers = (("content-type", "application/json"), ("cache-control", "no-store"))
    return Reply(status=status, headers=headers, body=json.dumps(said).encode() if said else b"")
