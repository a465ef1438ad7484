"""A logout by the identity provider ends what hangs on its session, in whatever order it and the login arrive."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
from attrs import evolve

from sessioncore import InvalidSetting, Policy, Reason, Session, Store
from sessioncore import flows as core
from sessioncore.effects import Flow
from sessioncore.flows import ending, upstream
from sessioncore.sso import LogoutToken, ends
from sessioncore.testing import Clock
from sessioncore.testing.clock import START
from sessioncore.testing.explore import Actor, Broken, Check, Scene, explore
from sessioncore.testing.explore.engine import play
from sessioncore.testing.explore.properties import alive
from sessioncore.testing.explore.requests import POLICY, Page, Stage, keeping_only, request
from sessioncore_io import AsyncSessions, Handle, Sessions
from sessioncore_io.memory import MemoryStore

IDP, OTHER = "https://idp.example", "https://other.example"


def by_provider(sid: str = "s1", issuer: str = IDP) -> Page:
    """Log in with what a provider says."""

    def page(handle: Handle) -> Flow[None]:
        attempt = yield from core.attempt("alice")
        handle.log_in(attempt, "pwd", upstream=(issuer, sid))

    return page


def logging_in(name: str, *, issued_at: int = START, sid: str = "s1") -> Actor:
    """Log in by the provider, commit, and look whether that was ended meanwhile."""
    inner = request(name, None, by_provider(sid))

    def flow() -> Flow[object]:
        token = yield from inner.flow()
        yield from core.still_upstream(token.sid, issued_at, POLICY)
        return token

    return evolve(inner, flow=flow)


def logout(sid: str = "s1", subject: str = "", *, issued_at: int = START) -> Actor:
    """Receive a logout token."""
    return Actor("logout", lambda: core.end_upstream(IDP, sid, subject, issued_at, POLICY), START)


def nothing_hangs_on(sid: str) -> Check:
    """Once the logout has its answer, and nobody is logging in any more, no session of it is alive."""

    def check(scene: Scene) -> None:
        if scene["logout"].acknowledged and scene.finished and not scene.gone:
            hanging = [row for row in alive(scene) if row.upstream[0] == IDP and sid in ("", row.upstream[1])]
            assert hanging == [], f"the provider ended {sid or 'all'}, and {hanging} is alive"

    return check


# -- races -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", [("s1", ""), ("", "alice"), ("s1", "alice")])
def test_a_login_that_races_its_logout_does_not_survive_it(token: tuple[str, str]) -> None:
    explored = explore(Stage().store, (logging_in("login"), logout(*token)), nothing_hangs_on(token[0]))

    assert explored.schedules > 10


def test_two_logins_and_a_logout_in_every_order() -> None:
    explore(Stage().store, (logging_in("one"), logging_in("two"), logout()), nothing_hangs_on("s1"))


def test_a_logout_that_crashed_and_comes_again_ends_it_all_the_same() -> None:
    again = evolve(logout(), name="again")

    def check(scene: Scene) -> None:
        if scene["again"].acknowledged and scene.finished and 0 not in scene.gone:
            assert alive(scene) == []

    explore(Stage().store, (logging_in("login"), logout(), again), check, crashes=True)


@pytest.mark.parametrize("token", [("s1", ""), ("", "alice"), ("s1", "alice")])
def test_a_session_told_again_under_another_selector_does_not_survive_either(token: tuple[str, str]) -> None:
    """A parallel request ends all others, and begins the kept session anew: the new row hangs on the same session."""
    stage = Stage()
    mine = stage.visit("before", None, by_provider())
    actors = (request("one", mine, keeping_only()), request("two", mine, keeping_only()), logout(*token))

    explore(stage.store, actors, nothing_hangs_on(token[0]))


def test_a_login_after_a_password_reset_at_the_provider_stays() -> None:
    later = START + 1_000

    def check(scene: Scene) -> None:
        if scene.finished:
            assert len(alive(scene)) == 1

    stage = Stage()
    play(stage.store, logout("", "alice"))
    explore(stage.store, (logging_in("login", issued_at=later),), check)


# -- planted bugs --------------------------------------------------------------------------------------------


def hurried(issuer: str, sid: str, subject: str, issued_at: int, policy: Policy) -> Flow[int]:
    """End first, remember afterwards."""
    with patch.object(upstream, "bury", lambda *_: iter(())):
        ended: int = yield from upstream.end_upstream(issuer, sid, subject, issued_at, policy)
    yield from ending.bury(upstream._selector("session", issuer, sid), Reason.IDP, policy)
    return ended


def test_a_login_that_does_not_look_is_found() -> None:
    heedless = request("login", None, by_provider())

    with pytest.raises(Broken, match=r"the provider ended s1, and .* is alive"):
        explore(Stage().store, (heedless, logout()), nothing_hangs_on("s1"))


def test_a_logout_that_remembers_too_late_is_found() -> None:
    late = Actor("logout", lambda: hurried(IDP, "s1", "", START, POLICY), START)

    with pytest.raises(Broken, match=r"the provider ended s1, and .* is alive"):
        explore(Stage().store, (logging_in("login"), late), nothing_hangs_on("s1"))


# -- by the shell ------------------------------------------------------------------------------------------


@pytest.fixture
def sessions(clock: Clock) -> Sessions:
    """Give a shell over memory."""
    return Sessions(MemoryStore(), POLICY, clock)


@pytest.fixture
def now(clock: Clock) -> Callable[[], datetime]:
    """Give the time as a token's ``iat``."""
    return lambda: _instant(clock)


