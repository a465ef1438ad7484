"""The logout endpoint: everything is checked first, and nothing changes on any error (RP-Initiated Logout 1.0)."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from attrs import field, frozen

from sessioncore import Reason
from sessioncore.sso import (
    AskUpstream,
    Happening,
    LogoutAnswer,
    LogoutRequest,
    LogoutStep,
    decide_logout,
    moment_for,
    plan_logout,
)

from .clients import Client
from .hints import hint_claims, hint_of
from .pending import LARGEST
from .protocol import Protocol
from .relying import ID_TOKEN
from .responding import QUERY, respond
from .settings import Paths
from .web import Call, Params, Reply, not_allowed, redirect, refusal

CONFIRM: Final = "confirm"
FEDERATED: Final = "federated"
_REPEATED: Final = ("id_token_hint", "client_id", "post_logout_redirect_uri", "state", FEDERATED)


@frozen(kw_only=True)
class ConfirmLogout:
    """Ask the application for a page: does the user want to log out? Nothing has changed, any page could have asked.

    The page is a form that posts ``fields`` to ``action``; the CSRF token is among them. Who does not want to goes
    anywhere else. ``client`` is who seems to ask, if anybody does.
    """

    client: Client | None
    action: str
    fields: Mapping[str, str] = field(repr=False)


@frozen(kw_only=True)
class LoggedOut:
    """Ask the application for a page: the user is logged out, and no client has said where to go from here.

    If ``upstream`` names a provider's session, ending that too was asked for: send the browser there with
    ``upstream_hint`` (see ``RelyingParty.logout_url``), and afterwards to ``then``, if that is not empty.
    """

    client: Client | None
    then: str = ""
    upstream: tuple[str, str] = ("", "")
    upstream_hint: str = field(default="", repr=False)


class Leaving:
    """Answer requests to log out by the server's session."""

    def __init__(self, protocol: Protocol, paths: Paths) -> None:
        self.protocol = protocol
        self.paths = paths

    async def logout(self, call: Call) -> Reply | ConfirmLogout | LoggedOut:
        """Answer a request to log out."""
        params = call.params
        if call.method not in ("GET", "POST"):
            return not_allowed("GET", "POST")
        if params.repeated or sum(len(value) for _, value in params.pairs) > 2 * LARGEST:
            return refusal("It says something twice, or too much.")
        session = call.session
        if call.method == "POST" and not session.csrf_matches(params.get(CONFIRM)):
            # A post from another site comes without a Lax cookie: by itself it would seem that nobody is signed in.
            return redirect(f"{self._url}?{urlencode([pair for pair in params.pairs if pair[0] != CONFIRM])}")
        request = self._request(call, params)
        _ = session.subject  # looking at it raises if the store did not answer
        moment = moment_for(session.stored, session.epoch, session.at, session.policy)
        answer = decide_logout(session.stored, request, moment, issuer=self.protocol.issuer)
        return await self._answered(call, params, request, answer)

    async def _answered(
        self, call: Call, params: Params, request: LogoutRequest, answer: LogoutAnswer
    ) -> Reply | ConfirmLogout | LoggedOut:
        client = next((self.protocol.clients[name] for name in request.clients if name in self.protocol.clients), None)
        if answer.step is LogoutStep.REFUSE:
            return refusal(answer.why)
        if answer.step is LogoutStep.CONFIRM:
            fields = {name: value for name, value in params.pairs if name in _REPEATED}
            return ConfirmLogout(client=client, action=self._url, fields={**fields, CONFIRM: call.session.csrf_token})
        then = _back(answer.redirect_uri, params.get("state"))
        goodbye = LoggedOut(client=client, then=then)
        if answer.step is LogoutStep.LOG_OUT:
            goodbye = await self._log_out(call, goodbye, federated=bool(params.get(FEDERATED)))
        return redirect(then) if then and not any(goodbye.upstream) else goodbye

    async def _log_out(self, call: Call, goodbye: LoggedOut, *, federated: bool) -> LoggedOut:
        """End the session; that the applications are told follows from the end (see ``LogoutNotices``)."""
        session = call.session
        plan = plan_logout(session.stored, Happening.FEDERATED_LOGOUT if federated else Happening.RP_LOGOUT)
        asks = [effect for effect in plan if isinstance(effect, AskUpstream)]
        hint = str(session._row_data.get(ID_TOKEN, "")) if asks else ""
        session.log_out(Reason.RP)
        await session.commit()
        if not asks:
            return goodbye
        return LoggedOut(client=goodbye.client, then=goodbye.then, upstream=asks[0].upstream, upstream_hint=hint)

    def _request(self, call: Call, params: Params) -> LogoutRequest:
        token = params.get("id_token_hint")
        claims = hint_claims(self.protocol, token)
        audience = claims.get("aud", [])
        clients = (audience,) if isinstance(audience, str) else tuple(audience)
        asking = (params.get("client_id"),) if params.get("client_id") else clients
        known = [self.protocol.clients[name] for name in asking if name in self.protocol.clients]
        return LogoutRequest(
            hint=hint_of(self.protocol, token),
            hint_sid=str(claims.get("sid", "")),
            hint_clients=clients,
            client_id=params.get("client_id"),
            redirect_uri=params.get("post_logout_redirect_uri"),
            registered=tuple(uri for client in known for uri in client.post_logout_redirect_uris),
            confirmed=call.method == "POST",
        )

    @property
    def _url(self) -> str:
        return self.protocol.issuer.rstrip("/") + self.paths.logout


def _back(redirect_uri: str, state: str) -> str:
    """Give where to go on, with the client's state."""
    if not redirect_uri or not state:
        return redirect_uri
    return dict(respond(QUERY, redirect_uri, [("state", state)]).headers)["location"]
