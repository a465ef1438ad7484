"""What the program passes wrongly is named at the door, in every world, and nothing is written."""

import inspect
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessioncore import ANY_SUBJECT, InvalidSetting, LoginRequired, Reason, Session, StepUpRequired, Store
from sessioncore.records import State
from sessioncore.testing import Clock
from sessioncore_io import AsyncSessions, Cookie, Sessions, asgi, wsgi
from sessioncore_io.codec import decode, encode
from sessioncore_io.memory import MemoryStore
from sessioncore_io.sqlite import SqliteStore

from .driver import Browser, Handler, Site, rows
from .pages import change_password, end_others, log_in, satisfy_mfa
from .stores import Slow

pytestmark = pytest.mark.anyio

WRONG_LOGINS: list[dict[str, Any]] = [
    {"remember": "on"},
    {"remember": None},
    {"remember": 1},
    {"upstream": None},
    {"upstream": "ab"},
    {"upstream": ("issuer", 5)},
    {"upstream": ("", "sid")},
    {"upstream": ("issuer", "\ud800")},
    {"upstream": ("issuer", "s" * 257)},
    {"upstream": ("issuer", "sid", "more")},
    {"label": None},
    {"label": b"Firefox"},
    {"needs": State.CREATED},
    {"needs": None},
    {"not_after": "tomorrow"},
    {"method": None},
    {"method": 5},
    {"method": [["pwd"]]},
    {"method": b"pwd"},
]


def wrongly(page: Handler) -> Handler:
    """Serve a page that passes something wrong, and answer the argument's name; the advice is a sentence for people."""

    async def wrong(session: Any) -> str:
        with pytest.raises(InvalidSetting) as refused:
            await page(session)
        assert " " in refused.value.advice
        return refused.value.name

    return wrong


@pytest.mark.parametrize("wrong", WRONG_LOGINS, ids=repr)
async def test_a_login_names_its_wrong_argument_and_writes_nothing(site: Site, wrong: dict[str, Any]) -> None:
    [name] = wrong
    answer = await site.ask(wrongly(log_in(**wrong)))

    assert (answer.value, answer.token, rows(site.store)) == (name, None, [])


@pytest.mark.parametrize("late", [0, 1])
async def test_a_login_whose_bound_has_passed_is_refused(site: Site, late: int) -> None:
    """At that very instant it is over: such a session would be signed in for nothing."""
    bound = datetime.fromtimestamp((site.clock() - late) / 1_000, UTC)
    answer = await site.ask(wrongly(log_in(not_after=bound)))

    assert (answer.value, answer.token, rows(site.store)) == ("not_after", None, [])


async def test_what_is_wrong_with_a_second_factor_is_named(site: Site, browser: Browser) -> None:
    await browser.ask(log_in(needs=State.MFA_SATISFIED))

    async def by_two(session: Any) -> None:
        session.satisfy_mfa(("otp", "pwd"))

    async def by_a_text(session: Any) -> None:
        session.satisfy_mfa("otp", "alice")

    named = [(await browser.ask(wrongly(page))).value for page in (by_two, by_a_text)]

    assert named == ["method", "challenge"]
    assert await browser.sees("signed_in") is False


@pytest.mark.parametrize("attempt", [None, "alice", object()])
async def test_a_login_without_an_attempt_is_refused(site: Site, attempt: Any) -> None:
    async def page(session: Any) -> None:
        session.log_in(attempt, "pwd")

    assert (await site.ask(wrongly(page))).value == "attempt"


async def test_an_attempt_that_nobody_awaited_is_closed_and_named(clock: Clock) -> None:
    session = await AsyncSessions(MemoryStore(), clock=clock).open(None)
    forgotten: Any = session.attempt("alice")
    with pytest.raises(InvalidSetting, match=r"await session\.attempt"):
        session.log_in(forgotten, "pwd")

    assert inspect.getcoroutinestate(forgotten) == inspect.CORO_CLOSED


@pytest.mark.parametrize("max_age", [300, "5", -1.0, timedelta(days=-1)])
async def test_an_age_says_its_unit(site: Site, browser: Browser, max_age: Any) -> None:
    async def page(session: Any) -> None:
        session.require(max_age=max_age)

    assert (await browser.ask(wrongly(page))).value == "max_age"


