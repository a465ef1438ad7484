"""An ended session reaches its open websockets, whoever ended it and where; real uvicorn, real websockets."""

import asyncio
import inspect
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import evolve
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosedError

from sessioncore import ANY_SUBJECT, Ending, InvalidSetting, Limits, Notice, Policy, Reason, State, StoreUnavailable
from sessioncore.flows import parse_token
from sessioncore.testing import Clock, FaultyStore
from sessioncore.testing.passing import PassingStore
from sessioncore_io import AsyncSessions, Sessions
from sessioncore_io import endings as endings_module
from sessioncore_io.ears import Ears
from sessioncore_io.memory import MemoryStore
from sessioncore_io.sqlite import SqliteStore

from .sockets import GONE, Site, cookie_of, served

pytestmark = pytest.mark.anyio

PATIENCE: Final = 20.0  # seconds: only a failure waits so long


class Deaf(PassingStore):
    """Announce nothing, as a store does that is no ``Announcer``."""


@pytest.fixture(params=["memory", "sqlite", "deaf"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """Give stores that announce, and one that does not."""
    if request.param != "sqlite":
        memory = MemoryStore()
        yield memory if request.param == "memory" else Deaf(memory)
        return
    with closing(SqliteStore(tmp_path / "sessions.db")) as sqlite:
        yield sqlite


@pytest.fixture
def told() -> list[Notice]:
    """Keep what is told."""
    return []


@pytest.fixture
def site(store: Any, clock: Clock, told: list[Notice]) -> Iterator[Site]:
    """Give a site over the store."""
    with served(store, clock, listener=told.append) as site:
        yield site


def sid_of(token: str) -> str:
    """Give the selector."""
    parsed = parse_token(token)
    assert parsed is not None
    return parsed.sid


async def echoes(opened: ClientConnection, text: str = "still here") -> bool:
    """Tell whether the socket answers: its handler waits by then."""
    await opened.send(text)
    return await asyncio.wait_for(opened.recv(), PATIENCE) == text


async def closed_with(opened: ClientConnection) -> tuple[int, str]:
    """Wait until the server closes, and give its code and reason."""
    with suppress(ConnectionClosedError):  # a code of our own is none that the iteration ends quietly on
        async with asyncio.timeout(PATIENCE):
            async for _ in opened:
                pass
    return opened.close_code or 0, opened.close_reason or ""


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds that a server's thread brings about."""
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0.01)


ENDS: Final[dict[str, tuple[Callable[[Site, str], object], str]]] = {
    "logout in another tab": (lambda site, token: cookie_of(site, "/out", token), "user"),
    "end by sid": (lambda site, token: outside(site).end(sid_of(token), Reason.ADMIN, subject="alice"), "admin"),
    "end of all": (lambda site, token: outside(site).end_all("alice", Reason.IDP), "idp"),
    "reset": (lambda site, token: outside(site).reset_password("alice"), "password_reset"),
    "password change elsewhere": (lambda site, token: cookie_of(site, "/change", cookie_of(site)), "password_change"),
    "another login in the same browser": (lambda site, token: cookie_of(site, "/in/bob", token), "replaced"),
}


def outside(site: Site) -> Sessions:
    """Give a shell on the same store, in another thread than the server's."""
    return Sessions(site.sessions.store, site.sessions.policy, site.sessions.clock, lambda notice: None)


@pytest.mark.parametrize(("how", "path"), [*((how, "/live") for how in ENDS), ("reset", "/wait")])
async def test_an_end_closes_the_socket_with_its_reason(site: Site, how: str, path: str) -> None:
    end, reason = ENDS[how]
    token = cookie_of(site)
    async with site.socket(token, path) as opened:
        await until(lambda: site.waiting > 0)
        await asyncio.to_thread(end, site, token)

        assert await closed_with(opened) == (GONE, reason)
    await until(lambda: site.waiting == 0)


async def test_an_expiry_closes_the_socket_though_nobody_announces_it(
    site: Site, clock: Clock, told: list[Notice]
) -> None:
    """The end is on record then, and told once."""
    token = cookie_of(site)
    async with site.socket(token) as opened:
        await until(lambda: site.waiting > 0)
        clock.advance(timedelta(minutes=30))

        assert await closed_with(opened) == (GONE, "idle")
    outside(site).sweep()
    assert [(notice.sid, notice.reason) for notice in told if notice.what == "ended"] == [(sid_of(token), "idle")]


async def test_a_use_elsewhere_moves_the_deadline_and_waiting_does_not(site: Site, clock: Clock) -> None:
    token = cookie_of(site)
    async with site.socket(token) as opened:
        for _ in range(3):
            clock.advance(timedelta(minutes=20))
            assert cookie_of(site, "/", token) == token
            assert await echoes(opened)
        clock.advance(timedelta(minutes=30))

        assert await closed_with(opened) == (GONE, "idle")


async def test_a_limit_that_is_lowered_closes_the_socket(site: Site, clock: Clock) -> None:
    """The deadline is that of today's policy, as for a request."""
    token = cookie_of(site)
    site.sessions.policy = Policy(login=Limits(idle=600_000, lifetime=3_600_000))
    async with site.socket(token) as opened:
        assert await echoes(opened)
        clock.advance(timedelta(minutes=11))

        assert await closed_with(opened) == (GONE, "idle")


async def test_others_stay_open(site: Site) -> None:
    """Bob's socket, another browser's of Alice, and hers when a factor rotates the secret or she keeps this session."""
    alice, elsewhere, bob = cookie_of(site), cookie_of(site), cookie_of(site, "/in/bob")
    async with site.socket(alice) as ended, site.socket(elsewhere) as kept, site.socket(bob) as other:
        await until(lambda: site.waiting >= 6)
        cookie_of(site, "/out", alice)
        assert await closed_with(ended) == (GONE, "user")
        cookie_of(site, "/change", elsewhere)

        assert await echoes(kept)
        assert await echoes(other)
        outside(site).end_all("alice", Reason.ADMIN)
        assert await closed_with(kept) == (GONE, "admin")
        assert await echoes(other)


async def test_a_guests_socket_hears_of_the_reset_of_who_they_became(site: Site) -> None:
    """Nobody announces a login: so a guest's socket listens to all subjects."""
    guest = cookie_of(site, "/guest")
    async with site.socket(guest) as opened:
        await until(lambda: site.waiting > 0)
        cookie_of(site, "/in/alice", guest)
        assert await echoes(opened)
        outside(site).reset_password("alice")

        assert await closed_with(opened) == (GONE, "password_reset")


async def test_who_has_no_session_is_out_already(site: Site) -> None:
    async with site.socket("A" * 65) as opened:
        assert await closed_with(opened) == (GONE, "unconfirmed")


async def test_an_end_before_the_socket_listened_is_seen(site: Site) -> None:
    token = cookie_of(site)
    outside(site).end(sid_of(token), subject="alice")
    async with site.socket(token) as opened:
        assert await closed_with(opened) == (GONE, "unconfirmed"), "this request has no session any more"


async def test_a_browser_that_goes_leaves_nothing_behind(site: Site) -> None:
    """Nobody waits, nobody is subscribed, and no thread is left."""
    token = cookie_of(site)
    async with site.socket(token) as one, site.socket(token) as other:
        assert await echoes(one)
        assert await echoes(other)
        [endings] = site.sessions._endings.values()
    await until(lambda: site.waiting == 0 and endings._ticking is None)

    assert endings._subscription is None
    assert not getattr(site.sessions.store, "_ears", Ears())._all
    await until(lambda: "sessioncore-sqlite" not in {thread.name for thread in threading.enumerate()})


async def test_a_socket_whose_session_nobody_can_confirm_is_closed(clock: Clock, told: list[Notice]) -> None:
    """The store does not answer for a second: nobody is authenticated. The session itself is as it was."""
    store = FaultyStore(MemoryStore())
    with served(store, clock, listener=told.append) as site:
        token = cookie_of(site)
        async with site.socket(token) as opened:
            assert await echoes(opened)
            store.fail("load")

            assert await closed_with(opened) == (GONE, "unconfirmed")
        store.recover()
        assert cookie_of(site, "/", token) == token
    assert [(notice.what, notice.sid) for notice in told if notice.what == "unavailable"] == [
        ("unavailable", sid_of(token))
    ]


class Hanging(MemoryStore):
    """Answer late that there is no answer, as a server that was stopped."""

    asked = 0

    async def load(self, sid: str) -> Any:  # type: ignore[override]
        self.asked += 1
        await asyncio.sleep(0.1)
        raise StoreUnavailable("no answer in time")


async def test_a_store_that_takes_longer_than_a_second_to_fail_is_not_asked_again(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a socket stays open for five times its patience, and longer where many wait."""
    monkeypatch.setattr(endings_module, "WITHIN", 0.05)
    store: Any = Hanging()
    reason = await AsyncSessions(store, clock=clock).ended("s" * 22)

    assert (reason, store.asked) == (None, 1)


async def test_a_store_that_fails_once_closes_nothing(clock: Clock) -> None:
    store = FaultyStore(MemoryStore())
    with served(store, clock) as site:
        token = cookie_of(site)
        async with site.socket(token) as opened:
            assert await echoes(opened)
            store.fail("load", times=2)
            await until(lambda: store._faults[0].times == 0)

            assert await echoes(opened)


# -- by other means ----------------------------------------------------------------------------------------------


class Hinting(MemoryStore):
    """Say what one likes."""

    def hint(self, ending: Ending) -> None:
        """Announce something."""
        self._ears.tell(ending)


async def test_a_hint_is_no_proof(clock: Clock) -> None:
    """And one that names nobody makes everybody look: two of them see that nothing has happened."""
    store = Hinting()
    sessions = AsyncSessions(store, clock=clock)
    handle = await signed_in(sessions)
    waiting = asyncio.ensure_future(handle.ended())
    for hint in (Ending(sid=str(handle.sid)), Ending(subject="alice"), Ending(sid="other"), Ending()):
        store.hint(hint)
        await asyncio.sleep(0.01)
    assert not waiting.done()
    store._rows[str(handle.sid)] = evolve(
        store._rows[str(handle.sid)], state=State.LOGGED_OUT, reason=Reason.RP, ended_at=clock()
    )
    store.hint(Ending())

    assert await asyncio.wait_for(waiting, PATIENCE) is Reason.RP


async def signed_in(sessions: AsyncSessions, subject: str = "alice") -> Any:
    """Sign somebody in, without a server."""
    handle = await sessions.open(None)
    handle.log_in(await handle.attempt(subject), "pwd")
    await handle.commit()
    return handle


async def test_a_waiter_that_is_cancelled_takes_its_subscription_along(clock: Clock) -> None:
    store = MemoryStore()
    handle = await signed_in(AsyncSessions(store, clock=clock))
    waiting = [asyncio.ensure_future(handle.ended()) for _ in range(3)]
    await until(lambda: len(store._ears._all) == 1)
    for task in waiting:
        task.cancel()
    await asyncio.wait(waiting)

    assert store._ears._all == ()


async def test_a_callback_that_fails_harms_nobody(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    store = MemoryStore()
    sessions = AsyncSessions(store, clock=clock)
    handle = await signed_in(sessions)
    heard: list[Reason | None] = []

    def fails(reason: Reason | None) -> None:
        heard.append(reason)
        raise RuntimeError("the line is dead")

    async with handle.on_end(fails):
        await sessions.end(handle.sid, subject=ANY_SUBJECT)
        await until(lambda: bool(heard))

    assert heard == [Reason.USER]
    assert "at the end of a session failed" in caplog.text


@pytest.mark.parametrize("callback", [None, "close"])
async def test_what_cannot_be_called_is_refused_before_anybody_relies_on_it(clock: Clock, callback: Any) -> None:
    handle = await AsyncSessions(MemoryStore(), clock=clock).open(None)

    with pytest.raises(InvalidSetting, match="a function"):
        async with handle.on_end(callback):
            pass


async def test_a_call_in_the_place_of_a_callback_is_refused_and_closed(clock: Clock) -> None:
    handle = await AsyncSessions(MemoryStore(), clock=clock).open(None)
    called: Any = _awaited(None)

    with pytest.raises(InvalidSetting, match="a function"):
        async with handle.on_end(called):
            pass
    assert inspect.getcoroutinestate(called) == inspect.CORO_CLOSED


async def test_a_block_that_ends_first_calls_nobody(clock: Clock) -> None:
    sessions = AsyncSessions(MemoryStore(), clock=clock)
    handle = await signed_in(sessions)
    heard: list[Reason | None] = []
    async with handle.on_end(heard.append):
        pass
    await sessions.end(handle.sid, subject=ANY_SUBJECT)

    assert heard == []


async def test_another_processes_end_is_heard_of_through_the_file(tmp_path: Path, clock: Clock) -> None:
    """Two stores on one file share nothing but the file, as two processes do."""
    with ExitStack() as stack:
        here, there = (stack.enter_context(closing(SqliteStore(tmp_path / "sessions.db"))) for _ in range(2))
        handle = await signed_in(AsyncSessions(here, clock=clock))
        waiting = asyncio.ensure_future(handle.ended())
        await until(lambda: len(here._ears._all) == 1)
        await asyncio.to_thread(Sessions(there, clock=clock).end_all, "alice", Reason.ADMIN)

        assert await asyncio.wait_for(waiting, PATIENCE) is Reason.ADMIN


# -- where nobody awaits -----------------------------------------------------------------------------------------


def test_a_thread_is_called_back(store: Any, clock: Clock) -> None:
    """By a thread that goes when nobody waits any more."""
    sessions = Sessions(store, clock=clock)
    handle = sessions.open(None)
    handle.log_in(handle.attempt("alice"), "pwd")
    handle.commit()
    heard: list[tuple[Reason | None, bool]] = []
    called = threading.Event()

    def hear(reason: Reason | None) -> None:
        heard.append((reason, threading.current_thread() is threading.main_thread()))
        called.set()

    with handle.on_end(hear), handle.on_end(lambda reason: None):
        sessions.reset_password("alice")
        assert called.wait(PATIENCE)

    assert heard == [(Reason.PASSWORD_RESET, False)]
    leftover = [thread for thread in threading.enumerate() if thread.name.startswith("sessioncore")]
    for thread in leftover:
        thread.join(PATIENCE)
    assert not any(thread.is_alive() for thread in leftover)
    with handle.on_end(hear):
        pass


async def _awaited(reason: Reason | None) -> None: ...


@pytest.mark.parametrize("callback", [_awaited, None])
def test_what_a_thread_cannot_call_is_refused(clock: Clock, callback: Any) -> None:
    handle = Sessions(MemoryStore(), clock=clock).open(None)

    with pytest.raises(InvalidSetting, match="plain function"), handle.on_end(callback):
        pass
