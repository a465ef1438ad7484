"""The named claims about every step: what each firing of a row keeps true."""

from typing import Final

import z3

from .. import guards as g
from ..events import LogIn, LogOut, Reauthenticate, Restamp, SatisfyMfa, Tick, Touch, Write
from ..records import ENDS, EXPIRING, LIVE, LOGGING_OUT, RESETTING, Kind, Moment, Reason, State
from .prover import Claim, Step, Term
from .record import among

ACTS: Final = (LogIn, SatisfyMfa, Reauthenticate, Restamp, Touch, Write)


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


def _mfa_bound(x: Step) -> Term | None:
    s, m = x.before, x.moment
    return m.at < s.mfa_at + m.mfa_lifetime if _acts(x) and x.row.source is State.MFA_SATISFIED else None


def _only_login_moves_the_deadline(x: Step) -> Term | None:
    return None if x.row.on in (LogIn, Reauthenticate) else _unchanged(x, "since", "idle", "lifetime", "not_after")


def _no_resurrection(x: Step) -> Term:
    return z3.Implies(among(x.after.state, LIVE), among(x.before.state, LIVE))


def _ends_are_frozen(x: Step) -> Term:
    return z3.Not(among(x.before.state, ENDS))


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


def _credential_is_current(x: Step) -> Term | None:
    """Nobody ended the subject's sessions between the check of a credential and its effect."""
    return x.event.epoch == x.moment.epoch if x.row.on in (LogIn, Reauthenticate, Restamp) else None


def _restamp_moves_on(x: Step) -> Term | None:
    return x.after.epoch != x.before.epoch if x.row.on is Restamp else None


def _login_is_recorded(x: Step) -> Term | None:
    if x.row.on is not LogIn:
        return None
    names = ("subject", "epoch", "first", "second", "needs", "remembered", "idle", "lifetime", "not_after", "label")
    marks = ("methods", "mfa_methods", "upstream")
    return z3.And([_brought(x, name) for name in (*names, *marks)])


def _brought(x: Step, name: str) -> Term:
    """The session has from the event what the event brought; tuples are marks, the same or not."""
    after, event = getattr(x.after, name), getattr(x.event, name)
    return after == event if z3.is_expr(after) else z3.BoolVal(after == event)


def _factor_is_recorded(x: Step) -> Term | None:
    return z3.BoolVal(x.after.mfa_methods == x.event.methods) if x.row.on is SatisfyMfa else None


def _lapse_forgets_methods(x: Step) -> Term | None:
    lapsed = x.row.on is Tick and x.row.to is State.AUTHENTICATED
    return z3.BoolVal(x.after.mfa_methods == ()) if lapsed else None


def _data_only_by_write(x: Step) -> Term | None:
    """A write merges into the data and appends to the activities; nothing else but an end changes them."""
    s, t = x.before, x.after
    if x.row.to in ENDS:
        return None
    if x.row.on is not Write:
        return z3.BoolVal((t.data, t.activities) == (s.data, s.activities))
    grown = set(t.data) == {*s.data, *x.event.changes} and t.activities == s.activities + x.event.activities
    return z3.BoolVal(grown)


def _time_only_ends(x: Step) -> Term | None:
    if x.row.on is not Tick:
        return None
    lapsed = z3.And(x.before.state == State.MFA_SATISFIED.value, x.after.state == State.AUTHENTICATED.value)
    return z3.Or(among(x.after.state, ENDS), lapsed)


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
        State.EXPIRED: among(reason, EXPIRING),
        State.RESET: among(reason, RESETTING),
        State.LOGGED_OUT: among(reason, LOGGING_OUT),
    }
    return z3.And(named[x.row.to], x.after.ended_at == x.moment.at, _expired_rightly(x, reason))


def _expired_rightly(x: Step, reason: Term) -> Term:
    """The limit that an expiry names has passed; of several, the outermost is named."""
    s, m = x.before, x.moment
    upstream, lifetime = g.within_upstream(s, m), g.within_lifetime(s, m)
    return z3.And(
        z3.Implies(reason == Reason.UPSTREAM.value, z3.Not(upstream)),
        z3.Implies(reason == Reason.LIFETIME.value, z3.And(upstream, z3.Not(lifetime))),
        z3.Implies(reason == Reason.IDLE.value, z3.And(upstream, lifetime, z3.Not(g.within_idle(s, m)))),
    )


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
    Claim("MfaBound", _mfa_bound),
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
    Claim("CredentialIsCurrent", _credential_is_current),
    Claim("RestampMovesOn", _restamp_moves_on),
    Claim("LoginIsRecorded", _login_is_recorded),
    Claim("FactorIsRecorded", _factor_is_recorded),
    Claim("LapseForgetsMethods", _lapse_forgets_methods),
    Claim("DataOnlyByWrite", _data_only_by_write),
    Claim("TimeOnlyEnds", _time_only_ends),
    Claim("NotEarly", _not_early),
    Claim("EndSaysWhy", _end_says_why),
    Claim("EndEmptiesData", _end_empties_data),
    Claim("UseImpliesQuiet", _use_implies_quiet),
    Claim("ALowerLimitNeverLengthens", _a_lower_limit_never_lengthens),
    Claim("ClampingIsSafe", _clamping_is_safe),
)