def test_a_span_that_goes_back_is_not_told_to_be_a_timedelta(store: Store, clock: Clock) -> None:
    with pytest.raises(InvalidSetting, match=r"^keep = .*: pass a span of at least 0$"):
        Sessions(store, clock=clock).purge(timedelta(days=-1))


@pytest.mark.parametrize("reason", ["admin", "bogus", None])
async def test_a_reason_is_a_reason(site: Site, browser: Browser, reason: Any) -> None:
    """A row that names any other could not be read back."""
    await browser.ask(log_in())

    async def leave(session: Any) -> None:
        session.log_out(reason)

    assert (await browser.ask(wrongly(leave))).value == "reason"
    assert (await browser.ask(wrongly(end_others(reason)))).value == "reason"
    with pytest.raises(InvalidSetting, match="reason"):
        site.shell.end_all("alice", reason)
    with pytest.raises(InvalidSetting, match="reason"):
        site.shell.end(await browser.sees("sid"), reason, subject="alice")
    assert await browser.sees("subject") == "alice"


@pytest.mark.parametrize("name", ["issuer", "sid", "subject", "jti"])
def test_a_providers_logout_that_is_not_text_is_refused_and_not_taken_for_nobodys(
    store: Store, clock: Clock, name: str
) -> None:
    named: dict[str, Any] = {"issuer": "https://op.example", "subject": "alice", name: 42}

    with pytest.raises(InvalidSetting) as wrong:
        Sessions(store, clock=clock).end_upstream(issued_at=datetime.now(UTC), **named)
    assert wrong.value.name == name


@pytest.mark.parametrize("sid", ["\ud800", "", "nobody", "ü", None, 5, b"x", "x" * 1000])
def test_what_cannot_be_a_sid_is_nobodys_session(store: Store, clock: Clock, sid: Any) -> None:
    assert Sessions(store, clock=clock).end(sid, subject=ANY_SUBJECT) is False


@pytest.mark.parametrize("keep", [30, None, timedelta(days=-1)])
def test_a_purge_says_its_unit(store: Store, clock: Clock, keep: Any) -> None:
    with pytest.raises(InvalidSetting, match="keep"):
        Sessions(store, clock=clock).purge(keep)


@pytest.mark.parametrize("presented", [b"x" * 65, 5])
def test_a_presented_token_is_text_and_is_not_shown(store: Store, presented: Any) -> None:
    with pytest.raises(InvalidSetting, match="presented") as wrong:
        Sessions(store).open(presented)

    assert "xxx" not in str(wrong.value)


def _seconds() -> int:
    """Make half an hour of three weeks."""
    return int(time.time())


@pytest.mark.parametrize("clock", [time.time, time.time_ns, _seconds, lambda: 0, lambda: True, None, 5])
@pytest.mark.parametrize("kind", [Sessions, AsyncSessions])
def test_a_clock_gives_whole_milliseconds(kind: Any, clock: Any) -> None:
    with pytest.raises(InvalidSetting, match="1_000_000"):
        kind(MemoryStore(), clock=clock)


@pytest.mark.parametrize("middleware", [wsgi.SessionMiddleware, asgi.SessionMiddleware])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("store", {"store": None}),
        ("store", {"store": MemoryStore}),
        ("policy", {"policy": Cookie()}),
        ("cookie", {"cookie": "session"}),
        ("listener", {"listener": None}),
    ],
)
def test_a_middleware_is_built_of_the_right_parts(middleware: Any, name: str, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidSetting) as wrong:
        middleware(None, **{"store": MemoryStore(), **options})

    assert wrong.value.name == name


@pytest.mark.parametrize(
    "origins", ["https://example.com", None, [5], ["https://a.example/"], ["a.example"], ["https://A.example"]]
)
def test_origins_are_a_list_of_whole_origins(origins: Any) -> None:
    """In a text, every part of it would match."""
    with pytest.raises(InvalidSetting, match="origins"):
        asgi.SessionMiddleware(_nothing, MemoryStore(), origins=origins)


async def _nothing(scope: Any, receive: Any, send: Any) -> None:
    """Serve nothing."""


async def _awaited() -> None:
    """Stand for a write that has to be awaited."""