def signed_in(sessions: Sessions, subject: str, issuer: str, sid: str) -> str:
    """Log in by a provider, and give the selector."""
    handle = sessions.open(None)
    handle.log_in(sessions.attempt(subject), "pwd", upstream=(issuer, sid))
    sessions.commit(handle)
    return handle.sid or ""


def test_a_logout_token_ends_exactly_what_it_names(sessions: Sessions, now: Callable[[], datetime]) -> None:
    """The flow and the pure rule say the same."""
    hangs = [(issuer, sid) for issuer in (IDP, OTHER) for sid in ("s1", "s2", "")] + [("", "")]
    people = [(who, issuer, sid) for who in ("alice", "bob") for issuer, sid in hangs]
    for sid, subject in (("s1", ""), ("s1", "alice"), ("", "bob")):
        store = MemoryStore()
        shell = Sessions(store, POLICY, sessions.clock)
        rows = [_row(store, signed_in(shell, *person)) for person in people]
        token = LogoutToken(issuer=IDP, sid=sid, sub=subject, subject=subject)

        count = shell.end_upstream(IDP, sid=sid, subject=subject, issued_at=now())

        expected = {row.sid for row in rows if ends(token, row)}
        actual = {row.sid for row in rows if not _row(store, row.sid).live}
        assert expected == actual
        assert count == len(actual) > 0
        assert {_row(store, one).reason for one in actual} == {Reason.IDP}


def _row(store: Store, sid: str) -> Session:
    row, _ = store.load(sid)
    assert row is not None
    return row


def test_saying_it_twice_is_a_success_that_ends_nothing_more(sessions: Sessions, now: Callable[[], datetime]) -> None:
    signed_in(sessions, "alice", IDP, "s1")

    assert sessions.end_upstream(IDP, sid="s1", issued_at=now()) == 1
    assert sessions.end_upstream(IDP, sid="s1", issued_at=now()) == 0


def test_a_message_that_comes_again_ends_nobody_who_came_later(sessions: Sessions, now: Callable[[], datetime]) -> None:
    signed_in(sessions, "alice", IDP, "s1")
    first = sessions.end_upstream(IDP, subject="alice", issued_at=now(), jti="m1")
    signed_in(sessions, "alice", IDP, "s2")

    replayed = sessions.end_upstream(IDP, subject="alice", issued_at=now(), jti="m1")

    assert (first, replayed) == (1, 0)
    assert sessions.end_upstream(OTHER, subject="alice", issued_at=now(), jti="m1") == 0, "another's message"
    assert sessions.end_upstream(IDP, subject="alice", issued_at=now(), jti="m2") == 1


