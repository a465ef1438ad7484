"""What must hold of every stored change."""

from typing import Final

from attrs import frozen

from sessioncore import Policy, Session, State
from sessioncore.records import NEVER, Kind

from ..witness import Change
from .claim import invariant


@frozen
class Stored:
    """Hold an acknowledged swap with the rules and the epoch of that moment."""

    change: Change
    policy: Policy

    @property
    def old(self) -> Session:
        """Give the row before; a new row was a guest's, at the same moment."""
        new = self.change.new
        first = Session(
            sid=new.sid, proof="", created_at=new.created_at, seen_at=new.created_at, since=new.created_at,
            idle=self.policy.guest.idle, lifetime=self.policy.guest.lifetime,
        )  # fmt: skip
        return self.change.old or first

    @property
    def at(self) -> int:
        """Give the moment: no clock that goes back moves a session."""
        return max(self.change.at, self.old.seen_at)

    @property
    def acts(self) -> bool:
        """Tell whether the session went on living."""
        return self.change.old is not None and self.change.new.live


@invariant("IdleBound")
def idle_bound(stored: Stored) -> bool:
    """A session that acts was used within its idle limit, the one at sign-in and today's."""
    s, today = stored.old, stored.policy.limits_of(stored.old)
    return not stored.acts or stored.at - s.seen_at < min(s.idle, today.idle)


@invariant("LifetimeBound")
def lifetime_bound(stored: Stored) -> bool:
    """A session that acts is within its lifetime, the one at sign-in and today's."""
    s, today = stored.old, stored.policy.limits_of(stored.old)
    return not stored.acts or stored.at - s.since < min(s.lifetime, today.lifetime)


@invariant("UpstreamBound")
def upstream_bound(stored: Stored) -> bool:
    """A session that acts is within the identity provider's bound."""
    return not stored.acts or stored.at < stored.old.not_after


@invariant("OnlyLoginMovesTheDeadline")
def only_login_moves_the_deadline(stored: Stored) -> bool:
    """The lifetime's anchor moves only when a login or a reauthentication is recorded at that instant."""
    new = stored.change.new
    return new.since in (stored.old.since, new.authenticated_at)


@invariant("NoResurrection")
def no_resurrection(stored: Stored) -> bool:
    """What lives after a change lived before it, and is what stood under the key."""
    stood = stored.change.stood
    return stood is None or stood.live or not stored.change.new.live


@invariant("EndsAreFrozen")
def ends_are_frozen(stored: Stored) -> bool:
    """An ended row never changes, in any field."""
    stood = stored.change.stood
    return stood is None or stood.live


@invariant("NoLostUpdate")
def no_lost_update(stored: Stored) -> bool:
    """A change replaces exactly the row that it was made from: nothing that another request stored is lost."""
    return stored.change.old == stored.change.stood


@invariant("SeenIsMonotone")
def seen_is_monotone(stored: Stored) -> bool:
    """The last use never moves back."""
    return stored.change.new.seen_at >= stored.old.seen_at


@invariant("VersionCountsRows")
def version_counts_rows(stored: Stored) -> bool:
    """A stored change fired at least one row of the table, and the version says so."""
    return stored.change.new.version > (stored.change.old.version if stored.change.old else 0)


@invariant("RotationOnPrivilege")
def rotation_on_privilege(stored: Stored) -> bool:
    """Whoever gains a right gains a new secret, unless another request rotated it first."""
    old, new = stored.old, stored.change.new
    gained = new.live and (old.subject, old.epoch) != (new.subject, new.epoch)
    return not (stored.acts and gained) or new.proof != old.proof


@invariant("MfaImpliesAuthenticated")
def mfa_implies_authenticated(stored: Stored) -> bool:
    """A second factor stands only on a first one, and has an instant."""
    s = stored.change.new
    return s.state is not State.MFA_SATISFIED or (bool(s.subject) and s.first != Kind.NONE and s.mfa_at < NEVER)


@invariant("TwoDistinctFactors")
def two_distinct_factors(stored: Stored) -> bool:
    """Two factors of one kind are one factor."""
    s = stored.change.new
    return s.state is not State.MFA_SATISFIED or Kind.NONE != s.second != s.first


@invariant("OneSubject")
def one_subject(stored: Stored) -> bool:
    """A session never changes hands."""
    return stored.old.subject in ("", stored.change.new.subject)


@invariant("SidIsForLife")
def sid_is_for_life(stored: Stored) -> bool:
    """A row keeps its selector."""
    return stored.change.old is None or stored.change.old.sid == stored.change.new.sid


@invariant("CreatedImmutable")
def created_immutable(stored: Stored) -> bool:
    """The creation is never rewritten."""
    return stored.old.created_at == stored.change.new.created_at


@invariant("ResetRevokesAllPrior")
def epoch_is_current(stored: Stored) -> bool:
    """A session whose subject's sessions were all ended goes on only if it ended them itself."""
    s, epoch = stored.change.new, stored.change.epoch
    return not (s.live and s.subject) or (epoch is not None and s.epoch == epoch.value)


@invariant("EndsAreTombstones")
def ends_are_tombstones(stored: Stored) -> bool:
    """An ended row keeps its reason and its instant, and no data."""
    s = stored.change.new
    return s.live or (s.reason is not None and s.ended_at < NEVER and not s.data and not s.activities)


ON_CHANGE: Final = (
    no_resurrection, ends_are_frozen, sid_is_for_life, no_lost_update, created_immutable, one_subject,
    epoch_is_current, idle_bound, lifetime_bound, upstream_bound, only_login_moves_the_deadline, seen_is_monotone,
    version_counts_rows, rotation_on_privilege, two_distinct_factors, mfa_implies_authenticated, ends_are_tombstones,
)  # fmt: skip
