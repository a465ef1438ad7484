"""The reference model: what a session is, told in plain words and without the table.

It knows what lives, until when, whose it is, until when a second factor counts, and the data. It keeps no epochs
but counts the times that a subject's sessions were ended, and it learns selectors and tokens from the cookies
that browsers get. Where a touch may or may not have been stored, an instant is an interval.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any, Final

from attrs import define, evolve, field, frozen
from hypothesis.errors import UnsatisfiedAssumption

from sessioncore import NEVER, Limits, Policy, Reason, State
from sessioncore.factors import factors_of

CREATED, AUTHENTICATED, MFA_SATISFIED = State.CREATED, State.AUTHENTICATED, State.MFA_SATISFIED


@frozen
class Around:
    """Hold an instant that is known to lie between two."""

    lo: int
    hi: int

    def later(self, at: int) -> "Around":
        """Give the later of this instant and another."""
        return Around(max(self.lo, at), max(self.hi, at))

    def after(self, span: int) -> "Around":
        """Give the instant a span later."""
        return Around(self.lo + span, self.hi + span)

    def passed(self, at: int) -> bool:
        """Tell whether this instant has come; the suite's clock never rests where nobody can tell."""
        assert not self.lo <= at < self.hi, "the suite's clock rests where the model cannot tell"
        return at >= self.hi

    def passed_by(self, moment: "Around") -> bool:
        """Tell whether this instant has come by another; a walk to where nobody can tell is given up."""
        if moment.lo < self.hi and self.lo <= moment.hi:
            raise UnsatisfiedAssumption
        return self.hi <= moment.lo


@define(kw_only=True)
class Known:
    """Hold what the model knows of one session. ``reason`` is None until an end is on record."""

    sid: str = ""
    token: str = field(default="", repr=False)
    former: str = field(default="", repr=False)
    subject: str = ""
    state: State = CREATED
    needs: State = AUTHENTICATED
    first: int = 0
    seen: Around
    since: Around
    mfa_at: Around | None = None
    limits: Limits
    not_after: int = NEVER
    remembered: bool = False
    generation: int = 0
    reason: Reason | None = None
    ended_at: Around = Around(0, 0)
    data: dict[str, Any] = field(factory=dict)
    activities: list[str] = field(factory=list)

    @property
    def signed_in(self) -> bool:
        """Tell whether every factor that the login needs was proved."""
        return self.state in (self.needs, MFA_SATISFIED)

    def copy(self) -> "Known":
        """Copy the session, as one request sees it."""
        return evolve(self, data=deepcopy(self.data), activities=list(self.activities))

    def become(self, other: "Known") -> None:
        """Take over everything of a copy."""
        for name in ("subject", "state", "needs", "first", "seen", "since", "mfa_at", "limits", "not_after"):
            setattr(self, name, getattr(other, name))
        for name in ("remembered", "generation", "reason", "ended_at", "data", "activities"):
            setattr(self, name, getattr(other, name))


@frozen(kw_only=True)
class Act:
    """Hold one event of a request: ``what`` it is, and what that needs."""

    what: str
    subject: str = ""
    generation: int = 0
    kinds: tuple[int, int] = (0, 0)
    needs: State = AUTHENTICATED
    remember: bool = False
    not_after: int = NEVER
    changes: dict[str, Any] = field(factory=dict)
    activities: tuple[str, ...] = ()
    reason: Reason = Reason.USER


