"""How a server answers a request to log out: everything is checked first, and nothing changes on any error."""

from collections.abc import Callable
from enum import StrEnum
from typing import Final

from attrs import frozen

from ..guards import live
from ..records import Moment, Session, State
from .naming import client_sid
from .request import NO_HINT, Hint, HintStanding


@frozen(kw_only=True)
class LogoutRequest:
    """Hold a request to the logout endpoint, as far as it is verified.

    ``hint`` is the verified ``id_token_hint`` and ``hint_sid`` its claim ``sid``; ``hint_clients`` its audience.
    ``client_id`` is the parameter. ``redirect_uri`` is where it wants to go afterwards and ``registered`` what the
    client has registered for that. ``confirmed`` says that the user has answered the confirmation page, whose form
    carried its CSRF token.
    """

    hint: Hint = NO_HINT
    hint_sid: str = ""
    hint_clients: tuple[str, ...] = ()
    client_id: str = ""
    redirect_uri: str = ""
    registered: tuple[str, ...] = ()
    confirmed: bool = False

    @property
    def clients(self) -> tuple[str, ...]:
        """Give the clients that may be asking."""
        return (self.client_id,) if self.client_id else self.hint_clients


class LogoutStep(StrEnum):
    """Name what the server does: show an error page, ask the user, log out, or say that it is done already."""

    REFUSE = "refuse"
    CONFIRM = "confirm"
    LOG_OUT = "log_out"
    ALREADY_OUT = "already_out"


@frozen(kw_only=True)
class LogoutAnswer:
    """Say what the server does, and where it sends the browser afterwards: empty for a page of its own."""

    step: LogoutStep
    redirect_uri: str = ""
    why: str = ""


@frozen(kw_only=True)
class Asking:
    """Hold what the conditions look at."""

    session: Session | None
    request: LogoutRequest
    moment: Moment
    issuer: str


def hint_not_valid(a: Asking) -> bool:
    """The id_token_hint is not one that this issuer signed."""
    hint = a.request.hint
    return hint.standing is HintStanding.INVALID or (hint.standing is HintStanding.VALID and hint.issuer != a.issuer)


def other_client(a: Asking) -> bool:
    """The client_id is not in the audience of the id_token_hint."""
    r = a.request
    return bool(r.client_id) and r.hint.standing is HintStanding.VALID and r.client_id not in r.hint_clients


def redirect_unregistered(a: Asking) -> bool:
    """The post_logout_redirect_uri is not exactly one that the client has registered."""
    r = a.request
    return bool(r.redirect_uri) and bool(r.clients) and r.redirect_uri not in r.registered


def nobody_to_log_out(a: Asking) -> bool:
    """Nobody is signed in: no error."""
    s = a.session
    return s is None or s.state not in (State.AUTHENTICATED, State.MFA_SATISFIED) or not live(s, a.moment)


def not_known_to_be_meant(a: Asking) -> bool:
    """Nothing shows that this session's user asks: any page could have sent the browser here."""
    return not a.request.confirmed and not _means_this_session(a)


def meant(a: Asking) -> bool:
    """The id_token_hint is this session's own, or the user has confirmed."""
    return True


def _means_this_session(a: Asking) -> bool:
    r, s = a.request, a.session
    if s is None or r.hint.standing is not HintStanding.VALID or r.hint.subject != s.subject:
        return False
    return any(r.hint_sid == client_sid(s.sid, client) for client in r.hint_clients)


@frozen
class LogoutRow:
    """Hold one row: if the condition holds, this step."""

    condition: Callable[[Asking], bool]
    step: LogoutStep
    clause: str


# fmt: off
LOGOUT_REQUESTS: Final[tuple[LogoutRow, ...]] = (
    #         if                     step                    clause of RP-Initiated Logout 1.0
    LogoutRow(hint_not_valid,        LogoutStep.REFUSE,      "RP-Initiated Logout 1.0, 4"),
    LogoutRow(other_client,          LogoutStep.REFUSE,      "RP-Initiated Logout 1.0, 2"),
    LogoutRow(redirect_unregistered, LogoutStep.REFUSE,      "RP-Initiated Logout 1.0, 3"),
    LogoutRow(nobody_to_log_out,     LogoutStep.ALREADY_OUT, "RP-Initiated Logout 1.0, 4"),
    LogoutRow(not_known_to_be_meant, LogoutStep.CONFIRM,     "RP-Initiated Logout 1.0, 2"),
    LogoutRow(meant,                 LogoutStep.LOG_OUT,     "RP-Initiated Logout 1.0, 2"),
)
# fmt: on


def decide_logout(session: Session | None, request: LogoutRequest, moment: Moment, *, issuer: str) -> LogoutAnswer:
    """Decide what a server does with a request to log out: total, and changing nothing.

    The redirect is given only where the client is known and has registered exactly that. Source: OpenID Connect
    RP-Initiated Logout 1.0, sections 2 to 4.
    """
    asking = Asking(session=session, request=request, moment=moment, issuer=issuer)
    row = next(row for row in LOGOUT_REQUESTS if row.condition(asking))
    why = (row.condition.__doc__ or "").strip()
    goes_on = row.step is not LogoutStep.REFUSE and request.redirect_uri in request.registered and request.clients
    return LogoutAnswer(step=row.step, redirect_uri=request.redirect_uri if goes_on else "", why=why)
