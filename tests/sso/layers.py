"""Three layers of sessions over real stores, browsers with their cookies, and a network that nobody can rely on.

What is played is real: the shell and its flows at every layer, and ``sessioncore.sso`` between them. Only HTTP and
signatures are left out: a token is handed over as a value, sooner, later, twice or after others.
"""

from datetime import UTC, datetime
from typing import Final

from tests.sso.places import Message, Place, Ticket

from sessioncore import ANY_SUBJECT, Notice, Policy, Reason, Session, State, What
from sessioncore.flows import Token
from sessioncore.records import EXPIRING
from sessioncore.sso import (
    AfterSilence,
    AskUpstream,
    Claims,
    EndAll,
    EndSession,
    Expected,
    Grant,
    Happening,
    Layer,
    LogoutEffect,
    NotifySession,
    NotifySubject,
    Refuse,
    ServerPolicy,
    Transaction,
    Verdict,
    accept,
    client_sid,
    decide,
    moment_for,
    on_silent_result,
    plan_logout,
    read_request,
    subject_of,
)
from sessioncore.testing import Clock
from sessioncore_io import CLEAR, Handle, Sessions
from sessioncore_io.memory import MemoryStore

SERVER, PROVIDER = "https://auth.example", "https://idp.example"
APPLICATIONS: Final = ("shop", "blog")
POLICY: Final = Policy(max_sessions=100)


UNPLANNED: Final[dict[str, Happening]] = {
    **dict.fromkeys(EXPIRING, Happening.SERVER_EXPIRY),
    **dict.fromkeys((Reason.REPLACED, Reason.EVICTED), Happening.REPLACEMENT),
}