@define
class Model:
    """Hold all sessions, and the causes for which each subject's were ended."""

    clock: Callable[[], int]
    policy: Policy
    sessions: dict[str, Known] = field(factory=dict)
    causes: dict[str, list[Reason]] = field(factory=dict)
    ahead: int = 0

    @property
    def now(self) -> int:
        """Give the time; a login may count from a little later, to be its subject's newest."""
        return self.clock() + self.ahead

    # -- what lives ----------------------------------------------------------------------------------------

    def generation(self, subject: str) -> int:
        """Count how often all sessions of the subject were ended."""
        return len(self.causes.get(subject, ()))

    def end_all(self, subject: str, cause: Reason) -> None:
        """End all sessions of the subject."""
        self.causes.setdefault(subject, []).append(cause)

    def todays(self, s: Known) -> Limits:
        """Give today's limits for the class of this session."""
        if s.state is CREATED:
            return self.policy.guest
        return self.policy.remembered if s.remembered else self.policy.login

    def idle_until(self, s: Known) -> Around:
        """Say until when the session may be left alone."""
        return s.seen.after(min(s.limits.idle, self.todays(s).idle))

    def lives_until(self, s: Known) -> Around:
        """Say until when the session may live at all."""
        return s.since.after(min(s.limits.lifetime, self.todays(s).lifetime))

    def mfa_until(self, s: Known) -> Around | None:
        """Say until when the second factor counts."""
        return s.mfa_at.after(self.policy.mfa_lifetime) if s.mfa_at else None

    def why_dead(self, s: Known, *, own_view: bool = False) -> Reason | None:
        """Say why the session is dead now; a request's own view does not know what others ended meanwhile."""
        if s.reason is not None:
            return s.reason
        if s.subject and not own_view and s.generation != self.generation(s.subject):
            return self.causes[s.subject][-1]
        return self.why_dead_by_clock(s)

    def why_dead_by_clock(self, s: Known) -> Reason | None:
        """Say which limit the session has passed."""
        if Around(s.not_after, s.not_after).passed_by(self.moment(s)):
            return Reason.UPSTREAM
        if self.lives_until(s).passed_by(self.moment(s)):
            return Reason.LIFETIME
        return Reason.IDLE if self.idle_until(s).passed(self.now) else None

    def settle(self, s: Known, *, own_view: bool = False) -> None:
        """Put on record what is due."""
        if s.reason is not None:
            return
        if (reason := self.why_dead(s, own_view=own_view)) is not None:
            self.end(s, reason)
        elif self.mfa_lapsed(s):
            s.state, s.mfa_at = AUTHENTICATED, None

    def mfa_lapsed(self, s: Known) -> bool:
        """Tell whether a second factor is too old."""
        until = self.mfa_until(s)
        return until is not None and until.passed_by(self.moment(s))

    def moment(self, s: Known) -> Around:
        """Give the moment by which a session is judged: a clock that went back does not make it younger."""
        return s.seen.later(self.now)

    def end(self, s: Known, reason: Reason) -> None:
        """Put an end on record; the first reason stays."""
        if s.reason is None:
            s.reason, s.ended_at, s.data, s.activities = reason, self.moment(s), {}, []

    def of_subject(self, subject: str) -> Iterator[Known]:
        """Give the subject's live sessions."""
        return (s for s in self.sessions.values() if s.subject == subject and self.why_dead(s) is None)

    def throttle(self, s: Known) -> int:
        """Say how much older than the last use the recorded one may be."""
        return min(self.policy.touch_every, min(s.limits.idle, self.todays(s).idle) // 20)

    # -- what happens --------------------------------------------------------------------------------------

    def begin(self) -> Known:
        """Begin a guest's session."""
        now = Around(self.clock(), self.clock())
        return Known(seen=now, since=now, limits=self.policy.guest)

    def use(self, s: Known) -> None:
        """Count a use, which may or may not be worth a write."""
        at = self.clock()
        s.seen = Around(max(s.seen.lo, at - self.throttle(s) + 1), max(s.seen.hi, at))

    def act(self, s: Known, act: Act, *, own_view: bool = False) -> bool:
        """Let an event act on a session; False if it may not."""
        if act.what == "log_out":
            self.end(s, act.reason)
            return True
        self.settle(s, own_view=own_view)
        if s.reason is not None or not self._admits(s, act, own_view):
            return False
        s.seen = self.moment(s)
        ACTS[act.what](self, s, act)
        return True

    def _admits(self, s: Known, act: Act, own_view: bool) -> bool:
        """Tell whether what was proved is for this session, and not outdated by a reset."""
        if act.what == "write":
            return True
        if s.subject not in ("", act.subject) or (act.what != "log_in" and not s.subject):
            return False
        if act.what == "satisfy_mfa":
            return act.kinds[0] != s.first
        if own_view:
            return s.subject == "" or act.generation == s.generation
        return act.generation == self.generation(act.subject)

    def write(self, s: Known, act: Act) -> None:
        """Merge data by key, and keep the newest activities."""
        merged = {**s.data, **deepcopy(act.changes)}
        s.data = {key: value for key, value in merged.items() if value is not None}
        s.activities = [*s.activities, *act.activities][-self.policy.max_activities :]

    def log_in(self, s: Known, act: Act) -> None:
        """Begin the signed-in life; an earlier second factor is forgotten."""
        s.subject, s.generation, s.needs, s.remembered = act.subject, act.generation, act.needs, act.remember
        s.first, second = act.kinds
        s.not_after = act.not_after
        s.state = MFA_SATISFIED if second else AUTHENTICATED
        s.since = s.seen
        s.mfa_at = s.seen if second else None
        s.limits = self.policy.remembered if act.remember else self.policy.login

    def satisfy_mfa(self, s: Known, _: Act) -> None:
        """Count a second factor from now."""
        s.state, s.mfa_at = MFA_SATISFIED, s.seen

    def reauthenticate(self, s: Known, _: Act) -> None:
        """Start the lifetime anew; the second factor gets no younger."""
        s.since = s.seen


ACTS: Final[dict[str, Callable[[Model, Known, Act], None]]] = {
    "write": Model.write,
    "log_in": Model.log_in,
    "satisfy_mfa": Model.satisfy_mfa,
    "reauthenticate": Model.reauthenticate,
}


def kinds_of(methods: list[str]) -> tuple[int, int]:
    """Sort methods into two kinds of factor."""
    (first, _), (second, _) = factors_of(methods)
    return int(first), int(second)
