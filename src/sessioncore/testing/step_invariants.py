"""What a single step must never break: one function an invariant, its name in the message when it breaks.

Each takes a ``Step``: the session before and after, the event and the moment. A refused event acted through the
clock alone, so ``taken`` shows it as a ``Tick``. ``check_step`` checks them all.
"""

from collections.abc import Callable
from typing import Final

from attrs import fields, frozen

from sessioncore.errors import Refused
from sessioncore.events import Event, LogIn, LogOut, Reauthenticate, Restamp, SatisfyMfa, Tick, Touch, Write
from sessioncore.machine import MACHINE, Machine
from sessioncore.records import ENDS, EXPIRING, LOGGING_OUT, NEVER, RESETTING, Kind, Moment, Session, State

_RANK: Final = {State.CREATED: 0, State.AUTHENTICATED: 1, State.MFA_SATISFIED: 2, **dict.fromkeys(ENDS, -1)}
_REASONS: Final = {State.EXPIRED: EXPIRING, State.LOGGED_OUT: LOGGING_OUT, State.RESET: RESETTING}


@frozen
class Step:
    """Hold one step: what it began with and what it led to; ``event`` is the one ``asked`` unless that was refused."""

    before: Session
    asked: Event
    event: Event
    moment: Moment
    after: Session

    @property
    def acts(self) -> bool:
        """Tell whether the step granted use of the session."""
        return isinstance(self.event, LogIn | SatisfyMfa | Reauthenticate | Restamp | Touch | Write)

    @property
    def idle_left(self) -> int:
        """Give the milliseconds until the idle limit, the session's own or today's."""
        return min(self.before.idle, self.moment.idle) - (self.moment.at - self.before.seen_at)

    @property
    def lifetime_left(self) -> int:
        """Give the milliseconds until the lifetime is out, the session's own or today's."""
        return min(self.before.lifetime, self.moment.lifetime) - (self.moment.at - self.before.since)

    @property
    def upstream_left(self) -> int:
        """Give the milliseconds until the identity provider's bound."""
        return self.before.not_after - self.moment.at

    @property
    def mfa_left(self) -> int:
        """Give the milliseconds for which the second factor still counts."""
        return self.moment.mfa_lifetime - (self.moment.at - self.before.mfa_at)

    @property
    def fresh(self) -> bool:
        """Tell whether every clock was still running."""
        return min(self.idle_left, self.lifetime_left, self.upstream_left) > 0

    @property
    def revoked(self) -> bool:
        """Tell whether somebody had ended the subject's sessions."""
        return self.before.state is not State.CREATED and self.before.epoch != self.moment.epoch

    def changed(self, *names: str) -> bool:
        """Tell whether any of these fields changed."""
        return any(getattr(self.before, name) != getattr(self.after, name) for name in names)


def taken(before: Session, event: Event, moment: Moment, machine: Machine[Session] = MACHINE) -> Step:
    """Take a step; a refused event leaves what the clock does."""
    try:
        return Step(before, event, event, moment, machine.step(before, event, moment))
    except Refused as refused:
        return Step(before, event, Tick(), moment, refused.settled)


Check = Callable[[Step], None]
INVARIANTS: Final[dict[str, Check]] = {}


def invariant(holds: Callable[[Step], bool]) -> Check:
    """Turn a predicate into a check that raises ``AssertionError`` with the invariant's name."""
    name = holds.__name__.title().replace("_", "")

    def check(step: Step) -> None:
        if not holds(step):
            raise AssertionError(f"{name}: {holds.__doc__}\n  but: {step}")

    INVARIANTS[name] = check
    return check


def check_step(step: Step) -> None:
    """Check every invariant of a step."""
    for check in INVARIANTS.values():
        check(step)


@invariant
def idle_bound(step: Step) -> bool:
    """Whoever acts is within the idle limit."""
    return not step.acts or step.idle_left > 0


@invariant
def lifetime_bound(step: Step) -> bool:
    """Whoever acts is within the lifetime."""
    return not step.acts or step.lifetime_left > 0


@invariant
def upstream_bound(step: Step) -> bool:
    """Whoever acts is within the identity provider's bound."""
    return not step.acts or step.upstream_left > 0


@invariant
def only_login_moves_the_deadline(step: Step) -> bool:
    """The lifetime is anchored anew by a proof of the first factor only, and its length is set by a login only."""
    anchored = not step.changed("since") or isinstance(step.event, LogIn | Reauthenticate)
    return anchored and (isinstance(step.event, LogIn) or not step.changed("idle", "lifetime", "not_after"))


@invariant
def no_resurrection(step: Step) -> bool:
    """What lives after a step lived before it."""
    return step.before.live or not step.after.live


@invariant
def ends_are_frozen(step: Step) -> bool:
    """An ended session never changes, in any field."""
    return step.before.live or step.after == step.before


