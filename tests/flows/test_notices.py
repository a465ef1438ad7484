"""Every end has one notice with its reason, whoever stores it; a race that costs attempts is told besides."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from sessioncore import ANY_SUBJECT, Contention, Notice, Policy, Reason, Session, StoreUnavailable, What
from sessioncore.effects import Flow
from sessioncore.flows import ending
from sessioncore.testing import Clock, FaultyStore
from sessioncore.testing.doubles import AFTER
from sessioncore.testing.explore import Broken
from sessioncore.testing.explore.scenarios import SCENARIOS
from sessioncore_io import Handle, Sessions
from sessioncore_io.memory import MemoryStore


class Losing(MemoryStore):
    """Let somebody else win the next swaps, before it is tried: as if they had come between load and swap."""

    lost = 0

    def swap(self, old: Session | None, new: Session) -> bool:
        """Lose, if it is to be lost."""
        if self.lost:
            self.lost -= 1
            return False
        return super().swap(old, new)


@pytest.fixture
def store() -> Losing:
    """Give a store that can be told to lose."""
    return Losing()


@pytest.fixture
def told() -> list[Notice]:
    """Keep what is told."""
    return []


@pytest.fixture
def sessions(store: Losing, clock: Clock, told: list[Notice]) -> Sessions:
    """Give a shell over it."""
    return Sessions(store, Policy(), clock, told.append)


def signed_in(sessions: Sessions, subject: str = "alice") -> Handle:
    """Sign somebody in."""
    handle = sessions.open(None)
    handle.log_in(handle.attempt(subject), "pwd")
    handle.commit()
    return handle


def ends(told: list[Notice]) -> Iterator[tuple[str, str]]:
    """Give the ends that were told."""
    return ((notice.sid, notice.reason) for notice in told if notice.what is What.ENDED)


def test_an_abandoned_session_of_a_reset_subject_is_told_when_it_is_due(
    sessions: Sessions, clock: Clock, told: list[Notice]
) -> None:
    """It is dead at once, by the epoch; who ended it is still the reason when the sweep comes by."""
    sid = str(signed_in(sessions).sid)
    sessions.reset_password("alice")
    early, before = sessions.sweep(), list(ends(told))
    clock.advance(timedelta(minutes=30))

    assert (early, before) == (0, [])
    assert (sessions.sweep(), sessions.sweep()) == (1, 0)
    assert list(ends(told)) == [(sid, Reason.PASSWORD_RESET)]


def test_a_notice_of_an_end_says_how_long_the_session_lived(
    sessions: Sessions, clock: Clock, told: list[Notice]
) -> None:
    handle = signed_in(sessions)
    clock.advance(timedelta(minutes=5))
    sessions.end(str(handle.sid), Reason.ADMIN, subject=ANY_SUBJECT)
    ended = told[-1]

    assert (ended.what, ended.subject, ended.at - ended.created_at) == ("ended", "alice", 5 * 60_000)


def test_a_change_that_took_three_attempts_says_so_once(sessions: Sessions, store: Losing, told: list[Notice]) -> None:
    sid = str(signed_in(sessions).sid)
    store.lost = 2
    sessions.end(sid, subject="alice")

    assert [(notice.what, notice.sid, notice.attempts) for notice in told if notice.what is What.CONTENDED] == [
        ("contended", sid, 3)
    ]
    assert list(ends(told)) == [(sid, "user")]


def test_who_gives_up_says_so(store: Losing, clock: Clock, told: list[Notice], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sessioncore_io.shell.sleep", lambda attempt: 500)
    sessions = Sessions(store, Policy(), clock, told.append)
    sid = str(signed_in(sessions).sid)
    store.lost = 99

    with pytest.raises(Contention):
        sessions.end(sid, subject="alice")
    assert (told[-1].what, told[-1].sid, told[-1].attempts) == ("gave_up", sid, 5)


def test_an_end_whose_answer_was_lost_is_not_told_by_who_finds_it(clock: Clock, told: list[Notice]) -> None:
    """Never twice: so an end that the store did, and could not say, is on record and has no notice."""
    store = FaultyStore(MemoryStore())
    sessions = Sessions(store, Policy(), clock, told.append)
    sid = str(signed_in(sessions).sid)
    store.fail("swap", when=AFTER, times=1)
    with pytest.raises(StoreUnavailable):
        sessions.end(sid, subject="alice")
    again = sessions.end(sid, subject="alice")

    assert (again, list(ends(told))) == (False, [])


@pytest.mark.parametrize("name", ["logout + reset", "reset + sweep", "end + sweep"])
def test_an_end_that_nobody_tells_is_found_by_the_schedules(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted bug: who ends or sweeps says nothing."""

    def untold(*_: Any) -> Flow[None]:
        return
        yield

    [scenario] = [one for one in SCENARIOS if one.name == name]
    scenario.explore()
    monkeypatch.setattr(ending, "tell_change", untold)
    monkeypatch.setattr("sessioncore.flows.committing.tell", untold)
    monkeypatch.setattr("sessioncore.flows.opening.tell_change", untold)

    with pytest.raises(Broken, match="an end was not told"):
        scenario.explore()
