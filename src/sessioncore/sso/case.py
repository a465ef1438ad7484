"""Everything that a decision may depend on, side by side."""

from typing import Final

from attrs import frozen

from .. import policy as core
from ..records import Epoch, Moment, Session
from .request import AuthenticationRequest
from .server import Level, ServerPolicy
from .transaction import Transaction

# No session is a guest's that was over before anybody lived.
NOBODY: Final = Session(sid="", proof="", created_at=0, seen_at=0, since=0, idle=0, lifetime=0)


@frozen(kw_only=True)
class Case:
    """Hold what the conditions look at; ``wanted`` is the level that the asked-for acr needs."""

    session: Session
    request: AuthenticationRequest
    transaction: Transaction
    moment: Moment
    policy: ServerPolicy
    wanted: Level


def case_of(
    session: Session | None,
    request: AuthenticationRequest,
    transaction: Transaction,
    moment: Moment,
    policy: ServerPolicy,
) -> Case:
    """Put the parts side by side; where there is no session stands ``NOBODY``."""
    return Case(
        session=NOBODY if session is None else session,
        request=request,
        transaction=transaction,
        moment=moment,
        policy=policy,
        wanted=policy.level_of(request.acr_values),
    )


def moment_for(session: Session | None, epoch: Epoch | None, at: int, policy: core.Policy) -> Moment:
    """Build the moment of a decision, as ``sessioncore.moment_for`` does, also where there is no session."""
    return core.moment_for(NOBODY if session is None else session, epoch, at, policy)


def moment_of(session: Session | None, at: int, policy: core.Policy) -> Moment:
    """Build the moment for a session that was judged by its subject's epoch just now, as a handle's ``stored`` was."""
    return moment_for(session, Epoch(value=session.epoch) if session is not None else None, at, policy)