@invariant
def ends_are_tombstones(step: Step) -> bool:
    """A session that ends keeps when and why, a reason of its own end, and no data."""
    if step.after.live or not step.before.live:
        return True
    named = step.after.ended_at == step.moment.at and step.after.reason in _REASONS[step.after.state]
    return named and not step.after.data and not step.after.activities


@invariant
def seen_is_monotone(step: Step) -> bool:
    """The last use never moves back, and only a use moves it."""
    used = step.acts and step.after.seen_at == step.moment.at >= step.before.seen_at
    return used or not step.changed("seen_at")


@invariant
def version_counts_rows(step: Step) -> bool:
    """A step that fires rows raises the version by one for each, and one that fires none changes nothing."""
    fired = step.after.version - step.before.version
    return step.after == step.before if fired == 0 else 0 < fired <= 2


@invariant
def rotation_on_privilege(step: Step) -> bool:
    """Whoever proves a credential or moves to a new epoch gets the event's secret, and the old one is the former."""
    if isinstance(step.event, LogIn | SatisfyMfa | Reauthenticate | Restamp):
        return (step.after.proof, step.after.former_proof) == (step.event.proof, step.event.former_proof)
    raised = _RANK[step.after.state] > _RANK[step.before.state] or step.changed("epoch")
    return not raised and not step.changed("proof", "former_proof")


@invariant
def mfa_implies_authenticated(step: Step) -> bool:
    """A second factor stands only on a first one of a known subject, and each has its instant."""
    s = step.after
    proved = s.subject != "" and s.first != Kind.NONE and max(s.authenticated_at, s.mfa_at) < NEVER
    return s.state is not State.MFA_SATISFIED or proved


@invariant
def mfa_only_by_satisfy_mfa(step: Step) -> bool:
    """A second factor comes, or gets younger, only by SatisfyMfa or by a login with two factors."""
    strong = step.after.state is State.MFA_SATISFIED
    newly = strong and (step.before.state is not State.MFA_SATISFIED or step.changed("mfa_at", "second"))
    two = isinstance(step.event, LogIn) and step.event.second != Kind.NONE
    return not newly or two or isinstance(step.event, SatisfyMfa)


@invariant
def two_distinct_factors(step: Step) -> bool:
    """Two factors of one kind are one factor."""
    return step.after.state is not State.MFA_SATISFIED or Kind.NONE != step.after.second != step.after.first


@invariant
def one_subject(step: Step) -> bool:
    """A session belongs to nobody or to one subject for life, and no event about another acts on it."""
    about = getattr(step.event, "subject", step.after.subject)
    return step.before.subject in ("", step.after.subject) and about == step.after.subject


@invariant
def sid_is_for_life(step: Step) -> bool:
    """A session keeps its selector."""
    return not step.changed("sid")


@invariant
def created_immutable(step: Step) -> bool:
    """The creation is never rewritten."""
    return not step.changed("created_at")


@invariant
def logout_always_wins(step: Step) -> bool:
    """LogOut ends whatever lives, for the reason that it names."""
    if not (isinstance(step.asked, LogOut) and step.before.live):
        return True
    return (step.after.state, step.after.reason) == (State.LOGGED_OUT, step.asked.reason)


@invariant
def reset_revokes_all_prior(step: Step) -> bool:
    """No session whose login began before a reset goes on, but the one that moves to the new epoch; nor does such a
    login begin one."""
    stamped = not step.after.live or step.after.state is State.CREATED or step.after.epoch == step.moment.epoch
    kept = isinstance(step.event, Restamp) and step.event.was == step.before.epoch
    return stamped and (not step.revoked or kept or not step.after.live)


@invariant
def expired_never_acts(step: Step) -> bool:
    """A session whose time is out has ended after any step, whether or not anybody had written that down."""
    return step.fresh or not step.after.live


_LAPSING: Final = ("state", "version", "second", "mfa_methods", "mfa_at", "ended_at", "reason", "data", "activities")


@invariant
def time_only_ends(step: Step) -> bool:
    """Time alone never raises a state, and takes nothing but a life or a second factor."""
    if not isinstance(step.event, Tick):
        return True
    lowered = _RANK[step.after.state] <= _RANK[step.before.state]
    return lowered and not step.changed(*(field.name for field in fields(Session) if field.name not in _LAPSING))


@invariant
def not_early(step: Step) -> bool:
    """Within every limit a session lives on, and a second factor counts, unless somebody ends it."""
    within = step.before.live and step.fresh and not step.revoked
    if not within or isinstance(step.event, LogOut):
        return True
    weakened = step.before.state is State.MFA_SATISFIED and step.after.state is not State.MFA_SATISFIED
    return step.after.live and (not weakened or step.mfa_left <= 0 or isinstance(step.event, LogIn))
