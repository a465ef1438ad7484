"""A reset ends everything that began before it; a change keeps exactly the session that made it."""

import pytest

from sessioncore import ANY_SUBJECT, InvalidSetting, Reason, State
from sessioncore import flows as core
from sessioncore.testing.clock import START
from sessioncore.testing.explore import Actor, Scene, explore, play
from sessioncore.testing.explore.properties import (
    ALWAYS,
    alive,
    browser_ends_in,
    goes_on_nowhere_once_acknowledged,
    nothing_alive_once_acknowledged,
    opens,
)
from sessioncore.testing.explore.requests import (
    POLICY,
    Page,
    Stage,
    first,
    keeping_only,
    leaving,
    logging_in,
    proving_again,
    request,
    resetting,
    stepping_up,
    touching,
    writing,
)

LATER = START + 60_000
INSIDE = {
    "touch": touching,
    "write": writing(),
    "mfa": stepping_up(),
    "reauthentication": proving_again,
    "login again": logging_in(),
    "password change": keeping_only(),
    "end of all others": keeping_only(Reason.USER_ALL),
}


@pytest.mark.parametrize("crashes", [False, True], ids=["", "with a crash"])
def test_a_login_with_the_old_password_does_not_survive_a_reset(stage: Stage, crashes: bool) -> None:
    stage.signed_in()
    actors = (request("login", None, logging_in()), resetting())

    explored = explore(stage.store, actors, nothing_alive_once_acknowledged("resetter"), *ALWAYS[1:], crashes=crashes)

    assert explored.schedules > 40


def test_the_first_login_ever_does_not_survive_a_reset_either(stage: Stage) -> None:
    actors = (request("login", None, logging_in()), resetting(), request("again", None, logging_in(), at=LATER))

    explore(stage.store, actors, nothing_alive_once_acknowledged("resetter"), *ALWAYS[1:])


def test_a_login_with_the_new_password_does_survive(stage: Stage) -> None:
    stage.signed_in()
    play(stage.store, resetting())

    token = stage.visit("after", None, logging_in(password="new"))

    assert opens(stage.store, token) is not None


@pytest.mark.parametrize("page", INSIDE.values(), ids=INSIDE)
def test_nothing_that_runs_beside_a_reset_is_alive_after_it(stage: Stage, page: Page) -> None:
    token = stage.signed_in()
    actors = (request("inside", token, page, at=LATER), resetting())

    explore(stage.store, actors, nothing_alive_once_acknowledged("resetter"), *ALWAYS[1:], crashes=True)


def test_a_half_finished_second_factor_dies_with_a_reset(stage: Stage) -> None:
    guest = stage.guest()
    page = first(logging_in(), stepping_up())
    actors = (request("login", guest, page), request("mfa", guest, page), resetting())

    explored = explore(stage.store, actors, nothing_alive_once_acknowledged("resetter"), *ALWAYS[1:])

    assert explored.schedules > 10_000


def test_a_crash_within_a_reset_lets_no_thief_stay(stage: Stage) -> None:
    thief = stage.signed_in()

    def gone(scene: Scene) -> None:
        if scene.store.facts["password"] == "new":
            assert opens(scene.store, thief) is None

    explore(stage.store, (resetting(),), gone, crashes=True)


def test_a_thief_who_changes_the_password_meanwhile_does_not_stay_signed_in(stage: Stage) -> None:
    thief = stage.signed_in("thief")
    actors = (request("theft", thief, keeping_only(to="stolen"), at=LATER), resetting())

    explore(stage.store, actors, nothing_alive_once_acknowledged("resetter"), *ALWAYS[1:], crashes=True)


def test_another_subject_is_untouched_by_a_reset(stage: Stage) -> None:
    bob = stage.signed_in("bob-before", "bob")
    actors = (request("write", bob, writing()), resetting())

    def alive_still(scene: Scene) -> None:
        assert opens(scene.store, bob) is not None

    explore(stage.store, actors, alive_still, *ALWAYS[1:])


