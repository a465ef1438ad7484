"""An application that logs its users in by an OpenID provider: each verb is one step of the user's way."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import httpx2
from attrs import field, frozen

from sessioncore import Reason, State
from sessioncore.sso import Acceptance, Verdict, read_request

from ..handle import AsyncHandle
from ..world import Clock, wall_clock
from . import landing, logins, proving
from .failures import LoginFailed, ProviderUnavailable
from .keys import ALGORITHMS
from .party import Account, Party
from .provider import Provider
from .receiving import received
from .web import Call, Reply

ID_TOKEN: Final = "oidc.id_token"


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

    ``account(claims)`` names one's own account for a user of the provider's; without it (iss, sub) is the account. It
    is also asked about a logout token without ``sid``, which says no more than iss and sub: give the same account then.
    ``assumed_method`` is recorded for a login of which the provider says no method. Set ``says_auth_time`` to False for
    a provider that does not say when the login was: then its age is not asked for. ``any_logout_type`` takes logout
    tokens without the type ``logout+jwt``. Raises ``InvalidSetting``.
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
        says_auth_time: bool = True,
        any_logout_type: bool = False,
        clock: Clock = wall_clock,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self.party = Party(
            provider=Provider(issuer, algorithms, clock, transport),
            client_id=client_id,
            redirect_uri=redirect_uri,
            secret=secret,
            auth_method=auth_method,
            post_logout_redirect_uri=post_logout_redirect_uri,
            scopes=scopes,
            assumed_method=assumed_method,
            account=account,
            says_auth_time=says_auth_time,
            any_logout_type=any_logout_type,
        )

    @property
    def provider(self) -> Provider:
        """Give what is known of the provider."""
        return self.party.provider

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

        ``next`` is a path of this application. ``max_age`` is in seconds, at most the lifetime of a login here. With
        ``renew`` the session is to go on, silently if ``prompt="none"``. An ``acr`` that ``claims`` asks for as
        essential is checked in the ID token. Raises ``ProviderUnavailable``.
        """
        address = await self.provider.endpoint("authorization_endpoint")
        oldest = self._oldest(session, max_age)
        login = logins.begin(
            session,
            next=next,
            max_age=oldest,
            renew=renew,
            at=session.at,
            issuer=self.issuer,
            acr=_essential_acr(more.get("claims", "")),
            silent="none" in prompt.split(),
        )
        asked = {"prompt": prompt, "acr_values": " ".join(acr_values), "login_hint": login_hint, **more}
        asked["max_age"] = "" if oldest is None else str(oldest)
        async with self.party.client() as client:
            url, _ = client.create_authorization_url(
                address,
                state=login.state,
                code_verifier=login.verifier,
                nonce=login.nonce,
                **{name: value for name, value in asked.items() if value},
            )
        return str(url)

    def _oldest(self, session: AsyncHandle, max_age: int | None) -> int | None:
        """Ask for no more than the lifetime of a login here: on an older one, a session would be over as it begins."""
        lifetime = session.policy.login.lifetime // 1_000
        if not self.party.says_auth_time:
            return max_age
        return lifetime if max_age is None else min(max_age, lifetime)

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
        session, party, params = call.session, self.party, call.params.once
        login = logins.take(session, params.get("state", ""), session.at, self.issuer)
        if login is None:
            raise LoginFailed("unknown_state", "this browser did not begin this login, or it took too long")
        landing.check_renewal(session, login)
        await landing.check_answer(party, session, login, params)
        tokens = await landing.redeemed(party, login, params["code"])
        claims = await landing.verified(party, login, tokens)
        acceptance = await landing.accepted(party, session, login, claims)
        if acceptance.verdict is Verdict.SIGN_IN:
            until = proving.bounded(session, claims, not_after, remembered=remember)
            await self._sign_in(session, acceptance, claims, remember=remember, label=label, not_after=until)
        proving.remember(session, claims)
        session._row_data[ID_TOKEN] = tokens["id_token"]
        await session.commit()
        if acceptance.verdict is Verdict.SIGN_IN:
            await landing.still_on(session, login, claims)
        return Landed(
            subject=acceptance.subject,
            next=login.next,
            verdict=acceptance.verdict,
            claims=claims,
            access_token=str(tokens.get("access_token", "")),
        )

    async def _sign_in(
        self, session: AsyncHandle, acceptance: Acceptance, claims: Mapping[str, Any], **more: Any
    ) -> None:
        """Log in whom the token names; what other tabs wait for stays."""
        kept = logins.carried(session)
        # Only the token says whose attempt it is; what else ends logins meanwhile, ``still_on`` sees.
        attempt = await session.attempt(acceptance.subject)
        session.log_in(attempt, self.party.methods(claims), upstream=acceptance.upstream, **more)
        session._row_data.update(kept)

    def require(self, session: AsyncHandle, state: State | None = None, max_age: timedelta | None = None) -> None:
        """Insist on a state as ``session.require`` does, and on the provider's own proof being ``max_age`` old at most.

        The login here may be younger than the proof: the provider gives one silently to whom it knows. Where it does
        not say when the proof was, the login here counts. Raises ``LoginRequired`` or ``StepUpRequired``: ``begin``
        with that ``max_age`` then. Source: OpenID Connect Core 1.0, 2 (auth_time) and 3.1.2.1 (max_age).
        """
        proving.require(session, state, max_age)

    async def userinfo(self, landed: Landed) -> Mapping[str, Any]:
        """Ask the provider what is known about who has just logged in (OpenID Connect Core 1.0, 5.3).

        Raises ``ProviderUnavailable``, also for an answer about somebody else.
        """
        address = await self.provider.endpoint("userinfo_endpoint")
        said = await self.provider.fetch(address, {"authorization": f"Bearer {landed.access_token}"})
        if said.get("sub") != landed.claims["sub"]:
            raise ProviderUnavailable(f"{address} answers about somebody else")
        return said

    # -- leaving ---------------------------------------------------------------------------------------------

    async def log_out(self, session: AsyncHandle, *, state: str = "", reason: Reason = Reason.USER, **more: str) -> str:
        """End the session here, at once and whatever happens; give the address that ends the provider's too.

        If the provider has none, or does not answer, it is where the user would come back to.
        """
        hint = str(session._row_data.get(ID_TOKEN, ""))
        session.log_out(reason)
        await session.commit()
        try:
            return await self.logout_url(hint, state, **more)
        except ProviderUnavailable:
            return self.party.post_logout_redirect_uri or "/"

    async def logout_url(self, id_token_hint: str = "", state: str = "", **more: str) -> str:
        """Give the address at which the provider ends its session. Raises ``ProviderUnavailable`` if it has none.

        A server of this package takes ``federated="yes"``, and has its own provider's session ended too.
        """
        address = await self.provider.endpoint("end_session_endpoint")
        asked = {
            "id_token_hint": id_token_hint,
            "client_id": self.party.client_id,
            "post_logout_redirect_uri": self.party.post_logout_redirect_uri,
            "state": state,
            **more,
        }
        return str(httpx2.URL(address).copy_merge_params({name: value for name, value in asked.items() if value}))

    async def back_channel(self, call: Call) -> Reply:
        """End what a logout token of the provider's names: 200, or 400 and nothing changed; 503 asks to try again."""
        return await received(call, self.party)

    async def aclose(self) -> None:
        """Close the connections to the provider, as an application does that stops."""
        await self.provider.transport.aclose()


def _essential_acr(claims: str) -> tuple[str, ...]:
    """Read which classes the ID token has to be of: whoever holds the browser may take that out of the request."""
    asked = read_request({"claims": claims} if claims else {})
    return asked.acr_values if asked.acr_essential else ()
