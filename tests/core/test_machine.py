"""The machine steps anybody's records by anybody's rows, and changes nothing that it was given."""

from enum import Enum
from functools import partial
from typing import Any

import pytest
from attrs import evolve, frozen
from attrs.exceptions import FrozenInstanceError
from hypothesis import given
from hypothesis import strategies as st
from tests.flows.conversing import SID, login

from sessioncore import (
    TABLE,
    Epoch,
    InvalidSetting,
    LogIn,
    LogOut,
    Machine,
    Moment,
    Policy,
    Reason,
    Refused,
    Row,
    SatisfyMfa,
    Session,
    SessionError,
    State,
    Tick,
    Touch,
    Write,
    begin,
    moment_for,
    step,
)
from sessioncore import refusals as why
from sessioncore.acts import merged, newest
from sessioncore.effects import Call
from sessioncore.events import SINGLE_ENDS, Reauthenticate, Restamp
from sessioncore.flows import Chapter, Kept, Token
from sessioncore.flows.ending import summary_of
from sessioncore.policy import HOUR
from sessioncore.records import ENDS, EXPIRING, LIVE, LOGGING_OUT, NEVER, RESETTING, Kind
from sessioncore.testing.cells import cells
from sessioncore.testing.clock import START
from sessioncore.testing.strategies import REASONS, events, guests, moments, sessions, situations
from sessioncore.values import Ending, Notice, What

# -- a machine of one's own --------------------------------------------------------------------------------


class Door(Enum):
    """Where a door stands."""

    SHUT = "shut"
    OPEN = "open"
    LOCKED = "locked"


@frozen
class Hinges:
    """A record of somebody's own: it needs a state and a version, and nothing else is asked of it."""

    state: Door = Door.SHUT
    version: int = 1
    pushed: int = 0


@frozen
class Push:
    """Somebody leans on it."""

    force: int


@frozen
class Lock:
    """Somebody turns the key."""


def strong_enough(door: Hinges, push: Push, needed: int) -> bool:
    return push.force >= needed


def pushed(door: Hinges, event: Any, needed: int) -> Hinges:
    return evolve(door, pushed=door.pushed + 1)


def always(door: Hinges, event: Any, needed: int) -> bool:
    return True


DOORS: Machine[Hinges] = Machine(
    Door,
    (
        Row(Push, Door.SHUT, strong_enough, Door.OPEN, pushed),
        Row(Tick, Door.OPEN, always, Door.SHUT, lambda door, event, needed: door),
        Row(Lock, Door.SHUT, always, Door.LOCKED, lambda door, event, needed: door),
    ),
    explain=lambda door, event, needed: f"it takes a force of {needed}",
)


def test_a_machine_of_one_s_own_fires_its_rows() -> None:
    assert Hinges(Door.OPEN, version=2, pushed=1) == DOORS.step(Hinges(), Push(5), 5)
    assert Hinges(Door.LOCKED, version=2) == DOORS.step(Hinges(), Lock(), 5)


def test_a_machine_shows_the_states_and_the_rows_that_it_was_built_of() -> None:
    rows = iter(DOORS.rows)

    doors: Machine[Hinges] = Machine(Door, rows)

    assert (doors.states, doors.rows) == (Door, DOORS.rows)


def test_a_machine_of_one_s_own_refuses_in_its_own_words() -> None:
    with pytest.raises(Refused, match=r"^Push on a session that is Door\.SHUT: it takes a force of 5$") as refused:
        DOORS.step(Hinges(), Push(4), 5)

    assert (Push(4), Door.SHUT, Hinges()) == (refused.value.event, refused.value.state, refused.value.settled)


def test_a_machine_of_one_s_own_lets_the_clock_speak_and_tries_again() -> None:
    assert Hinges(Door.OPEN, version=4, pushed=1) == DOORS.step(Hinges(Door.OPEN, version=2), Push(5), 5)
    assert Hinges(Door.SHUT, version=2) == DOORS.settle(Hinges(Door.OPEN), 5)
    assert Hinges(Door.SHUT, version=2) == DOORS.step(Hinges(Door.OPEN), Tick(), 5)


