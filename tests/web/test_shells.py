"""The two shells, called directly: what each verb refuses before it does anything, and what is meant by leaving out."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from inspect import isawaitable
from typing import Any, Final

import pytest

from sessioncore import ANY_SUBJECT, InvalidSetting, NotYours, Reason, State
from sessioncore.testing import Clock
from sessioncore_io import AsyncSessions, Sessions
from sessioncore_io.memory import MemoryStore
from sessioncore_io.shell import TOMBSTONE

from .stores import Recording

ISSUER: Final = "https://op.example"


def answered(value: Any) -> Any:
    """Wait for what has to be awaited; the other shell has answered already."""
    return asyncio.run(_settled(value)) if isawaitable(value) else value


async def _settled(value: Any) -> Any:
    return await value


@pytest.fixture
def store() -> Recording:
    """Give an empty store that remembers what it is asked."""
    return Recording(MemoryStore())


@pytest.fixture(params=[Sessions, AsyncSessions])
def shell(request: pytest.FixtureRequest, store: Recording, clock: Clock) -> Any:
    """Give a shell of each kind."""
    return request.param(store, clock=clock, listener=lambda notice: None)


def signed_in(store: Any, clock: Clock, subject: str = "alice", **options: Any) -> Any:
    """Sign somebody in, by a shell beside."""
    session = Sessions(store, clock=clock, listener=lambda notice: None).open(None)
    session.log_in(session.attempt(subject), "pwd", **options)
    session.commit()
    return session


WRONG: Final[dict[str, tuple[Callable[[Any], Any], str]]] = {
    "sessions_of": (lambda shell: shell.sessions_of(5), "subject"),
    "end by no reason": (lambda shell: shell.end("s", "admin", subject="alice"), "reason"),
    "end of nobody's": (lambda shell: shell.end("s", subject=None), "subject"),
    "end_all": (lambda shell: shell.end_all("alice", "admin"), "reason"),
    "end_upstream issuer": (lambda shell: shell.end_upstream(5, issued_at=datetime.now(UTC)), "issuer"),
    "end_upstream issued": (lambda shell: shell.end_upstream(ISSUER, issued_at=datetime(2026, 1, 1)), "issued_at"),
    "end_upstream happened": (
        lambda shell: shell.end_upstream(ISSUER, issued_at=datetime.now(UTC), happened_at=1),
        "happened_at",
    ),
    "still_upstream": (lambda shell: shell.still_upstream("s", issued_at=1), "issued_at"),
    "purge": (lambda shell: shell.purge(30), "keep"),
    "open": (lambda shell: shell.open(b"x"), "presented"),
    "reset_password": (lambda shell: shell.reset_password("alice", "write"), "write"),
}


@pytest.mark.parametrize("verb", WRONG)
def test_what_is_wrong_is_named_before_the_store_is_asked(shell: Any, store: Recording, verb: str) -> None:
    call, name = WRONG[verb]
    with pytest.raises(InvalidSetting) as refused:
        answered(call(shell))

    assert (refused.value.name, store.calls) == (name, [])


def test_what_cannot_be_a_selector_is_nobodys_session_and_no_store_is_asked(shell: Any, store: Recording) -> None:
    assert answered(shell.end("\n", subject=ANY_SUBJECT)) is False
    assert store.calls == []


def test_a_list_is_of_live_sessions_unless_it_is_asked_for_more(shell: Any, store: Recording, clock: Clock) -> None:
    kept, gone = signed_in(store, clock), signed_in(store, clock)
    answered(shell.end(gone.sid, subject="alice"))

    assert [one.sid for one in answered(shell.sessions_of("alice"))] == [kept.sid]
    assert {one.sid for one in answered(shell.sessions_of("alice", ended=True))} == {kept.sid, gone.sid}


def test_an_end_is_by_the_user_unless_it_says_otherwise_and_only_of_ones_own(
    shell: Any, store: Recording, clock: Clock
) -> None:
    session = signed_in(store, clock)
    with pytest.raises(NotYours):
        answered(shell.end(session.sid, subject="bob"))
    assert answered(shell.end(session.sid, subject="alice")) is True
    assert answered(shell.end(session.sid, subject="alice")) is False

    [one] = answered(shell.sessions_of("alice", ended=True))
    assert (one.state, one.reason) == (State.LOGGED_OUT, Reason.USER)


def test_who_keeps_anothers_session_is_refused_before_anything_ends(clock: Clock) -> None:
    """The subject that is ended has to be that of the session that stays."""
    store: Any = MemoryStore()
    sessions = Sessions(store, clock=clock)
    alice, bob = signed_in(store, clock), signed_in(store, clock, "bob")
    with pytest.raises(NotYours, match="'bob'"):
        sessions.end_all("bob", Reason.USER_ALL, keep=alice)

    async def awaited() -> None:
        shell = AsyncSessions(store, clock=clock)
        kept = await shell.open(alice.order)
        with pytest.raises(NotYours, match="'bob'"):
            await shell.end_all("bob", Reason.USER_ALL, keep=kept)

    asyncio.run(awaited())
    assert [one.sid for subject in ("alice", "bob") for one in sessions.sessions_of(subject)] == [alice.sid, bob.sid]


def test_a_providers_message_that_names_nobody_ends_nobody(shell: Any, store: Recording, clock: Clock) -> None:
    """Neither a session without a sid there, nor one of the subject without a name."""
    signed_in(store, clock, upstream=(ISSUER, ""))
    signed_in(store, clock, upstream=(ISSUER, "X"))
    clock.advance(timedelta(minutes=1))
    issued_at = datetime.fromtimestamp(clock() / 1_000, UTC)

    with pytest.raises(InvalidSetting, match="name the issuer, and its session or the subject"):
        answered(shell.end_upstream(ISSUER, issued_at=issued_at))
    assert answered(shell.end_upstream(ISSUER, subject="nobody", issued_at=issued_at)) == 0
    assert answered(shell.end_upstream(ISSUER, sid="X", issued_at=issued_at)) == 1
    assert answered(shell.end_upstream(ISSUER, subject="alice", issued_at=issued_at, jti="1")) == 1
    assert answered(shell.end_upstream(ISSUER, subject="alice", issued_at=issued_at, jti="1")) == 0


def test_an_ended_session_is_kept_for_thirty_days(shell: Any, store: Recording, clock: Clock) -> None:
    assert timedelta(days=30) == TOMBSTONE
    answered(shell.end(signed_in(store, clock).sid, subject="alice"))
    clock.advance(timedelta(days=30))
    assert answered(shell.purge()) == 0
    clock.advance(1)

    assert answered(shell.purge()) == 1
