"""Three layers that are almost right, and the invariant that each breaks."""

from typing import Any, Final

from attrs import evolve
from tests.sso.layers import World, instant
from tests.sso.places import Message, Place, Ticket

from sessioncore import Notice, Reason, Session
from sessioncore.sso import AfterSilence, Grant, Happening, Layer, Refuse, subject_of


class Heedless(World):
    """An application that does not look whether a logout was quicker than its login."""

    def look_again(self, place: Place, sid: str, ticket: Ticket) -> None:
        """Look at nothing."""


class Unobserved(World):
    """A server that lets its sessions expire without a word."""

    def hear(self, name: str, notice: Notice) -> None:
        """Hear nothing."""


class Rotating(World):
    """A server whose name for a session changes with every login."""

    def sid_for(self, session: Session, client: str) -> str:
        """Name the cookie's proof."""
        return f"{session.proof[:16]}{client}{session.seen_at}"


class Lossy(World):
    """A network that loses what nobody sends again."""

    def send(self, place: Place, client: str, *, sid: str = "", sub: str = "") -> None:
        """Send every second message."""
        super().send(place, client, sid=sid, sub=sub)
        if self.sent % 2:
            self.network.pop()


class Deaf(World):
    """An application that takes a logout token and does nothing."""

    def receive(self, message: Message) -> None:
        """Answer 200."""


class Sweeping(World):
    """An application that ends everybody who came from that issuer."""

    def receive(self, message: Message) -> None:
        """End all."""
        place = self.places[message.to]
        for row in place.rows():
            if row.upstream[0] == message.issuer:
                at = instant(message.issued_at)
                place.sessions.end_upstream(message.issuer, subject=row.subject, issued_at=at)


class Reviving(World):
    """An application that keeps the session in its pages, and stores it again as it renews it."""

    def __init__(self) -> None:
        super().__init__()
        self.pages: dict[tuple[int, str], Session] = {}

    def renew(self, browser: int, client: str) -> AfterSilence | None:
        """Store what the page holds."""
        session = self.session(browser, client)
        if session is not None:
            self.pages[browser, client] = session
        elif (kept := self.pages.get((browser, client))) is not None and isinstance(
            self.authorize(browser, client, "none"), Grant
        ):
            self.places[client].store._rows[kept.sid] = kept
        return super().renew(browser, client)


class Restarting(World):
    """An application that takes a silent renewal for a login."""

    def renew(self, browser: int, client: str) -> AfterSilence | None:
        """Log in again."""
        session = self.session(browser, client)
        ticket = self.issue(browser, client) if session is not None else None
        if ticket is None or session is None:
            return super().renew(browser, client)
        self.tickets.remove(ticket)
        if subject_of(ticket.claims.issuer, ticket.claims.sub) == session.subject:
            self.arrive(ticket)
            return AfterSilence.RENEWED
        self.log_out(browser, client, Reason.IDP)
        return AfterSilence.ENDED


class Rejuvenating(World):
    """An application that takes the time of a renewal for the time of login."""

    def renew(self, browser: int, client: str) -> AfterSilence | None:
        """Write it down."""
        then, session = super().renew(browser, client), self.session(browser, client)
        if then is AfterSilence.RENEWED and session is not None:
            self.places[client].store.swap(session, evolve(session, authenticated_at=self.clock()))
        return then


class Greeting(World):
    """A server that begins a session for whoever asks silently."""

    def authorize(self, browser: int, client: str, prompt: str = "") -> Grant | Refuse | None:
        """Begin one."""
        handle = self.open(browser, "server")
        if prompt == "none" and not handle.subject:
            handle["state"] = "asked"
            self.close(browser, "server", handle)
        return super().authorize(browser, client, prompt)


class Forgetful(World):
    """A server that resets a password in this browser alone."""

    def perform(self, browser: int, place: Place, effect: Any, happening: Happening) -> None:
        """End one session instead of all."""
        if happening is Happening.PASSWORD_RESET and hasattr(effect, "reason"):
            self.log_out(browser, place.name, Reason.USER)
        else:
            super().perform(browser, place, effect, happening)


Step = tuple[Any, ...]

# Short walks to where a bug shows: the name of a rule and its arguments.
AT_SERVER: Final[tuple[Step, ...]] = (("logs_in_at_the_server", 0, "alice"),)
SIGNED_IN: Final[tuple[Step, ...]] = (*AT_SERVER, ("comes_to_an_application", 0, "shop"), ("token_arrives",))
BY_PROVIDER: Final[tuple[Step, ...]] = (
    ("logs_in_at_the_provider", 0, "alice"),
    ("comes_from_the_provider", 0),
    ("token_arrives",),
    ("comes_to_an_application", 0, "shop"),
    ("token_arrives",),
)
OUTLIVED: Final[tuple[Step, ...]] = (
    *(*AT_SERVER, ("time_passes", 29 * 60_000), *SIGNED_IN[1:]),
    *(("time_passes", 60_000), ("time_passes", 60_000)),
)
REVOKED: Final[Step] = ("an_administrator_revokes", 0)
ELSEWHERE: Final[tuple[Step, ...]] = (
    *(("logs_in_at_the_server", 1, "alice"), ("comes_to_an_application", 1, "shop"), ("token_arrives",)),
)

