"""What the interleaving tests share: requests to the real handle, and the properties of every scene."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
from attrs import define

import sessioncore_io.visit
from sessioncore import NotYours, Policy, Reason, Refused, Session, State, moment_for, settle
from sessioncore import flows as core
from sessioncore.effects import Flow, run
from sessioncore.flows import Token
from sessioncore.testing.clock import START
from sessioncore.testing.interleave import Actor, Ask, Scene, perform, play
from sessioncore.testing.model import ModelStore
from sessioncore_io import CLEAR, Handle, Sessions

POLICY: Final = Policy()
Page = Callable[[Handle], Flow[Any]]


@define
class _Drawer:
    """Draw what looks like randomness and is the same in every replay of one request."""

    name: str = ""
    drawn: int = 0

    def draw(self, length: int) -> str:
        self.drawn += 1
        return f"{self.name}-{self.drawn}".ljust(length, "-")


_DRAWER: Final = _Drawer()


@contextmanager
def repeatable_secrets(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let requests draw repeatable selectors and secrets."""
    patch.setattr(sessioncore_io.visit, "new_secret", lambda: _DRAWER.draw(43))
    patch.setattr(sessioncore_io.visit, "new_sid", lambda: _DRAWER.draw(22))
    yield


# -- actors ------------------------------------------------------------------------------------------------


def request(name: str, token: Token | None, page: Page, *, policy: Policy = POLICY, at: int = START) -> Actor:
    """Make an actor of one request: open the session, run the page, commit, answer with the cookie's order."""
    sessions = Sessions(ModelStore(), policy, lambda: at)

    def flow() -> Flow[Any]:
        _DRAWER.name, _DRAWER.drawn = name, 0
        opened = yield from core.open_session(token, policy)
        handle = Handle(sessions, token, opened.standing, opened.session, opened.epoch)
        yield from page(handle)
        if not handle.idle:
            yield from handle._committing()
        return handle.order

    return Actor(name, flow, at)


def writing(key: str = "cart", value: object = 1) -> Page:
    """Write one key."""

    def page(handle: Handle) -> Flow[None]:
        handle[key] = value
        return
        yield

    return page


def touching(handle: Handle) -> Flow[None]:
    """Only look."""
    _ = handle.signed_in
    return
    yield


def leaving(handle: Handle) -> Flow[None]:
    """Log out."""
    handle.log_out()
    return
    yield


def logging_in(subject: str = "alice", *, password: str = "old", methods: str = "pwd") -> Page:
    """Begin an attempt, check the password, log in if it is right."""

    def page(handle: Handle) -> Flow[None]:
        attempt = yield from core.attempt(subject)
        if (yield from Ask("password").ask()) == password:
            handle.log_in(attempt, methods)

    return page


def stepping_up(method: str = "otp") -> Page:
    """Satisfy MFA, if somebody is signed in."""

    def page(handle: Handle) -> Flow[None]:
        if handle.signed_in:
            handle.satisfy_mfa(method)
        return
        yield

    return page


def proving_again(handle: Handle) -> Flow[None]:
    """Reauthenticate with the password, if somebody is signed in."""
    if handle.signed_in and (yield from Ask("password").ask()) == "old":
        handle.reauthenticate("pwd")


def keeping_only(cause: Reason = Reason.PASSWORD_CHANGE, to: str = "changed") -> Page:
    """End all other sessions; with the cause of a password change, change the password too."""
    write = (lambda: {"password": to}) if cause is Reason.PASSWORD_CHANGE else None

    def page(handle: Handle) -> Flow[None]:
        if handle.signed_in:
            yield from handle._keeping_only(cause, write)

    return page


def resetting(name: str = "resetter", subject: str = "alice", *, to: str = "new") -> Actor:
    """Make an actor of a password reset."""
    return Actor(name, lambda: core.reset_password(subject, lambda: {"password": to}))


def first(*pages: Page) -> Page:
    """Do several things in one request."""

    def page(handle: Handle) -> Flow[None]:
        for one in pages:
            yield from one(handle)

    return page


# -- the beginning of a scene --------------------------------------------------------------------------------


class Stage:
    """Set a store up by letting actors act one after the other."""

    def __init__(self, store: ModelStore | None = None) -> None:
        self.store = store or ModelStore()
        self.store.facts["password"] = "old"

    def visit(self, name: str, token: Token | None, page: Page, *, policy: Policy = POLICY, at: int = START) -> Token:
        """Make one request and return the browser's token after it."""
        order = play(self.store, request(name, token, page, policy=policy, at=at))
        after = order or token
        assert isinstance(after, Token)
        return after

    def guest(self, name: str = "guest") -> Token:
        """Begin a guest's session."""
        return self.visit(name, None, writing("seen"))

    def signed_in(self, name: str = "before", subject: str = "alice", at: int = START) -> Token:
        """Begin a signed-in session."""
        return self.visit(name, None, logging_in(subject), at=at)


