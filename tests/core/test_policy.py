"""A policy is checked when it is written down, and a moment is what it says of one session at one instant."""

from datetime import timedelta
from math import inf, nan
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from sessioncore import (
    NEVER,
    NIST_AAL1,
    NIST_AAL2,
    NIST_AAL3,
    Epoch,
    InvalidSetting,
    Limits,
    Moment,
    Policy,
    Reason,
    Session,
    State,
    moment_for,
)
from sessioncore.policy import DAY, HOUR, KIB, LONGEST, MINUTE, SECOND, deadline_of, milliseconds, touch_due
from sessioncore.testing.strategies import guests, policies, sessions, spans

NO_SPANS: list[Any] = [0, -1, LONGEST + 1, NEVER, True, 1.5, inf, nan, "60", None, timedelta(0), timedelta.max]
NO_COUNTS: list[Any] = [0, -1, NEVER, True, 1.5, inf, "5", None]

# -- what is refused ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", NO_SPANS)
@pytest.mark.parametrize("name", ["idle", "lifetime"])
def test_a_limit_that_is_no_finite_span_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(InvalidSetting, match=rf"^Limits\.{name} = ") as refused:
        Limits(**{"idle": 1, "lifetime": 1, name: value})

    assert f"Limits.{name}" == refused.value.name


@pytest.mark.parametrize("value", NO_SPANS)
@pytest.mark.parametrize("name", ["mfa_lifetime", "touch_every"])
def test_a_policy_s_span_that_is_none_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(InvalidSetting, match=rf"^Policy\.{name} = .*above 0 ms and at most 100 years"):
        Policy(**{name: value})


@pytest.mark.parametrize("value", NO_COUNTS)
@pytest.mark.parametrize("name", ["max_sessions", "max_data", "max_activities"])
def test_a_count_that_is_none_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(InvalidSetting, match=rf"^Policy\.{name} = .*at least 1"):
        Policy(**{name: value})


@given(st.integers(max_value=0) | st.integers(min_value=LONGEST + 1))
def test_every_span_that_is_not_positive_or_overflows_is_refused(value: int) -> None:
    for build in (lambda: Limits(idle=value, lifetime=value), lambda: Policy(mfa_lifetime=value)):
        with pytest.raises(InvalidSetting) as refused:
            build()

        assert value == refused.value.value


@given(spans, spans)
def test_an_idle_limit_longer_than_the_lifetime_is_refused(lifetime: int, more: int) -> None:
    with pytest.raises(InvalidSetting, match=rf"^Limits\.idle = {lifetime + more}: make it at most .*{lifetime} ms"):
        Limits(idle=lifetime + more, lifetime=lifetime)


@pytest.mark.parametrize(
    ("guest", "login", "remembered"), [(2, 30, 30), (30, 2, 30), (2, 2, 2)], ids=["guest", "login", "all"]
)
def test_a_touch_that_could_come_too_late_for_an_idle_limit_is_refused(guest: int, login: int, remembered: int) -> None:
    """Two touches fit into the shortest idle limit, or a session in use could end."""
    policy = Policy(
        guest=Limits(guest * MINUTE, 30 * DAY),
        login=Limits(login * MINUTE, 30 * DAY),
        remembered=Limits(remembered * MINUTE, 30 * DAY),
        touch_every=MINUTE - 1,
    )

    with pytest.raises(InvalidSetting, match=r"^Policy\.touch_every = 60000: pass touch_every= as well, .* 120000 ms"):
        evolve(policy, touch_every=MINUTE)


def test_being_remembered_never_ends_a_session_sooner() -> None:
    for sooner in (Limits(HOUR, 12 * HOUR - 1), Limits(HOUR - 1, 12 * HOUR)):
        with pytest.raises(InvalidSetting, match=r"^Policy\.remembered = .*: pass remembered= as well"):
            Policy(login=Limits(HOUR, 12 * HOUR), remembered=sooner)


@pytest.mark.parametrize("name", ["guest", "login", "remembered"])
@pytest.mark.parametrize("value", [timedelta(hours=1), HOUR, (HOUR, HOUR), None])
def test_limits_that_are_none_are_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(InvalidSetting, match=rf"^Policy\.{name} = .*write Limits\(idle=..., lifetime=...\)"):
        Policy(**{name: value})


@given(policies())
def test_every_generated_policy_is_accepted_and_its_limits_are_in_order(policy: Policy) -> None:
    for limits in (policy.guest, policy.login, policy.remembered):
        assert 0 < policy.touch_every * 2 < limits.idle <= limits.lifetime < NEVER


# -- how it is written -------------------------------------------------------------------------------------


def test_spans_may_be_written_as_timedeltas() -> None:
    assert Limits(30 * MINUTE, 12 * HOUR) == Limits(timedelta(minutes=30), timedelta(hours=12))
    assert Policy(mfa_lifetime=timedelta(minutes=15)).mfa_lifetime == 15 * MINUTE
    assert Policy(touch_every=timedelta(seconds=15)).touch_every == 15 * SECOND


@pytest.mark.parametrize(
    ("span", "expected"), [(timedelta(microseconds=1999), 1), (timedelta(days=30), 30 * DAY), (17, 17)]
)
def test_a_span_is_whole_milliseconds(span: timedelta | int, expected: int) -> None:
    assert expected == milliseconds(span)


