"""End sessions from outside: one by its selector, the oldest beyond the cap, those whose time has come."""

from collections.abc import Iterator
from typing import Final

from ..effects import Due, Flow, Load, Now, OfSubject, Purge, ReadEpoch, Swap, Tell
from ..errors import Contention, InvalidSetting, NotYours, Refused, StoreUnavailable
from ..events import LogIn, LogOut, Restamp, SatisfyMfa
from ..machine import begin, settle, step
from ..policy import Policy, moment_for
from ..records import KEEPING, Epoch, Reason, Session
from ..values import ANY_SUBJECT, AnySubject, Summary, What
from .telling import Turn, notice_of, tell_change
from .tokens import proof_of, sid_of

BATCH: Final = 200
CLOCKS_DISAGREE: Final = 5_000  # milliseconds
EVICTED: Final = "the subject has newer sessions up to the cap; this login was the oldest and is ended"


def summary_of(s: Session) -> Summary:
    """Leave out what nobody but the session's own request may see."""
    return Summary(
        sid=s.sid,
        subject=s.subject,
        state=s.state,
        label=s.label,
        methods=s.methods + s.mfa_methods,
        remembered=s.remembered,
        created_at=s.created_at,
        authenticated_at=s.authenticated_at,
        seen_at=s.seen_at,
        deadline=s.deadline,
        ended_at=s.ended_at,
        reason=s.reason,
    )


def sessions_of(subject: str, policy: Policy, *, ended: bool = False) -> Flow[list[Summary]]:
    """List the subject's live sessions, the newest login first; with ``ended``, the tombstones too."""
    rows, epoch = yield from _rows_of(subject, live=not ended)
    at = yield from Now().ask()
    settled = _settled(rows, epoch, at, policy)
    return [summary_of(s) for s in sorted(settled, key=lambda s: (-s.since, s.sid)) if s.live or ended]


def end(sid: str, reason: Reason, subject: str | AnySubject, policy: Policy) -> Flow[bool]:
    """End one session; False if there is none or it has ended before: the first reason stays.

    If a change of the password ended it, what that change keeps of it ends, or does not begin (see ``keep_only``).
    Raises ``NotYours`` if the session belongs to another subject, and ``Contention``.
    """
    _, done = yield from _ended(sid, reason, subject, policy)
    return done


def _ended(sid: str, reason: Reason, subject: str | AnySubject, policy: Policy) -> Flow[tuple[Session | None, bool]]:
    """End one session; give it as it stands then, and whether this was its end."""
    event = LogOut(reason)
    if subject == "":
        raise InvalidSetting(
            "subject", subject, "name the session's own subject; guests' sessions are ended by ANY_SUBJECT"
        )
    turn = Turn()
    while True:
        row, epoch = yield from Load(sid).ask()
        if row is None:
            return None, False
        if not isinstance(subject, AnySubject) and row.subject != subject:
            advice = "name its own subject, or ANY_SUBJECT if you may end anybody's"
            raise NotYours(f"session {sid} does not belong to {subject!r}; {advice}")
        if not row.live:
            return row, (yield from end_successor(row, reason, policy))
        at = yield from Now().ask()
        ended = step(row, event, moment_for(row, epoch, at, policy))
        if (yield from Swap(row, ended).ask()):
            yield from turn.won(ended, at)
            yield from tell_change(row, ended, at)
            return ended, True
        turn = yield from turn.again(sid)


def end_successor(ended: Session, reason: Reason, policy: Policy) -> Flow[bool]:
    """End what goes on with a session that is kept, though its end is on record; or keep it from beginning."""
    if ended.reason not in KEEPING:
        return False
    successor = successor_of(ended.sid)
    if (yield from bury(successor, reason, policy)):
        return False
    _, done = yield from _ended(successor, reason, ANY_SUBJECT, policy)
    return done


def successor_of(sid: str) -> str:
    """Give the one selector under which a session can go on whose end was recorded before it was kept."""
    return sid_of(f"kept {sid}")


def bury(sid: str, reason: Reason, policy: Policy) -> Flow[bool]:
    """Put a tombstone where no row is, so that none begins there; False if one is there."""
    at = yield from Now().ask()
    guest = begin(sid, proof_of(sid), at, idle=policy.guest.idle, lifetime=policy.guest.lifetime)
    return (yield from Swap(None, step(guest, LogOut(reason), moment_for(guest, None, at, policy))).ask())