class World:
    """Hold the three layers, two browsers, and what is on its way."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.places = {name: self._place(name) for name in ("provider", "server", *APPLICATIONS)}
        self.jars: list[dict[str, Token]] = [{}, {}]
        self.network: list[Message] = []
        self.tickets: list[Ticket] = []
        self.sent = 0
        self.resets: set[str] = set()
        self.noticed: dict[str, Reason] = {}
        self.parents: dict[tuple[str, str], str] = {}  # (client, the sid that it was told) -> the session above

    def _place(self, name: str) -> Place:
        store = MemoryStore()
        issuer = {"provider": PROVIDER, "server": SERVER}.get(name, "")
        layer = {"provider": Layer.PROVIDER, "server": Layer.SERVER}.get(name, Layer.APPLICATION)
        sessions = Sessions(store, POLICY, self.clock, lambda notice: self.hear(name, notice))
        return Place(name, issuer, layer, sessions, store)

    # -- browsers ------------------------------------------------------------------------------------------

    def open(self, browser: int, name: str) -> Handle:
        """Make a request: what the browser's cookie opens."""
        return self.places[name].sessions.open(self.jars[browser].get(name))

    def close(self, browser: int, name: str, handle: Handle) -> None:
        """Answer the request: the cookie is set or cleared as the library orders."""
        handle.commit()
        if isinstance(handle.order, Token):
            self.jars[browser][name] = handle.order
        elif handle.order is CLEAR:
            self.jars[browser].pop(name, None)

    def session(self, browser: int, name: str) -> Session | None:
        """Give the session of the browser there, if somebody is signed in."""
        stored = self.open(browser, name).stored
        return stored if stored is not None and stored.subject else None

    # -- logging in ----------------------------------------------------------------------------------------

    def password(self, browser: int, name: str, user: str) -> None:
        """Log in with a password, at the provider or at the server."""
        handle = self.open(browser, name)
        handle.log_in(self.places[name].sessions.attempt(user), "pwd")
        self.close(browser, name, handle)

    def authorize(self, browser: int, client: str, prompt: str = "") -> Grant | Refuse | None:
        """Ask the layer above for this client; a page is not answered here."""
        above = self.above(client)
        session = self.session(browser, above.name)
        epoch = above.store.epoch(session.subject) if session else None
        moment = moment_for(session, epoch, self.clock(), POLICY)
        answer = decide(session, read_request({"prompt": prompt}), Transaction(), moment, ServerPolicy())
        return answer if isinstance(answer, Grant | Refuse) else None

    def issue(self, browser: int, client: str) -> Ticket | None:
        """Let the layer above issue a token for this browser and client, if its session is good for one."""
        above, answer = self.above(client), self.authorize(browser, client)
        session = self.session(browser, above.name)
        if not isinstance(answer, Grant) or session is None:
            return None
        above.clients.setdefault(session.sid, set()).add(client)
        above.known.setdefault(session.subject, set()).add(client)
        ticket = Ticket(browser, client, self.claims(answer, session, above, client), self.seconds())
        self.tickets.append(ticket)
        return ticket

    def claims(self, answer: Grant, session: Session, above: Place, client: str) -> Claims:
        """Write the ID token of an answer."""
        sid = self.sid_for(session, client)
        self.parents[client, sid] = session.sid
        return Claims(issuer=above.issuer, sub=answer.subject, auth_time=answer.auth_time, sid=sid)

    def sid_for(self, session: Session, client: str) -> str:
        """Name a session to a client."""
        return client_sid(session.sid, client)

    def arrive(self, ticket: Ticket) -> None:
        """Let a token arrive: the client signs in, commits, and looks whether that was ended meanwhile."""
        place = self.places[ticket.to]
        handle = self.open(ticket.browser, ticket.to)
        expected = Expected(issuer=self.above(ticket.to).issuer)
        moment = moment_for(None, None, self.clock(), POLICY)
        acceptance = accept(handle.stored, ticket.claims, expected, moment)
        assert acceptance.verdict is Verdict.SIGN_IN, acceptance
        handle.log_in(place.sessions.attempt(acceptance.subject), "pwd", upstream=acceptance.upstream)
        self.close(ticket.browser, ticket.to, handle)
        self.look_again(place, handle.sid or "", ticket)

    def look_again(self, place: Place, sid: str, ticket: Ticket) -> None:
        """Look whether a logout was quicker."""
        place.sessions.still_upstream(sid, issued_at=instant(ticket.issued_at))

    def renew(self, browser: int, client: str) -> AfterSilence | None:
        """Renew an application's session silently; only the word that nobody is signed in any more ends it."""
        session = self.session(browser, client)
        if session is None:
            return None
        answer = self.authorize(browser, client, "none")
        upper = self.session(browser, self.above(client).name)
        if isinstance(answer, Grant) and upper is not None:
            claims = self.claims(answer, upper, self.above(client), client)
            expected = Expected(issuer=claims.issuer, renewal=True)
            epoch = self.places[client].store.epoch(session.subject)
            acceptance = accept(session, claims, expected, moment_for(session, epoch, self.clock(), POLICY))
            if acceptance.ends:
                self.log_out(browser, client, Reason.IDP)
            refused = AfterSilence.ENDED if acceptance.ends else AfterSilence.STAYS
            return AfterSilence.RENEWED if acceptance.accepted else refused
        then = on_silent_result(answer.error if isinstance(answer, Refuse) else None)
        if then is AfterSilence.ENDED:
            self.log_out(browser, client, Reason.IDP)
        return then

    def log_out(self, browser: int, name: str, reason: Reason) -> None:
        """Log out in this browser."""
        handle = self.open(browser, name)
        handle.log_out(reason)
        self.close(browser, name, handle)

    # -- ends ----------------------------------------------------------------------------------------------

    def happen(self, browser: int, name: str, happening: Happening) -> None:
        """Let something end this browser's session there, and do what the cascade plans."""
        place, session = self.places[name], self.session(browser, name)
        for effect in plan_logout(session, happening, place.layer):
            self.perform(browser, place, effect, happening)

    def perform(self, browser: int, place: Place, effect: LogoutEffect, happening: Happening) -> None:
        """Perform one effect of a plan."""
        match effect:
            case EndSession(sid, reason) if self.jars[browser].get(place.name, Token("", "")).sid == sid:
                self.log_out(browser, place.name, reason)
            case EndSession(sid, reason):
                place.sessions.end(sid, reason, subject=ANY_SUBJECT)
            case EndAll(subject, _):
                place.sessions.reset_password(subject)
            case NotifySession(sid, subject):
                for client in sorted(place.clients.get(sid, ())):
                    row = place.row(sid)
                    self.send(place, client, sid=self.sid_for(row, client) if row else "")
            case NotifySubject(subject):
                for client in sorted(place.known.get(subject, ())):
                    self.send(place, client, sub=subject)
            case AskUpstream(_, federated):
                self.happen(browser, self.above(place.name).name, self.asked(place, happening, federated))

    def asked(self, place: Place, happening: Happening, federated: bool) -> Happening:
        """Say what the layer above is asked for: a server by a federated logout, that its provider's user logs out."""
        return Happening.PROVIDER_LOGOUT if federated and place.layer is Layer.SERVER else happening

    def hear(self, name: str, notice: Notice) -> None:
        """Notice an end that nobody planned: by time, or by a login that took the session's place."""
        place = self.places[name]
        happening = UNPLANNED.get(notice.reason) if notice.what is What.ENDED else None
        if happening is Happening.REPLACEMENT and place.layer is Layer.PROVIDER:
            happening = Happening.PROVIDER_LOGOUT  # to those below it is all the same why it ended
        elif place.layer is not Layer.SERVER:
            return
        if happening is not None:
            self.noticed[notice.sid] = Reason(notice.reason)
            for effect in plan_logout(place.row(notice.sid), happening, place.layer):
                self.perform(0, place, effect, happening)

    # -- the network ---------------------------------------------------------------------------------------

    def send(self, place: Place, client: str, *, sid: str = "", sub: str = "") -> None:
        """Put a logout token on its way."""
        self.sent += 1
        self.network.append(Message(client, place.issuer, sub, sid, self.seconds(), self.sent))

    def receive(self, message: Message) -> None:
        """Let a logout token arrive: it ends what it names, and what hangs on that is told in turn."""
        place = self.places[message.to]
        subject = subject_of(message.issuer, message.sub) if message.sub else ""
        hanging = [row.sid for row in place.rows() if place.standing(row)]
        at = instant(message.issued_at)
        place.sessions.end_upstream(message.issuer, sid=message.sid, subject=subject, issued_at=at)
        for row in map(place.row, hanging):
            if row is not None and row.state is State.LOGGED_OUT and row.reason is Reason.IDP:
                self.tell_below(place, row)

    def tell_below(self, place: Place, ended: Session) -> None:
        """Tell the clients of a session that the provider ended."""
        if place.layer is Layer.SERVER:
            for effect in plan_logout(ended, Happening.PROVIDER_LOGOUT, place.layer):
                if isinstance(effect, NotifySession):
                    self.perform(0, place, effect, Happening.PROVIDER_LOGOUT)

    def above(self, name: str) -> Place:
        """Give the party that this one relies on."""
        return self.places["provider" if name == "server" else "server"]

    def seconds(self) -> int:
        """Give the time as tokens do: in whole seconds."""
        return self.clock() // 1_000


def instant(seconds: int) -> datetime:
    """Turn a claim into an instant."""
    return datetime.fromtimestamp(seconds, UTC)
