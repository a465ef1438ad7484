"""What is proved of sessioncore's own table: the record's invariant and the named claims about every step."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import z3

from .. import guards as g
from ..events import LogIn, LogOut, Reauthenticate, Restamp, SatisfyMfa, Tick, Touch, Write
from ..records import ENDS, EXPIRING, LIVE, LOGGING_OUT, NEVER, RESETTING, Kind, Moment, Reason, Session, State
from ..table import TABLE, Row
from .prover import Claim, Machinery, Obligation, Step, Term, unknowns

SIGNED_IN: Final = (State.AUTHENTICATED, State.MFA_SATISFIED)
ACTS: Final = (LogIn, SatisfyMfa, Reauthenticate, Restamp, Touch, Write)


def _in(term: Any, members: Any) -> Term:
    return z3.Or([term == member.value for member in members])


def RECORD(s: Any) -> Term:  # noqa: N802 - it stands beside CLAIMS
    """Say what is true of every record that the machine ever wrote."""
    guest, once, twice = (s.state == state.value for state in LIVE)
    signed_in, live = z3.Or(once, twice), z3.Or(guest, once, twice)
    return z3.And(
        s.created_at > 0,
        s.created_at <= s.since,
        s.since <= s.seen_at,
        s.seen_at < NEVER,
        s.idle > 0,
        s.lifetime > 0,
        s.version >= 1,
        s.not_after <= NEVER,
        z3.Implies(live, s.ended_at == NEVER),
        z3.Implies(z3.Not(live), z3.And(s.seen_at <= s.ended_at, s.ended_at < NEVER)),
        z3.Implies(
            guest, z3.And(s.subject == "", s.first == Kind.NONE, s.second == Kind.NONE, s.since == s.created_at)
        ),
        z3.Implies(guest, z3.And(s.authenticated_at == NEVER, s.mfa_at == NEVER, s.not_after == NEVER)),
        z3.Implies(signed_in, z3.And(s.subject != "", s.first != Kind.NONE, s.authenticated_at == s.since)),
        z3.Implies(once, z3.And(s.second == Kind.NONE, s.mfa_at == NEVER)),
        z3.Implies(twice, z3.And(s.second != Kind.NONE, s.second != s.first, s.created_at <= s.mfa_at)),
        z3.Implies(twice, s.mfa_at <= s.seen_at),
    )


def _possible(s: Any, e: Any, m: Any) -> Term:
    """Say what the flows guarantee: a clamped clock, limits that exist, events that were built by their rules."""
    moment = z3.And(s.seen_at <= m.at, m.at < NEVER, m.idle > 0, m.lifetime > 0, m.mfa_lifetime > 0)
    return z3.And(moment, z3.Not(_in(m.cause, EXPIRING)), _possible_event(e))


def _possible_event(e: Any) -> Term:
    if isinstance(e, LogIn):
        return z3.And(e.subject != "", e.idle > 0, e.lifetime > 0, e.not_after <= NEVER)
    return _in(e.reason, LOGGING_OUT) if isinstance(e, LogOut) else z3.BoolVal(True)


def _acts(step: Step) -> bool:
    return step.row.on in ACTS


def _unchanged(step: Step, *names: str) -> Term:
    pairs = [(getattr(step.after, name), getattr(step.before, name)) for name in names]
    return z3.And([after == before for after, before in pairs])


# -- the claims: each takes a step and says what holds, or None where it has nothing to say ------------------


def _idle_bound(x: Step) -> Term | None:
    s, m = x.before, x.moment
    return z3.And(m.at < s.seen_at + s.idle, m.at < s.seen_at + m.idle) if _acts(x) else None


def _lifetime_bound(x: Step) -> Term | None:
    s, m = x.before, x.moment
    return z3.And(m.at < s.since + s.lifetime, m.at < s.since + m.lifetime) if _acts(x) else None


def _upstream_bound(x: Step) -> Term | None:
    return x.moment.at < x.before.not_after if _acts(x) else None


def _only_login_moves_the_deadline(x: Step) -> Term | None:
    return None if x.row.on in (LogIn, Reauthenticate) else _unchanged(x, "since", "idle", "lifetime", "not_after")


def _no_resurrection(x: Step) -> Term:
    return z3.Implies(_in(x.after.state, LIVE), _in(x.before.state, LIVE))


def _ends_are_frozen(x: Step) -> Term:
    return z3.Not(_in(x.before.state, ENDS))


def _seen_is_monotone(x: Step) -> Term:
    return x.after.seen_at >= x.before.seen_at


def _a_use_is_seen(x: Step) -> Term | None:
    return x.after.seen_at == x.moment.at if _acts(x) else None


def _version_counts_rows(x: Step) -> Term:
    return x.after.version == x.before.version + 1


def _rotation_on_privilege(x: Step) -> Term | None:
    if x.row.on not in (LogIn, SatisfyMfa, Reauthenticate, Restamp):
        return _unchanged(x, "proof", "former_proof")
    return z3.And(x.after.proof == x.event.proof, x.after.former_proof == x.event.former_proof)


def _mfa_implies_authenticated(x: Step) -> Term | None:
    if x.row.to is not State.MFA_SATISFIED:
        return None
    return z3.And(x.after.subject != "", x.after.authenticated_at <= x.moment.at, x.after.mfa_at <= x.moment.at)


def _mfa_only_by_satisfy_mfa(x: Step) -> Term | None:
    if x.row.to is not State.MFA_SATISFIED or x.row.on is SatisfyMfa:
        return None
    if x.row.on is LogIn:
        return z3.And(x.event.first != Kind.NONE, x.event.second != Kind.NONE, x.event.first != x.event.second)
    return _unchanged(x, "state", "mfa_at", "second")


def _two_distinct_factors(x: Step) -> Term | None:
    if x.row.to is not State.MFA_SATISFIED:
        return None
    return z3.And(x.after.first != Kind.NONE, x.after.second != Kind.NONE, x.after.first != x.after.second)


def _one_subject(x: Step) -> Term:
    return z3.Implies(x.before.subject != "", x.after.subject == x.before.subject)


def _sid_is_for_life(x: Step) -> Term:
    return _unchanged(x, "sid")


def _created_immutable(x: Step) -> Term:
    return _unchanged(x, "created_at")


def _proved_for_this_session(x: Step) -> Term | None:
    if x.row.on not in (LogIn, SatisfyMfa, Reauthenticate, Restamp) or x.row.source is State.CREATED:
        return None
    return z3.And(x.event.sid == x.before.sid, x.event.subject == x.before.subject)


def _logout_always_wins(x: Step) -> Term | None:
    if x.row.on is not LogOut:
        return None
    return z3.And(x.after.state == State.LOGGED_OUT.value, x.after.reason == x.event.reason)


def _reset_revokes_all_prior(x: Step) -> Term | None:
    """A session acts only with the subject's current stamp, and only a login or a password change brings that."""
    if not _acts(x) or x.row.source is State.CREATED:
        return x.after.epoch == x.moment.epoch if x.row.on is LogIn else None
    if x.row.on is Restamp:
        return z3.And(x.before.epoch == x.event.was, x.after.epoch == x.moment.epoch)
    return z3.And(x.before.epoch == x.moment.epoch, x.after.epoch == x.moment.epoch)


