"""Every step keeps every invariant, and for each invariant there is a planted bug that breaks it."""

from collections.abc import Callable
from functools import cache
from random import Random
from typing import Any

import pytest
from attrs import evolve
from hypothesis import event as note
from hypothesis import given

from sessioncore import TABLE, Event, Machine, Moment, Row, Session, State, acts, guards
from sessioncore.events import LogIn, LogOut, Reauthenticate, SatisfyMfa, Tick, Touch, Write
from sessioncore.records import NEVER
from sessioncore.testing.cells import cells
from sessioncore.testing.step_invariants import INVARIANTS, Check, check_step, taken
from sessioncore.testing.strategies import situations
from sessioncore_io.codec import decode, encode

Situation = tuple[Session, Event, Moment]


@given(situations())
def test_every_step_keeps_every_invariant(situation: Situation) -> None:
    step = taken(*situation)
    note(f"{type(step.event).__name__}: {step.before.state} -> {step.after.state}")

    check_step(step)


@given(situations(State.AUTHENTICATED, State.MFA_SATISFIED))
def test_every_step_of_a_signed_in_session_keeps_every_invariant(situation: Situation) -> None:
    check_step(taken(*situation))


def test_the_step_of_every_cell_keeps_every_invariant() -> None:
    for cell in cells():
        check_step(taken(*cell))


@given(situations())
def test_a_step_leads_from_sound_records_to_sound_records(situation: Situation) -> None:
    """What a store refuses to read is never written, and what is drawn at random could have been stored."""
    before, after = situation[0], taken(*situation).after

    assert before == decode(before.sid, encode(before))
    assert after == decode(after.sid, encode(after))


# -- planted bugs ------------------------------------------------------------------------------------------

Bug = Callable[[Row], Row]


def loosened(guard: Callable[..., bool], *events: type) -> Bug:
    """Give the rows of some events another guard."""
    return lambda row: evolve(row, guard=guard) if row.on in events else row


def writing(changes: Callable[[Session, Any, Moment], dict[str, Any]], *events: type) -> Bug:
    """Let the acts of some events write something more."""

    def changed(row: Row) -> Row:
        def act(s: Session, e: Any, m: Moment) -> Session:
            written: Session = row.act(s, e, m)
            return evolve(written, **changes(s, e, m))

        return evolve(row, act=act) if row.on in events else row

    return changed


def leading(source: State, to: State, *events: type) -> Bug:
    """Let the rows of some events from one state lead to another."""
    return lambda row: evolve(row, to=to) if row.on in events and row.source is source else row


def ignoring_idle(s: Session, e: Any, m: Moment) -> bool:
    return guards.within_lifetime(s, m) & guards.within_upstream(s, m)


def ignoring_lifetime(s: Session, e: Any, m: Moment) -> bool:
    return guards.within_idle(s, m) & guards.within_upstream(s, m)


def ignoring_upstream(s: Session, e: Any, m: Moment) -> bool:
    return guards.within_idle(s, m) & guards.within_lifetime(s, m)


def ignoring_the_epoch(s: Session, e: Any, m: Moment) -> bool:
    return guards.fresh(s, m)


def ignoring_the_clock_of_others(s: Session, e: Any, m: Moment) -> bool:
    return guards.live(s, m) & guards.one_factor(e)


def any_kind(s: Session, e: SatisfyMfa, m: Moment) -> bool:
    return guards.live(s, m) & guards.same(s, e)


def in_a_hurry(s: Session, e: Any, m: Moment) -> bool:
    return m.at - s.seen_at >= s.idle - 1


def never(s: Session, e: Any, m: Moment) -> bool:
    return False


BUGS: dict[str, Bug] = {
    "IdleBound": loosened(ignoring_idle, Touch),
    "LifetimeBound": loosened(ignoring_lifetime, Write),
    "UpstreamBound": loosened(ignoring_upstream, Touch),
    "OnlyLoginMovesTheDeadline": writing(lambda s, e, m: {"since": m.at}, Touch),
    "NoResurrection": leading(State.LOGGED_OUT, State.AUTHENTICATED, Touch),
    "EndsAreFrozen": leading(State.LOGGED_OUT, State.LOGGED_OUT, Touch),
    "EndsAreTombstones": writing(lambda s, e, m: {"data": (("cart", "[]"),)}, LogOut),
    "SeenIsMonotone": writing(lambda s, e, m: {"seen_at": s.created_at}, Write),
    "VersionCountsRows": writing(lambda s, e, m: {}, Touch),
    "RotationOnPrivilege": writing(lambda s, e, m: {"proof": s.proof}, LogIn),
    "MfaImpliesAuthenticated": writing(lambda s, e, m: {"mfa_at": NEVER}, SatisfyMfa),
    "MfaOnlyBySatisfyMfa": writing(lambda s, e, m: {"mfa_at": m.at}, Reauthenticate),
    "TwoDistinctFactors": loosened(any_kind, SatisfyMfa),
    "OneSubject": loosened(ignoring_the_clock_of_others, LogIn),
    "SidIsForLife": writing(lambda s, e, m: {"sid": e.sid[::-1] + "x"}, SatisfyMfa),
    "CreatedImmutable": writing(lambda s, e, m: {"created_at": m.at}, LogIn),
    "LogoutAlwaysWins": loosened(lambda s, e, m: guards.live(s, m), LogOut),
    "ResetRevokesAllPrior": loosened(ignoring_the_epoch, Touch),
    "ExpiredNeverActs": loosened(never, Tick),
    "TimeOnlyEnds": writing(lambda s, e, m: {"subject": ""}, Tick),
    "NotEarly": lambda row: evolve(row, guard=in_a_hurry) if row.act is acts.end_by_idle else row,
}

# An end is the source of no row, so a bug that brings a session back needs a row of its own.
WAY_BACK = Row(Touch, State.LOGGED_OUT, lambda s, e, m: True, State.LOGGED_OUT, acts.touch)


class Forgetful(Machine[Session]):
    """Fire rows without counting them."""

    def fire(self, session: Session, event: object, moment: object) -> Session | None:
        fired = super().fire(session, event, moment)
        return fired and evolve(fired, version=session.version)


def breaks(check: Check, machine: Machine[Session], cell: Situation) -> bool:
    """Tell whether a step of this machine breaks the invariant."""
    try:
        check(taken(*cell, machine))
    except AssertionError:
        return True
    return False


@cache
def stirred() -> list[Situation]:
    """Give every cell, the like ones apart: one that breaks comes early, whichever state or clock it needs."""
    every = list(cells())
    return Random(0).sample(every, len(every))


def test_there_is_a_bug_for_every_invariant() -> None:
    assert set(INVARIANTS) == set(BUGS)


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_breaks_its_invariant(name: str) -> None:
    build = Forgetful if name == "VersionCountsRows" else Machine
    rows = (*TABLE, WAY_BACK) if name in ("NoResurrection", "EndsAreFrozen") else TABLE
    broken: Machine[Session] = build(State, [BUGS[name](row) for row in rows])

    assert any(breaks(INVARIANTS[name], broken, cell) for cell in stirred())


def test_a_broken_invariant_is_named() -> None:
    careless: Machine[Session] = Machine(State, map(BUGS["IdleBound"], TABLE))
    idle_out = next(cell for cell in stirred() if breaks(INVARIANTS["IdleBound"], careless, cell))

    with pytest.raises(AssertionError, match=r"^IdleBound: Whoever acts is within the idle limit"):
        check_step(taken(*idle_out, careless))
