"""Ending is final: whatever else runs at the same time, in whatever order, and wherever it crashes."""

import pytest

from sessioncore import ANY_SUBJECT, Reason
from sessioncore import flows as core
from sessioncore.testing.clock import START
from sessioncore.testing.explore import Actor, explore
from sessioncore.testing.explore.properties import ALWAYS, ended_once_acknowledged, no_write_lost
from sessioncore.testing.explore.requests import (
    POLICY,
    Page,
    Stage,
    keeping_only,
    leaving,
    logging_in,
    proving_again,
    request,
    stepping_up,
    touching,
    writing,
)

MINUTE_LATER = START + 60_000
OTHERS = {
    "touch": touching,
    "write": writing(),
    "mfa": stepping_up(),
    "reauthentication": proving_again,
    "login again": logging_in(),
    "login of another": logging_in("bob"),
    "logout": leaving,
    "password change": keeping_only(),
    "end of all others": keeping_only(Reason.USER_ALL),
}


def ending(sid: str, name: str = "ender", reason: Reason = Reason.ADMIN) -> Actor:
    """Make an actor that ends a session from outside."""
    return Actor(name, lambda: core.end(sid, reason, ANY_SUBJECT, POLICY))


@pytest.mark.parametrize("crashes", [False, True], ids=["", "with a crash"])
@pytest.mark.parametrize("page", OTHERS.values(), ids=OTHERS)
def test_an_acknowledged_logout_leaves_nothing_alive(stage: Stage, page: Page, crashes: bool) -> None:
    token = stage.signed_in()
    actors = (
        request("leaver", token, leaving, at=MINUTE_LATER),
        request("other", token, page, at=MINUTE_LATER),
    )
    dead = ended_once_acknowledged("leaver", token.sid, token)

    explored = explore(stage.store, actors, dead, *ALWAYS, crashes=crashes)

    assert explored.schedules >= 6


@pytest.mark.parametrize("page", OTHERS.values(), ids=OTHERS)
def test_an_acknowledged_end_by_sid_leaves_nothing_alive(stage: Stage, page: Page) -> None:
    token = stage.signed_in()
    actors = (ending(token.sid), request("other", token, page, at=MINUTE_LATER))

    explore(stage.store, actors, ended_once_acknowledged("ender", token.sid, token), *ALWAYS, crashes=True)


@pytest.mark.parametrize("one", ["write", "mfa", "login again", "password change"])
@pytest.mark.parametrize("two", ["mfa", "reauthentication", "touch"])
def test_a_logout_wins_against_two_other_requests(stage: Stage, one: str, two: str) -> None:
    token = stage.signed_in()
    actors = (
        request("leaver", token, leaving, at=MINUTE_LATER),
        request("one", token, OTHERS[one], at=MINUTE_LATER),
        request("two", token, OTHERS[two], at=MINUTE_LATER),
    )

    explored = explore(stage.store, actors, ended_once_acknowledged("leaver", token.sid, token), *ALWAYS)

    assert explored.schedules > 100


def test_a_guest_who_logs_out_while_logging_in_keeps_no_session_of_the_guest(stage: Stage) -> None:
    token = stage.guest()
    actors = (request("leaver", token, leaving), request("login", token, logging_in()))

    explore(stage.store, actors, ended_once_acknowledged("leaver", token.sid, token), *ALWAYS, crashes=True)


def test_a_write_that_meets_a_logout_is_dropped_with_a_notice(stage: Stage) -> None:
    token = stage.signed_in()
    actors = (request("leaver", token, leaving), request("writer", token, writing()))

    explore(stage.store, actors, ended_once_acknowledged("leaver", token.sid, token), *ALWAYS)
    explore(stage.store, actors[1:], no_write_lost(writer="cart"))


def test_a_sweep_and_a_last_touch_agree_on_who_was_first(stage: Stage) -> None:
    token = stage.signed_in()
    deadline = stage.store.rows[token.sid].deadline
    actors = (
        Actor("sweep", lambda: core.sweep(POLICY), deadline),
        request("touch", token, touching, at=deadline - 1),
        request("write", token, writing(), at=deadline - 1),
    )

    explore(stage.store, actors, *ALWAYS, crashes=True)


@pytest.mark.parametrize("page", OTHERS.values(), ids=OTHERS)
def test_purging_at_once_brings_nothing_back(stage: Stage, page: Page) -> None:
    token = stage.signed_in()
    actors = (
        request("leaver", token, leaving),
        request("other", token, page),
        Actor("purge", lambda: core.purge(0), MINUTE_LATER),
    )
    dead = ended_once_acknowledged("leaver", token.sid, token)

    explore(stage.store, actors, dead)
