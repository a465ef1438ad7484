"""Tell the life of a session again under another selector, when a parallel request has recorded its end first."""

from itertools import chain

from ..events import Event, LogIn, Reauthenticate, SatisfyMfa, Touch, Write
from ..machine import begin, step
from ..policy import Policy, moment_for
from ..records import Epoch, Session, State


def retold(kept: Session, sid: str, proof: str, stamp: Epoch, at: int, policy: Policy) -> Session:
    """Tell the life of a signed-in session again under another selector: through the table, at the true instants."""
    first_at = min(kept.authenticated_at, kept.mfa_at)
    guest = begin(sid, proof, first_at, idle=policy.guest.idle, lifetime=policy.guest.lifetime)
    login = LogIn(
        subject=kept.subject,
        sid=sid,
        epoch=stamp.value,
        methods=kept.methods,
        first=kept.first,
        needs=kept.needs,
        remembered=kept.remembered,
        idle=kept.idle,
        lifetime=kept.lifetime,
        not_after=kept.not_after,
        upstream=kept.upstream,
        label=kept.label,
        proof=proof,
        former_proof="",
    )
    session = step(guest, login, moment_for(guest, stamp, first_at, policy))
    if kept.state is State.MFA_SATISFIED:
        session = _used_until(kept.mfa_at, Touch(), session, stamp, policy)
        factor = SatisfyMfa(
            subject=kept.subject, sid=sid, methods=kept.mfa_methods, kind=kept.second, proof=proof, former_proof=""
        )
        session = step(session, factor, moment_for(session, stamp, kept.mfa_at, policy))
    if kept.authenticated_at > first_at:
        # It lived beyond one lifetime, so it was reauthenticated before: how often makes no difference to what follows.
        again = Reauthenticate(subject=kept.subject, sid=sid, epoch=stamp.value, proof=proof, former_proof="")
        session = _used_until(kept.authenticated_at, again, session, stamp, policy)
    session = _used_until(kept.seen_at, Touch(), session, stamp, policy)
    data = Write(changes=kept.data, activities=kept.activities, keep=policy.max_activities)
    return step(session, data, moment_for(session, stamp, at, policy))


def _used_until(until: int, use: Event, session: Session, stamp: Epoch, policy: Policy) -> Session:
    """Use the session as often as its idle limit asks, and at last then: it was used, under its former selector."""
    stride = min(session.idle, policy.limits_of(session).idle) - 1
    for at in chain(range(session.seen_at + stride, until, stride), [until]):
        session = step(session, use, moment_for(session, stamp, at, policy))
    return session
