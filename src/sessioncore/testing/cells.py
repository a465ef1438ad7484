"""Every cell of (state, event, guard outcome), enumerated: small numbers that put each guard on both sides.

The numbers stand for one another: all that a guard can see is on which side of a boundary they are, so one pair
an outcome is enough, and each pair is the boundary itself (dead when now >= deadline).
"""

from collections.abc import Iterator
from itertools import product
from typing import Any, Final

from sessioncore.events import Event, LogIn, LogOut, Reauthenticate, Restamp, SatisfyMfa, Tick, Touch, Write
from sessioncore.records import NEVER, Kind, Moment, Reason, Session, State

NOW: Final = 1_000
IDLE: Final = 10
LIFETIME: Final = 20
MFA_LIFETIME: Final = 15
SID: Final = "s" * 22
EPOCH: Final = 5
CAUSES: Final = (Reason.PASSWORD_RESET, Reason.ADMIN)
REASONS: Final = {State.EXPIRED: Reason.IDLE, State.LOGGED_OUT: Reason.USER, State.RESET: Reason.PASSWORD_RESET}
BOTH: Final = (True, False)


def cells() -> Iterator[tuple[Session, Event, Moment]]:
    """Give one step's arguments for each cell."""
    for state, idle, old, upstream, current, lapsed, cause in product(State, BOTH, BOTH, BOTH, BOTH, BOTH, CAUSES):
        session = session_in(state, idle=idle, old=old, upstream=upstream, lapsed=lapsed)
        moment = moment_with(EPOCH if current else EPOCH + 1, cause)
        for event in events_about(session, moment):
            yield session, event, moment


def session_in(state: State, *, idle: bool, old: bool, upstream: bool, lapsed: bool) -> Session:
    """Build a session in this state with each clock just run out, or with its last millisecond left."""
    guest = state is State.CREATED
    return Session(
        sid=SID,
        proof="0" * 64,
        state=state,
        subject="" if guest else "alice",
        first=Kind.NONE if guest else Kind.KNOWLEDGE,
        second=Kind.POSSESSION if state is State.MFA_SATISFIED else Kind.NONE,
        epoch=EPOCH,
        created_at=NOW - LIFETIME - 1,
        authenticated_at=NEVER if guest else NOW - LIFETIME + (not old),
        mfa_at=NOW - MFA_LIFETIME + (not lapsed) if state is State.MFA_SATISFIED else NEVER,
        since=NOW - LIFETIME + (not old),
        seen_at=NOW - IDLE + (not idle),
        idle=IDLE,
        lifetime=LIFETIME,
        not_after=NEVER if guest else NOW + (not upstream),
        ended_at=NEVER if state.live else NOW - IDLE + 1,
        reason=REASONS.get(state),
    )


def moment_with(epoch: int, cause: Reason) -> Moment:
    """Build the moment of every cell, with the subject's epoch and its cause."""
    return Moment(at=NOW, epoch=epoch, cause=cause, idle=IDLE, lifetime=LIFETIME, mfa_lifetime=MFA_LIFETIME)


def events_about(session: Session, moment: Moment) -> Iterator[Event]:
    """Give each event with every answer to what a guard may ask of it."""
    yield from (Touch(), Write(), LogOut(), Tick())
    for subject, sid in (("alice", SID), ("bob", SID), ("alice", "t" * 22)):
        about: dict[str, Any] = {"subject": subject, "sid": sid, "proof": "1" * 64, "former_proof": session.proof}
        for kind in (Kind.NONE, Kind.KNOWLEDGE, Kind.POSSESSION):
            yield SatisfyMfa(**about, kind=kind, methods=())
        for epoch in (moment.epoch, moment.epoch - 1):
            yield Reauthenticate(**about, epoch=epoch)
            for was in (session.epoch, session.epoch + 1):
                yield Restamp(**about, was=was, epoch=epoch)
            for first, second in product((Kind.NONE, Kind.KNOWLEDGE), (Kind.NONE, Kind.KNOWLEDGE, Kind.POSSESSION)):
                yield LogIn(**about, epoch=epoch, first=first, second=second, methods=(), idle=IDLE, lifetime=LIFETIME)