def never_lived(row: Session) -> bool:
    """Tell a tombstone of ``bury`` from a session that ended: it has no notice, for nobody lived there."""
    return row.proof == proof_of(row.sid)


def enforce_cap(own: Session, login: LogIn | SatisfyMfa | Restamp, policy: Policy) -> Flow[None]:
    """End the subject's oldest logins beyond the cap, the caller's own last.

    Sessions that still owe a factor are capped apart from those that owe none: else somebody with nothing but the
    password could evict the owner. Every login, and every step-up that completes one, does this after its own commit
    and in the same order, so parallel ones agree on who stays. The order is that of ``since``: by ``created_at`` a
    guest of long standing who logs in would end themselves.
    Raises ``Refused`` if the caller's own session is one of those that go. The login is stored by then, so a store
    that fails now is told and not raised: the next login ends what is too many.
    """
    last = None
    try:
        beyond = yield from _beyond_cap(own, policy)
        for victim in sorted(beyond, key=lambda s: s.sid == own.sid):
            last, _ = yield from _ended(victim.sid, Reason.EVICTED, ANY_SUBJECT, policy)
    except (StoreUnavailable, Contention):
        at = yield from Now().ask()
        yield from Tell(notice_of(What.UNAVAILABLE, own, at)).ask()
        return
    if any(victim.sid == own.sid for victim in beyond):
        raise Refused(login, last and last.state, EVICTED, last)


def _beyond_cap(own: Session, policy: Policy) -> Flow[list[Session]]:
    rows, epoch = yield from _rows_of(own.subject, live=True)
    at = yield from Now().ask()
    alike = (s for s in _settled(rows, epoch, at, policy) if s.live and s.signed_in == own.signed_in)
    standing = sorted(alike, key=lambda s: (s.since, s.sid))
    return standing[: max(0, len(standing) - policy.max_sessions)]


def after_newest(subject: str, at: int) -> Flow[int]:
    """Give a login an instant after the subject's newest one, if clocks disagree by no more than a few seconds.

    The cap ends the oldest logins; this one must not be the oldest because another node's clock is ahead, or
    because two logins fall into one millisecond.
    """
    rows = yield from OfSubject(subject, live=True).ask()
    newest = max((row.since for row in rows), default=0)
    return newest + 1 if at <= newest < at + CLOCKS_DISAGREE else at


def sweep(policy: Policy) -> Flow[int]:
    """Settle the sessions whose deadline has passed, so that abandoned ones end too; return how many ended.

    The deadline is the one that rows were stored with. A session that is dead only by a limit that was lowered since
    is dead all the same, but this puts its end on record no sooner than the limit at its login.
    """
    ended = 0
    while True:
        at = yield from Now().ask()
        rows = yield from Due(at, BATCH).ask()
        done = 0
        for row in rows:
            done += yield from settle_one(row.sid, policy)
        ended += done
        if done == 0 or len(rows) < BATCH:
            return ended


def settle_one(sid: str, policy: Policy) -> Flow[bool]:
    """Store what time or a reset has done to a session, before its next use; tell whether it ended by that."""
    row, epoch = yield from Load(sid).ask()
    if row is None:
        return False
    at = yield from Now().ask()
    settled = settle(row, moment_for(row, epoch, at, policy))
    if settled is row or not (yield from Swap(row, settled).ask()):
        return False
    yield from tell_change(row, settled, at)
    return not settled.live


def purge(keep: int) -> Flow[int]:
    """Forget tombstones older than ``keep`` milliseconds; return how many.

    A purged row is as dead as an ended one: nothing can be put where no row is.
    """
    at = yield from Now().ask()
    purged = 0
    while True:
        done = yield from Purge(at - keep, BATCH).ask()
        purged += done
        if done < BATCH:
            return purged


def _rows_of(subject: str, *, live: bool) -> Flow[tuple[list[Session], Epoch | None]]:
    rows = yield from OfSubject(subject, live).ask()
    epoch = yield from ReadEpoch(subject).ask()
    return list(rows), epoch


def _settled(rows: list[Session], epoch: Epoch | None, at: int, policy: Policy) -> Iterator[Session]:
    return (settle(row, moment_for(row, epoch, at, policy)) for row in rows)
