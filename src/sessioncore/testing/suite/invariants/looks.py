"""What must hold of what a handler sees."""

from typing import Final

from attrs import frozen

from sessioncore import Reason, State
from sessioncore.records import RESETTING

from ..reference import Known
from ..script import Sight
from ..worth import Held
from .claim import invariant


@frozen
class Look:
    """Hold what the model expects a handler to see, and what it saw; ``held`` is what the token is worth."""

    held: Held
    known: Known | None
    expected: Sight
    seen: Sight

    @property
    def alive(self) -> bool:
        """Tell whether the handler was given a session."""
        return self.seen.sid is not None

    @property
    def over(self) -> Reason | None:
        """Say why the session is dead, if the token was its own."""
        return self.known.reason if self.known is not None and self.held in (Held.ENDED, Held.FORMER) else None


@invariant("UnknownIdInert")
def unknown_id_inert(look: Look) -> bool:
    """A token that names no session, or has a wrong secret, opens nothing."""
    return not (look.alive and look.held in (Held.ABSENT, Held.INERT))


@invariant("OneLiveProof")
def one_live_proof(look: Look) -> bool:
    """Only the newest secret of a session opens it; a former one is inert."""
    return not (look.alive and look.held is Held.FORMER and look.over is None)


@invariant("IdleBound")
def dead_after_idle(look: Look) -> bool:
    """Past the idle limit the session is gone."""
    return not (look.alive and look.over is Reason.IDLE)


@invariant("LifetimeBound")
def dead_after_lifetime(look: Look) -> bool:
    """Past the lifetime the session is gone."""
    return not (look.alive and look.over is Reason.LIFETIME)


@invariant("UpstreamBound")
def dead_after_upstream(look: Look) -> bool:
    """Past the identity provider's bound the session is gone."""
    return not (look.alive and look.over is Reason.UPSTREAM)


@invariant("ResetRevokesAllPrior")
def reset_revokes_all_prior(look: Look) -> bool:
    """A session whose login began before a reset of its subject never acts again."""
    return not (look.alive and look.over in RESETTING)


@invariant("LogoutLinearizable")
def logout_linearizable(look: Look) -> bool:
    """After an acknowledged logout, of whatever reason, every load finds the session dead."""
    return not (look.alive and look.over is not None)


@invariant("NotEarly")
def not_early(look: Look) -> bool:
    """Within every limit, minus the touch throttle for idle, a session stays live."""
    return look.alive or look.expected.sid is None


@invariant("SubjectIsolation")
def subject_isolation(look: Look) -> bool:
    """Nobody sees another subject, or another session."""
    return (look.seen.sid, look.seen.subject) == (look.expected.sid, look.expected.subject)


@invariant("MfaOnlyBySatisfyMfa")
def mfa_bound(look: Look) -> bool:
    """A second factor counts neither without having been proved nor past its lifetime."""
    return look.seen.state != State.MFA_SATISFIED or look.expected.state == State.MFA_SATISFIED


@invariant("MfaOnlyBySatisfyMfa")
def state_as_expected(look: Look) -> bool:
    """The state, and whether the user is signed in, are what was proved and has not lapsed."""
    seen, expected = look.seen, look.expected
    return (seen.state, seen.signed_in) == (expected.state, expected.signed_in)


@invariant("NoLostUpdate")
def writes_are_kept(look: Look) -> bool:
    """The data and the activities are those that were stored."""
    return (look.seen.data, look.seen.activities) == (look.expected.data, look.expected.activities)


ON_LOOK: Final = (
    unknown_id_inert, one_live_proof, dead_after_idle, dead_after_lifetime, dead_after_upstream,
    reset_revokes_all_prior,
    logout_linearizable, not_early, subject_isolation, mfa_bound, state_as_expected, writes_are_kept,
)  # fmt: skip
