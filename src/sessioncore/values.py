"""What the flows hand out beside sessions: attempts, summaries and notices."""

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
    """Describe one session to its owner or an operator: settled, and without data or secrets."""

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


@frozen(kw_only=True)
class Notice:
    """Say what happened to a session, without any secret.

    ``what`` is ``began``, ``signed_in``, ``stepped_up``, ``reauthenticated``, ``mfa_lapsed``, ``ended``, ``dropped``,
    ``superseded`` or ``unavailable``.
    """

    what: str
    at: int
    sid: str = ""
    subject: str = ""
    reason: str = ""


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
