"""What flows share: waiting for a turn, and telling what happened."""

from collections.abc import Iterable
from typing import Final

from attrs import evolve, frozen

from ..effects import Flow, Now, Pause, Tell
from ..errors import Contention
from ..records import Session
from ..values import Notice, What

PATIENCE: Final = 2_000  # milliseconds, over all attempts


@frozen
class Turn:
    """Hold how often a flow has tried to swap, and how long it has waited for its turn in all."""

    attempt: int = 1
    waited: int = 0

    def again(self, sid: str) -> "Flow[Turn]":
        """Wait for the next attempt, with jitter; raises ``Contention`` after two seconds of waiting, and tells it."""
        if self.waited >= PATIENCE:
            at = yield from Now().ask()
            yield from Tell(Notice(what=What.GAVE_UP, at=at, sid=sid, attempts=self.attempt)).ask()
            tried = f"{self.attempt} attempts in {self.waited} ms"
            raise Contention(f"gave up after {tried}; nothing was stored, try again")
        return Turn(self.attempt + 1, self.waited + (yield from Pause(self.attempt).ask()))

    def won(self, session: Session, at: int) -> "Flow[None]":
        """Tell that a change is stored for which it took more than one attempt."""
        if self.attempt > 1:
            yield from Tell(evolve(notice_of(What.CONTENDED, session, at), attempts=self.attempt)).ask()


def notice_of(what: What, session: Session, at: int) -> Notice:
    """Say what happened to this session."""
    return Notice(
        what=what,
        at=at,
        sid=session.sid,
        subject=session.subject,
        reason=session.reason or "",
        created_at=session.created_at,
    )


def tell(told: Iterable[What], session: Session, at: int) -> Flow[None]:
    """Tell what happened to a session, once it is stored: only the request whose swap won tells."""
    for what in told:
        yield from Tell(notice_of(what, session, at)).ask()


def changes(old: Session, new: Session) -> list[What]:
    """Name what the clock, or a LogOut, did to a session: it ended, or its second factor lapsed."""
    if not new.live:
        return [What.ENDED] if old.live else []
    return [What.MFA_LAPSED] if new.mfa_at != old.mfa_at else []


def tell_change(old: Session, new: Session, at: int) -> Flow[None]:
    """Tell what the clock, or a LogOut, did to a session, once it is stored."""
    yield from tell(changes(old, new), new, at)
