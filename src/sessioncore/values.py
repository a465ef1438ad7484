"""What the flows hand out beside sessions: attempts, summaries and notices."""

from enum import StrEnum
from typing import Final

from attrs import field, frozen

from .events import named
from .records import NEVER, Reason, State


@frozen
class Attempt:
    """Hold the subject's epoch from before a credential was checked; 0 if nobody has logged in yet."""

    subject: str = field(validator=named)
    epoch: int


@frozen(kw_only=True)
class Summary:
    """Describe one session to its owner or an operator: settled, and without data or secrets.

    Instants are milliseconds since the Unix epoch; one that never came is ``NEVER``.
    """

    sid: str
    subject: str
    state: State
    label: str
    methods: tuple[str, ...]
    remembered: bool
    created_at: int
    authenticated_at: int
    seen_at: int
    deadline: int
    ended_at: int
    reason: Reason | None

    @property
    def live(self) -> bool:
        """Tell whether the session has not ended."""
        return self.ended_at == NEVER


class What(StrEnum):
    """Name what a notice tells."""

    BEGAN = "began"
    SIGNED_IN = "signed_in"
    STEPPED_UP = "stepped_up"
    REAUTHENTICATED = "reauthenticated"
    MFA_LAPSED = "mfa_lapsed"
    ENDED = "ended"
    SUPERSEDED = "superseded"
    DROPPED = "dropped"
    CONTENDED = "contended"
    GAVE_UP = "gave_up"
    UNAVAILABLE = "unavailable"


@frozen(kw_only=True)
class Notice:
    """Say what happened to a session, without any secret.

    ``reason`` is that of an end, or of a ``superseded`` subject. ``created_at`` is the session's. ``attempts`` is how
    often a ``contended`` change was tried until it was stored, or one that ``gave_up`` was in vain.
    """

    what: What = field(converter=What)
    at: int
    sid: str = ""
    subject: str = ""
    reason: str = ""
    created_at: int = NEVER
    attempts: int = 1


@frozen(kw_only=True)
class Ending:
    """Hint that sessions may have ended: the one of this ``sid``, or all of this ``subject``; neither: any, look again.

    A hint is no proof: who hears one loads the session and sees.
    """

    sid: str = ""
    subject: str = ""


class AnySubject:
    """Say in so many words that the caller may end anybody's session."""


ANY_SUBJECT: Final = AnySubject()
