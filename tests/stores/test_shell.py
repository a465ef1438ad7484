"""Both shells over every kind of store: the same sentences, awaited or not."""

import asyncio
from collections.abc import Callable, Iterator
from inspect import isawaitable
from pathlib import Path
from typing import Any

import pytest
from attrs import define, evolve, field
from tests.stores.awaiting import AwaitingStore
from tests.stores.faults import FailingStore

from sessioncore import (
    ANY_SUBJECT,
    InvalidSetting,
    Limits,
    Notice,
    NotYours,
    Policy,
    Reason,
    Refused,
    State,
    StoreUnavailable,
)
from sessioncore.policy import HOUR, MINUTE
from sessioncore.testing import Clock
from sessioncore_io import AsyncSessions, Sessions
from sessioncore_io.memory import MemoryStore
from sessioncore_io.shell import TOMBSTONE
from sessioncore_io.sqlite import SqliteStore

POLICY = Policy(max_sessions=3)


@define
class Site:
    """Let a test make requests without saying whether they are awaited."""

    sessions: Any
    store: FailingStore
    clock: Clock
    runner: asyncio.Runner
    told: list[Notice] = field(factory=list)

    def wait(self, answer: Any) -> Any:
        """Await what has to be awaited."""

        async def awaited() -> Any:
            return await answer

        return self.runner.run(awaited()) if isawaitable(answer) else answer

    def open(self, token: str | None) -> Any:
        """Open a session."""
        return self.wait(self.sessions.open(token))

    def commit(self, handle: Any) -> str | None:
        """Commit a request and give the cookie's new value, if it has one."""
        self.wait(self.sessions.commit(handle))
        return getattr(handle.order, "text", None)

    def log_in(self, subject: str = "alice", token: str | None = None, method: str = "pwd") -> str:
        """Log in and give the token."""
        handle = self.open(token)
        handle.log_in(self.wait(self.sessions.attempt(subject)), method)
        text = self.commit(handle)
        assert text is not None
        return text

    def signed_in(self, token: str) -> bool:
        """Tell what a request with this token sees."""
        return bool(self.open(token).signed_in)

    def reasons(self) -> list[str]:
        """Give the reason of each end that was told."""
        return [notice.reason for notice in self.told if notice.what == "ended"]


KINDS = ["memory, plain", "sqlite, plain", "memory, awaited", "sqlite, awaited", "awaiting, awaited"]


@pytest.fixture(params=KINDS)
def site(request: pytest.FixtureRequest, clock: Clock, tmp_path: Path) -> Iterator[Site]:
    """Give both shells, over every kind of store."""
    kind, how = request.param.split(", ")
    store: Any = {"memory": MemoryStore, "awaiting": AwaitingStore}.get(kind, lambda: SqliteStore(tmp_path / "s.db"))()
    failing = FailingStore(store)
    told: list[Notice] = []
    shell = Sessions if how == "plain" else AsyncSessions
    with asyncio.Runner() as runner:
        yield Site(shell(failing, POLICY, clock, told.append), failing, clock, runner, told)
    if isinstance(store, SqliteStore):
        store.close()


def test_a_login_is_seen_by_the_next_request(site: Site) -> None:
    assert site.signed_in(site.log_in())


@pytest.mark.parametrize("presented", [None, "", "x", "x" * 65, "é" * 65, "\0" * 65, "x" * 66])
def test_what_is_no_token_opens_nothing_and_stores_nothing(site: Site, presented: str | None) -> None:
    handle = site.open(presented)

    assert (handle.state, handle.subject, handle.signed_in) == (None, None, False)
    assert site.commit(handle) is None


def test_the_sessions_of_a_subject_are_listed_the_newest_login_first(site: Site) -> None:
    tokens = []
    for _ in range(3):
        tokens.append(site.log_in())
        site.clock.advance(MINUTE)
    site.log_in("bob")
    listed = site.wait(site.sessions.sessions_of("alice"))

    assert [summary.sid for summary in listed] == [token[:22] for token in reversed(tokens)]
    assert {summary.subject for summary in listed} == {"alice"}
    assert not hasattr(listed[0], "data")
    assert not hasattr(listed[0], "proof")


