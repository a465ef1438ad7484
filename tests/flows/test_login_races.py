"""Logins and second factors that race: the browser ends signed in, and nobody gets more sessions than the cap."""

import pytest
from attrs import evolve

from sessioncore import Policy, State
from sessioncore.testing.clock import START
from sessioncore.testing.explore import Actor, Scene, explore
from sessioncore.testing.explore.properties import ALWAYS, at_most, browser_ends_in, no_write_lost, opens
from sessioncore.testing.explore.requests import (
    Page,
    Stage,
    keeping_only,
    logging_in,
    proving_again,
    request,
    stepping_up,
    touching,
    writing,
)

LATER = START + 60_000


def test_a_double_clicked_login_leaves_the_browser_signed_in(stage: Stage) -> None:
    token = stage.guest()
    actors = (request("one", token, logging_in()), request("two", token, logging_in()))

    explored = explore(stage.store, actors, browser_ends_in(State.AUTHENTICATED, token), *ALWAYS)

    assert explored.schedules > 100


def test_a_double_clicked_login_beside_a_write_leaves_the_browser_signed_in(stage: Stage) -> None:
    token = stage.guest()
    actors = (request("one", token, logging_in()), request("two", token, logging_in()), request("w", token, writing()))

    explored = explore(stage.store, actors, browser_ends_in(State.AUTHENTICATED, token), *ALWAYS)

    assert explored.schedules > 10_000


def test_a_first_login_without_any_session_leaves_the_browser_signed_in(stage: Stage) -> None:
    actors = (request("one", None, logging_in()), request("two", None, logging_in()))

    def signed_in(scene: Scene) -> None:
        if scene.finished:
            assert all(opens(scene.store, point.result) for point in scene.points), "a login was for nothing"

    explore(stage.store, actors, signed_in, *ALWAYS)


def test_parallel_first_logins_of_a_subject_agree_on_one_epoch(stage: Stage) -> None:
    actors = (request("one", None, logging_in()), request("two", None, logging_in(), at=LATER))

    def one_epoch(scene: Scene) -> None:
        stamps = {row.epoch for row in scene.store.rows.values() if row.subject}
        assert stamps <= {scene.store.epochs["alice"].value} if stamps else True

    explored = explore(stage.store, actors, one_epoch, *ALWAYS, crashes=True)

    assert explored.schedules > 100


@pytest.mark.parametrize("names", [("one", "two"), ("one", "two", "three")], ids=["twice", "three times"])
def test_a_double_clicked_second_factor_leaves_the_browser_with_it(stage: Stage, names: tuple[str, ...]) -> None:
    token = stage.signed_in()
    actors = tuple(request(name, token, stepping_up(), at=LATER) for name in names)

    explore(stage.store, actors, browser_ends_in(State.MFA_SATISFIED, token), *ALWAYS)


@pytest.mark.parametrize(
    ("other", "state"),
    [
        (touching, State.MFA_SATISFIED),
        (writing(), State.MFA_SATISFIED),
        (proving_again, State.MFA_SATISFIED),
        (keeping_only(), State.MFA_SATISFIED),
    ],
    ids=["touch", "write", "reauthentication", "password change"],
)
def test_a_second_factor_survives_what_runs_beside_it(stage: Stage, other: Page, state: State) -> None:
    token = stage.signed_in()
    actors = (request("mfa", token, stepping_up(), at=LATER), request("other", token, other, at=LATER))

    def not_lost(scene: Scene) -> None:
        if scene["mfa"].acknowledged and scene["mfa"].result is not None and scene.finished:
            browser_ends_in(state, token)(scene)

    explore(stage.store, actors, not_lost, *ALWAYS)


def test_two_subjects_who_log_in_on_one_guest_session_never_share_it(stage: Stage) -> None:
    token = stage.guest()
    actors = (request("alice", token, logging_in("alice")), request("bob", token, logging_in("bob")))

    def apart(scene: Scene) -> None:
        for name in ("alice", "bob"):
            order = scene[name].result
            session = opens(scene.store, order) if order else None
            assert session is None or session.subject == name
        owners = {row.subject for row in scene.store.rows.values() if "seen" in dict(row.data)}
        assert len(owners) <= 1, "the guest's data went to both"

    explore(stage.store, actors, apart, *ALWAYS, crashes=True)


def test_two_writes_of_different_keys_are_both_there(stage: Stage) -> None:
    token = stage.signed_in()
    actors = tuple(request(key, token, writing(key)) for key in ("cart", "theme", "city"))

    def both(scene: Scene) -> None:
        if scene.finished:
            assert {"cart", "theme", "city"} <= dict(scene.store.rows[token.sid].data).keys()

    explored = explore(stage.store, actors, both, *ALWAYS)

    assert explored.schedules > 1_000


