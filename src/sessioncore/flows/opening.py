"""Read a session for a request: who is this, and may they act?"""

from enum import Enum
from hmac import compare_digest
from itertools import count
from typing import Final

from attrs import frozen

from ..effects import Flow, Load, Now, Swap
from ..errors import StoreUnavailable
from ..guards import quiet
from ..machine import settle
from ..policy import Policy, moment_for
from ..records import Epoch, Session
from .telling import pause, tell_change
from .tokens import Token, proof_of


class Standing(Enum):
    """Say what a presented token is worth."""

    ABSENT = "no token, or one that names no row"
    INERT = "a known row with a secret that is not its own"
    FORMER = "a known row with the secret before the last rotation: good for logging out, nothing else"
    ENDED = "the right secret of a session that has ended"
    CURRENT = "the right secret of a live session"


@frozen
class Opened:
    """Hold what a token opened. Only with ``Standing.CURRENT`` may the session act."""

    standing: Standing
    session: Session | None = None
    epoch: Epoch | None = None


ABSENT: Final = Opened(Standing.ABSENT)


def glance(row: Session | None, epoch: Epoch | None, secret: str, at: int, policy: Policy) -> Standing | None:
    """Judge a loaded row in one pure call; None means that something is due and the flow must settle it.

    Nearly every request ends here: a session that is quiet fires no row, so nothing is to be stored.
    """
    if row is None:
        return Standing.ABSENT
    proof = proof_of(secret)
    if not compare_digest(row.proof, proof):
        former = row.live & compare_digest(row.former_proof, proof)
        return Standing.FORMER if former else Standing.INERT
    if not row.live:
        return Standing.ENDED
    return Standing.CURRENT if quiet(row, moment_for(row, epoch, at, policy)) else None


def open_session(token: Token | None, policy: Policy) -> Flow[Opened]:
    """Load and judge the session of a token; an end or a lapse that shows now is stored, whoever asks.

    Raises ``StoreUnavailable`` when the store cannot say, and ``Contention`` when others keep changing the row.
    """
    if token is None:
        return ABSENT
    waited = 0
    for attempt in count(1):
        row, epoch = yield from Load(token.sid).ask()
        at = yield from Now().ask()
        standing = glance(row, epoch, token.secret, at, policy)
        if row is None or standing is not None:
            return Opened(standing or Standing.ABSENT, row, epoch)
        settled = settle(row, moment_for(row, epoch, at, policy))
        if (yield from _stored(row, settled)):
            yield from tell_change(row, settled, at)
            return Opened(Standing.CURRENT if settled.live else Standing.ENDED, settled, epoch)
        if not settled.live:
            return Opened(Standing.ENDED, settled, epoch)
        waited = yield from pause(attempt, waited)
    raise AssertionError("count() does not end")


def _stored(row: Session, settled: Session) -> Flow[bool]:
    try:
        return (yield from Swap(row, settled).ask())
    except StoreUnavailable:
        if settled.live:
            raise
        return False  # dead all the same, and the next request tries again
