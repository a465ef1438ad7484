"""One boundary rule, in every era and for every limit: alive one millisecond before the deadline, dead at it."""

from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from sessioncore import Kind, Moment, Reason, Session, State, Tick, Touch, guards, settle, step
from sessioncore.policy import DAY, HOUR, MINUTE
from sessioncore.records import LOGGING_OUT, NEVER, RESETTING
from sessioncore.testing.cells import cells
from sessioncore.testing.strategies import moments, sessions

Guard = Callable[[Session, Moment], bool]

PAIRS: list[tuple[Guard, Guard]] = [
    (guards.within_idle, guards.past_idle),
    (guards.within_lifetime, guards.past_lifetime),
    (guards.within_upstream, guards.past_upstream),
    (guards.within_mfa, guards.past_mfa),
    (guards.current, guards.superseded),
    (lambda s, m: guards.resets(m), lambda s, m: guards.revokes(m)),
]
CELLS = {(session, moment) for session, _, moment in cells()}


@pytest.mark.parametrize(("guard", "opposite"), PAIRS)
def test_a_guard_and_its_opposite_never_agree(guard: Guard, opposite: Guard) -> None:
    assert [cell for cell in CELLS if guard(*cell) == opposite(*cell)] == []
    assert {True, False} == {guard(*cell) for cell in CELLS}


@given(sessions().flatmap(lambda session: st.tuples(st.just(session), moments(session))))
def test_guards_and_their_opposites_never_agree_anywhere(situation: tuple[Session, Moment]) -> None:
    assert [guard for guard, opposite in PAIRS if guard(*situation) == opposite(*situation)] == []


# -- boundaries --------------------------------------------------------------------------------------------

# Seconds: the first one, around the ends of signed and unsigned 32-bit clocks, an ordinary day, the year 9999.
ERAS = (1, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 1_735_689_600, 253_402_300_799)
IDLE, LIFETIME, MFA, UPSTREAM = 30 * MINUTE, 12 * HOUR, 6 * HOUR, 8 * HOUR


def signed_in(at: int, state: State = State.AUTHENTICATED) -> Session:
    """Give a session that was signed in at this instant."""
    strong = state is State.MFA_SATISFIED
    return Session(
        sid="s" * 22,
        proof="0" * 64,
        state=state,
        subject="alice",
        epoch=1,
        first=Kind.KNOWLEDGE,
        second=Kind.POSSESSION if strong else Kind.NONE,
        created_at=at,
        authenticated_at=at,
        mfa_at=at if strong else NEVER,
        since=at,
        seen_at=at,
        idle=IDLE,
        lifetime=LIFETIME,
    )


def used_at(session: Session, at: int) -> Session:
    """Record a use, whatever the idle limit says."""
    return evolve(session, seen_at=at)


def moment(at: int, **rules: Any) -> Moment:
    """Give a moment with the same rules as at sign-in, unless others are given."""
    standing = {"epoch": 1, "cause": Reason.ADMIN, "idle": IDLE, "lifetime": LIFETIME, "mfa_lifetime": MFA}
    return Moment(**{"at": at, **standing, **rules})


def deadlines(session: Session) -> dict[str, tuple[Session, int, dict[str, int], Reason]]:
    """Name every limit, with a session that meets it first, the instant, today's rules and the reason."""
    since = session.since
    bound = evolve(session, not_after=since + UPSTREAM)
    longer = {"idle": 365 * DAY, "lifetime": 365 * DAY}
    shorter_idle, shorter_lifetime = {"idle": 10 * MINUTE}, {"lifetime": HOUR}
    return {
        "idle at sign-in": (session, since + IDLE, longer, Reason.IDLE),
        "idle today": (session, since + 10 * MINUTE, shorter_idle, Reason.IDLE),
        "lifetime at sign-in": (used_at(session, since + LIFETIME - 1), since + LIFETIME, longer, Reason.LIFETIME),
        "lifetime today": (used_at(session, since + HOUR - 1), since + HOUR, shorter_lifetime, Reason.LIFETIME),
        "upstream": (used_at(bound, since + UPSTREAM - 1), since + UPSTREAM, {}, Reason.UPSTREAM),
    }


