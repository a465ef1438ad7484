"""What is always true of a session's record, and what the flows guarantee about events and moments."""

from typing import Any

import z3

from ..events import LogIn, LogOut
from ..records import EXPIRING, LIVE, LOGGING_OUT, NEVER, Kind
from .prover import Term


def among(term: Any, members: Any) -> Term:
    """Say that a term is one of an enum's members."""
    return z3.Or([term == member.value for member in members])


def sound(s: Any) -> Term:
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
        z3.Implies(guest, z3.And(s.subject == "", s.since == s.created_at)),
        z3.Implies(guest, z3.And(s.first == Kind.NONE, s.second == Kind.NONE)),
        z3.Implies(guest, z3.And(s.authenticated_at == NEVER, s.mfa_at == NEVER, s.not_after == NEVER)),
        z3.Implies(signed_in, z3.And(s.subject != "", s.first != Kind.NONE, s.authenticated_at == s.since)),
        z3.Implies(once, z3.And(s.second == Kind.NONE, s.mfa_at == NEVER)),
        z3.Implies(twice, z3.And(s.second != Kind.NONE, s.second != s.first, s.created_at <= s.mfa_at)),
        z3.Implies(twice, s.mfa_at <= s.seen_at),
    )


def possible(s: Any, e: Any, m: Any) -> Term:
    """Say what the flows guarantee: a clamped clock, limits that exist, events that were built by their rules."""
    moment = z3.And(s.seen_at <= m.at, m.at < NEVER, m.idle > 0, m.lifetime > 0, m.mfa_lifetime > 0)
    return z3.And(moment, z3.Not(among(m.cause, EXPIRING)), _possible_event(e))


def _possible_event(e: Any) -> Term:
    if isinstance(e, LogIn):
        return z3.And(e.subject != "", e.idle > 0, e.lifetime > 0, e.not_after <= NEVER)
    return among(e.reason, LOGGING_OUT) if isinstance(e, LogOut) else z3.BoolVal(True)