def _epoch_only_by_login(x: Step) -> Term | None:
    return None if x.row.on in (LogIn, Restamp) else _unchanged(x, "epoch")


def _time_only_ends(x: Step) -> Term | None:
    if x.row.on is not Tick:
        return None
    lapsed = z3.And(x.before.state == State.MFA_SATISFIED.value, x.after.state == State.AUTHENTICATED.value)
    return z3.Or(_in(x.after.state, ENDS), lapsed)


def _not_early(x: Step) -> Term | None:
    """The clock ends nothing within every limit: somebody ended it, or a limit has really passed."""
    if x.row.on is not Tick:
        return None
    s, m = x.before, x.moment
    idle = z3.Or(m.at >= s.seen_at + s.idle, m.at >= s.seen_at + m.idle)
    lifetime = z3.Or(m.at >= s.since + s.lifetime, m.at >= s.since + m.lifetime)
    lapsed = z3.And(x.after.state == State.AUTHENTICATED.value, m.at >= s.mfa_at + m.mfa_lifetime)
    ended = z3.Or(idle, lifetime, m.at >= s.not_after, s.epoch != m.epoch)
    return z3.Or(lapsed, ended)


def _end_says_why(x: Step) -> Term | None:
    if x.row.to not in ENDS:
        return None
    reason = z3.StringVal(x.after.reason.value) if isinstance(x.after.reason, Reason) else x.after.reason
    named = {
        State.EXPIRED: _in(reason, EXPIRING),
        State.RESET: _in(reason, RESETTING),
        State.LOGGED_OUT: _in(reason, LOGGING_OUT),
    }
    return z3.And(named[x.row.to], x.after.ended_at == x.moment.at)