def test_the_defaults_are_those_that_the_documentation_names() -> None:
    assert Limits(14 * DAY, 30 * DAY) == Policy().guest == Policy().remembered
    assert Limits(30 * MINUTE, 12 * HOUR) == Policy().login
    assert (Policy().mfa_lifetime, Policy().touch_every, Policy().max_sessions) == (12 * HOUR, MINUTE, 20)
    assert (Policy().max_data, Policy().max_activities) == (65_536, 50)
    assert (SECOND, MINUTE, HOUR, DAY, KIB) == (1_000, 60_000, 3_600_000, 86_400_000, 1_024)


@pytest.mark.parametrize(
    ("preset", "idle", "lifetime"),
    [(NIST_AAL1, 30 * DAY, 30 * DAY), (NIST_AAL2, HOUR, 24 * HOUR), (NIST_AAL3, 15 * MINUTE, 12 * HOUR)],
    ids=["AAL1", "AAL2", "AAL3"],
)
def test_the_presets_are_nist_s_reauthentication_limits(preset: Policy, idle: int, lifetime: int) -> None:
    """NIST SP 800-63B-4, 2.1.3, 2.2.3 and 2.3.3; a remembered session is bound by them as well."""
    assert Limits(idle, lifetime) == preset.login == preset.remembered
    assert lifetime == preset.mfa_lifetime


# -- the limits of a class of sessions ---------------------------------------------------------------------


@given(sessions(), policies())
def test_a_session_has_the_limits_of_its_class(session: Session, policy: Policy) -> None:
    by_login = policy.remembered if session.remembered else policy.login

    assert (policy.guest if session.state is State.CREATED else by_login) == policy.limits_of(session)


# -- moments -----------------------------------------------------------------------------------------------

EPOCH = Epoch(value=7, cause=Reason.PASSWORD_RESET)


@given(sessions(), policies(), st.integers(-(10**10), 10**10))
def test_a_clock_that_goes_back_moves_nothing(session: Session, policy: Policy, drift: int) -> None:
    moment = moment_for(session, EPOCH, session.seen_at + drift, policy)

    assert session.seen_at + max(drift, 0) == moment.at


@given(sessions(), policies())
def test_a_moment_holds_today_s_rules_and_the_subject_s_epoch(session: Session, policy: Policy) -> None:
    moment, limits = moment_for(session, EPOCH, session.seen_at, policy), policy.limits_of(session)

    assert (moment.epoch, moment.cause) == (7, Reason.PASSWORD_RESET)
    assert (limits.idle, limits.lifetime, policy.mfa_lifetime) == (moment.idle, moment.lifetime, moment.mfa_lifetime)


@given(sessions(State.AUTHENTICATED, State.MFA_SATISFIED))
def test_a_signed_in_session_whose_subject_has_no_epoch_has_nobody_s_stamp(session: Session) -> None:
    assert session.epoch != moment_for(session, None, session.seen_at, Policy()).epoch == -1


@given(guests())
def test_a_guest_needs_no_epoch(guest: Session) -> None:
    assert guest.epoch == moment_for(guest, None, guest.seen_at, Policy()).epoch


def test_an_epoch_without_a_cause_ends_a_differing_session_as_an_administrator_would() -> None:
    session = Session(sid="s", proof="0" * 64, created_at=1, seen_at=1, since=1, idle=1, lifetime=1)

    assert Reason.ADMIN is moment_for(session, Epoch(value=3), 1, Policy()).cause


@pytest.mark.parametrize(
    ("state", "remembered", "idle", "lifetime"),
    [
        (State.CREATED, False, 11, 101),
        (State.CREATED, True, 11, 101),
        (State.AUTHENTICATED, False, 12, 102),
        (State.MFA_SATISFIED, True, 13, 103),
    ],
)
def test_each_class_of_sessions_has_limits_of_its_own(state: State, remembered: bool, idle: int, lifetime: int) -> None:
    policy = Policy(
        guest=Limits(11, 101), login=Limits(12, 102), remembered=Limits(13, 103), mfa_lifetime=7, touch_every=1
    )
    session = Session(
        sid="s",
        proof="p",
        created_at=50,
        since=50,
        seen_at=60,
        idle=90,
        lifetime=900,
        state=state,
        remembered=remembered,
    )

    assert moment_for(session, EPOCH, 70, policy) == Moment(70, 7, Reason.PASSWORD_RESET, idle, lifetime, 7)
    assert moment_for(session, EPOCH, 55, policy).at == 60
    assert deadline_of(session, policy) == 60 + idle
    assert deadline_of(evolve(session, seen_at=149), policy) == 50 + lifetime
    assert deadline_of(evolve(session, idle=5), policy) == 65
    assert deadline_of(evolve(session, lifetime=6), policy) == 56
    assert deadline_of(evolve(session, not_after=52), policy) == 52


# -- touches -----------------------------------------------------------------------------------------------


@given(sessions(), policies())
def test_a_touch_is_due_at_the_policy_s_pace_or_at_a_twentieth_of_the_idle_limit(s: Session, policy: Policy) -> None:
    due = min(policy.touch_every, s.idle // 20, policy.limits_of(s).idle // 20)

    assert touch_due(s, s.seen_at + due, policy)
    assert due == 0 or not touch_due(s, s.seen_at + due - 1, policy)
