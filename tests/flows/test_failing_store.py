"""A store that fails before or after it did its part: nobody gets in, and no end is claimed that is not done."""

import pytest

from sessioncore import ANY_SUBJECT, Reason, StoreUnavailable
from sessioncore import flows as core
from sessioncore.effects import Flow
from sessioncore.testing.clock import START
from sessioncore.testing.explore import Actor, Scene, explore, play
from sessioncore.testing.explore.properties import alive, every_end_told, one_live_proof_a_row, opens
from sessioncore.testing.explore.requests import (
    POLICY,
    Page,
    Stage,
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
from sessioncore_io import Handle

LATER = START + 60_000
PAGES = {
    "touch": touching,
    "write": writing(),
    "login": logging_in(),
    "mfa": stepping_up(),
    "reauthentication": proving_again,
    "password change": keeping_only(),
    "end of all others": keeping_only(Reason.USER_ALL),
    "logout": leaving,
}


def only_unavailable(scene: Scene) -> None:
    """A failed store is said to be one, in the one type that adapters answer with 503."""
    for point in scene.points:
        assert point.error is None or isinstance(point.error, StoreUnavailable), repr(point.error)


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_a_request_whose_store_fails_gives_out_no_cookie_that_is_not_stored(stage: Stage, page: Page) -> None:
    token = stage.signed_in()

    def honest(scene: Scene) -> None:
        order = scene["it"].result
        if scene["it"].acknowledged and isinstance(order, core.Token):
            assert opens(scene.store, order) is not None

    explored = explore(
        stage.store, (request("it", token, page, at=LATER),), honest, one_live_proof_a_row, only_unavailable, faults=2
    )

    assert explored.schedules > 3


def test_a_logout_is_done_exactly_when_it_is_acknowledged_or_can_be_tried_again(stage: Stage) -> None:
    token = stage.signed_in()

    def settled(scene: Scene) -> None:
        if scene["leaver"].acknowledged:
            assert alive(scene) == []
        elif scene["leaver"].done:
            store = scene.store.copy()
            play(store, request("again", token, leaving, at=LATER))
            assert not store.rows[token.sid].live

    explore(stage.store, (request("leaver", token, leaving, at=LATER),), settled, faults=2)


def test_a_logout_of_a_dead_session_whose_end_cannot_be_stored_is_not_acknowledged(stage: Stage) -> None:
    token = stage.signed_in()
    deadline = stage.store.rows[token.sid].deadline

    def on_record(scene: Scene) -> None:
        if scene["leaver"].acknowledged:
            assert not scene.store.rows[token.sid].live

    explore(stage.store, (request("leaver", token, leaving, at=deadline),), on_record, faults=1)


@pytest.mark.parametrize(
    "ender",
    [
        resetting("ender"),
        Actor("ender", lambda: core.end_all("alice", Reason.ADMIN)),
        Actor("ender", lambda: core.sweep(POLICY), START + 10**10),
    ],
    ids=["reset", "end all", "sweep"],
)
def test_an_end_from_outside_is_done_when_acknowledged_and_can_be_tried_again(stage: Stage, ender: Actor) -> None:
    stage.signed_in()

    def done(scene: Scene) -> None:
        if scene["ender"].done:
            store = scene.store
            if not scene["ender"].acknowledged:
                play(store := store.copy(), ender)
            assert not any(row.live and store.epochs["alice"].value == row.epoch for row in store.rows.values())

    explore(stage.store, (ender,), done, only_unavailable, faults=2)


def test_one_session_ended_from_outside_can_be_tried_again(stage: Stage) -> None:
    token = stage.signed_in()
    ender = Actor("ender", lambda: core.end(token.sid, Reason.ADMIN, ANY_SUBJECT, POLICY))

    def done(scene: Scene) -> None:
        if scene["ender"].done:
            store = scene.store.copy()
            play(store, ender)
            assert not store.rows[token.sid].live
            assert not scene["ender"].acknowledged or not scene.store.rows[token.sid].live

    explore(stage.store, (ender,), done, only_unavailable, faults=2)


def test_an_end_that_shows_while_the_store_fails_still_lets_nobody_in(stage: Stage) -> None:
    token = stage.signed_in()
    deadline = stage.store.rows[token.sid].deadline
    reader = Actor("reader", lambda: core.open_session(token, POLICY), deadline)

    def shut(scene: Scene) -> None:
        opened = scene["reader"].result
        assert opened is None or opened.standing is not core.Standing.CURRENT

    explore(stage.store, (reader,), shut, only_unavailable, faults=2)


# -- a commit that is tried again ------------------------------------------------------------------------------


def persistent(page: Page) -> Page:
    """Commit, and do so again as often as the store fails."""

    def persisting(handle: Handle) -> Flow[None]:
        yield from page(handle)
        while True:
            try:
                return (yield from handle._committing())
            except StoreUnavailable:
                continue

    return persisting


@pytest.mark.parametrize("page", [logging_in(), writing()], ids=["login", "write"])
@pytest.mark.parametrize("known", [False, True], ids=["of nobody", "of a guest"])
def test_a_commit_that_is_tried_again_begins_one_session_at_most(stage: Stage, page: Page, known: bool) -> None:
    token = stage.guest() if known else None

    def one(scene: Scene) -> None:
        assert len(scene.store.rows) <= 1, "a session was begun twice"
        if scene["it"].acknowledged and (order := scene["it"].result):
            assert opens(scene.store, order) is not None

    actors = (request("it", token, persistent(page), at=LATER),)
    explored = explore(stage.store, actors, one, one_live_proof_a_row, every_end_told, faults=2)

    assert explored.schedules > 5


def test_a_login_on_a_session_that_ends_meanwhile_begins_one_other_however_often_its_commit_is_tried(
    stage: Stage,
) -> None:
    token = stage.guest()
    login = request("login", token, persistent(logging_in()))
    ender = Actor("ender", lambda: core.end(token.sid, Reason.ADMIN, ANY_SUBJECT, POLICY))
    purger = Actor("purger", lambda: core.purge(0), LATER)

    def one(scene: Scene) -> None:
        assert len(alive(scene)) <= 1, "a session was begun twice"

    explore(stage.store, (login, ender, purger), one, one_live_proof_a_row, faults=1)
