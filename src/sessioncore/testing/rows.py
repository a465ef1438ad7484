"""Rows as a store meets them: a guest's, a user's, the next version of one, the tombstone of one."""

from typing import Final

from attrs import evolve

from sessioncore import Kind, Reason, Session, State
from sessioncore.flows import proof_of

from .clock import START

SID: Final = "s" * 22
OTHER: Final = "t" * 22
HOUR: Final = 3_600_000
ISSUER: Final = "https://op.example"


def guest(sid: str = SID, secret: str = "first", at: int = START) -> Session:
    """Make a guest's row as a store first sees it."""
    return Session(sid=sid, proof=proof_of(secret), created_at=at, seen_at=at, since=at, idle=HOUR, lifetime=24 * HOUR)


def user(sid: str = SID, subject: str = "alice", at: int = START, epoch: int = START) -> Session:
    """Make a signed-in user's row, which depends on a session of an identity provider."""
    return evolve(
        guest(sid, at=at),
        state=State.AUTHENTICATED,
        subject=subject,
        epoch=epoch,
        first=Kind.KNOWLEDGE,
        authenticated_at=at,
        methods=("pwd",),
        upstream=(ISSUER, "op-1"),
    )


def touched(row: Session, at: int) -> Session:
    """Make the next version of a row."""
    return evolve(row, version=row.version + 1, seen_at=at)


def rotated(row: Session, secret: str) -> Session:
    """Make the next version of a row, under another secret."""
    return evolve(row, version=row.version + 1, proof=proof_of(secret), former_proof=row.proof)


def ended(row: Session, at: int, reason: Reason = Reason.USER) -> Session:
    """Make the tombstone of a row."""
    return evolve(
        row, version=row.version + 1, state=State.LOGGED_OUT, ended_at=at, reason=reason, data=(), activities=()
    )