def test_a_machine_without_words_of_its_own_still_refuses() -> None:
    plain: Machine[Hinges] = Machine(Door, DOORS.rows)

    with pytest.raises(Refused, match="no row of the table is enabled"):
        plain.step(Hinges(Door.LOCKED), Push(9), 5)


def test_an_event_that_no_row_names_is_refused() -> None:
    with pytest.raises(Refused, match=r"^Touch on"):
        DOORS.step(Hinges(), Touch(), 5)


def test_another_class_of_the_same_name_is_another_event() -> None:
    """An event is what its class is, not what its class is called."""
    impostor = type("Lock", (), {})

    with pytest.raises(Refused):
        DOORS.step(Hinges(), impostor(), 5)

    both: Machine[Hinges] = Machine(Door, (*DOORS.rows, Row(impostor, Door.SHUT, always, Door.OPEN, pushed)))
    assert Door.LOCKED is both.step(Hinges(), Lock(), 5).state
    assert Door.OPEN is both.step(Hinges(), impostor(), 5).state


def test_machines_do_not_share_anything() -> None:
    other: Machine[Hinges] = Machine(Door, DOORS.rows[:1])

    assert DOORS.fire(Hinges(), Lock(), 5) is not None
    assert other.fire(Hinges(), Lock(), 5) is None


def test_the_engine_inside_knows_the_table_and_nothing_of_its_own() -> None:
    """By itself it would add a model, a state to begin in, and for each state a trigger that jumps there."""
    engine = Machine(State, TABLE)._engine
    arrows = [arrow for event in engine.events.values() for some in event.transitions.values() for arrow in some]

    assert engine.models == []
    assert engine.name == "sessioncore: "
    assert list(engine.states) == [state.name for state in State]
    assert sorted((arrow.source, arrow.dest) for arrow in arrows) == sorted(
        (row.source.name, row.to.name) for row in TABLE
    )


# -- sessioncore's own -------------------------------------------------------------------------------------


@given(situations())
def test_a_step_is_a_function_of_its_arguments_and_leaves_them_alone(situation: tuple[Session, Any, Moment]) -> None:
    remembered = repr(situation)
    outcomes = [_outcome(*situation) for _ in range(2)]

    assert outcomes[0] == outcomes[1]
    assert remembered == repr(situation)


def _outcome(session: Session, event: Any, moment: Moment) -> object:
    try:
        return step(session, event, moment)
    except Refused as refused:
        return refused.why, refused.settled


@given(sessions(*ENDS).flatmap(lambda s: moments(s).flatmap(lambda m: st.tuples(st.just(s), events(s, m), st.just(m)))))
def test_an_end_absorbs_every_event(situation: tuple[Session, Any, Moment]) -> None:
    session, event, moment = situation
    if isinstance(event, Tick):
        assert session is step(session, event, moment)
        return

    with pytest.raises(Refused) as refused:
        step(session, event, moment)

    assert refused.value.why == why.ENDED
    assert session is refused.value.settled


def test_a_session_begins_as_a_guest_s() -> None:
    guest = begin("s" * 22, "0" * 64, 1_000, idle=10, lifetime=20)

    assert (guest.state, guest.version, guest.subject, guest.former_proof) == (State.CREATED, 1, "", "")
    assert (guest.created_at, guest.seen_at, guest.since) == (1_000, 1_000, 1_000)
    assert guest.deadline == 1_010
    assert not guest.signed_in


