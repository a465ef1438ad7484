"""The authorization endpoint: the protocol's checks, the session's decision, and only then an answer.

``decide`` comes first, because Authlib knows neither max_age nor acr_values nor id_token_hint. What was granted is
issued after the session's commit: a session that ended meanwhile, or a store that does not answer, issues nothing.
"""

from collections.abc import Collection
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from attrs import evolve

from sessioncore import InvalidSetting, Policy
from sessioncore.effects import Flow, Load, Now, arun
from sessioncore.flows import Standing
from sessioncore.machine import settle
from sessioncore.sso import (
    AuthenticationRequest,
    ErrorCode,
    Grant,
    Interact,
    Interaction,
    Refuse,
    ServerPolicy,
    client_sid,
    decide,
    moment_for,
    read_request,
)

from ..handle import AsyncHandle
from . import pending as waiting_room
from .arriving import Arrived, Unanswerable, arrive, granting
from .clients import CODE, ID_TOKEN
from .grants import Granted, keep_client, keep_code
from .hints import hint_of
from .pending import Pending, Waiting
from .protocol import Issue, Protocol
from .settings import Paths, Rules, UserClaims, settled
from .web import Call, Params, Reply, not_allowed, redirect, refusal

TRANSACTION: Final = "transaction"
EVERY_PAGE: Final = frozenset(Interaction)
GONE: Final = "It has been answered already, or it waited too long. Go back to the application and begin again."

CHANGED: Final = "This browser's session changed meanwhile, in another tab. Go back and try again."