# -- what a scene shows --------------------------------------------------------------------------------------


def standing(store: ModelStore, row: Session, at: int, policy: Policy = POLICY) -> Session:
    """Settle a row as anybody would who loaded it."""
    return settle(row, moment_for(row, store.epochs.get(row.subject), at, policy))


def alive(scene: Scene, subject: str = "alice", policy: Policy = POLICY) -> list[Session]:
    """Give the live sessions of a subject."""
    rows = (standing(scene.store, row, START, policy) for row in scene.store.rows.values())
    return [row for row in rows if row.live and row.subject == subject]


def opens(store: ModelStore, token: Token, at: int = START, policy: Policy = POLICY) -> Session | None:
    """Present a cookie and give the session that it opens."""
    copy = store.copy()
    opened = run(core.open_session(token, policy), lambda e: _alone(copy, e, at))
    return opened.session if opened.standing is core.Standing.CURRENT else None


def _alone(store: ModelStore, effect: Any, at: int) -> Any:
    name = type(effect).__name__
    return at if name == "Now" else None if name == "Tell" else perform(store, effect)


def cookies(scene: Scene) -> list[Token]:
    """Give every cookie that an answer set."""
    return [point.result for point in scene.points if isinstance(point.result, Token)]


# -- properties ----------------------------------------------------------------------------------------------

Check = Callable[[Scene], None]


def ended_once_acknowledged(by: str, sid: str, *issued: Token) -> Check:
    """Once this actor has its answer the session is dead, whatever cookie is shown for it."""

    def check(scene: Scene) -> None:
        if not scene[by].acknowledged:
            return
        row = scene.store.rows.get(sid)
        assert row is None or not row.live, f"{by} was told that {sid} ended, and it is {row.state if row else ''}"
        for token in (*issued, *cookies(scene)):
            assert token.sid != sid or opens(scene.store, token) is None, f"{token} opens a session that ended"

    return check


def nothing_alive_once_acknowledged(by: str, subject: str = "alice") -> Check:
    """Once this actor has its answer no session of the subject is alive."""

    def check(scene: Scene) -> None:
        if scene[by].acknowledged:
            assert alive(scene, subject) == [], f"{by} was told that all sessions of {subject} ended"

    return check


def no_write_lost(**writers: str) -> Check:
    """What each of these actors wrote is there, or its drop was told."""

    def check(scene: Scene) -> None:
        for name, key in writers.items():
            point = scene[name]
            if not point.acknowledged or any(notice.what == "dropped" for notice in point.told):
                continue
            rows = scene.store.rows.values()
            kept = any(key in dict(row.data) for row in rows) or any(not row.live for row in rows)
            assert kept, f"{name} was told that {key} is stored"

    return check


def every_end_told_once(scene: Scene) -> None:
    """Each end has exactly one notice, with its reason."""
    ends = Counter((notice.sid, notice.reason) for notice in scene.told if notice.what == "ended")
    assert all(count == 1 for count in ends.values()), f"told more than once: {ends}"
    for sid, reason in ends:
        row = scene.store.rows.get(sid)
        assert row is None or row.reason == reason, f"{sid} ended for {row.reason if row else ''}, told {reason}"
    if scene.finished and not scene.gone:
        ended = {row.sid for row in scene.store.rows.values() if not row.live}
        assert ended <= {sid for sid, _ in ends}, f"an end was not told: {ended}, {ends}"


def one_live_proof_a_row(scene: Scene) -> None:
    """Every row has one proof, of its own."""
    proofs = Counter(row.proof for row in scene.store.rows.values())
    assert all(len(proof) == 64 and count == 1 for proof, count in proofs.items()), f"shared proofs: {proofs}"


def at_most(limit: int, policy: Policy) -> Check:
    """When nobody is logging in any more, at most so many sessions are alive, and not none."""

    def check(scene: Scene) -> None:
        if scene.finished and not scene.gone:
            live = alive(scene, policy=policy)
            assert 1 <= len(live) <= limit, f"{len(live)} sessions live under a cap of {limit}"

    return check


def browser_ends_in(state: State, held: Token) -> Check:
    """Whatever order the answers arrive in, the browser's last cookie opens a session in this state."""

    def check(scene: Scene) -> None:
        if not scene.finished or scene.gone:
            return
        assert all(point.result is not CLEAR for point in scene.points), "the cookie was cleared"
        for last in cookies(scene) or [held]:
            session = opens(scene.store, last)
            assert session is not None, f"the browser holds {last}, which opens nothing"
            assert session.state is state, f"the browser is {session.state}"

    return check


def only_refused(scene: Scene) -> None:
    """An actor fails only by being refused, in a type that an adapter answers with 409."""
    for point in scene.points:
        assert point.error is None or isinstance(point.error, Refused | NotYours), repr(point.error)


ALWAYS: Final = (every_end_told_once, one_live_proof_a_row, only_refused)