def _end_empties_data(x: Step) -> Term | None:
    return z3.BoolVal(x.after.data == () and x.after.activities == ()) if x.row.to in ENDS else None


def _use_implies_quiet(x: Step) -> Term | None:
    return g.quiet(x.before, x.moment) if _acts(x) and x.row.on is not Restamp else None


def _a_lower_limit_never_lengthens(x: Step) -> Term | None:
    """Whoever acts under today's limits would have acted under any longer ones: a second run of the same guard."""
    if not _acts(x):
        return None
    m = x.moment
    longer = Moment(
        at=m.at,
        epoch=m.epoch,
        cause=m.cause,
        idle=m.idle + z3.Int("more idle"),
        lifetime=m.lifetime + z3.Int("more lifetime"),
        mfa_lifetime=m.mfa_lifetime + z3.Int("more mfa_lifetime"),
    )
    more = z3.And(longer.idle >= m.idle, longer.lifetime >= m.lifetime, longer.mfa_lifetime >= m.mfa_lifetime)
    return z3.Implies(more, x.row.guard(x.before, x.event, longer))


def _clamping_is_safe(x: Step) -> Term | None:
    """Whoever acts at the clamped instant would have acted at the earlier one that a clock set back shows."""
    if not _acts(x):
        return None
    m, earlier = x.moment, z3.Int("clock set back")
    back = Moment(
        at=earlier, epoch=m.epoch, cause=m.cause, idle=m.idle, lifetime=m.lifetime, mfa_lifetime=m.mfa_lifetime
    )
    return z3.Implies(earlier <= m.at, x.row.guard(x.before, x.event, back))


CLAIMS: Final = (
    Claim("IdleBound", _idle_bound),
    Claim("LifetimeBound", _lifetime_bound),
    Claim("UpstreamBound", _upstream_bound),
    Claim("OnlyLoginMovesTheDeadline", _only_login_moves_the_deadline),
    Claim("NoResurrection", _no_resurrection),
    Claim("EndsAreFrozen", _ends_are_frozen),
    Claim("SeenIsMonotone", _seen_is_monotone),
    Claim("AUseIsSeen", _a_use_is_seen),
    Claim("VersionCountsRows", _version_counts_rows),
    Claim("RotationOnPrivilege", _rotation_on_privilege),
    Claim("MfaImpliesAuthenticated", _mfa_implies_authenticated),
    Claim("MfaOnlyBySatisfyMfa", _mfa_only_by_satisfy_mfa),
    Claim("TwoDistinctFactors", _two_distinct_factors),
    Claim("OneSubject", _one_subject),
    Claim("SidIsForLife", _sid_is_for_life),
    Claim("CreatedImmutable", _created_immutable),
    Claim("ProvedForThisSession", _proved_for_this_session),
    Claim("LogoutAlwaysWins", _logout_always_wins),
    Claim("ResetRevokesAllPrior", _reset_revokes_all_prior),
    Claim("EpochOnlyByLogin", _epoch_only_by_login),
    Claim("TimeOnlyEnds", _time_only_ends),
    Claim("NotEarly", _not_early),
    Claim("EndSaysWhy", _end_says_why),
    Claim("EndEmptiesData", _end_empties_data),
    Claim("UseImpliesQuiet", _use_implies_quiet),
    Claim("ALowerLimitNeverLengthens", _a_lower_limit_never_lengthens),
    Claim("ClampingIsSafe", _clamping_is_safe),
)

