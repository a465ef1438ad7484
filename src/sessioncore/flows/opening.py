"""Read a session for a request: who is this, and may they act?"""

from enum import Enum
from hmac import compare_digest
from typing import Final

from attrs import frozen

from ..effects import Flow, Load, Now, Swap
from ..errors import StoreUnavailable
from ..guards import quiet
from ..machine import settle
from ..policy import TOUCHES, Policy, moment_for
from ..records import LIVE, Epoch, Session, State
from .telling import Turn, tell_change
from .tokens import Token, proof_of


class Standing(Enum):
    """Say what a presented token is worth."""

    ABSENT = "no token, or one that names no row"
    INERT = "a known row with a secret that is not its own"
    FORMER = "a known row with a secret that is no longer its own: good for logging out, nothing else"
    ENDED = "the right secret of a session that has ended"
    CURRENT = "the right secret of a live session"


# Python 3.11 looks a member of an enum up in a tenth of a microsecond, so what nearly every request needs has a name.
CURRENT: Final = Standing.CURRENT
_SIGNED_IN: Final = (State.AUTHENTICATED, State.MFA_SATISFIED)


@frozen
class Opened:
    """Hold what a token opened. Only with ``Standing.CURRENT`` may the session act."""

    standing: Standing
    session: Session | None = None
    epoch: Epoch | None = None


ABSENT: Final = Opened(Standing.ABSENT)


def at_rest(row: Session | None, epoch: Epoch | None, secret: str, at: int, policy: Policy) -> bool:
    """Tell in one pure call that nothing is due: a live, signed-in session whose secret this is, quiet and used lately.

    Nearly every request ends here. It only ever says less than the others: False means that a glance has to be asked,
    and then ``touch_due``.
    """
    if row is None or epoch is None or row.state not in _SIGNED_IN:
        return False
    limits = policy.remembered if row.remembered else policy.login
    unseen, age = at - row.seen_at, at - row.since
    if (
        row.epoch == epoch.value
        and 0 <= unseen < policy.touch_every
        and unseen < row.idle // TOUCHES
        and unseen < limits.idle // TOUCHES
        and age < row.lifetime
        and age < limits.lifetime
        and at < row.not_after
        and at - row.mfa_at < policy.mfa_lifetime  # without a second factor this is far below zero
    ):
        return compare_digest(row.proof, proof_of(secret))
    return False


def glance(row: Session | None, epoch: Epoch | None, secret: str, at: int, policy: Policy) -> Standing | None:
    """Judge a loaded row in one pure call; None means that something is due and the flow must settle it.

    A session that is quiet fires no row, so nothing is to be stored.
    """
    if row is None:
        return Standing.ABSENT
    proof = proof_of(secret)
    if not compare_digest(row.proof, proof):
        former = row.live & compare_digest(row.former_proof, proof)
        return Standing.FORMER if former else Standing.INERT
    if row.state not in LIVE:
        return Standing.ENDED
    return CURRENT if quiet(row, moment_for(row, epoch, at, policy)) else None


def _standing_of(settled: Session) -> Standing:
    """Judge a session that this very request has settled.

    One that was ended from elsewhere is not followed by a new one at once: the user may be signing in, or changing
    the password, in a request beside this one, whose cookie a guest's would overwrite.
    """
    if settled.live:
        return Standing.CURRENT
    return Standing.ENDED if settled.state is State.EXPIRED else Standing.FORMER


def open_session(token: Token | None, policy: Policy) -> Flow[Opened]:
    """Load and judge the session of a token; an end or a lapse that shows now is stored, whoever asks.

    Raises ``StoreUnavailable`` when the store cannot say, and ``Contention`` when others keep changing the row.
    """
    if token is None:
        return ABSENT
    turn = Turn()
    while True:
        row, epoch = yield from Load(token.sid).ask()
        at = yield from Now().ask()
        standing = glance(row, epoch, token.secret, at, policy)
        if row is None:
            return ABSENT
        if standing is Standing.INERT and turn.attempt > 1 and row.live:
            standing = Standing.FORMER  # it was the row's own when this request began, however often it rotated since
        if standing is not None:
            return Opened(standing, row, epoch)
        settled = settle(row, moment_for(row, epoch, at, policy))
        try:
            stored = yield from Swap(row, settled).ask()
        except StoreUnavailable:
            if settled.live:
                raise
            return Opened(Standing.FORMER, row, epoch)  # dead all the same, but its end is not on record yet
        if stored:
            yield from turn.won(settled, at)
            yield from tell_change(row, settled, at)
            return Opened(_standing_of(settled), settled, epoch)
        turn = yield from turn.again(row.sid)  # the winner may have kept it alive (keep_only): judge it again