def test_a_late_message_spares_who_came_back_since(sessions: Sessions, clock: Clock) -> None:
    signed_in(sessions, "alice", IDP, "s1")
    clock.advance(timedelta(minutes=1))
    happened_at = _instant(clock)
    clock.advance(timedelta(seconds=605))
    by_a_token_from_before = signed_in(sessions, "alice", IDP, "s2")
    clock.advance(timedelta(milliseconds=1))
    since = signed_in(sessions, "alice", IDP, "s3")
    clock.advance(timedelta(hours=1))

    ended = sessions.end_upstream(IDP, subject="alice", issued_at=_instant(clock), happened_at=happened_at)

    assert ended == 2
    assert not _row(sessions.store, by_a_token_from_before).live
    assert _row(sessions.store, since).live
    assert sessions.still_upstream(since, issued_at=happened_at + timedelta(seconds=1))
    assert not sessions.still_upstream(since, issued_at=happened_at)


def test_a_message_that_names_a_session_ends_it_however_late(sessions: Sessions, clock: Clock) -> None:
    happened_at = _instant(clock)
    clock.advance(timedelta(hours=1))
    named = signed_in(sessions, "alice", IDP, "s1")

    sessions.end_upstream(IDP, sid="s1", subject="alice", issued_at=_instant(clock), happened_at=happened_at)

    assert not _row(sessions.store, named).live


def test_nothing_happens_after_it_was_said(sessions: Sessions, clock: Clock) -> None:
    sid = signed_in(sessions, "alice", IDP, "s1")
    said_at = _instant(clock)

    sessions.end_upstream(IDP, subject="alice", issued_at=said_at, happened_at=said_at + timedelta(days=1))

    assert not _row(sessions.store, sid).live
    assert sessions.still_upstream(signed_in(sessions, "alice", IDP, ""), issued_at=said_at + timedelta(seconds=1))


def _instant(clock: Clock) -> datetime:
    return datetime.fromtimestamp(clock() / 1_000, UTC)


def test_the_shell_that_awaits_says_the_same(clock: Clock, now: Callable[[], datetime]) -> None:
    async def told() -> tuple[bool, int, bool]:
        sessions = AsyncSessions(MemoryStore(), POLICY, clock)
        handle = await sessions.open(None)
        handle.log_in(await sessions.attempt("alice"), "pwd", upstream=(IDP, "s1"))
        await sessions.commit(handle)
        sid = handle.sid or ""
        before = await sessions.still_upstream(sid, issued_at=now())
        count = await sessions.end_upstream(IDP, subject="alice", issued_at=now(), jti="m1", happened_at=now())
        return before, count, await sessions.still_upstream(sid, issued_at=now())

    assert asyncio.run(told()) == (True, 1, False)


def test_the_memory_of_a_logout_is_nobody_s_session(
    sessions: Sessions, clock: Clock, now: Callable[[], datetime]
) -> None:
    sessions.end_upstream(IDP, sid="s1", issued_at=now())
    assert sessions.sweep() == 0
    clock.advance(timedelta(days=31))

    assert sessions.purge() == 1


def test_a_login_that_nobody_ended_stays(sessions: Sessions, now: Callable[[], datetime]) -> None:
    hanging = signed_in(sessions, "alice", IDP, "s1")
    own = signed_in(sessions, "alice", "", "")
    sessions.end_upstream(IDP, sid="s2", issued_at=now())
    sessions.end_upstream(OTHER, subject="alice", issued_at=now())

    assert sessions.still_upstream(hanging, issued_at=now())
    assert sessions.still_upstream(own, issued_at=now())
    assert not sessions.still_upstream("x" * 22, issued_at=now())


def test_a_token_that_names_nothing_is_refused(sessions: Sessions, now: Callable[[], datetime]) -> None:
    with pytest.raises(InvalidSetting, match="sid"):
        sessions.end_upstream(IDP, issued_at=now())
    with pytest.raises(InvalidSetting, match="issued_at"):
        sessions.end_upstream(IDP, sid="s1", issued_at=datetime(2025, 1, 1))
    with pytest.raises(InvalidSetting, match="happened_at"):
        sessions.end_upstream(IDP, sid="s1", issued_at=now(), happened_at=datetime(2025, 1, 1))
    with pytest.raises(InvalidSetting, match="LogoutToken"):
        LogoutToken(issuer=IDP)
