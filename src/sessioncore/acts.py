"""What a row writes besides the state and the version, which the machine itself writes.

``s`` is the session, ``e`` the event, ``m`` the moment; acts obey the grammar of the guards: one ``return``,
no branches. What depends on a condition is another row.
"""

from attrs import evolve

from .events import LogIn, LogOut, Reauthenticate, Restamp, SatisfyMfa, Tick, Touch, Write
from .records import NEVER, Kind, Moment, Pairs, Reason, Session


def sign_in(s: Session, e: LogIn, m: Moment) -> Session:
    """Begin the signed-in life: everything that an earlier login proved is forgotten."""
    return evolve(
        s,
        subject=e.subject,
        epoch=e.epoch,
        first=e.first,
        second=e.second,
        methods=e.methods,
        mfa_methods=e.mfa_methods,
        needs=e.needs,
        authenticated_at=m.at,
        mfa_at=NEVER,
        seen_at=m.at,
        since=m.at,
        idle=e.idle,
        lifetime=e.lifetime,
        not_after=e.not_after,
        remembered=e.remembered,
        upstream=e.upstream,
        label=e.label,
        proof=e.proof,
        former_proof=e.former_proof,
    )


def sign_in_strongly(s: Session, e: LogIn, m: Moment) -> Session:
    """Begin the signed-in life with the second factor proved as well."""
    return evolve(sign_in(s, e, m), mfa_at=m.at)


def step_up(s: Session, e: SatisfyMfa, m: Moment) -> Session:
    """Record the second factor."""
    return evolve(
        s, second=e.kind, mfa_methods=e.methods, mfa_at=m.at, seen_at=m.at, proof=e.proof, former_proof=e.former_proof
    )


def prove_again(s: Session, e: Reauthenticate, m: Moment) -> Session:
    """Start the lifetime anew; the second factor gets no younger by it."""
    return evolve(s, authenticated_at=m.at, since=m.at, seen_at=m.at, proof=e.proof, former_proof=e.former_proof)


def restamp(s: Session, e: Restamp, m: Moment) -> Session:
    """Move to the subject's new epoch."""
    return evolve(s, epoch=e.epoch, seen_at=m.at, proof=e.proof, former_proof=e.former_proof)


def touch(s: Session, e: Touch, m: Moment) -> Session:
    """Record the use."""
    return evolve(s, seen_at=m.at)


def write(s: Session, e: Write, m: Moment) -> Session:
    """Record the use and merge the data."""
    return evolve(
        s, seen_at=m.at, data=merged(s.data, e.changes), activities=newest(s.activities + e.activities, e.keep)
    )


def forget_mfa(s: Session, e: Tick, m: Moment) -> Session:
    """Take the second factor away."""
    return evolve(s, second=Kind.NONE, mfa_methods=(), mfa_at=NEVER)


def end(s: Session, m: Moment, reason: Reason) -> Session:
    """Record the end; a tombstone keeps no data."""
    return evolve(s, ended_at=m.at, reason=reason, data=(), activities=())


def log_out(s: Session, e: LogOut, m: Moment) -> Session:
    """End for the reason that the event names."""
    return end(s, m, e.reason)


def end_by_idle(s: Session, e: Tick, m: Moment) -> Session:
    """End for inactivity."""
    return end(s, m, Reason.IDLE)


def end_by_lifetime(s: Session, e: Tick, m: Moment) -> Session:
    """End for age."""
    return end(s, m, Reason.LIFETIME)


def end_by_upstream(s: Session, e: Tick, m: Moment) -> Session:
    """End because the identity provider's bound has come."""
    return end(s, m, Reason.UPSTREAM)


def end_by_epoch(s: Session, e: Tick, m: Moment) -> Session:
    """End for the cause for which all sessions of the subject were ended."""
    return end(s, m, m.cause)


# -- on data, which the proofs hold to be opaque ------------------------------------------------------------


def merged(data: Pairs, changes: tuple[tuple[str, str | None], ...]) -> Pairs:
    """Merge changes into data by key; None drops the key."""
    return tuple(sorted((key, text) for key, text in {**dict(data), **dict(changes)}.items() if text is not None))


def newest(activities: tuple[str, ...], keep: int) -> tuple[str, ...]:
    """Keep the newest activities."""
    return activities[max(0, len(activities) - keep) :]
