"""A check that cannot fail is worse than none: each rule is broken once, and the schedules find it and tell how."""

from collections.abc import Callable
from typing import Any

import pytest
from attrs import define, evolve

from sessioncore import Epoch, LogIn, Policy, Reason, Refused, Session, State, StoreUnavailable, moment_for, settle
from sessioncore import effects as fx
from sessioncore import flows as core
from sessioncore.effects import Flow
from sessioncore.flows import Token, committing, ending, opening, resetting
from sessioncore.testing.clock import START
from sessioncore.testing.explore import Actor, Ask, Broken, Scene, explore, properties, requests
from sessioncore.testing.explore.properties import (
    ALWAYS,
    at_most,
    browser_ends_in,
    ended_once_acknowledged,
    no_cookie_before_its_commit,
    no_write_lost,
    nothing_alive_once_acknowledged,
)
from sessioncore.testing.explore.requests import Stage, keeping_only, leaving, logging_in, request, writing
from sessioncore.testing.model import ModelStore
from sessioncore_io import CLEAR


@define
class Upserting(ModelStore):
    """Write without looking, as most session stores do."""

    def swap(self, old: Session | None, new: Session) -> bool:
        """Put ``new`` where anything is."""
        self.rows[new.sid] = new
        return True


@define
class Unexpecting(ModelStore):
    """Move the epoch on whatever was expected."""

    def supersede(self, subject: str, at: int, cause: Reason, expected: int | None = None) -> Epoch | None:
        """Ignore what was expected."""
        return super().supersede(subject, at, cause)


def test_a_store_that_upserts_brings_a_session_back() -> None:
    stage = Stage(Upserting())
    token = stage.signed_in()
    actors = (request("leaver", token, leaving), request("writer", token, writing()))

    with pytest.raises(Broken, match=r"leaver was told that .* ended(?s:.*)The story:(?s:.*)writer: Swap"):
        explore(stage.store, actors, ended_once_acknowledged("leaver", token.sid, token))


def test_a_store_that_upserts_loses_a_write() -> None:
    stage = Stage(Upserting())
    token = stage.signed_in()
    actors = (request("one", token, writing("cart")), request("two", token, writing("theme")))

    with pytest.raises(Broken, match="is stored"):
        explore(stage.store, actors, no_write_lost(one="cart", two="theme"))


def test_a_change_that_expects_no_epoch_lets_a_thief_stay() -> None:
    stage = Stage(Unexpecting())
    thief = stage.signed_in()
    actors = (request("theft", thief, keeping_only(to="stolen")), requests.resetting())

    with pytest.raises(Broken, match="all sessions of alice ended"):
        explore(stage.store, actors, nothing_alive_once_acknowledged("resetter"))


