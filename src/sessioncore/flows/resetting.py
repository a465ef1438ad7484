"""End all sessions of a subject at once, by the epoch: nothing is enumerated and nothing is missed."""

from collections.abc import Callable

from attrs import evolve, fields, frozen

from ..effects import Call, Flow, Load, NewSecret, Now, ReadEpoch, Supersede, Swap, Tell
from ..errors import InvalidSetting, Refused
from ..events import Restamp, named
from ..machine import step
from ..policy import Policy, moment_for
from ..records import EXPIRING, KEEPING, Epoch, Reason, Session
from ..refusals import NOT_KEPT
from ..values import ANY_SUBJECT, Attempt, Notice, What
from .ending import CLOCKS_DISAGREE, end, enforce_cap, successor_of
from .retelling import retold
from .telling import Turn, tell
from .tokens import Token, proof_of
from .upstream import was_ended


def attempt(subject: str) -> Flow[Attempt]:
    """Begin a login: call this **before** the credential is checked.

    A login verified against an old password then cannot survive a reset that happened meanwhile. Raises
    ``InvalidSetting`` for a subject that names no account.
    """
    unread = Attempt(subject, 0)
    epoch = yield from ReadEpoch(subject).ask()
    return evolve(unread, epoch=epoch.value) if epoch else unread


def end_all(subject: str, reason: Reason) -> Flow[Epoch]:
    """End every session of the subject, on every worker, at its next use: O(1)."""
    if reason in EXPIRING:
        raise InvalidSetting("reason", reason, "sessions expire by themselves; name who ended them")
    named(None, fields(Attempt).subject, subject)
    at = yield from Now().ask()
    epoch = yield from Supersede(subject, at, reason).ask()
    assert epoch is not None, "without an expectation the store cannot refuse"
    yield from Tell(Notice(what=What.SUPERSEDED, at=at, subject=subject, reason=reason)).ask()
    return epoch


def reset_password(subject: str, write: Callable[[], object] | None) -> Flow[None]:
    """End every session, let ``write`` store the new hash, end every session again.

    The first keeps a crash from leaving the thief in; the second ends a login that was checked against the old
    hash meanwhile. No other order is safe against both.
    """
    yield from end_all(subject, Reason.PASSWORD_RESET)
    if write is None:
        return
    failure = yield from _written(write)
    yield from end_all(subject, Reason.PASSWORD_RESET)
    if failure is not None:
        raise failure


def _written(write: Callable[[], object]) -> Flow[BaseException | None]:
    """Let the application write; return what it raised or was interrupted by: it may have written all the same."""
    try:
        yield from Call(write).ask()
    except BaseException as error:  # GeneratorExit too: who delegates to this flow is closed then as well
        return error
    return None


@frozen(kw_only=True)
class Kept:
    """Hold the one session that stays and its new token; None if a parallel request has just rotated it.

    ``failure`` is what ``write`` raised or was interrupted by: the session stays all the same, the caller raises it.
    """

    session: Session
    token: Token | None
    failure: BaseException | None = None


def keep_only(
    kept: Session, proof: str, cause: Reason, write: Callable[[], object] | None, policy: Policy
) -> Flow[Kept]:
    """End every session of the subject but this one, which gets a new secret; ``proof`` is what the caller proved.

    ``write`` stores what the others must no longer fit, such as the new password's hash. Raises ``Refused`` if
    somebody ended this session, or the subject's, meanwhile: then nothing is kept, else a thief's session could
    outlive its owner's reset; and if newer logins, which came meanwhile, are as many as the cap allows.
    """
    if cause not in KEEPING:
        raise InvalidSetting("reason", cause, f"to keep one session, use one of {', '.join(KEEPING)}")
    stamp = yield from _supersede_own(kept, kept.epoch, cause)
    failure: BaseException | None = None
    if write is not None:
        failure = yield from _written(write)
        stamp = yield from _supersede_own(kept, stamp.value, cause)
    stays = yield from _keep(kept, proof, cause, stamp, policy)
    # A login that came meanwhile did not count this session: it had the former epoch.
    yield from enforce_cap(stays.session, _restamp(kept, stays.session, stamp, None), policy)
    return evolve(stays, failure=failure)


def _keep(kept: Session, proof: str, cause: Reason, stamp: Epoch, policy: Policy) -> Flow[Kept]:
    secret = yield from NewSecret().ask()
    turn = Turn()
    while True:
        row, epoch = yield from Load(kept.sid).ask()
        at = yield from Now().ask()
        if row is None or epoch is None or epoch.value != stamp.value:
            raise _not_kept(kept, stamp.value)
        if row.reason is cause:  # a parallel request was quicker, and recorded the end that this one brought
            return (yield from _begin_anew(kept, stamp, secret, policy))
        raced = row.proof != proof
        new = step(row, _restamp(kept, row, stamp, None if raced else secret), moment_for(row, epoch, at, policy))
        if (yield from Swap(row, new).ask()):
            yield from turn.won(new, at)
            return Kept(session=new, token=None if raced else Token(new.sid, secret))
        turn = yield from turn.again(kept.sid)


def _supersede_own(kept: Session, expected: int, cause: Reason) -> Flow[Epoch]:
    at = yield from Now().ask()
    epoch = yield from Supersede(kept.subject, at, cause, expected).ask()
    if epoch is None:
        raise _not_kept(kept, expected)
    yield from Tell(Notice(what=What.SUPERSEDED, at=at, subject=kept.subject, reason=cause)).ask()
    return epoch


def _restamp(kept: Session, row: Session, stamp: Epoch, secret: str | None) -> Restamp:
    """Rotate; or, without a secret, keep the pair of a parallel request: its cookie is the browser's (see commit)."""
    return Restamp(
        subject=kept.subject,
        sid=kept.sid,
        was=kept.epoch,
        epoch=stamp.value,
        proof=proof_of(secret) if secret else row.proof,
        former_proof=row.proof if secret else row.former_proof,
    )


def _not_kept(kept: Session, epoch: int) -> Refused:
    event = Restamp(subject=kept.subject, sid=kept.sid, was=kept.epoch, epoch=epoch, proof="", former_proof="")
    return Refused(event, kept.state, NOT_KEPT, kept)


def _begin_anew(kept: Session, stamp: Epoch, secret: str, policy: Policy) -> Flow[Kept]:
    """Begin another session for a user whose parallel request recorded the end of the kept one first.

    Under a selector that follows from the former one: who ends that one meanwhile finds this one, or forestalls it.
    """
    at = yield from Now().ask()
    new = retold(kept, successor_of(kept.sid), proof_of(secret), stamp, at, policy)
    if not (yield from Swap(None, new).ask()):
        raise _not_kept(kept, stamp.value)
    yield from tell((What.BEGAN, What.SIGNED_IN), new, at)
    if (yield from was_ended(new, new.authenticated_at - CLOCKS_DISAGREE)):  # when no row was there to be ended
        yield from end(new.sid, Reason.IDP, ANY_SUBJECT, policy)
        raise _not_kept(kept, stamp.value)
    return Kept(session=new, token=Token(new.sid, secret))
