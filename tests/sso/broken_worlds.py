"""Three layers that are almost right, and the invariant that each breaks."""

from typing import Any, Final

from tests.sso.layers import Message, Place, Ticket, World, instant

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


WORLDS: Final[dict[type[World], str]] = {
    Heedless: "ChildrenEnd",
    Unobserved: "ChildrenEnd",
    Rotating: "ChildrenEnd",
    Lossy: "ChildrenEnd",
    Deaf: "DeliveredIsDone",
    Sweeping: "EndedForNothing",
    Reviving: "NothingComesBack",
    Restarting: "RenewalKeepsAuthTime",
    Greeting: "NoneMakesNoSession",
    Forgetful: "EndedForNothing",
}

# Cells of the cascade that are wrong: the row, the layer, the cell of which other row stands there instead.
CASCADES: Final = {
    "a local logout that signs out of the server": (
        ("LocalLogoutStaysLocal", Happening.LOCAL_LOGOUT, Layer.SERVER, Happening.RP_LOGOUT)
    ),
    "a logout that leaves the server's session": (
        ("RpLogoutEndsTheServers", Happening.RP_LOGOUT, Layer.SERVER, Happening.LOCAL_LOGOUT)
    ),
    "a logout of which the other applications hear nothing": (
        ("ChildrenEnd", Happening.RP_LOGOUT, Layer.APPLICATION, Happening.LOCAL_LOGOUT)
    ),
    "an expiry of which nobody hears": (
        ("ChildrenEnd", Happening.SERVER_EXPIRY, Layer.APPLICATION, Happening.LOCAL_LOGOUT)
    ),
    "a reset that does not reach the applications": (
        ("ChildrenEnd", Happening.PASSWORD_RESET, Layer.APPLICATION, Happening.LOCAL_LOGOUT)
    ),
    "a provider's logout that stops at the server": (
        ("ChildrenEnd", Happening.PROVIDER_LOGOUT, Layer.APPLICATION, Happening.LOCAL_LOGOUT)
    ),
    "an operator who is not heard": ("ChildrenEnd", Happening.ADMIN_REVOKES, Layer.APPLICATION, Happening.LOCAL_LOGOUT),
    "a logout that always goes up": (
        ("OnlyFederatedLogoutGoesUp", Happening.RP_LOGOUT, Layer.PROVIDER, Happening.FEDERATED_LOGOUT)
    ),
}
