"""What a token is worth to the model, what a response does to the cookie, and what only a driver can tell."""

from enum import Enum
from typing import Final, Protocol

from attrs import define

from sessioncore.records import EXPIRING

from .reference import Act, Known, Model

SID: Final = 22  # the selector's length in a token
TOKEN: Final = 65
CREDENTIALS: Final = ("log_in", "satisfy_mfa", "reauthenticate")

REFUSED, LOGIN_REQUIRED, OK = "Refused", "LoginRequired", "ok"


class Held(Enum):
    """Say what a presented token is worth to the model."""

    ABSENT = "names no session"
    INERT = "a known session, with a secret that is not its own"
    FORMER = "the secret before the last rotation"
    ENDED = "the secret of an ended session"
    CURRENT = "the secret of a live session"


class Crumb(Enum):
    """Say what the response does to the cookie."""

    UNTOUCHED = "untouched"
    CLEARED = "cleared"
    SET = "set"


@define(kw_only=True)
class Chapter:
    """Hold one session's part in the request."""

    token: str
    session: Known | None
    begun: bool
    acts: list[Act]


class NotDone(Exception):
    """The model expects the commit to be refused."""


class Witnessed(Protocol):
    """Tell what the model cannot know: what depends on the throttle, or on a store's order."""

    def superseded(self, subject: str) -> bool:
        """Tell whether the driver ended all sessions of the subject since this was last asked."""
        ...

    def signed_in_at(self, subject: str) -> int:
        """Give the instant from which the login counts that was stored last; now, if none was."""
        ...


def present(model: Model, token: str) -> tuple[Held, Known | None]:
    """Say what a token is worth; an end that shows is put on record."""
    s = model.sessions.get(token[:SID])
    if s is None or len(token) != TOKEN:
        return Held.ABSENT, None
    if token != s.token:
        former = s.reason is None and token == s.former
        return (Held.FORMER if former else Held.INERT), s
    if s.reason is not None:
        return Held.ENDED, s
    model.settle(s)
    if s.reason is None:
        return Held.CURRENT, s
    # Whoever is the first to see an end from elsewhere begins nothing: a login may be under way beside this request.
    return (Held.ENDED if s.reason in EXPIRING else Held.FORMER), s
