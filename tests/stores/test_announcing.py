"""A store that announces tells of every end once it is done, and of nothing else; who listens badly harms nobody."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import evolve

from sessioncore import Ending, Reason, Session, State, begin
from sessioncore.flows import proof_of
from sessioncore_io.ears import Ears
from sessioncore_io.memory import MemoryStore
from sessioncore_io.sqlite import SqliteStore

AT: Final = 1_735_689_600_000
PATIENCE: Final = 20.0  # seconds: only a failure waits so long


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """Give each store that announces."""
    if request.param == "memory":
        yield MemoryStore()
        return
    with closing(SqliteStore(tmp_path / "sessions.db")) as sqlite:
        yield sqlite


def row(sid: str = "s" * 22) -> Session:
    """Begin a session."""
    return begin(sid, proof_of(sid), AT, idle=1_000, lifetime=2_000)


def ended(session: Session) -> Session:
    """End it."""
    return evolve(
        session, state=State.LOGGED_OUT, reason=Reason.USER, ended_at=AT + 1, version=session.version + 1, data=()
    )


def named(heard: list[Ending]) -> list[Ending]:
    """Leave out what only says: look again."""
    return [ending for ending in heard if ending != Ending()]


def announces(store: Any) -> None:
    """End things, and see what is heard: everything that ended, nothing that did not, and nothing after the close."""
    heard: list[Ending] = []
    first = row()
    subscription = store.subscribe(lambda ending: heard.append(ending))
    store.swap(None, first)
    touched = evolve(first, seen_at=AT + 1, version=2)
    store.swap(first, touched)
    store.mint("alice", AT)
    assert named(heard) == [], "nothing has ended"

    assert not store.swap(first, ended(first)), "a swap that is lost"
    assert store.supersede("alice", AT, Reason.ADMIN, expected=AT + 7) is None
    assert named(heard) == [], "what was refused ended nothing"

    store.swap(touched, ended(touched))
    store.supersede("alice", AT, Reason.ADMIN)
    until(lambda: len(named(heard)) >= 2)
    assert named(heard) == [Ending(sid=first.sid), Ending(subject="alice")]

    subscription.close()
    subscription.close()
    store.supersede("alice", AT, Reason.ADMIN)
    assert len(named(heard)) == 2, "the subscription was closed"


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds that another thread brings about."""
    give_up_at = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < give_up_at, "it never came"
        time.sleep(0.01)


def test_ends_are_announced_and_nothing_else(store: Any) -> None:
    announces(store)


class Mute(MemoryStore):
    """Say nothing of a supersede."""

    def supersede(self, subject: str, at: int, cause: Reason, expected: int | None = None) -> Any:
        """Move the epoch on behind everybody's back."""
        ears, self._ears = self._ears, Ears()
        try:
            return super().supersede(subject, at, cause, expected)
        finally:
            self._ears = ears


class Chatty(MemoryStore):
    """Announce what did not happen."""

    def swap(self, old: Session | None, new: Session) -> bool:
        """Announce first, and then try."""
        if not new.live:
            self._ears.tell(Ending(sid=new.sid))
        return super().swap(old, new)


@pytest.mark.parametrize(("broken", "what"), [(Mute, "it never came"), (Chatty, "ended nothing")])
def test_a_store_that_announces_wrongly_is_found(
    broken: type[MemoryStore], what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(globals(), "PATIENCE", 0.05)

    with pytest.raises(AssertionError, match=what):
        announces(broken())


def test_it_is_done_when_it_is_announced_and_no_lock_is_held(store: Any) -> None:
    """The ear may look at once, and end something itself."""
    first, other = row(), row("t" * 22)
    seen: list[State] = []

    def ear(ending: Ending) -> None:
        if ending.sid == first.sid:
            seen.append(store.load(first.sid)[0].state)
            store.swap(other, ended(other))

    store.swap(None, first)
    store.swap(None, other)
    with closing(store.subscribe(ear)):
        store.swap(first, ended(first))

    assert seen == [State.LOGGED_OUT]
    assert not store.load(other.sid)[0].live


def test_an_ear_that_fails_harms_nobody(store: Any, caplog: pytest.LogCaptureFixture) -> None:
    heard: list[Ending] = []

    def fails(ending: Ending) -> None:
        raise RuntimeError("deaf")

    with closing(store.subscribe(fails)), closing(store.subscribe(heard.append)):
        assert store.supersede("alice", AT, Reason.ADMIN) is not None

    assert Ending(subject="alice") in heard
    assert "a subscriber failed" in caplog.text


def test_sqlite_says_look_again_after_a_write_by_somebody_else_and_only_while_somebody_listens(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "a.db")) as here, closing(SqliteStore(tmp_path / "a.db")) as there:
        heard: list[Ending] = []
        subscription = here.subscribe(heard.append)
        first = row()
        until(lambda: len(heard) == 1)  # it has begun to watch
        there.swap(None, first)
        until(lambda: len(heard) == 2)
        subscription.close()
        until(lambda: "sessioncore-sqlite" not in {thread.name for thread in threading.enumerate()})
        there.swap(first, ended(first))

        assert heard == [Ending(), Ending()]


def test_a_file_that_can_no_longer_be_watched_lets_everybody_look_for_themselves(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[Ending] = []
    with closing(SqliteStore(tmp_path / "a.db")) as store:
        store.path = tmp_path / "nowhere" / "a.db"
        with closing(store.subscribe(heard.append)):
            until(lambda: len(heard) > 1)
        until(lambda: "sessioncore-sqlite" not in {thread.name for thread in threading.enumerate()})

    assert set(heard) == {Ending()}
    assert "no longer watched" in caplog.text