# -- keeping one session -------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", [keeping_only(), keeping_only(Reason.USER_ALL)], ids=["change", "end of others"])
def test_of_all_sessions_only_the_one_that_asked_stays(stage: Stage, page: Page) -> None:
    mine, other = stage.signed_in("mine"), stage.signed_in("other")
    actors = (request("change", mine, page), request("elsewhere", other, touching, at=LATER))

    def only_mine(scene: Scene) -> None:
        if scene["change"].acknowledged:
            assert opens(scene.store, other) is None
            assert opens(scene.store, mine) is None, "its former token opens nothing"
            assert len(alive(scene)) == 1
            assert opens(scene.store, scene["change"].result) is not None

    explore(stage.store, actors, only_mine, *ALWAYS[1:])


@pytest.mark.parametrize("beside", [touching, writing("theme")], ids=["touch", "write"])
@pytest.mark.parametrize("page", [keeping_only(), keeping_only(Reason.USER_ALL)], ids=["change", "end of others"])
def test_a_harmless_request_during_a_change_does_not_sign_the_user_out(stage: Stage, page: Page, beside: Page) -> None:
    token = stage.visit("cart", stage.signed_in(), writing("cart", [1]))
    actors = (request("change", token, page, at=LATER), request("beside", token, beside, at=LATER))

    def stays(scene: Scene) -> None:
        if scene.finished:
            session = opens(scene.store, scene["change"].result)
            assert session is not None
            assert session.subject == "alice"
            assert dict(session.data)["cart"] == "[1]", "the data came along"
        if beside is touching:
            browser_ends_in(State.AUTHENTICATED, token)(scene)

    explored = explore(stage.store, actors, stays, *ALWAYS[1:])

    assert explored.schedules > 10


def test_a_logout_during_a_change_ends_what_the_change_keeps_or_comes_first(stage: Stage) -> None:
    token = stage.signed_in()
    actors = (request("change", token, keeping_only()), request("leaver", token, leaving))

    def out(scene: Scene) -> None:
        if scene["leaver"].acknowledged:
            assert not row_live(scene, token.sid)

    explore(stage.store, actors, out, *ALWAYS[1:], crashes=True)


def row_live(scene: Scene, sid: str) -> bool:
    """Tell whether this row is live as it stands."""
    row = scene.store.rows.get(sid)
    return row is not None and row.live


@pytest.mark.parametrize("page", [keeping_only(), keeping_only(Reason.USER_ALL)], ids=["change", "end of others"])
def test_an_end_by_selector_beside_a_change_and_a_look_leaves_nothing_alive(stage: Stage, page: Page) -> None:
    token = stage.signed_in()
    actors = (
        request("change", token, page),
        request("look", token, touching),
        Actor("end", lambda: core.end(token.sid, Reason.ADMIN, ANY_SUBJECT, POLICY)),
    )

    explored = explore(stage.store, actors, goes_on_nowhere_once_acknowledged("end"), *ALWAYS)

    assert explored.schedules > 1000


def test_two_changes_at_once_let_one_stay_at_most(stage: Stage) -> None:
    one, two = stage.signed_in("one"), stage.signed_in("two")
    actors = (request("first", one, keeping_only(), at=LATER), request("second", two, keeping_only(), at=LATER))

    def at_most_one(scene: Scene) -> None:
        if scene.finished and not scene.gone:
            assert len(alive(scene)) <= 1

    explore(stage.store, actors, at_most_one, *ALWAYS[1:])


@pytest.mark.parametrize("reason", [Reason.ADMIN, Reason.USER, Reason.REPLACED])
def test_no_session_is_kept_for_a_reason_that_could_be_its_own_end(stage: Stage, reason: Reason) -> None:
    token = stage.signed_in()

    with pytest.raises(InvalidSetting, match="to keep one session"):
        stage.visit("change", token, keeping_only(reason))
    assert opens(stage.store, token) is not None


def test_a_change_beside_a_logout_and_a_purge_brings_nothing_back(stage: Stage) -> None:
    token = stage.signed_in()
    actors = (
        request("change", token, keeping_only()),
        request("leaver", token, leaving),
        Actor("purge", lambda: core.purge(0), LATER),
    )

    def out(scene: Scene) -> None:
        told = any(notice.reason == "user" for notice in scene["leaver"].told)
        if scene["leaver"].acknowledged and told:
            assert alive(scene) == [], "a session that its user ended goes on under another selector"

    explore(stage.store, actors, out, *ALWAYS[1:])