class Authorizing:
    """Answer authentication requests by the server's session."""

    def __init__(self, protocol: Protocol, paths: Paths, rules: Rules, claims: UserClaims) -> None:
        self.protocol = protocol
        self.paths = paths
        self._rules = rules
        self._claims = claims

    async def authorize(self, call: Call) -> Reply | Pending:
        """Answer a request, or one that was interrupted by a page: with a reply, or with the page that is needed."""
        if call.method not in ("GET", "POST"):
            return not_allowed("GET", "POST")
        try:
            if call.method == "GET" and TRANSACTION in call.query.once and not _names_client(call.query):
                return await self._resumed(call.session, call.query.get(TRANSACTION))
            arrived = arrive(self.protocol, call.params)
            if call.method == "POST":
                # From another site it comes without a Lax cookie, and the page would begin a session over a live one.
                return redirect(f"{self.url(self.paths.authorize)}?{urlencode(call.params.pairs)}")
            return await self._decided(call.session, arrived, None)
        except Unanswerable as unanswerable:
            return unanswerable.reply

    def pending(self, handle: AsyncHandle, name: str, kinds: Collection[Interaction] = EVERY_PAGE) -> Pending | None:
        """Give the request that waits in this session, with its page of this name, if it is one of these."""
        found = waiting_room.find_page(handle, name, handle.at)
        if found is None or found[1].kind not in kinds:
            return None
        waiting, asked = found
        try:
            return self._pending(arrive(self.protocol, Params(tuple(waiting.params.items()))), waiting, asked)
        except Unanswerable:  # its client was changed meanwhile
            return None

    def did(self, handle: AsyncHandle, pending: Pending, kind: Interaction) -> None:
        """Record that the session's subject answered this page, in the same commit as what the answer changed.

        Raises ``InvalidSetting`` for a reauthentication on a page that was to log in: it keeps a second factor of
        before, and would count as a login with both.
        """
        if kind is Interaction.REAUTHENTICATE and pending.kind is not kind:
            raise InvalidSetting("kind", kind, f"the page asked to {pending.kind}: do that, or refuse its name")
        subject = handle.subject or ""
        waiting_room.keep(handle, waiting_room.done(pending.waiting, kind, subject), Interact(kind, pending.subject))

    def deny(self, handle: AsyncHandle, pending: Pending, why: str = "the user said no") -> Reply:
        """Send the browser back without anything granted."""
        waiting_room.drop(handle, pending.id)
        arrived = arrive(self.protocol, Params(tuple(pending.params.items())))
        return arrived.error("access_denied", why)

    # -- behind them ---------------------------------------------------------------------------------------

    async def _resumed(self, handle: AsyncHandle, name: str) -> Reply | Pending:
        found = waiting_room.find(handle, name, handle.at)
        if found is None:
            return refusal(GONE)
        waiting, _ = found
        return await self._decided(handle, arrive(self.protocol, Params(tuple(waiting.params.items()))), waiting)

    async def _decided(self, handle: AsyncHandle, arrived: Arrived, waiting: Waiting | None) -> Reply | Pending:
        granting(self.protocol, arrived)
        request = read_request(arrived.params, hint=hint_of(self.protocol, arrived.params.get("id_token_hint", "")))
        waiting = waiting or waiting_room.begin_waiting(arrived.params, handle.at)
        answer = await self._answer(handle, arrived, request, waiting)
        if isinstance(answer, Refuse):
            if request.none and answer.error is ErrorCode.LOGIN_REQUIRED and await _goes_on(handle):
                answer = Refuse(ErrorCode.INTERACTION_REQUIRED, CHANGED)
            return self._refused(handle, arrived, request, waiting, answer)
        if isinstance(answer, Interact):
            if handle.standing in (Standing.FORMER, Standing.INERT):  # it may write nothing, so nothing would wait
                return refusal(CHANGED, status=409)
            waiting = waiting_room.asking(waiting, answer.kind)
            waiting_room.keep(handle, waiting, answer)
            return self._pending(arrived, waiting, answer)
        return await self._granted(handle, arrived, request, waiting, answer)

    async def _answer(
        self, handle: AsyncHandle, arrived: Arrived, request: AuthenticationRequest, waiting: Waiting
    ) -> Grant | Interact | Refuse:
        # Looking at it raises if the store did not answer: then nobody is known to be out, and nobody to be in.
        subject = handle.subject or ""
        row = handle.stored
        moment = moment_for(row, handle.epoch, handle.at, handle.policy)
        rules: ServerPolicy = await settled(self._rules(subject, arrived.client, arrived.scopes))
        rules = evolve(rules, issuer=self.protocol.issuer)
        return decide(row, request, waiting.transaction, moment, rules)

    def _refused(
        self, handle: AsyncHandle, arrived: Arrived, request: AuthenticationRequest, waiting: Waiting, answer: Refuse
    ) -> Reply:
        handle.passive()
        if not request.none:
            waiting_room.drop(handle, waiting.id)
        return arrived.error(answer.error, answer.why)

    async def _granted(
        self, handle: AsyncHandle, arrived: Arrived, request: AuthenticationRequest, waiting: Waiting, grant: Grant
    ) -> Reply:
        sid, granted = handle.sid or "", self._entry(arrived, request, grant, handle.at)
        keys = [keep_client(handle, arrived.client.client_id, handle.at)]
        code = ""
        if arrived.response_type == CODE:
            code, key = keep_code(handle, granted, self.protocol.keys)
            keys.append(key)
        waiting_room.drop(handle, waiting.id)
        await handle.commit()
        if not _holds(handle, sid, keys):
            return self._too_late(arrived, request)
        return await self._issued(arrived, granted, code, client_sid(sid, arrived.client.client_id), handle.at)

    def _entry(self, arrived: Arrived, request: AuthenticationRequest, grant: Grant, at: int) -> Granted:
        params = arrived.params
        return Granted(
            client_id=arrived.client.client_id,
            redirect_uri=arrived.redirect_uri,
            scope=" ".join(arrived.scopes),
            subject=grant.subject,
            auth_time=grant.auth_time,
            at=at,
            acr=grant.acr,
            amr=grant.amr,
            nonce=params.get("nonce", ""),
            code_challenge=params.get("code_challenge", ""),
            silent=request.none,
        )

    def _too_late(self, arrived: Arrived, request: AuthenticationRequest) -> Reply:
        """The session ended while it was being granted: nobody is signed in. Ask again, or say so."""
        if request.none:
            return arrived.error(ErrorCode.LOGIN_REQUIRED)
        return redirect(f"{self.url(self.paths.authorize)}?{urlencode(arrived.params)}")

    async def _issued(self, arrived: Arrived, granted: Granted, code: str, sid: str, at: int) -> Reply:
        """Let Authlib make the answer."""
        asked, grant = granting(self.protocol, arrived)
        # An ID token alone comes without an access token to ask for them with (Core 1.0, 5.4).
        alone = arrived.response_type == ID_TOKEN
        claims = await settled(self._claims(granted.subject, arrived.scopes)) if alone else {}
        asked.issue = Issue(granted=granted, sid=sid, at=at // 1_000, claims=claims)
        asked.code = code
        _, _, headers = self.protocol.create_authorization_response(asked, granted.subject, grant=grant)
        return arrived.answer(*_params_of(dict(headers)["Location"], arrived))

    def _pending(self, arrived: Arrived, waiting: Waiting, asked: Interact) -> Pending:
        return Pending(
            id=waiting.id,
            kind=asked.kind,
            subject=asked.subject,
            client=arrived.client,
            scopes=arrived.scopes,
            resume=f"{self.url(self.paths.authorize)}?{urlencode({TRANSACTION: waiting.id})}",
            waiting=waiting,
        )

    def url(self, path: str) -> str:
        """Give an endpoint's address."""
        return self.protocol.issuer.rstrip("/") + path


def _names_client(params: Params) -> bool:
    """Tell a client's request from our own way back: what we do not know in one is ignored (RFC 6749, 3.1)."""
    return any(name == "client_id" for name, _ in params.pairs)


async def _goes_on(handle: AsyncHandle) -> bool:
    """Tell whether somebody is signed in in the session whose former secret this is.

    Another tab's login has rotated it a moment ago: to say that nobody is signed in would end the client's session.
    """
    if handle.standing is not Standing.FORMER:
        return False
    return await arun(_signed_in(handle.presented, handle.policy), handle.sessions.perform)


def _signed_in(sid: str, policy: Policy) -> Flow[bool]:
    row, epoch = yield from Load(sid).ask()
    if row is None or not row.subject:
        return False
    at = yield from Now().ask()
    return settle(row, moment_for(row, epoch, at, policy)).live


def _holds(handle: AsyncHandle, sid: str, keys: list[str]) -> bool:
    """Tell whether the stored row is alive and holds these entries: a write to one that ended is dropped silently."""
    row = handle.stored
    return row is not None and row.live and row.sid == sid and set(keys) <= {key for key, _ in row.data}


def _params_of(location: str, arrived: Arrived) -> list[tuple[str, str]]:
    """Take Authlib's parameters out of its redirect, but for the state, which every answer of ours carries."""
    parts = urlsplit(location)
    own = len(parse_qsl(urlsplit(arrived.redirect_uri).query, keep_blank_values=True))
    pairs: list[Any] = parse_qsl(parts.fragment) or parse_qsl(parts.query, keep_blank_values=True)[own:]
    return [(name, value) for name, value in pairs if name != "state"]
