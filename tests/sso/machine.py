"""The machine that Hypothesis drives over the three layers, and the invariants that it keeps."""

from collections.abc import Callable

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.sso.layers import APPLICATIONS, PROVIDER, SERVER, World
from tests.sso.places import Message, Place

from sessioncore import Reason, Session
from sessioncore.records import EXPIRING
from sessioncore.sso import Happening, subject_of

BROWSERS, USERS, APPS = st.sampled_from((0, 1)), st.sampled_from(("alice", "bob")), st.sampled_from(APPLICATIONS)
SPANS = st.sampled_from((1, 999, 1_000, 60_000, 29 * 60_000, 31 * 60_000, 3_600_000, 13 * 3_600_000))


class Broken(AssertionError):
    """An invariant does not hold; the first argument is its name."""


def insist(holds: object, name: str, about: object) -> None:
    """Fail by name."""
    if not holds:
        raise Broken(name, about)


class Layers(RuleBasedStateMachine):
    """Play users, browsers, operators, time and a bad network, and remember why each session may have ended."""

    world: Callable[[], World] = World

    def __init__(self) -> None:
        super().__init__()
        self.w = type(self).world()
        self.causes: dict[tuple[str, str], set[Reason]] = {}
        self.ended: dict[tuple[str, str], Session] = {}

    # -- what may end what: the cascade, told again ----------------------------------------------------------

    def blame(self, name: str, session: Session | None, reason: Reason) -> None:
        """Remember why a session may end, and with it what hangs on it: that of the layer below, through a message."""
        if session is None:
            return
        self.causes.setdefault((name, session.sid), set()).add(reason)
        for below in {"provider": ("server",), "server": APPLICATIONS}.get(name, ()):
            for row in self.w.places[below].rows():
                if self.w.parents.get((below, row.upstream[1])) == session.sid:
                    self.blame(below, row, Reason.IDP)

    def at(self, browser: int, name: str) -> Session | None:
        """Give the browser's session there."""
        return self.w.session(browser, name)

    def replaced(self, browser: int, name: str, subject: str) -> None:
        """A login of another subject replaces the browser's session."""
        session = self.at(browser, name)
        if session is not None and session.subject != subject:
            self.blame(name, session, Reason.REPLACED)

    # -- logins ----------------------------------------------------------------------------------------------

    @rule(browser=BROWSERS, user=USERS)
    def logs_in_at_the_provider(self, browser: int, user: str) -> None:
        self.replaced(browser, "provider", user)
        self.w.password(browser, "provider", user)

    @rule(browser=BROWSERS, user=USERS)
    def logs_in_at_the_server(self, browser: int, user: str) -> None:
        self.replaced(browser, "server", user)
        self.w.password(browser, "server", user)

    @rule(browser=BROWSERS)
    def comes_from_the_provider(self, browser: int) -> None:
        self.w.issue(browser, "server")

    @rule(browser=BROWSERS, app=APPS)
    def comes_to_an_application(self, browser: int, app: str) -> None:
        self.w.issue(browser, app)

    @precondition(lambda self: self.w.tickets)
    @rule(data=st.data())
    def some_token_arrives(self, data: st.DataObject) -> None:
        self.token_arrives(data.draw(st.integers(0, len(self.w.tickets) - 1)))

    def token_arrives(self, position: int = 0) -> None:
        """Let one of the tokens on their way arrive."""
        ticket = self.w.tickets.pop(position)
        self.replaced(ticket.browser, ticket.to, subject_of(ticket.claims.issuer, ticket.claims.sub))
        self.w.arrive(ticket)
        self.inherit()

    def inherit(self) -> None:
        """A session may hang on one that time ended, or that ended before it was written: it has to follow."""
        for row in self.w.places["server"].rows():
            if row.sid in self.w.noticed:
                self.blame("server", row, self.w.noticed[row.sid])
        for name, above in (("server", "provider"), *((app, "server") for app in APPLICATIONS)):
            for row in self.w.places[name].rows():
                for (place, sid), reasons in list(self.causes.items()):
                    if place == above and reasons and self.w.parents.get((name, row.upstream[1])) == sid:
                        self.blame(name, row, Reason.IDP)
                if (name, row.subject) in self.reset_subjects():
                    self.blame(name, row, Reason.IDP)

    def reset_subjects(self) -> set[tuple[str, str]]:
        """Give the subjects of applications whose password was ever reset at the server."""
        return {(app, subject_of(SERVER, user)) for app in APPLICATIONS for user in self.w.resets}

    @rule(browser=BROWSERS, app=APPS)
    def renews_silently(self, browser: int, app: str) -> None:
        before, cookies = self.at(browser, app), dict(self.w.jars[browser])
        upper = self.at(browser, "server")
        if before is not None and (upper is None or subject_of(SERVER, upper.subject) != before.subject):
            self.blame(app, before, Reason.IDP)
        rows = {name: len(place.store._rows) for name, place in self.w.places.items()}
        self.w.renew(browser, app)
        after = self.at(browser, app)

        insist({name: len(p.store._rows) for name, p in self.w.places.items()} == rows, "NoneMakesNoSession", app)
        insist(set(self.w.jars[browser].items()) <= set(cookies.items()), "NoneSetsNoCookie", app)
        if before is not None and after is not None:
            insist(before.authenticated_at == after.authenticated_at, "RenewalKeepsAuthTime", after)

    # -- ends ------------------------------------------------------------------------------------------------

    @rule(browser=BROWSERS, app=APPS)
    def logs_out_locally(self, browser: int, app: str) -> None:
        upper = self.at(browser, "server")
        self.blame(app, self.at(browser, app), Reason.USER)
        self.w.happen(browser, app, Happening.LOCAL_LOGOUT)
        insist(self.at(browser, app) is None, "LocalLogoutEndsHere", app)
        insist(self.at(browser, "server") == upper, "LocalLogoutStaysLocal", app)

    @rule(browser=BROWSERS, app=APPS, federated=st.booleans())
    def logs_out_everywhere(self, browser: int, app: str, federated: bool) -> None:
        session, server = self.at(browser, app), self.at(browser, "server")
        if session is None:
            return
        self.blame(app, session, Reason.USER)
        self.blame("server", server, Reason.RP)
        provider = self.at(browser, "provider")
        if federated and server is not None and server.upstream[0] == PROVIDER:
            self.blame("provider", provider, Reason.USER)
        self.w.happen(browser, app, Happening.FEDERATED_LOGOUT if federated else Happening.RP_LOGOUT)
        insist(self.at(browser, "server") is None, "RpLogoutEndsTheServers", app)
        if not federated:
            insist(self.at(browser, "provider") == provider, "OnlyFederatedLogoutGoesUp", app)

    @rule(browser=BROWSERS)
    def logs_out_at_the_provider(self, browser: int) -> None:
        self.blame("provider", self.at(browser, "provider"), Reason.USER)
        self.w.happen(browser, "provider", Happening.PROVIDER_LOGOUT)

    @rule(browser=BROWSERS)
    def an_administrator_revokes(self, browser: int) -> None:
        self.blame("server", self.at(browser, "server"), Reason.ADMIN)
        self.w.happen(browser, "server", Happening.ADMIN_REVOKES)

    @rule(browser=BROWSERS)
    def resets_the_password(self, browser: int) -> None:
        session = self.at(browser, "server")
        if session is None:
            return
        self.w.resets.add(session.subject)
        for row in self.w.places["server"].rows():
            if row.subject == session.subject:
                self.blame("server", row, Reason.PASSWORD_RESET)
        self.inherit()
        self.w.happen(browser, "server", Happening.PASSWORD_RESET)
        standing = [r for r in self.w.places["server"].rows() if r.subject == session.subject]
        insist(not any(map(self.w.places["server"].standing, standing)), "ResetEndsAll", session.subject)

    @rule(span=SPANS)
    def time_passes(self, span: int) -> None:
        self.w.clock.advance(span)

    @rule()
    def the_server_sweeps(self) -> None:
        self.sweep()

    def sweep(self) -> None:
        """End what time has ended, and tell those that hang on it."""
        self.w.places["server"].sessions.sweep()

    # -- the network -----------------------------------------------------------------------------------------

    @precondition(lambda self: self.w.network)
    @rule(data=st.data(), acknowledged=st.booleans())
    def some_logout_token_arrives(self, data: st.DataObject, acknowledged: bool) -> None:
        """Any of them, in any order; one whose answer was lost is sent again."""
        self.logout_arrives(data.draw(st.integers(0, len(self.w.network) - 1)), acknowledged)

    def logout_arrives(self, position: int = 0, acknowledged: bool = True) -> None:
        """Let one of the logout tokens on their way arrive."""
        message = self.w.network[position]
        self.deliver(message)
        if acknowledged:
            self.w.network.remove(message)

    def deliver(self, message: Message) -> None:
        """Deliver, and look at once."""
        self.w.receive(message)
        place = self.w.places[message.to]
        for row in place.rows():
            named = row.upstream == (message.issuer, message.sid) if message.sid else False
            insist(not (named and place.standing(row)), "DeliveredIsDone", row)

    # -- what holds ------------------------------------------------------------------------------------------

    @invariant()
    def what_ended_stays_ended(self) -> None:
        for name, place in self.w.places.items():
            for row in place.rows():
                was = self.ended.setdefault((name, row.sid), row) if not row.live else self.ended.get((name, row.sid))
                insist(was is None or was == row, "NothingComesBack", row)

    @invariant()
    def no_session_ends_for_nothing(self) -> None:
        self.inherit()
        for name, place in self.w.places.items():
            for row in place.rows():
                if not row.live and row.reason not in EXPIRING:
                    insist(row.reason in self.causes.get((name, row.sid), ()), "EndedForNothing", (name, row))

    def teardown(self) -> None:
        """When everything has arrived, nobody hangs on what has ended."""
        while self.w.tickets or self.w.network:
            while self.w.tickets:
                self.token_arrives()
            self.sweep()
            while self.w.network:
                self.deliver(self.w.network.pop())
        self.sweep()
        while self.w.network:
            self.deliver(self.w.network.pop())
        self.what_ended_stays_ended()
        self.no_session_ends_for_nothing()
        for app in APPLICATIONS:
            self.children_ended(self.w.places[app], self.w.places["server"])
        self.children_ended(self.w.places["server"], self.w.places["provider"])

    def children_ended(self, place: Place, above: Place) -> None:
        """A session that hangs on one that was ended has ended; a provider's that merely expired takes nobody along."""
        for row in place.rows():
            parent = above.row(self.w.parents.get((place.name, row.upstream[1]), ""))
            if parent is None or not place.standing(row) or above.standing(parent):
                continue
            insist(above.name == "provider" and parent.reason in (None, *EXPIRING), "ChildrenEnd", (row, parent))
