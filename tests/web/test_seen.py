"""What a handle shows of its session: each property, of nobody, of a guest and of somebody who is signed in."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from sessioncore import Limits, Policy, State, StoreUnavailable
from sessioncore.policy import HOUR, MINUTE
from sessioncore.testing import Clock
from sessioncore_io import Handle, Sessions
from sessioncore_io.memory import MemoryStore

from .stores import Outage, Recording

RULES: Final = Policy(login=Limits(30 * MINUTE, 8 * HOUR), remembered=Limits(10 * HOUR, 100 * HOUR))


@pytest.fixture
def sessions(clock: Clock) -> Sessions:
    """Give a shell over an empty store."""
    return Sessions(MemoryStore(), RULES, clock)


def instant(milliseconds: int) -> datetime:
    """Give the instant of a clock."""
    return datetime.fromtimestamp(milliseconds / 1_000, UTC)


def signed_in(sessions: Sessions, **options: Any) -> Handle:
    """Sign alice in."""
    session = sessions.open(None)
    session.log_in(session.attempt("alice"), "pwd", **options)
    return session


def test_nobody_is_nothing(sessions: Sessions) -> None:
    nobody = sessions.open(None)

    assert (nobody.state, nobody.subject, nobody.sid, nobody.label) == (None, None, None, "")
    assert (nobody.signed_in, nobody.remembered, nobody.methods) == (False, False, ())
    assert (nobody.authenticated_at, nobody.mfa_at, nobody.idle_at, nobody.expires_at) == (None,) * 4
    assert (nobody.activities, dict(nobody), len(nobody), bool(nobody)) == ([], {}, 0, False)
    assert repr(nobody) == "<session: none>"


def test_a_guest_is_somebody_without_a_name(sessions: Sessions, clock: Clock) -> None:
    guest = sessions.open(None)
    guest["cart"] = [1]
    guest.commit()

    assert (guest.state, guest.subject, guest.signed_in) == (State.CREATED, None, False)
    assert (guest.authenticated_at, guest.mfa_at, guest.methods) == (None, None, ())
    assert (len(guest), bool(guest), list(guest)) == (1, True, ["cart"])
    assert repr(guest) == f"<session {guest.sid} created>"


def test_who_is_signed_in_is_shown_with_what_was_proved_and_when(sessions: Sessions, clock: Clock) -> None:
    at = clock()
    alice = signed_in(sessions, label="Firefox on Linux", remember=True)
    clock.advance(timedelta(minutes=1))
    alice.satisfy_mfa("otp")

    assert (alice.state, alice.subject, alice.signed_in) == (State.MFA_SATISFIED, "alice", True)
    assert (alice.label, alice.remembered, alice.methods) == ("Firefox on Linux", True, ("pwd", "otp"))
    assert (alice.authenticated_at, alice.mfa_at) == (instant(at), instant(at + MINUTE))


def test_a_session_ends_by_the_shorter_of_its_own_limits_and_todays(sessions: Sessions, clock: Clock) -> None:
    at = clock()
    stored = signed_in(sessions)
    stored.commit()
    assert (stored.idle_at, stored.expires_at) == (instant(at + 30 * MINUTE), instant(at + 8 * HOUR))

    for limits, idle, lifetime in (
        (Limits(10 * MINUTE, 4 * HOUR), 10 * MINUTE, 4 * HOUR),
        (Limits(9 * HOUR, 9 * HOUR), 30 * MINUTE, 8 * HOUR),
    ):
        order: Any = stored.order
        other = Sessions(sessions.store, Policy(login=limits), clock).open(order)
        assert (other.idle_at, other.expires_at) == (instant(at + idle), instant(at + lifetime))


def test_a_bound_of_the_identity_provider_is_the_end_if_it_comes_first(sessions: Sessions, clock: Clock) -> None:
    bound = instant(clock() + HOUR)

    assert signed_in(sessions, not_after=bound).expires_at == bound
    assert signed_in(sessions, not_after=instant(clock() + 9 * HOUR)).expires_at == instant(clock() + 8 * HOUR)


def test_a_handle_is_itself_and_no_other(sessions: Sessions) -> None:
    one, other = sessions.open(None), sessions.open(None)

    assert one == one
    assert one != other
    assert len({one, other, one}) == 2


def test_a_print_before_the_answer_is_a_look_and_one_after_it_is_none(sessions: Sessions) -> None:
    early, late = sessions.open(None), sessions.open(None)
    late.seal()
    assert repr(early) == repr(late)

    assert (early.accessed, late.accessed) == (True, False)
    rotations = sessions.open(None)
    rotations.seal("rotations")
    assert repr(rotations)
    assert rotations.accessed is True


def test_a_form_matches_nothing_where_the_session_could_not_be_loaded(clock: Clock) -> None:
    outage = Outage(MemoryStore())
    sessions = Sessions(outage, clock=clock)
    alice = signed_in(sessions)
    form = alice.csrf_token
    failed = Handle(sessions, None, alice._standing, None, None, StoreUnavailable("away"))

    assert alice.csrf_matches(form) is True
    assert failed.csrf_matches(form) is False
    assert failed.csrf_matches("") is False


def test_a_form_for_a_visitor_begins_a_guests_session_and_keeps_its_activities(clock: Clock) -> None:
    recording = Recording(MemoryStore())
    sessions = Sessions(recording, Policy(max_activities=2), clock)
    visitor = sessions.open(None)
    assert visitor.csrf_token
    for page in "abc":
        visitor.record(page)
    visitor.commit()

    assert visitor.state is State.CREATED
    assert [one["what"] for one in visitor.activities] == ["b", "c"]


def test_a_sealed_handle_says_so(sessions: Sessions) -> None:
    handle = sessions.open(None)
    assert handle.sealed is False
    handle.seal()

    assert handle.sealed is True
