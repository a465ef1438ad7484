"""An authorization server over sessioncore: one object with a verb for each endpoint."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import httpx2

from sessioncore import AsyncStore, InvalidSetting, Store
from sessioncore.sso import Interaction

from ..handle import AsyncHandle
from ..shell import AsyncSessions
from ..world import Clock, wall_clock
from .addresses import check_address
from .authorizing import EVERY_PAGE, Authorizing
from .clients import Client
from .keys import Keys
from .leaving import ConfirmLogout, Leaving, LoggedOut
from .notices import LogoutNotices
from .pending import Pending
from .protocol import Protocol
from .queue import Listener, log_outcome
from .settings import Paths, Rules, UserClaims, no_claims, no_rules
from .tokens import Tokens
from .web import Call, Reply


class AuthorizationServer:
    """Answer OpenID Connect requests by the browser's session.

    ``rules(subject, client, scopes)`` gives the ``ServerPolicy`` for one user and one client, ``claims(subject,
    scopes)`` what is known about a user; both may be coroutine functions. ``local`` lets logout notices go to this
    machine itself, for development; ``listener`` hears what becomes of each; ``transport`` sends them, instead of one
    that guards its addresses. Raises ``InvalidSetting`` for two clients of one name, an unknown algorithm, or an issuer
    that is neither https nor on this machine.
    """

    def __init__(
        self,
        *,
        issuer: str,
        clients: Iterable[Client],
        keys: Keys,
        rules: Rules = no_rules,
        claims: UserClaims = no_claims,
        paths: Paths = Paths(),  # noqa: B008 - frozen
        clock: Clock = wall_clock,
        local: bool = False,
        listener: Listener = log_outcome,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        check_address("issuer", issuer)
        self.issuer = issuer
        self.keys = keys
        self.paths = paths
        self.clients = _by_name(clients)
        for client in self.clients.values():
            keys.signer(client.id_token_alg)
        self._protocol = Protocol(issuer, self.clients, keys)
        self._authorizing = Authorizing(self._protocol, paths, rules, claims)
        self._tokens = Tokens(self._protocol, paths, claims)
        self._leaving = Leaving(self._protocol, paths)
        self.notices = LogoutNotices(
            issuer=issuer,
            clients=self.clients,
            keys=keys,
            clock=clock,
            local=local,
            listener=listener,
            transport=transport,
        )

    # -- the browser's endpoints ---------------------------------------------------------------------------

    async def authorize(self, call: Call) -> Reply | Pending:
        """Answer an authentication request: with a reply, or with the page that the user has to see first."""
        return await self._authorizing.authorize(call)

    def pending(self, session: AsyncHandle, name: str, kinds: Collection[Interaction] = EVERY_PAGE) -> Pending | None:
        """Give the request of this name that waits in the session; None if it is answered, or of another browser.

        ``kinds`` are those that the page at hand proves: its address came from the browser, which may have put in the
        name of another page. Leave them out only where one page serves all, and asks what ``kind`` says.
        """
        return self._authorizing.pending(session, name, kinds)

    def did(self, session: AsyncHandle, pending: Pending, kind: Interaction | None = None) -> None:
        """Record that the session's subject answered the page, in the same request as what that changed."""
        self._authorizing.did(session, pending, kind or pending.kind)

    def deny(self, session: AsyncHandle, pending: Pending) -> Reply:
        """Send the browser back to the client: the user said no."""
        return self._authorizing.deny(session, pending)

    async def logout(self, call: Call) -> Reply | ConfirmLogout | LoggedOut:
        """Answer a request to log out: with a reply, or with the page that the user has to see."""
        return await self._leaving.logout(call)

    # -- ends ------------------------------------------------------------------------------------------------

    def watching(self, store: Store | AsyncStore) -> Any:
        """Wrap the store for the session middleware: the clients of every session that ends in it are told."""
        return self.notices.watching(store)

    async def reset_password(
        self, sessions: AsyncSessions, subject: str, write: Callable[[], object] | None = None
    ) -> None:
        """End every session of the subject around ``write``, as ``AsyncSessions`` does, and have all clients told."""
        await sessions.reset_password(subject, write)
        await self.settle(sessions, subject)

    async def settle(self, sessions: AsyncSessions, subject: str) -> None:
        """Have the clients told now of sessions that an epoch has ended, as after ``password_changed``; else later."""
        await self.notices.settle(sessions, subject)

    # -- the applications' endpoints -----------------------------------------------------------------------

    async def token(self, call: Call) -> Reply:
        """Exchange a code for tokens, once, while its session is alive; also answer a CORS preflight."""
        return await self._tokens.token(call)

    async def userinfo(self, call: Call) -> Reply:
        """Tell what an access token opens, while its session is alive."""
        return await self._tokens.userinfo(call)

    async def bearer(self, token: str, sessions: AsyncSessions, audience: str = "") -> Mapping[str, Any] | None:
        """Give an access token's claims while it and its session last: for an API beside the server.

        With ``audience``, only of one that is for this API. Raises ``StoreUnavailable``.
        """
        claims = await self._tokens.bearer(token, sessions)
        return claims if claims is None or audience in ("", claims["aud"]) else None

    async def jwks(self, _call: Call) -> Reply:
        """Publish the keys."""
        return self._tokens.jwks()

    async def discovery(self, _call: Call) -> Reply:
        """Publish the server's metadata."""
        return self._tokens.discovery()

    @property
    def endpoints(self) -> dict[str, Callable[[Call], Any]]:
        """Give the verbs by their paths below the issuer."""
        paths = self.paths
        return {
            paths.authorize: self.authorize,
            paths.token: self.token,
            paths.userinfo: self.userinfo,
            paths.logout: self.logout,
            paths.jwks: self.jwks,
            paths.discovery: self.discovery,
        }


def _by_name(clients: Iterable[Client]) -> dict[str, Client]:
    named: dict[str, Client] = {}
    for client in clients:
        if client.client_id in named:
            raise InvalidSetting("clients", client.client_id, "register each client once")
        named[client.client_id] = client
    return named