@pytest.mark.parametrize(
    ("state", "needs", "expected"),
    [
        (State.AUTHENTICATED, State.AUTHENTICATED, True),
        (State.AUTHENTICATED, State.MFA_SATISFIED, False),
        (State.MFA_SATISFIED, State.MFA_SATISFIED, True),
        (State.MFA_SATISFIED, State.AUTHENTICATED, True),
        (State.CREATED, State.AUTHENTICATED, False),
        *((end, needs, False) for end in ENDS for needs in (State.AUTHENTICATED, State.MFA_SATISFIED, end)),
    ],
)
def test_who_owes_a_factor_is_not_signed_in(state: State, needs: State, expected: bool) -> None:
    session = evolve(begin("s", "p", 1, idle=1, lifetime=1), state=state, needs=needs)

    assert expected is session.signed_in


def test_records_are_frozen() -> None:
    guest = begin("s", "p", 1, idle=1, lifetime=1)

    with pytest.raises(FrozenInstanceError):
        guest.state = State.AUTHENTICATED  # type: ignore[misc]


@given(guests())
def test_what_a_session_is_called_in_a_log_tells_no_secret(guest: Session) -> None:
    assert guest.proof not in f"{guest!r} {guest}"
    assert repr(guest.data) not in repr(guest) or guest.data == ()


SECRET = "s3cret".ljust(43, "-")
CREDENTIAL: dict[str, Any] = {"subject": "alice", "sid": SID, "proof": SECRET, "former_proof": SECRET}
SECRETIVE = evolve(
    begin(SID, SECRET, 1, idle=1, lifetime=1), former_proof=SECRET, data=((SECRET, SECRET),), activities=(SECRET,)
)


