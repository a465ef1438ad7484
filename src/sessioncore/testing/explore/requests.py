"""Requests to the real handle, as actors: what the standard scenarios are made of, and yours may be."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from types import SimpleNamespace
from typing import Any, Final
from unittest.mock import patch

import sessioncore_io.world
from sessioncore import Policy, Reason, State
from sessioncore import flows as core
from sessioncore.effects import Flow
from sessioncore.flows import Token
from sessioncore_io import Handle, Sessions

from ..clock import START
from ..model import ModelStore
from .engine import play
from .points import Actor, Ask

POLICY: Final = Policy()
Page = Callable[[Handle], Flow[Any]]


@contextmanager
def repeatable_secrets(name: str) -> Iterator[None]:
    """Let a request draw what looks like randomness and is the same in every replay of it."""
    drawn = count(1)

    def draw(size: int) -> str:
        return f"{name}-{next(drawn)}".ljust(-(size * -4 // 3), "-")

    with patch.object(sessioncore_io.world, "secrets", SimpleNamespace(token_urlsafe=draw)):
        yield


def request(name: str, token: Token | None, page: Page, *, policy: Policy = POLICY, at: int = START) -> Actor:
    """Make an actor of one request: open the session, run the page, commit, answer with the cookie's order."""
    sessions = Sessions(ModelStore(), policy, lambda: at)

    def flow() -> Flow[Any]:
        with repeatable_secrets(name):
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


def logging_in(
    subject: str = "alice", *, password: str = "old", methods: str = "pwd", needs: State = State.AUTHENTICATED
) -> Page:
    """Begin an attempt, check the password, log in if it is right; the login may need more than that."""

    def page(handle: Handle) -> Flow[None]:
        attempt = yield from core.attempt(subject)
        if (yield from Ask("password").ask()) == password:
            handle.log_in(attempt, methods, needs=needs)

    return page


def stepping_up(method: str = "otp") -> Page:
    """Satisfy MFA, if somebody has logged in."""

    def page(handle: Handle) -> Flow[None]:
        if handle.subject:
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


def resetting(name: str = "resetter", subject: str = "alice", *, to: str = "new", at: int = START) -> Actor:
    """Make an actor of a password reset."""
    return Actor(name, lambda: core.reset_password(subject, lambda: {"password": to}), at)


def first(*pages: Page) -> Page:
    """Do several things in one request."""

    def page(handle: Handle) -> Flow[None]:
        for one in pages:
            yield from one(handle)

    return page


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
