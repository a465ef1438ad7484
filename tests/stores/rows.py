"""Rows and steps that the store tests share."""

from typing import Final

from attrs import evolve

from sessioncore import Reason, Session, State
from sessioncore.flows import proof_of
from sessioncore.testing.clock import START

SID: Final = "s" * 22
OTHER: Final = "t" * 22
HOUR: Final = 3_600_000


def guest(sid: str = SID, secret: str = "first", at: int = START) -> Session:
    """Make a guest's row as a store first sees it."""
    return Session(sid=sid, proof=proof_of(secret), created_at=at, seen_at=at, since=at, idle=HOUR, lifetime=24 * HOUR)


def user(sid: str = SID, subject: str = "alice", at: int = START, epoch: int = START) -> Session:
    """Make a signed-in user's row."""
    return evolve(
        guest(sid, at=at),
        state=State.AUTHENTICATED,
        subject=subject,
        epoch=epoch,
        authenticated_at=at,
        methods=("pwd",),
        upstream=("https://op.example", "op-1"),
    )


def touched(row: Session, at: int) -> Session:
    """Make the next version of a row."""
    return evolve(row, version=row.version + 1, seen_at=at)


def ended(row: Session, at: int, reason: Reason = Reason.USER) -> Session:
    """Make the tombstone of a row."""
    return evolve(row, version=row.version + 1, state=State.LOGGED_OUT, ended_at=at, reason=reason, data=())