def test_a_list_is_settled_and_shows_tombstones_only_when_asked(site: Site) -> None:
    site.log_in()
    site.clock.advance(HOUR)

    assert site.wait(site.sessions.sessions_of("alice")) == []
    (dead,) = site.wait(site.sessions.sessions_of("alice", ended=True))
    assert (dead.live, dead.state, dead.reason) == (False, State.EXPIRED, Reason.IDLE)


def test_one_session_ends_by_its_selector_and_the_first_reason_stays(site: Site) -> None:
    mine, other = site.log_in(), site.log_in()

    assert site.wait(site.sessions.end(mine[:22], Reason.ADMIN, subject="alice"))
    assert not site.wait(site.sessions.end(mine[:22], subject="alice"))
    assert not site.signed_in(mine)
    assert site.signed_in(other)
    assert site.reasons() == ["admin"]


def test_another_subjects_session_ends_only_for_who_may_end_anybodys(site: Site) -> None:
    token = site.log_in()

    with pytest.raises(NotYours):
        site.wait(site.sessions.end(token[:22], subject="mallory"))
    assert site.signed_in(token)
    assert site.wait(site.sessions.end(token[:22], Reason.ADMIN, subject=ANY_SUBJECT))
    assert not site.signed_in(token)


def test_all_sessions_of_a_subject_end_at_once(site: Site) -> None:
    tokens, bob = [site.log_in(), site.log_in()], site.log_in("bob")
    site.wait(site.sessions.end_all("alice", Reason.ADMIN))

    assert [site.signed_in(token) for token in tokens] == [False, False]
    assert site.signed_in(bob)
    assert site.reasons() == ["admin", "admin"]


def test_all_but_the_kept_session_end_and_it_gets_a_new_token(site: Site) -> None:
    mine, other = site.log_in(), site.log_in()
    handle = site.open(mine)
    site.wait(site.sessions.end_all("alice", Reason.USER_ALL, keep=handle))
    renewed = handle.order.text

    assert (site.signed_in(renewed), site.signed_in(mine), site.signed_in(other)) == (True, False, False)
    assert renewed[:22] == mine[:22]


def test_a_password_change_that_cannot_be_written_keeps_ones_own_session(site: Site) -> None:
    mine, other = site.log_in(), site.log_in()
    handle = site.open(mine)

    def write() -> None:
        raise ZeroDivisionError("the password table is gone")

    with pytest.raises(ZeroDivisionError):
        site.wait(handle.password_changed(write))
    assert site.signed_in(handle.order.text)
    assert not site.signed_in(other)


def test_only_ones_own_session_can_be_kept(site: Site) -> None:
    handle = site.open(site.log_in("mallory"))

    with pytest.raises(NotYours, match=r"does not belong to 'alice'$"):
        site.wait(site.sessions.end_all("alice", Reason.USER_ALL, keep=handle))


@pytest.mark.parametrize("subject", ["", None])
def test_nobodys_sessions_cannot_be_ended(site: Site, subject: Any) -> None:
    with pytest.raises(InvalidSetting, match="subject"):
        site.wait(site.sessions.end_all(subject, Reason.ADMIN))


def test_a_reset_writes_between_two_ends(site: Site) -> None:
    token = site.log_in()
    seen: list[object] = []
    site.wait(site.sessions.reset_password("alice", lambda: seen.append(site.store.failed)))

    assert seen == [False]
    assert not site.signed_in(token)
    assert site.signed_in(site.log_in())


def test_a_login_attempted_before_a_reset_is_refused(site: Site) -> None:
    site.log_in()
    handle = site.open(None)
    attempt = site.wait(site.sessions.attempt("alice"))
    site.wait(site.sessions.reset_password("alice"))
    handle.log_in(attempt, "pwd")

    with pytest.raises(Refused, match="check the credential again"):
        site.commit(handle)