NAMES = tuple(deadlines(signed_in(0)))


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("state", [State.AUTHENTICATED, State.MFA_SATISFIED])
def test_a_session_lives_until_its_deadline_and_not_at_it(state: State, name: str, era: int) -> None:
    session, deadline, rules, reason = deadlines(signed_in(era * 1000, state))[name]
    rules = {"mfa_lifetime": 365 * DAY, **rules}
    before, at, after = (moment(deadline + shift, **rules) for shift in (-1, 0, 1))

    assert session is settle(session, before)
    assert deadline - 1 == step(session, Touch(), before).seen_at
    for dead in (at, after):
        ended = settle(session, dead)
        assert (State.EXPIRED, reason, dead.at) == (ended.state, ended.reason, ended.ended_at)


@pytest.mark.parametrize("era", ERAS)
def test_a_guest_lives_until_their_deadline_and_not_at_it(era: int) -> None:
    guest = Session(sid="s", proof="0" * 64, created_at=era, seen_at=era, since=era, idle=IDLE, lifetime=LIFETIME)
    old = used_at(guest, era + LIFETIME - 1)

    assert guest is settle(guest, moment(era + IDLE - 1, epoch=0))
    assert Reason.IDLE is settle(guest, moment(era + IDLE, epoch=0)).reason
    assert old is settle(old, moment(era + LIFETIME - 1, epoch=0))
    assert Reason.LIFETIME is settle(old, moment(era + LIFETIME, epoch=0)).reason


@pytest.mark.parametrize("era", ERAS)
def test_a_second_factor_counts_until_its_deadline_and_not_at_it(era: int) -> None:
    at = era * 1000
    strong = used_at(signed_in(at, State.MFA_SATISFIED), at + MFA - 1)

    assert strong is settle(strong, moment(at + MFA - 1))
    for lapsed in (settle(strong, moment(at + MFA)), settle(strong, moment(at + MFA + 1))):
        assert (lapsed.state, lapsed.second, lapsed.mfa_at) == (State.AUTHENTICATED, Kind.NONE, NEVER)


@pytest.mark.parametrize("cause", RESETTING + LOGGING_OUT)
@pytest.mark.parametrize("epoch", [0, 2, -1, NEVER])
@pytest.mark.parametrize("state", [State.AUTHENTICATED, State.MFA_SATISFIED])
def test_a_session_whose_stamp_differs_in_either_direction_is_dead(state: State, epoch: int, cause: Reason) -> None:
    ended = settle(signed_in(1000, state), moment(1000, epoch=epoch, cause=cause))

    assert (State.RESET if cause in RESETTING else State.LOGGED_OUT, cause) == (ended.state, ended.reason)


def test_the_first_limit_to_be_named_is_the_one_that_nobody_can_lengthen() -> None:
    """With everything out at once: an end by somebody, then the upstream bound, the lifetime, the idle limit."""
    session = evolve(signed_in(1000), not_after=2000)
    late = 1000 + LIFETIME

    assert Reason.ADMIN is settle(session, moment(late, epoch=2)).reason
    assert Reason.UPSTREAM is settle(session, moment(late)).reason
    assert Reason.LIFETIME is settle(evolve(session, not_after=NEVER), moment(late)).reason
    assert Reason.IDLE is settle(evolve(session, not_after=NEVER), moment(late - 1)).reason


def test_raising_a_limit_does_not_lengthen_a_session_and_lowering_it_ends_it_at_once() -> None:
    session = signed_in(1000)

    assert Reason.IDLE is settle(session, moment(1000 + IDLE, idle=IDLE * 10)).reason
    assert Reason.IDLE is settle(session, moment(1000 + 1, idle=1)).reason


def test_a_session_answered_as_ended_stays_ended_when_the_limit_is_raised_again() -> None:
    ended = settle(signed_in(1000), moment(1001, idle=1))

    assert ended is settle(ended, moment(1001))
    assert ended is step(ended, Tick(), moment(1001))


@given(sessions(State.AUTHENTICATED, State.MFA_SATISFIED, State.CREATED))
def test_the_deadline_is_the_instant_at_which_its_own_limits_end_a_session(session: Session) -> None:
    """What the sweep looks for is what the clock does."""
    rules = {"epoch": session.epoch, "idle": NEVER, "lifetime": NEVER, "mfa_lifetime": 2 * NEVER}

    if session.deadline > session.seen_at:
        assert settle(session, moment(session.deadline - 1, **rules)).live
    assert not settle(session, moment(max(session.deadline, session.seen_at), **rules)).live


@pytest.mark.parametrize("name", ["idle at sign-in", "lifetime at sign-in", "upstream"])
def test_the_deadline_is_the_first_of_the_session_s_own_limits(name: str) -> None:
    session, deadline, _, _ = deadlines(signed_in(1000))[name]

    assert deadline == session.deadline