def test_a_raced_login_that_rotates_again_takes_the_cookie_out_of_the_browser(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rotating(event: LogIn, session: Session, base: Session, raced: bool) -> LogIn:
        return evolve(event, former_proof=base.proof)

    monkeypatch.setattr(committing, "_with_proofs", rotating)
    token = stage.guest()
    actors = (request("one", token, logging_in()), request("two", token, logging_in()))

    with pytest.raises(Broken, match="opens nothing"):
        explore(stage.store, actors, browser_ends_in(State.AUTHENTICATED, token))


def write_then_supersede(subject: str, write: Callable[[], object]) -> Flow[None]:
    """Reset in the obvious order, once."""
    yield from fx.Call(write).ask()
    yield from core.end_all(subject, Reason.PASSWORD_RESET)


def supersede_then_write(subject: str, write: Callable[[], object]) -> Flow[None]:
    """Reset in the other order, once."""
    yield from core.end_all(subject, Reason.PASSWORD_RESET)
    yield from fx.Call(write).ask()


def test_a_reset_that_ends_sessions_only_before_it_writes_lets_an_old_login_in(stage: Stage) -> None:
    reset = Actor("resetter", lambda: supersede_then_write("alice", lambda: {"password": "new"}))

    with pytest.raises(Broken, match="all sessions of alice ended"):
        explore(stage.store, (request("login", None, logging_in()), reset), nothing_alive_once_acknowledged("resetter"))


def test_a_reset_that_ends_sessions_only_after_it_wrote_lets_a_thief_stay_when_it_crashes(stage: Stage) -> None:
    thief = stage.signed_in()
    reset = Actor("resetter", lambda: write_then_supersede("alice", lambda: {"password": "new"}))

    def gone(scene: Scene) -> None:
        if scene.store.facts["password"] == "new" and scene.gone:
            assert properties.opens(scene.store, thief) is None

    with pytest.raises(Broken, match="resetter crashes"):
        explore(stage.store, (reset,), gone, crashes=True)


def test_an_epoch_that_is_read_after_the_password_check_lets_an_old_login_in(stage: Stage) -> None:
    def late(handle: Any) -> Flow[None]:
        right = (yield from Ask("password").ask()) == "old"
        attempt = yield from core.attempt("alice")
        if right:
            handle.log_in(attempt, "pwd")

    actors = (request("login", None, late), requests.resetting())

    with pytest.raises(Broken, match="all sessions of alice ended"):
        explore(stage.store, actors, nothing_alive_once_acknowledged("resetter"))


def test_a_login_that_is_not_held_to_the_cap_exceeds_it(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(*_: object) -> Flow[None]:
        return
        yield

    monkeypatch.setattr(committing, "enforce_cap", nothing)
    policy = Policy(max_sessions=1)
    actors = tuple(request(name, None, logging_in(), policy=policy) for name in ("one", "two"))

    with pytest.raises(Broken, match="2 sessions live under a cap of 1"):
        explore(stage.store, actors, at_most(1, policy))


def test_a_cap_that_is_checked_before_the_login_is_exceeded_by_two_at_once(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(*_: object) -> Flow[None]:
        return
        yield

    def check_then_act(handle: Any) -> Flow[None]:
        if not (yield from fx.OfSubject("alice", live=False).ask()):
            yield from logging_in()(handle)

    monkeypatch.setattr(committing, "enforce_cap", nothing)
    policy = Policy(max_sessions=1)
    alone = (request("one", None, check_then_act, policy=policy),)
    actors = (*alone, request("two", None, check_then_act, policy=policy))

    explore(stage.store, alone, at_most(1, policy))
    with pytest.raises(Broken, match="2 sessions live under a cap of 1"):
        explore(stage.store, actors, at_most(1, policy))


def test_a_cap_by_creation_makes_a_guest_of_long_standing_evict_itself(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def by_creation(rows: Any, key: Any) -> list[Any]:
        return sorted(rows, key=lambda row: (row.created_at, row.sid) if isinstance(row, Session) else key(row))

    monkeypatch.setattr(ending, "sorted", by_creation, raising=False)
    policy = Policy(max_sessions=1)
    guest = stage.visit("guest", None, writing("seen"), policy=policy, at=START - 86_400_000)
    stage.visit("other", None, logging_in(), policy=policy, at=START - 1)

    with pytest.raises(Refused, match="newer sessions up to the cap"):
        stage.visit("mine", guest, logging_in(), policy=policy, at=START)


def test_an_end_that_every_witness_tells_is_told_twice(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def told_anyway(policy: Policy) -> Flow[None]:
        """Tell before the swap says who won."""
        at = yield from fx.Now().ask()
        for row in (yield from fx.Due(at, 10).ask()):
            ended = settle(row, moment_for(row, stage.store.epoch(row.subject), at, policy))
            yield from fx.Swap(row, ended).ask()
            yield from core.telling.tell_change(row, ended, at)

    token = stage.signed_in()
    deadline = stage.store.rows[token.sid].deadline
    actors = tuple(Actor(name, lambda: told_anyway(requests.POLICY), deadline) for name in ("one", "two"))

    with pytest.raises(Broken, match="told more than once"):
        explore(stage.store, actors, *ALWAYS)


def test_a_session_that_is_not_settled_but_taken_for_anothers_forgets_a_logout(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine = opening.glance

    def hasty(row: Any, epoch: Any, secret: str, at: int, policy: Policy) -> Any:
        standing = genuine(row, epoch, secret, at, policy)
        return core.Standing.INERT if standing is None else standing

    monkeypatch.setattr(opening, "glance", hasty)
    token = stage.signed_in()
    actors = (request("change", token, keeping_only()), request("leaver", token, leaving))

    with pytest.raises(Broken, match="leaver was told"):
        explore(stage.store, actors, ended_once_acknowledged("leaver", token.sid, token))


def test_a_change_that_keeps_a_session_for_any_reason_brings_back_what_an_admin_ended(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resetting, "KEEPING", tuple(Reason))
    token = stage.signed_in()
    admin = Actor("admin", lambda: core.end(token.sid, Reason.ADMIN, "alice", requests.POLICY))

    def out(scene: Scene) -> None:
        if scene["admin"].acknowledged and scene["admin"].result and scene.finished:
            assert properties.alive(scene) == [], "the session that the admin ended goes on"

    with pytest.raises(Broken, match="goes on"):
        explore(stage.store, (request("change", token, keeping_only(Reason.ADMIN)), admin), out)


# -- what most session libraries do ----------------------------------------------------------------------------


@define
class Uncomparing(ModelStore):
    """Look whether there is a live row, and set without comparing it."""

    def swap(self, old: Session | None, new: Session) -> bool:
        """Put ``new`` where anything live is."""
        standing = self.rows.get(new.sid)
        if (standing is None) != (old is None) or (standing is not None and not standing.live):
            return False
        self.rows[new.sid] = new
        return True


@define
class Deleting(ModelStore):
    """Delete at logout, so that nothing tells an ended session from one that never was."""

    def swap(self, old: Session | None, new: Session) -> bool:
        """Keep only what lives."""
        if self.rows.get(new.sid) not in (None, old):
            return False
        self.rows[new.sid] = new
        if not new.live:
            del self.rows[new.sid]
        return True


def test_a_store_that_gets_then_sets_without_comparing_loses_a_write() -> None:
    stage = Stage(Uncomparing())
    token = stage.signed_in()
    actors = (request("one", token, writing("cart")), request("two", token, writing("theme")))

    with pytest.raises(Broken, match="is stored"):
        explore(stage.store, actors, no_write_lost(one="cart", two="theme"))


def test_a_logout_that_deletes_lets_a_late_write_bring_the_session_back() -> None:
    stage = Stage(Deleting())
    token = stage.signed_in()
    actors = (request("leaver", token, leaving), request("writer", token, writing()))

    with pytest.raises(Broken, match="leaver was told"):
        explore(stage.store, actors, ended_once_acknowledged("leaver", token.sid, token))


def test_a_rotation_as_two_independent_writes_leaves_the_guests_token_signed_in_when_it_crashes(stage: Stage) -> None:
    guest = stage.guest()

    def in_two_writes() -> Flow[None]:
        row, _ = yield from fx.Load(guest.sid).ask()
        epoch = yield from fx.Mint("alice", START).ask()
        assert row is not None
        raised = evolve(row, state=State.AUTHENTICATED, subject="alice", epoch=epoch.value, version=row.version + 1)
        yield from fx.Swap(row, raised).ask()
        yield from fx.Swap(raised, evolve(raised, proof="1" * 64, former_proof=row.proof)).ask()

    def not_fixed(scene: Scene) -> None:
        session = properties.opens(scene.store, guest)
        assert session is None or not session.signed_in, "a token from before the login is signed in"

    with pytest.raises(Broken, match="from before the login"):
        explore(stage.store, (Actor("login", in_two_writes),), not_fixed, crashes=True)


def test_a_rotation_under_a_new_key_outlives_the_logout_beside_it(stage: Stage) -> None:
    token = stage.signed_in()

    def under_a_new_key() -> Flow[None]:
        row, _ = yield from fx.Load(token.sid).ask()
        assert row is not None
        if row.live and (yield from fx.Swap(None, evolve(row, sid="n" * 22, proof="1" * 64)).ask()):
            ended = evolve(row, state=State.LOGGED_OUT, reason=Reason.REPLACED, ended_at=START)
            yield from fx.Swap(row, ended).ask()

    actors = (request("leaver", token, leaving), Actor("mfa", under_a_new_key))

    with pytest.raises(Broken, match="all sessions of alice ended"):
        explore(stage.store, actors, nothing_alive_once_acknowledged("leaver"))


def test_an_answer_that_clears_a_cookie_it_does_not_know_signs_a_new_login_out(stage: Stage) -> None:
    guest = stage.guest()

    def clearing() -> Flow[object]:
        opened = yield from core.open_session(guest, requests.POLICY)
        return None if opened.standing is core.Standing.CURRENT else CLEAR

    actors = (request("login", guest, logging_in()), Actor("stale", clearing))

    with pytest.raises(Broken, match="the cookie was cleared"):
        explore(stage.store, actors, browser_ends_in(State.AUTHENTICATED, guest))


def test_a_cookie_that_is_sent_before_the_commit_opens_nothing_when_the_store_fails(stage: Stage) -> None:
    genuine = request("login", None, logging_in())

    def hasty() -> Flow[object]:
        try:
            return (yield from genuine.flow())
        except StoreUnavailable:
            return Token("login-2".ljust(22, "-"), "login-1".ljust(43, "-"))

    with pytest.raises(Broken, match="no such session is stored"):
        explore(stage.store, (Actor("login", hasty),), no_cookie_before_its_commit, faults=1)
