"""Back-channel logout, the sending side: the applications learn that a session is over, server to server."""

import asyncio
import secrets
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

import httpx2

from sessioncore import NEVER, AsyncStore, Reason, Session, Store
from sessioncore.effects import arun
from sessioncore.flows import settle_one
from sessioncore.sso import Happening, NotifySession, NotifySubject, client_sid, plan_logout

from ..shell import AsyncSessions
from ..world import Clock, log, wall_clock
from .clients import Client
from .grants import clients_of
from .guard import PublicOnly
from .keys import Keys
from .queue import Listener, LogoutNotice, NoticeQueue, Outcome, log_outcome
from .settings import settled
from .transport import client_options
from .watching import watched

EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
LOGOUT_TOKEN: Final = "logout+jwt"  # RFC 8725, section 3.11
LIFE: Final = 120  # seconds that a logout token is good for (Back-Channel Logout 1.0, 2.4)
AT_ONCE: Final = 4  # to one client
PATIENCE: Final = 5.0  # seconds for one try, whatever the other side does

# Why a session ended, as the cascade names it. What is not here ends by the operator or by the user's own choice.
_HAPPENED: Final = {
    Reason.IDLE: Happening.SERVER_EXPIRY,
    Reason.LIFETIME: Happening.SERVER_EXPIRY,
    Reason.UPSTREAM: Happening.SERVER_EXPIRY,
    Reason.REPLACED: Happening.REPLACEMENT,
    Reason.EVICTED: Happening.REPLACEMENT,
    Reason.PASSWORD_RESET: Happening.PASSWORD_RESET,
    Reason.IDP: Happening.PROVIDER_LOGOUT,
    Reason.RP: Happening.RP_LOGOUT,
}


class LogoutNotices:
    """Tell applications of ends. ``run`` it beside the server; look at ``queue.waiting``, and listen to outcomes.

    Only addresses of registered clients are called: over https, on the internet; with ``local`` also on this machine.
    """

    def __init__(
        self,
        *,
        issuer: str,
        clients: Mapping[str, Client],
        keys: Keys,
        clock: Clock = wall_clock,
        local: bool = False,
        listener: Listener = log_outcome,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self.queue = NoticeQueue(listener)
        self._issuer = issuer
        self._clients = clients
        self._keys = keys
        self._clock = clock
        self._transport = transport or PublicOnly(local=local)
        self._news = asyncio.Event()
        self._being_told: set[str] = set()

    # -- what is to be told --------------------------------------------------------------------------------

    def watching(self, store: Store | AsyncStore) -> Any:
        """Wrap the server's store: every session that ends in it is told of, whoever ended it."""
        return watched(store, self.ended)

    def ended(self, old: Session, new: Session) -> None:
        """Let the clients of a session be told of its end, as the cascade says."""
        happened = _HAPPENED.get(new.reason or Reason.USER, Happening.ADMIN_REVOKES)
        for effect in plan_logout(old, happened):
            for client_id in clients_of(old):
                if isinstance(effect, NotifySession):
                    self._add(client_id, effect.subject, client_sid(effect.sid, client_id))
                elif isinstance(effect, NotifySubject):
                    self._add(client_id, effect.subject, "")

    async def settle(self, sessions: AsyncSessions, subject: str) -> None:
        """Let a reset be told at once: each session of the subject ends now, instead of at its next use."""
        for row in await settled(sessions.store.of_subject(subject, live=True)):
            await arun(settle_one(row.sid, sessions.policy), sessions.perform)

    def _add(self, client_id: str, subject: str, sid: str) -> None:
        client = self._clients.get(client_id)
        if client is not None and client.backchannel_logout_uri:
            at = self._clock()
            self.queue.add(LogoutNotice(client_id=client_id, subject=subject, sid=sid, due_at=at, happened_at=at))
            self._news.set()

    # -- telling it ----------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Deliver for ever; end it by cancelling its task."""
        async with asyncio.TaskGroup() as lines:
            while True:
                self._news.clear()
                at = self._clock()
                for client_id in self.queue.due(at):
                    lines.create_task(self._deliver_to(client_id, at))
                await self._wait(until=self.queue.next_due(at))

    async def aclose(self) -> None:
        """Close the connections to the clients, as a server does that stops."""
        await self._transport.aclose()

    async def deliver(self) -> None:
        """Try once everything that is due now; what fails waits for its next turn."""
        at = self._clock()
        await asyncio.gather(*(self._deliver_to(client_id, at) for client_id in self.queue.due(at)))

    async def _wait(self, until: int) -> None:
        pause = None if until == NEVER else max((until - self._clock()) / 1_000, 0.01)
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):  # before Python 3.12, wait_for may lose a cancellation
                await self._news.wait()

    async def _deliver_to(self, client_id: str, at: int) -> None:
        """Tell a client what is due, a few at once, beside the others: a slow one delays itself alone."""
        if client_id in self._being_told:
            return
        self._being_told.add(client_id)
        try:
            await asyncio.gather(*(self._deliver_in_turn(client_id, at) for _ in range(AT_ONCE)))
        finally:
            self._being_told.discard(client_id)
            self._news.set()  # more may be due by now

    async def _deliver_in_turn(self, client_id: str, at: int) -> None:
        while (notice := self.queue.take(client_id, at)) is not None:
            await self._deliver_one(notice)

    async def _deliver_one(self, notice: LogoutNotice) -> None:
        outcome = Outcome.AGAIN
        try:
            outcome = await self._posted(notice)
        except Exception:  # one notice that cannot be sent keeps no other one waiting
            log.exception("a logout notice to %s could not be sent", notice.client_id)
        finally:
            self.queue.settle(notice, outcome, self._clock())

    async def _posted(self, notice: LogoutNotice) -> Outcome:
        client = self._clients[notice.client_id]
        form = {"logout_token": self.token(notice)}
        try:
            async with (
                asyncio.timeout(PATIENCE),
                httpx2.AsyncClient(**client_options(self._transport)) as http,
                http.stream("POST", client.backchannel_logout_uri, data=form) as answer,
            ):
                return _outcome_of(answer.status_code)  # nothing that is said besides matters: it is not read
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, OSError):
            return Outcome.AGAIN

    def token(self, notice: LogoutNotice) -> str:
        """Sign a logout token: another one for each try, so that no retry is taken for a replay.

        When it was over is the same in each: ``toe``, the time of the event (RFC 8417, section 2.2).
        """
        at = self._clock() // 1_000
        claims = {
            "iss": self._issuer,
            "aud": notice.client_id,
            "sub": notice.subject,
            "iat": at,
            "toe": min(at, notice.happened_at // 1_000),
            "exp": at + LIFE,
            "jti": secrets.token_urlsafe(16),
            "events": {EVENT: {}},
        }
        named = {"sid": notice.sid} if notice.sid else {}
        alg = self._clients[notice.client_id].id_token_alg
        return self._keys.sign(claims | named, typ=LOGOUT_TOKEN, alg=alg)


def _outcome_of(status: int) -> Outcome:
    if status in (200, 204):
        return Outcome.DELIVERED
    later = status >= 500 or status in (408, 425, 429)
    return Outcome.AGAIN if later else Outcome.REFUSED