WORLDS: Final[dict[type[World], tuple[str, tuple[Step, ...]]]] = {
    Heedless: ("ChildrenEnd", (*SIGNED_IN[:2], REVOKED, ("logout_arrives",), ("token_arrives",))),
    Unobserved: ("ChildrenEnd", OUTLIVED),
    Rotating: ("ChildrenEnd", (*SIGNED_IN, ("time_passes", 1_000), *AT_SERVER, REVOKED)),
    Lossy: ("ChildrenEnd", (*SIGNED_IN, REVOKED)),
    Deaf: ("DeliveredIsDone", (*SIGNED_IN, REVOKED, ("logout_arrives",))),
    Sweeping: ("EndedForNothing", (*SIGNED_IN, *ELSEWHERE, REVOKED, ("logout_arrives",))),
    Reviving: (
        "NothingComesBack",
        (*SIGNED_IN, ("renews_silently", 0, "shop"), ("logs_out_locally", 0, "shop"), ("renews_silently", 0, "shop")),
    ),
    Restarting: ("NoneSetsNoCookie", (*SIGNED_IN, ("time_passes", 1_000), ("renews_silently", 0, "shop"))),
    Rejuvenating: ("RenewalKeepsAuthTime", (*SIGNED_IN, ("time_passes", 1_000), ("renews_silently", 0, "shop"))),
    Greeting: ("NoneMakesNoSession", (*SIGNED_IN, REVOKED, ("renews_silently", 0, "shop"))),
    Forgetful: ("ResetEndsAll", (*AT_SERVER, *ELSEWHERE, ("resets_the_password", 0))),
}

_LOCAL: Final = Happening.LOCAL_LOGOUT
_EVERYWHERE: Final[Step] = ("logs_out_everywhere", 0, "shop", False)
_TWO: Final = (*SIGNED_IN, ("comes_to_an_application", 0, "blog"), ("token_arrives",))

# Cells of the cascade that are wrong: the invariant, the row, the layer, whose cell stands there instead, and the walk.
CASCADES: Final[dict[str, tuple[str, Happening, Layer, Happening, tuple[Step, ...]]]] = {
    "a local logout that signs out of the server": (
        *("LocalLogoutStaysLocal", _LOCAL, Layer.SERVER, Happening.RP_LOGOUT),
        (*SIGNED_IN, ("logs_out_locally", 0, "shop")),
    ),
    "a logout that leaves the server's session": (
        *("RpLogoutEndsTheServers", Happening.RP_LOGOUT, Layer.SERVER, _LOCAL),
        (*SIGNED_IN, _EVERYWHERE),
    ),
    "a logout of which the other applications hear nothing": (
        *("ChildrenEnd", Happening.RP_LOGOUT, Layer.APPLICATION, _LOCAL),
        (*_TWO, _EVERYWHERE),
    ),
    "a logout that always goes up": (
        *("OnlyFederatedLogoutGoesUp", Happening.RP_LOGOUT, Layer.PROVIDER, Happening.FEDERATED_LOGOUT),
        (*BY_PROVIDER, _EVERYWHERE),
    ),
    "an expiry of which nobody hears": (
        *("ChildrenEnd", Happening.SERVER_EXPIRY, Layer.APPLICATION, _LOCAL),
        OUTLIVED,
    ),
    "a replacement of which nobody hears": (
        *("ChildrenEnd", Happening.REPLACEMENT, Layer.APPLICATION, _LOCAL),
        (*SIGNED_IN, ("logs_in_at_the_server", 0, "bob")),
    ),
    "a reset that does not reach the applications": (
        *("ChildrenEnd", Happening.PASSWORD_RESET, Layer.APPLICATION, _LOCAL),
        (*SIGNED_IN, ("resets_the_password", 0)),
    ),
    "a provider's logout that stops at the server": (
        *("ChildrenEnd", Happening.PROVIDER_LOGOUT, Layer.APPLICATION, _LOCAL),
        (*BY_PROVIDER, ("logs_out_at_the_provider", 0)),
    ),
    "a provider's logout that does not reach the server": (
        *("ChildrenEnd", Happening.PROVIDER_LOGOUT, Layer.SERVER, _LOCAL),
        (*BY_PROVIDER, ("logs_out_at_the_provider", 0)),
    ),
    "an operator who is not heard": (
        *("ChildrenEnd", Happening.ADMIN_REVOKES, Layer.APPLICATION, _LOCAL),
        (*SIGNED_IN, REVOKED),
    ),
}
