"""What flows share: waiting for a turn, and telling what happened."""

from typing import Final

from ..effects import Flow, Notice, Pause, Tell
from ..errors import Contention
from ..records import Session, State

PATIENCE: Final = 2_000  # milliseconds, over all attempts

_RAISED: Final = {State.AUTHENTICATED: "signed_in", State.MFA_SATISFIED: "stepped_up"}


def pause(attempt: int, waited: int) -> Flow[int]:
    """Wait before the next attempt and return the time waited so far; raises ``Contention`` after two seconds."""
    if waited >= PATIENCE:
        raise Contention(f"gave up after {attempt} attempts in {waited} ms; nothing was stored, try again")
    return waited + (yield from Pause(attempt).ask())


def notice_of(what: str, session: Session, at: int) -> Notice:
    """Say what happened to this session."""
    return Notice(what=what, at=at, sid=session.sid, subject=session.subject, reason=session.reason or "")


def tell_change(old: Session | None, new: Session, at: int) -> Flow[None]:
    """Tell what a stored swap changed: only the request whose swap won tells, so every end is told once."""
    for what in _changes(old, new):
        yield from Tell(notice_of(what, new, at)).ask()


def _changes(old: Session | None, new: Session) -> list[str]:
    if not new.live:
        return ["ended"]
    told = ["began"] if old is None else []
    former = State.CREATED if old is None else old.state
    if new.state is former:
        return told
    lapsed = former is State.MFA_SATISFIED
    return [*told, "mfa_lapsed" if lapsed else _RAISED[new.state]]
