"""What is proved of the table as a whole, and the machine that is proved: sessioncore's own."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import z3

from .. import guards as g
from ..events import LogIn, LogOut, Reauthenticate, Restamp, SatisfyMfa, Tick
from ..records import LIVE, Kind, Moment, Session, State
from ..table import TABLE, Row
from .claims import ACTS, CLAIMS
from .prover import Machinery, Obligation, Term, unknowns
from .record import possible, sound

SIGNED_IN: Final = (State.AUTHENTICATED, State.MFA_SATISFIED)

# Each settling step falls in this order, so settling ends.
_RANK: Final = {State.MFA_SATISFIED: 2, State.AUTHENTICATED: 1, State.CREATED: 1}

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


def stays(rows: Sequence[Row]) -> Iterator[Obligation]:
    """The session whose own request ended all others can stay: a guard too strict would sign its user out."""
    for state in SIGNED_IN:
        s, e, m, given = unknowns(_BARE, Restamp)
        enabled = [row.guard(s, e, m) for row in rows if row.on is Restamp and row.source is state]
        strong = z3.Implies(s.state == State.MFA_SATISFIED.value, g.within_mfa(s, m))
        owned = z3.And(g.fresh(s, m), strong, g.same(s, e), s.epoch == e.was, g.admitted(e, m), e.epoch != e.was)
        unmet = z3.And(*given, s.state == state.value, owned, z3.Not(z3.Or(enabled)))
        shows = (("session", Session, s), ("event", Restamp, e), ("moment", Moment, m))
        yield Obligation("OwnSessionStays", f"Restamp on {state.name}", unmet, shows=shows)


_BARE: Final = Machinery(
    rows=TABLE, record=Session, moment=Moment, invariant=sound, possible=possible, opaque=("keep",)
)

SESSIONS: Final = Machinery(
    rows=TABLE,
    record=Session,
    moment=Moment,
    invariant=sound,
    possible=possible,
    quiet=g.quiet,
    rank=lambda state: _RANK.get(state, 0),
    claims=CLAIMS,
    opaque=_BARE.opaque,
    extra=(*_opposites(), *total(TABLE), *stays(TABLE)),
)