async def test_nobody_awaits_in_the_plain_world(clock: Clock) -> None:
    """Neither the store nor the write is taken for done when it was not even begun; nothing ends before that shows."""
    store: Any = MemoryStore()
    with pytest.raises(InvalidSetting, match="AsyncSessions"):
        Sessions(Slow(store))
    sessions = Sessions(store, clock=clock)
    session = sessions.open(None)
    session.log_in(session.attempt("alice"), "pwd")
    session.commit()
    for refused in (session.password_changed, lambda write: sessions.reset_password("alice", write)):
        with pytest.raises(InvalidSetting, match="write"):
            refused(_awaited)
    assert [row.subject for row in sessions.sessions_of("alice")] == ["alice"]
    with pytest.raises(InvalidSetting, match=r"^write = 'coroutine': it returned something to await"):
        sessions.reset_password("alice", lambda: _awaited())

    assert sessions.sessions_of("alice") == [], "what cannot be known ends all of them"


@pytest.mark.parametrize("verb", [change_password, end_others()])
async def test_who_owes_a_factor_ends_nobody_elses_sessions(site: Site, browser: Browser, verb: Handler) -> None:
    """A stolen password alone must not throw its owner out."""
    owner = Browser(site)
    await owner.ask(log_in(method=("pwd", "otp"), needs=State.MFA_SATISFIED))
    await browser.ask(log_in(needs=State.MFA_SATISFIED))

    async def half(session: Any) -> None:
        with pytest.raises(StepUpRequired):
            await verb(session)

    await browser.ask(half)
    assert await owner.sees("signed_in") is True
    await browser.ask(satisfy_mfa())
    await browser.ask(verb)
    assert await owner.sees("subject") is None


async def test_the_first_factor_is_the_one_to_prove_again(site: Site, browser: Browser) -> None:
    """A code alone is not a password; both are."""
    await browser.ask(log_in())

    async def page(session: Any) -> str:
        with pytest.raises(InvalidSetting, match="prove the first factor again: one of pwd, pin, kba") as wrong:
            session.reauthenticate("otp")
        session.reauthenticate(("otp", "pin"))
        session.reauthenticate("mfa")
        return wrong.value.name

    answer = await browser.ask(page)

    assert (answer.status, answer.value) == (200, "method")


async def test_reauthenticating_needs_somebody(site: Site) -> None:
    async def page(session: Any) -> None:
        with pytest.raises(LoginRequired):
            session.reauthenticate("pwd")

    assert (await site.ask(page)).status == 200


anything = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=20), st.binary(max_size=5))
names = st.text(st.characters(), max_size=300)
pairs = st.one_of(anything, st.tuples(names, names), st.lists(names, max_size=3), st.tuples(anything, anything))
methods = st.one_of(anything, st.lists(st.sampled_from(["pwd", "otp", "mfa", "hwk", "pin"])), st.just(("pwd", None)))


@pytest.fixture(params=["memory", "sqlite"], scope="module")
def filling(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Give a store of each kind that all examples fill."""
    if request.param == "memory":
        yield MemoryStore()
        return
    with closing(SqliteStore(tmp_path_factory.mktemp("filling") / "sessions.db")) as sqlite:
        yield sqlite


@given(
    subject=st.one_of(anything, names),
    method=methods,
    remember=st.one_of(st.booleans(), anything),
    label=st.one_of(names, anything),
    upstream=pairs,
    reason=st.one_of(st.sampled_from(Reason), anything),
)
def test_whatever_a_login_accepts_can_be_read_back(filling: Any, subject: Any, reason: Any, **options: Any) -> None:
    """Everything else is an InvalidSetting, and writes nothing."""
    written = _log_in_and_out(filling, subject, reason, options)

    assert [decode(row.sid, encode(row)) for row in written] == written


def _log_in_and_out(store: Any, subject: Any, reason: Any, options: dict[str, Any]) -> list[Session]:
    sessions, written = Sessions(store, clock=Clock()), []
    session = sessions.open(None)
    try:
        session.log_in(session.attempt(subject), **options)
    except InvalidSetting:
        session.commit()
        assert session.order is None
        return []
    sid = session.sid
    session.commit()
    written.append(store.load(sid)[0])
    try:
        session.log_out(reason)
    except InvalidSetting:
        return written
    session.commit()
    return [*written, store.load(sid)[0]]
