"""Why an event was refused, in plain words: what a settled session and the event say to each other."""

from .events import Credential, Event, LogIn, Restamp, SatisfyMfa
from .guards import one_factor, same, two_factors
from .records import Kind, Moment, Session, State

ENDED = "the session has ended; only a new one can act"
EARLY = "the moment lies before the session began; a clock that went back has to be clamped first"
SIGNED_OUT = "nobody is signed in to it; log in first"
ELSEWHERE = "it was proved for another session or another subject; prove it for this one"
REVOKED = "all sessions of the subject were ended since the credential check began; check the credential again"
NO_FACTOR = "it names no factor, or two of one kind; name one factor, or two of different kinds"
SAME_FACTOR = "the second factor is of the same kind as the first; two of one kind are one"
NOT_KEPT = "the subject's sessions were ended meanwhile by somebody else; nothing is kept"


def why_not(s: Session, e: Event, m: Moment) -> str:
    """Name what keeps this event from acting on this settled session."""
    if not s.live:
        return ENDED
    if m.at < s.created_at:
        return EARLY
    if isinstance(e, LogIn):
        return _why_no_login(s, e)
    if s.state is State.CREATED:
        return SIGNED_OUT
    assert isinstance(e, Credential | Restamp)
    if not same(s, e):
        return ELSEWHERE
    if isinstance(e, SatisfyMfa):
        return SAME_FACTOR if e.kind != Kind.NONE else NO_FACTOR
    return NOT_KEPT if isinstance(e, Restamp) else REVOKED


def _why_no_login(s: Session, e: LogIn) -> str:
    if s.state is not State.CREATED and not same(s, e):
        return ELSEWHERE
    if not (one_factor(e) | two_factors(e)):
        return NO_FACTOR
    return REVOKED