def test_a_session_that_only_a_lowered_limit_ended_is_swept_at_its_own_deadline(site: Site) -> None:
    """It is dead from the first moment on; and whoever looks at it puts that on record."""
    used, abandoned = site.log_in(), site.log_in()
    site.sessions.policy = evolve(POLICY, login=Limits(idle=5 * MINUTE, lifetime=HOUR))
    site.clock.advance(6 * MINUTE)
    early = site.wait(site.sessions.sweep())
    alive = site.signed_in(used)
    site.clock.advance(POLICY.login.idle)

    assert (early, alive) == (0, False)
    assert site.wait(site.sessions.sweep()) == 1
    assert not site.signed_in(abandoned)


def test_abandoned_sessions_end_by_the_sweep_and_are_purged_later(site: Site) -> None:
    token = site.log_in()
    site.clock.advance(HOUR)

    assert site.wait(site.sessions.sweep()) == 1
    assert site.wait(site.sessions.sweep()) == 0
    assert site.reasons() == ["idle"]
    assert site.wait(site.sessions.purge()) == 0
    site.clock.advance(TOMBSTONE)
    site.clock.advance(1)
    assert site.wait(site.sessions.purge()) == 1
    assert not site.signed_in(token)


def test_the_oldest_login_is_evicted_beyond_the_cap(site: Site) -> None:
    tokens = []
    for _ in range(4):
        tokens.append(site.log_in())
        site.clock.advance(1)

    assert [site.signed_in(token) for token in tokens] == [False, True, True, True]
    assert site.reasons() == ["evicted"]


def test_a_listener_that_fails_does_not_disturb(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    def failing(notice: Notice) -> None:
        raise ZeroDivisionError(notice.what)

    shell = type(site.sessions)(site.store, POLICY, site.clock, failing)
    site.sessions = shell

    assert site.signed_in(site.log_in())
    assert "a listener failed" in caplog.text


# -- failures ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("performed", [False, True], ids=["before", "after"])
def test_whichever_call_of_a_login_fails_it_can_be_tried_again(site: Site, performed: bool) -> None:
    for number in range(1, 12):
        subject = f"user{number}"
        site.store.fail(number, performed=performed)
        try:
            token = site.log_in(subject)
        except StoreUnavailable:
            site.store.fail(0, performed=False)
            token = site.log_in(subject)
        site.store.fail(0, performed=False)

        assert site.signed_in(token)
        assert len(site.wait(site.sessions.sessions_of(subject))) <= 2


@pytest.mark.parametrize("performed", [False, True], ids=["before", "after"])
def test_whichever_call_of_a_logout_fails_it_is_not_claimed_and_succeeds_later(site: Site, performed: bool) -> None:
    for number in range(1, 4):
        token = site.log_in()
        handle = site.open(token)
        handle.log_out()
        site.store.fail(number, performed=performed)
        try:
            site.commit(handle)
        except StoreUnavailable:
            site.store.fail(0, performed=False)
            assert site.signed_in(token) or performed, "it is claimed to be done"
            site.commit(handle)

        site.store.fail(0, performed=False)
        assert not site.signed_in(token)


@pytest.mark.parametrize("call", ["load", "settle"])
def test_nobody_is_signed_in_while_the_store_fails(site: Site, call: str) -> None:
    token = site.log_in()
    if call == "settle":
        site.clock.advance(HOUR)
    site.store.fail(1 if call == "load" else 2, performed=False)

    if call == "load":
        with pytest.raises(StoreUnavailable):
            site.open(token)
    else:
        assert not site.signed_in(token)
    assert site.store.failed
    assert site.signed_in(token) is (call == "load")


@pytest.mark.parametrize("performed", [False, True], ids=["before", "after"])
def test_an_end_that_fails_is_raised_and_done_when_it_is_tried_again(site: Site, performed: bool) -> None:
    ends: tuple[Callable[[str], Any], ...] = (
        lambda token: site.sessions.end(token[:22], Reason.ADMIN, subject="alice"),
        lambda token: site.sessions.end_all("alice", Reason.ADMIN),
        lambda token: site.sessions.reset_password("alice"),
    )
    for end in ends:
        token = site.log_in()
        site.store.fail(1, performed=performed)

        with pytest.raises(StoreUnavailable):
            site.wait(end(token))
        site.wait(end(token))

        assert not site.signed_in(token)
