"""Flows that are almost right."""

from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve
from tests.property.searching import (
    Plant,
)

from sessioncore import (
    LogIn,
    Policy,
    State,
    What,
    flows,
)
from sessioncore.effects import OfSubject, Tell
from sessioncore.flows import Opened, Standing, committing, ending, opening, resetting
from sessioncore.flows.telling import notice_of
from sessioncore.testing.suite import bare, core_driver


def judged(verdict: Callable[[Any, str, Standing | None], Standing | None]) -> Plant:
    """Plant another judgement of tokens."""
    true = opening.glance

    def plant(patch: pytest.MonkeyPatch) -> None:
        def glance(row: Any, epoch: Any, secret: str, at: int, policy: Policy) -> Standing | None:
            return verdict(row, secret, true(row, epoch, secret, at, policy))

        patch.setattr(opening, "glance", glance)

    return plant


def mixed_up(patch: pytest.MonkeyPatch) -> None:
    """Open another subject's session, if there is one."""
    true = flows.open_session

    def open_session(token: Any, policy: Policy) -> Any:
        opened = yield from true(token, policy)
        if opened.session is None or opened.standing is not Standing.CURRENT or opened.session.subject != "alice":
            return opened
        others = yield from OfSubject("bob", live=False).ask()
        return next((Opened(Standing.CURRENT, row, opened.epoch) for row in others if row.live), opened)

    patch.setattr(flows, "open_session", open_session)


def late_epoch(patch: pytest.MonkeyPatch) -> None:
    """Read the epoch when the login is stored, not before the credential was checked."""
    true = committing._epochs

    def epochs(chapter: Any, base: Any, epoch: Any, at: int) -> Any:
        chapter, found = yield from true(chapter, base, epoch, at)
        login = chapter.login
        standing = found[login.subject] if login is not None else None
        if standing is not None:
            events = (evolve(e, epoch=standing.value) if isinstance(e, LogIn) else e for e in chapter.events)
            chapter = evolve(chapter, events=tuple(events))
        return chapter, found

    patch.setattr(committing, "_epochs", epochs)


def no_cap(patch: pytest.MonkeyPatch) -> None:
    """Ignore the cap."""

    def enforce(*_: Any) -> Any:
        yield from ()

    patch.setattr(committing, "enforce_cap", enforce)


def plain_secrets(patch: pytest.MonkeyPatch) -> None:
    """Store secrets as they are."""
    for module in (opening, resetting, bare):
        patch.setattr(module, "proof_of", lambda secret: secret)


def anybody_ends(patch: pytest.MonkeyPatch) -> None:
    """Let everybody end everybody's sessions."""
    true = flows.end
    patch.setattr(flows, "end", lambda sid, reason, subject, policy: true(sid, reason, flows.ANY_SUBJECT, policy))


def adopted(patch: pytest.MonkeyPatch) -> None:
    """Hand the same selector out again and again."""
    patch.setattr(core_driver.CoreDriver, "new_secret", lambda self: "s" * 43)


def quiet_in(*modules: Any) -> Plant:
    """Store the ends that show, and tell nobody."""

    def untold(*_: Any) -> Any:
        yield from ()

    def plant(patch: pytest.MonkeyPatch) -> None:
        for module in modules:
            patch.setattr(module, "tell_change", untold)

    return plant


def told_by_whoever_looks(patch: pytest.MonkeyPatch) -> None:
    """Tell of an end whenever somebody finds it."""
    true = flows.open_session

    def open_session(token: Any, policy: Policy) -> Any:
        opened = yield from true(token, policy)
        if opened.standing is Standing.ENDED and opened.session is not None:
            yield from Tell(notice_of(What.ENDED, opened.session, opened.session.ended_at)).ask()
        return opened

    patch.setattr(flows, "open_session", open_session)


FLOWS: dict[str, tuple[str, Plant]] = {
    "an ended session that opens": (
        "LogoutLinearizable",
        judged(
            lambda row, secret, true: (
                Standing.CURRENT if true is Standing.ENDED and row.state is State.LOGGED_OUT else true
            )
        ),
    ),
    "a former secret that opens": (
        "OneLiveProof",
        judged(lambda row, secret, true: Standing.CURRENT if true is Standing.FORMER else true),
    ),
    "a wrong secret that opens": (
        "UnknownIdInert",
        judged(lambda row, secret, true: Standing.CURRENT if true is Standing.INERT else true),
    ),
    "sessions mixed up": ("SubjectIsolation", mixed_up),
    "an epoch read after the password check": ("ResetRevokesAllPrior", late_epoch),
    "a cap that nobody enforces": ("CapHolds", no_cap),
    "secrets stored as they are": ("NoSecretLeak", plain_secrets),
    "sessions that anybody may end": ("LogoutAlwaysWins", anybody_ends),
    "a secret that is drawn twice": ("UniqueSecrets", adopted),
    "an end that the request which sees it does not tell": ("EveryEndToldOnce", quiet_in(opening)),
    "an end from outside that is not told": ("EveryEndToldOnce", quiet_in(ending)),
    "an end that is told again by whoever looks": ("EveryEndToldOnce", told_by_whoever_looks),
}