@pytest.mark.parametrize(
    "value",
    [
        SECRETIVE,
        login(proof=SECRET, former_proof=SECRET),
        SatisfyMfa(methods=("otp",), kind=Kind.POSSESSION, **CREDENTIAL),
        Reauthenticate(epoch=1, **CREDENTIAL),
        Restamp(was=1, epoch=2, **CREDENTIAL),
        Write(changes=((SECRET, SECRET),), activities=(SECRET,)),
        Token(SID, SECRET),
        Kept(session=SECRETIVE, token=Token(SID, SECRET)),
        Chapter(sid=SID, proof=SECRET, events=()),
        Call(partial(print, SECRET)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_nothing_shows_a_secret_or_data_when_it_is_printed(value: object) -> None:
    assert SECRET not in f"{value!r} {value}"


def test_what_a_session_does_not_say_is_nothing() -> None:
    guest, event = begin(SID, "p", 1, idle=1, lifetime=1), login()

    for said in (guest, event):
        assert (said.remembered, said.upstream, said.label, said.not_after) == (False, ("", ""), "", NEVER)
    assert (guest.subject, guest.epoch, guest.methods, guest.mfa_methods) == ("", 0, (), ())
    assert (guest.data, guest.activities, guest.reason) == ((), (), None)
    assert (Write().changes, Write().activities, Write().keep) == ((), (), 50)


def test_the_words_and_numbers_that_stores_and_logs_hold_stay_what_they_are() -> None:
    """Rows of an older release are read by them."""
    assert " ".join(State) == "created authenticated mfa_satisfied expired logged_out reset"
    assert " ".join(Reason) == (
        "idle lifetime upstream password_reset password_change user user_all rp idp admin account_deleted "
        "identifier_changed replaced evicted"
    )
    assert " ".join(What) == (
        "began signed_in stepped_up reauthenticated mfa_lapsed ended superseded dropped contended gave_up unavailable"
    )
    assert {kind.name: int(kind) for kind in Kind} == {"NONE": 0, "KNOWLEDGE": 1, "POSSESSION": 2, "INHERENCE": 3}
    assert NEVER == 9_007_199_254_740_992


def test_a_notice_and_a_hint_say_nothing_that_they_were_not_told() -> None:
    notice = Notice(what=What.BEGAN, at=1)

    assert (notice.sid, notice.subject, notice.reason, notice.created_at, notice.attempts) == ("", "", "", NEVER, 1)
    assert Notice(what="began", at=1).what is What.BEGAN
    assert (Ending().sid, Ending().subject) == ("", "")


def test_states_are_live_or_ends() -> None:
    assert set(State) == set(LIVE) | set(ENDS)
    assert [state.live for state in (*LIVE, *ENDS)] == [True] * 3 + [False] * 3
    assert set(Reason) == set(EXPIRING) | set(RESETTING) | set(LOGGING_OUT)
    assert len(Reason) == sum(map(len, REASONS.values()))


# -- reasons -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", [*EXPIRING, *RESETTING, Reason.USER_ALL])
def test_logging_out_takes_no_reason_of_another_end(reason: Reason) -> None:
    with pytest.raises(InvalidSetting, match=rf"^LogOut\.reason = .*{reason.value}.*use one of user, rp"):
        LogOut(reason)


@pytest.mark.parametrize("wrong", ["", "because", None, 0])
def test_logging_out_takes_no_reason_of_nobody_s(wrong: Any) -> None:
    with pytest.raises(InvalidSetting):
        LogOut(wrong)


@pytest.mark.parametrize("reason", SINGLE_ENDS)
def test_logging_out_records_its_reason(reason: Reason) -> None:
    guest = begin("s", "p", 1, idle=10, lifetime=10)
    ended = step(guest, LogOut(reason), Moment(5, 0, Reason.ADMIN, 10, 10, 10))

    assert (State.LOGGED_OUT, reason, 5) == (ended.state, ended.reason, ended.ended_at)


# -- refusals ----------------------------------------------------------------------------------------------

TEXTS = [text for name, text in vars(why).items() if name.isupper() and isinstance(text, str)]


@pytest.mark.parametrize("text", TEXTS)
def test_a_refusal_says_what_is_the_matter_and_what_follows(text: str) -> None:
    assert 30 < len(text) < 160
    assert "; " in text
    assert not set("_`{}") & set(text)


@pytest.mark.parametrize("subject", ["", "alice"])
def test_a_moment_before_the_session_began_is_refused_as_such(subject: str) -> None:
    guest = begin("s", "p", 5, idle=10, lifetime=10)
    session = evolve(guest, subject=subject, state=State.AUTHENTICATED if subject else State.CREATED)

    with pytest.raises(Refused) as refused:
        step(session, LogOut(), Moment(4, 0, Reason.ADMIN, 10, 10, 10))
    assert refused.value.why == why.EARLY


def test_a_refusal_reads_as_a_sentence() -> None:
    told = set()
    for session, event, moment in cells():
        if isinstance(event, SatisfyMfa | LogIn):
            try:
                step(session, event, moment)
            except Refused as refused:
                told.add(str(refused))

    same_factor = "SatisfyMfa on a session that is authenticated: the second factor is of the same kind as the first;"
    assert f"{same_factor} two of one kind are one" in told
    assert f"LogIn on a session that is expired: {why.ENDED}" in told


def test_a_refusal_is_one_of_the_library_s_errors() -> None:
    assert issubclass(Refused, SessionError)
    assert issubclass(InvalidSetting, ValueError)


# -- data --------------------------------------------------------------------------------------------------

keys = st.sampled_from("abcd")
texts = st.sampled_from(("1", "2", '"x"'))


@given(st.dictionaries(keys, texts), st.dictionaries(keys, st.none() | texts))
def test_writing_merges_by_key(data: dict[str, str], changes: dict[str, str | None]) -> None:
    expected = {**data, **changes}
    expected = {key: text for key, text in expected.items() if text is not None}

    assert tuple(sorted(expected.items())) == merged(tuple(data.items()), tuple(changes.items()))


@given(
    st.dictionaries(keys, texts), st.dictionaries(st.sampled_from("ab"), texts), st.dictionaries(st.just("c"), texts)
)
def test_writes_of_different_keys_commute(data: Any, one: Any, other: Any) -> None:
    """Two requests that write at once lose nothing, whoever is first."""
    pairs, first, second = (tuple(d.items()) for d in (data, one, other))

    assert merged(merged(pairs, first), second) == merged(merged(pairs, second), first)


@pytest.mark.parametrize("keep", [1, 2, 3, 50])
def test_the_newest_activities_stay(keep: int) -> None:
    noted = tuple(f"{n}" for n in range(5))

    assert list(noted)[-keep:] == list(newest(noted, keep))
    guest = begin("s", "p", 1, idle=10, lifetime=10)
    written = step(guest, Write(activities=noted, keep=keep), Moment(2, 0, Reason.ADMIN, 10, 10, 10))
    assert noted[-keep:] == written.activities


def test_nothing_proved_is_nothing_recorded() -> None:
    guest = begin("s", "p", 1, idle=10, lifetime=10)

    assert (guest.first, guest.second, guest.authenticated_at, guest.mfa_at) == (Kind.NONE, Kind.NONE, NEVER, NEVER)


@pytest.mark.parametrize("keep", [0, -1])
def test_keeping_no_activities_keeps_none(keep: int) -> None:
    """``activities[-0:]`` are all of them."""
    assert newest(("1", "2"), keep) == ()


GUEST = begin(SID, "p", START, idle=HOUR, lifetime=HOUR)
ALICE = evolve(GUEST, state=State.AUTHENTICATED, subject="alice", epoch=START, first=Kind.KNOWLEDGE)
FACTOR = SatisfyMfa(subject="alice", sid=SID, methods=(), kind=Kind.POSSESSION, proof="q", former_proof="p")
AGAIN = Reauthenticate(subject="alice", sid=SID, epoch=1, proof="q", former_proof="p")
STAY = Restamp(subject="alice", sid=SID, was=1, epoch=2, proof="q", former_proof="p")


@pytest.mark.parametrize(
    ("session", "event", "expected"),
    [
        (evolve(ALICE, state=State.RESET), FACTOR, why.ENDED),
        (evolve(ALICE, state=State.RESET), login(), why.ENDED),
        (GUEST, login(first=Kind.NONE), why.NO_FACTOR),
        (GUEST, login(second=Kind.KNOWLEDGE), why.NO_FACTOR),
        (GUEST, login(epoch=1), why.REVOKED),
        (GUEST, login("t" * 22, epoch=1), why.REVOKED),
        (ALICE, login(epoch=1), why.REVOKED),
        (ALICE, login(epoch=1, second=Kind.POSSESSION), why.REVOKED),
        (ALICE, login("t" * 22), why.ELSEWHERE),
        (ALICE, login(subject="bob"), why.ELSEWHERE),
        (GUEST, FACTOR, why.SIGNED_OUT),
        (GUEST, AGAIN, why.SIGNED_OUT),
        (ALICE, evolve(FACTOR, subject="bob"), why.ELSEWHERE),
        (ALICE, evolve(AGAIN, sid="t" * 22), why.ELSEWHERE),
        (ALICE, evolve(FACTOR, kind=Kind.KNOWLEDGE), why.SAME_FACTOR),
        (ALICE, evolve(FACTOR, kind=Kind.NONE), why.NO_FACTOR),
        (ALICE, AGAIN, why.REVOKED),
        (ALICE, STAY, why.NOT_KEPT),
    ],
)
def test_a_refusal_names_what_keeps_the_event_from_acting(session: Session, event: Any, expected: str) -> None:
    moment = moment_for(session, Epoch(value=START), START, Policy())

    with pytest.raises(Refused) as refused:
        step(session, event, moment)

    assert (refused.value.event, refused.value.state, refused.value.settled) == (event, session.state, session)
    assert refused.value.why == expected == why.why_not(session, event, moment)


def test_a_summary_is_live_until_an_end_is_recorded() -> None:
    assert summary_of(ALICE).live is True
    assert summary_of(evolve(ALICE, ended_at=START)).live is False