def test_two_writes_of_one_key_leave_one_of_the_two_values(stage: Stage) -> None:
    token = stage.signed_in()
    actors = (request("one", token, writing("cart", 1)), request("two", token, writing("cart", 2)))

    def one_of_them(scene: Scene) -> None:
        if scene.finished:
            assert dict(scene.store.rows[token.sid].data)["cart"] in ("1", "2")

    explore(stage.store, actors, one_of_them, *ALWAYS)


@pytest.mark.parametrize("other", [stepping_up(), proving_again, logging_in()], ids=["mfa", "again", "login"])
def test_a_write_beside_a_rotation_is_stored_or_its_drop_is_told(stage: Stage, other: Page) -> None:
    token = stage.signed_in()
    actors = (request("writer", token, writing()), request("other", token, other))

    explore(stage.store, actors, no_write_lost(writer="cart"), *ALWAYS)


# -- the cap -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("cap", "logins"), [(1, 2), (2, 2)])
def test_parallel_logins_leave_at_most_the_cap_alive(stage: Stage, cap: int, logins: int) -> None:
    policy = Policy(max_sessions=cap)
    stage.visit("first", None, logging_in(), policy=policy, at=START - 1)
    actors: tuple[Actor, ...] = tuple(
        request(f"login{number}", None, logging_in(), policy=policy, at=START + number % 2) for number in range(logins)
    )

    explored = explore(stage.store, actors, at_most(cap, policy), *ALWAYS)

    assert explored.schedules > 100


def test_a_login_beyond_the_cap_evicts_the_oldest_login(stage: Stage) -> None:
    policy = Policy(max_sessions=2)
    old = stage.visit("old", None, logging_in(), policy=policy, at=START)
    mid = stage.visit("mid", None, logging_in(), policy=policy, at=START + 1)
    new = stage.visit("new", None, logging_in(), policy=policy, at=START + 2)

    assert opens(stage.store, old) is None
    assert stage.store.rows[old.sid].reason == "evicted"
    assert opens(stage.store, mid) is not None
    assert opens(stage.store, new) is not None


OWING = State.MFA_SATISFIED


def test_logins_that_owe_a_factor_evict_no_session_that_owes_none(stage: Stage) -> None:
    policy = Policy(max_sessions=2)
    mine = stage.visit("mine", None, logging_in(), policy=policy)
    halves = [stage.visit(f"half{n}", None, logging_in(needs=OWING), policy=policy, at=START + n + 1) for n in range(4)]

    assert opens(stage.store, mine) is not None
    assert [opens(stage.store, half) is not None for half in halves] == [False, False, True, True]


def test_a_full_login_evicts_no_session_that_owes_a_factor(stage: Stage) -> None:
    policy = Policy(max_sessions=1)
    half = stage.visit("half", None, logging_in(needs=OWING), policy=policy)
    full = stage.visit("full", None, logging_in(), policy=policy, at=START + 1)

    assert opens(stage.store, half) is not None
    assert opens(stage.store, full) is not None


def test_a_step_up_that_completes_a_login_is_held_to_the_cap(stage: Stage) -> None:
    policy = Policy(max_sessions=1)
    old = stage.visit("old", None, logging_in(), policy=policy)
    half = stage.visit("half", None, logging_in(needs=OWING), policy=policy, at=START + 1)
    before = opens(stage.store, old)
    full = stage.visit("full", half, stepping_up(), policy=policy, at=START + 2)

    assert before is not None
    assert opens(stage.store, full) is not None
    assert stage.store.rows[old.sid].reason == "evicted"


def test_a_step_up_of_a_session_that_owed_nothing_evicts_nobody(stage: Stage) -> None:
    policy = Policy(max_sessions=2)
    mine = stage.visit("mine", None, logging_in(), policy=policy)
    other = stage.visit("other", None, logging_in(), policy=policy, at=START + 1)
    mine = stage.visit("stronger", mine, stepping_up(), policy=evolve(policy, max_sessions=1), at=START + 2)

    assert opens(stage.store, mine) is not None
    assert opens(stage.store, other) is not None


def test_two_step_ups_at_once_leave_at_most_the_cap_alive(stage: Stage) -> None:
    policy = Policy(max_sessions=1)
    wide = evolve(policy, max_sessions=2)
    one = stage.visit("first", None, logging_in(needs=OWING), policy=wide)
    two = stage.visit("second", None, logging_in(needs=OWING), policy=wide, at=START + 1)
    actors = (request("one", one, stepping_up(), policy=policy), request("two", two, stepping_up(), policy=policy))

    explore(stage.store, actors, at_most(1, policy), *ALWAYS)


def test_a_guest_of_long_standing_who_logs_in_does_not_evict_itself(stage: Stage) -> None:
    policy = Policy(max_sessions=1)
    guest = stage.visit("guest", None, writing("seen"), policy=policy, at=START - 86_400_000)
    other = stage.visit("other", None, logging_in(), policy=policy, at=START - 1)
    mine = stage.visit("mine", guest, logging_in(), policy=policy, at=START)

    assert opens(stage.store, mine) is not None
    assert opens(stage.store, other) is None