_RANK: Final = {State.MFA_SATISFIED: 2, State.AUTHENTICATED: 1, State.CREATED: 1}


# -- beyond single rows ---------------------------------------------------------------------------------------

_PAIRS: Final = (
    (g.within_idle, g.past_idle),
    (g.within_lifetime, g.past_lifetime),
    (g.within_upstream, g.past_upstream),
    (g.within_mfa, g.past_mfa),
    (g.current, g.superseded),
)


def _opposites() -> Iterator[Obligation]:
    """A guard and its opposite: exactly one of the two holds, always."""
    s, _, m, _ = unknowns(_BARE, Tick)
    shows = (("session", Session, s), ("moment", Moment, m))
    for guard, opposite in _PAIRS:
        about = f"{guard.__name__} and {opposite.__name__}"
        yield Obligation("Opposites", about, guard(s, m) == opposite(s, m), shows=shows)
    yield Obligation("Opposites", "resets and revokes", g.resets(m) == g.revokes(m), shows=shows)


def _named_refusal(s: Any, e: Any, m: Any) -> Term:
    """Restate ``refusals.why_not``: what keeps an event from acting on a session that is quiet."""
    if isinstance(e, LogIn):
        elsewhere = z3.And(s.state != State.CREATED.value, z3.Not(g.same(s, e)))
        return z3.Or(elsewhere, z3.Not(z3.Or(g.one_factor(e), g.two_factors(e))), z3.Not(g.admitted(e, m)))
    if isinstance(e, SatisfyMfa):
        return z3.Or(z3.Not(g.same(s, e)), e.kind == s.first, e.kind == Kind.NONE)
    if isinstance(e, Reauthenticate):
        return z3.Or(z3.Not(g.same(s, e)), z3.Not(g.admitted(e, m)))
    return z3.BoolVal(isinstance(e, Restamp))  # on a quiet session the epoch has not moved: nothing to restamp


# What only somebody who is signed in can do is refused to a guest by that name.
NO_ROW: Final = tuple((event, State.CREATED) for event in (SatisfyMfa, Reauthenticate, Restamp))


def total(rows: Sequence[Row]) -> Iterator[Obligation]:
    """On a quiet session every event meets a row or a refusal that has a name."""
    for event in (*ACTS, LogOut):
        for state in LIVE:
            s, e, m, given = unknowns(_BARE, event)
            enabled = [row.guard(s, e, m) for row in rows if row.on is event and row.source is state]
            named = z3.BoolVal(True) if (event, state) in NO_ROW else _named_refusal(s, e, m)
            unmet = z3.And(*given, s.state == state.value, g.quiet(s, m), z3.Not(z3.Or(enabled)), z3.Not(named))
            shows = (("session", Session, s), ("event", event, e), ("moment", Moment, m))
            yield Obligation("Total", f"{event.__name__} on {state.name}", unmet, shows=shows)


_BARE: Final = Machinery(
    rows=TABLE, record=Session, moment=Moment, invariant=RECORD, possible=_possible, opaque=("keep",)
)

SESSIONS: Final = Machinery(
    rows=TABLE,
    record=Session,
    moment=Moment,
    invariant=RECORD,
    possible=_possible,
    quiet=g.quiet,
    rank=lambda state: _RANK.get(state, 0),
    claims=CLAIMS,
    opaque=_BARE.opaque,
    extra=(*_opposites(), *total(TABLE)),
)
