"""The table, scanned in five lines, is the oracle for the machine that runs it; and it says something of every cell."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import transitions
from attrs import evolve
from hypothesis import assume, given

from sessioncore import TABLE, Event, LogOut, Machine, Moment, Refused, Restamp, Row, Session, State, Tick, settle, step
from sessioncore import refusals as why
from sessioncore.guards import quiet
from sessioncore.machine import MACHINE
from sessioncore.testing.cells import cells
from sessioncore.testing.strategies import situations

Situation = tuple[Session, Event, Moment]
Cell = tuple[str, State]

CELLS = tuple(cells())


def scan(session: Session, event: Event, moment: Moment, rows: tuple[Row, ...] = TABLE) -> Session | None:
    """Fire the enabled row: the whole semantics of the table."""
    for row in rows:
        if type(event) is row.on and session.state is row.source and row.guard(session, event, moment):
            written: Session = row.act(session, event, moment)
            return evolve(written, state=row.to, version=session.version + 1)
    return None


def scanned(session: Session, event: Event, moment: Moment) -> Session | None:
    """Step by scanning: the event, or else the clock and then the event. None means refused."""
    at_once = None if type(event) is Tick else scan(session, event, moment)
    settled = session
    while at_once is None and (ticked := scan(settled, Tick(), moment)) is not None:
        settled = ticked
    return settled if type(event) is Tick else at_once or scan(settled, event, moment)


def stepped(session: Session, event: Event, moment: Moment) -> Session | None:
    """Step by the machine. None means refused."""
    try:
        return step(session, event, moment)
    except Refused:
        return None


def enabled(session: Session, event: Event, moment: Moment) -> list[Row]:
    """List the rows that may fire."""
    rows = [row for row in TABLE if row.on is type(event) and row.source is session.state]
    return [row for row in rows if row.guard(session, event, moment)]


# -- the oracle --------------------------------------------------------------------------------------------


@given(situations())
def test_the_machine_does_what_a_scan_of_the_table_does(situation: Situation) -> None:
    assert scanned(*situation) == stepped(*situation)


def test_the_machine_does_what_a_scan_of_the_table_does_in_every_cell() -> None:
    assert [cell for cell in CELLS if scanned(*cell) != stepped(*cell)] == []


def test_the_oracle_notices_a_table_that_lacks_a_row() -> None:
    lame: Machine[Session] = Machine(State, TABLE[:-1], explain=why.why_not)
    differing = [cell for cell in CELLS if scan(*cell) != lame.fire(*cell)]

    assert {(Tick, State.MFA_SATISFIED)} == {(type(event), session.state) for session, event, _ in differing}


# -- totality ----------------------------------------------------------------------------------------------

ENDED = {why.ENDED}
NAMELESS = {why.NO_FACTOR, why.REVOKED, why.ENDED}
LOGIN = NAMELESS | {why.ELSEWHERE}

# What each event may be told, by the state in which it found the session. Ends refuse all events but Tick.
REFUSALS: dict[Cell, set[str]] = {
    ("LogIn", State.CREATED): NAMELESS,
    ("LogIn", State.AUTHENTICATED): LOGIN,
    ("LogIn", State.MFA_SATISFIED): LOGIN,
    ("SatisfyMfa", State.CREATED): {why.SIGNED_OUT, why.ENDED},
    ("SatisfyMfa", State.AUTHENTICATED): {why.ELSEWHERE, why.SAME_FACTOR, why.NO_FACTOR, why.ENDED},
    ("SatisfyMfa", State.MFA_SATISFIED): {why.ELSEWHERE, why.SAME_FACTOR, why.NO_FACTOR, why.ENDED},
    ("Reauthenticate", State.CREATED): {why.SIGNED_OUT, why.ENDED},
    ("Reauthenticate", State.AUTHENTICATED): {why.ELSEWHERE, why.REVOKED, why.ENDED},
    ("Reauthenticate", State.MFA_SATISFIED): {why.ELSEWHERE, why.REVOKED, why.ENDED},
    ("Restamp", State.CREATED): {why.SIGNED_OUT, why.ENDED},
    ("Restamp", State.AUTHENTICATED): {why.ELSEWHERE, why.NOT_KEPT, why.ENDED},
    ("Restamp", State.MFA_SATISFIED): {why.ELSEWHERE, why.NOT_KEPT, why.ENDED},
    **{(name, state): ENDED for name in ("Touch", "Write") for state in State},
    **{
        (name, state): ENDED
        for name in ("LogIn", "SatisfyMfa", "Reauthenticate", "Restamp", "LogOut")
        for state in State
        if not state.live
    },
}


def test_every_cell_is_one_row_or_one_named_refusal() -> None:
    told: dict[Cell, set[str]] = {}
    for session, event, moment in CELLS:
        try:
            step(session, event, moment)
        except Refused as refused:
            told.setdefault((type(event).__name__, session.state), set()).add(refused.why)

    assert told == REFUSALS


def test_there_are_34_rows_and_each_can_fire() -> None:
    fired = {row for cell in CELLS for row in enabled(*cell)}

    assert len(TABLE) == 34
    assert set(TABLE) == fired


def test_no_two_rows_are_enabled_together() -> None:
    assert [cell for cell in CELLS if len(enabled(*cell)) > 1] == []


@given(situations())
def test_no_two_rows_are_enabled_together_anywhere(situation: Situation) -> None:
    assert len(enabled(*situation)) <= 1


def test_every_row_starts_from_a_live_state_and_none_from_an_end() -> None:
    assert {state for state in State if state.live} == {row.source for row in TABLE}


def test_a_refusal_carries_the_session_as_the_clock_leaves_it() -> None:
    for session, event, moment in CELLS:
        if scanned(session, event, moment) is None:
            with pytest.raises(Refused) as refused:
                step(session, event, moment)

            assert settle(session, moment) == refused.value.settled
            assert event is refused.value.event
            assert refused.value.settled.state is refused.value.state


# -- quiet -------------------------------------------------------------------------------------------------


def test_quiet_means_that_no_tick_row_is_enabled_and_the_session_is_live() -> None:
    for session, moment in {(session, moment) for session, _, moment in CELLS}:
        assert (session.live and not enabled(session, Tick(), moment)) == quiet(session, moment)


@given(situations())
def test_quiet_means_that_settling_changes_nothing(situation: Situation) -> None:
    session, _, moment = situation

    assert (session.live and settle(session, moment) is session) == quiet(session, moment)


@given(situations())
def test_an_enabled_row_other_than_logout_and_restamp_implies_quiet(situation: Situation) -> None:
    session, event, moment = situation
    assume(not isinstance(event, LogOut | Restamp | Tick))

    assert not enabled(session, event, moment) or quiet(session, moment)


def test_an_enabled_row_other_than_logout_and_restamp_implies_quiet_in_every_cell() -> None:
    free = (LogOut, Restamp, Tick)
    loud = [cell for cell in CELLS if enabled(*cell) and not quiet(cell[0], cell[2])]

    assert set() == {type(event) for _, event, _ in loud} - set(free)
    assert set(free) == {type(event) for _, event, _ in loud}


# -- the engine --------------------------------------------------------------------------------------------


def test_the_engine_has_no_trigger_that_jumps_to_a_state() -> None:
    """``transitions`` adds ``to_<state>`` triggers by default: one call from logged out to authenticated."""
    assert len({row.on for row in TABLE}) == len(MACHINE._engine.events)
    assert [name for name in MACHINE._engine.events if name.startswith("to_")] == []


def test_the_engine_s_default_would_have_had_such_triggers() -> None:
    careless = transitions.Machine(model=None, states=State, initial=State.CREATED)

    assert "to_AUTHENTICATED" in careless.events


def test_threads_share_the_machine_and_no_step() -> None:
    """A WSGI server steps many sessions at once through the one machine."""
    some = CELLS[::7]
    with ThreadPoolExecutor(4) as pool:
        stepped_at_once = list(pool.map(lambda cell: stepped(*cell), some))

    assert [scanned(*cell) for cell in some] == stepped_at_once
