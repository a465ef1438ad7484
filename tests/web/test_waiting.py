"""How long one who waits for an end waits, and how often the store is asked, in a loop whose time jumps."""

import asyncio
import logging
import selectors
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, Final, TypeVar

import pytest

from sessioncore import Ending, Limits, Notice, Policy, Reason, StoreUnavailable
from sessioncore.testing import Clock
from sessioncore.testing.passing import PassingStore
from sessioncore_io import AsyncSessions
from sessioncore_io.memory import MemoryStore

T = TypeVar("T")

IDLE: Final = timedelta(minutes=30)


class Jumping(selectors.DefaultSelector):
    """Never wait: where a loop has nothing to do until a time, it is that time."""

    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        """Give what is ready, and let the time pass if nothing is."""
        ready = super().select(0 if timeout else timeout)
        if not ready and timeout:
            self.now += timeout
        return ready


class Loop(asyncio.SelectorEventLoop):
    """Run coroutines without waiting for their time to come."""

    def __init__(self) -> None:
        self._jumping = Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Give the time to which it has jumped, in seconds."""
        return self._jumping.now


def ran(coroutine: Coroutine[Any, Any, T]) -> tuple[T, float]:
    """Run a coroutine; give what it returns, and how many seconds that would have taken."""
    with asyncio.Runner(loop_factory=Loop) as runner:
        answer = runner.run(coroutine)
        return answer, round(runner.get_loop().time(), 3)


class Store(PassingStore):
    """Count how often it is asked for a session, and fail while it is told to."""

    def __init__(self) -> None:
        self.memory = MemoryStore()
        super().__init__(self.memory)
        self.loaded: list[str] = []
        self.failures = 0

    @property
    def loads(self) -> int:
        """Say how often it was asked."""
        return len(self.loaded)

    def load(self, sid: str) -> Any:
        """Load, or fail."""
        self.loaded.append(sid)
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable("it is away")
        return super().load(sid)


class Announcing(Store):
    """Announce ends as well."""

    def subscribe(self, ear: Any) -> Any:
        """Pass it on."""
        return self.memory.subscribe(ear)


async def signed_in(sessions: AsyncSessions, subject: str = "alice") -> Any:
    """Sign somebody in; from here on count the loads."""
    handle = await sessions.open(None)
    if subject:
        handle.log_in(await handle.attempt(subject), "pwd")
    else:
        handle["cart"] = 1
    await handle.commit()
    store: Any = sessions.store
    store.loaded.clear()
    return handle


def after(seconds: float, happens: Any, *arguments: Any) -> None:
    """Let something happen later."""
    asyncio.get_running_loop().call_later(seconds, happens, *arguments)


# -- who looks, and when -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Announcing, Store])
def test_who_can_confirm_nothing_gives_up_after_five_looks_and_says_so(kind: Any, clock: Clock) -> None:
    store, told = kind(), list[Notice]()
    sessions = AsyncSessions(store, clock=clock, listener=told.append)

    async def waiting() -> Any:
        handle = await signed_in(sessions)
        store.failures = 5
        return await handle.ended()

    assert ran(waiting()) == (None, 0.8)
    assert store.loads == 5
    assert [(notice.what, notice.at) for notice in told[-1:]] == [("unavailable", clock())]


def test_a_store_that_is_back_at_the_fifth_look_has_closed_nothing(clock: Clock) -> None:
    store = Announcing()
    sessions = AsyncSessions(store, clock=clock)

    async def waiting() -> Any:
        handle = await signed_in(sessions)
        store.failures = 4
        after(2.0, lambda: asyncio.ensure_future(sessions.end(handle.sid, Reason.ADMIN, subject="alice")))
        return await handle.ended()

    assert ran(waiting()) == (Reason.ADMIN, 2.0)


class Slow(MemoryStore):
    """Take a second to say that there is no answer."""

    asked = 0

    def __init__(self, takes: float) -> None:
        super().__init__()
        self.takes = takes

    async def load(self, sid: str) -> Any:  # type: ignore[override]
        """Fail, late."""
        self.asked += 1
        await asyncio.sleep(self.takes)
        raise StoreUnavailable("no answer in time")


@pytest.mark.parametrize(("takes", "asked"), [(1.0, 1), (1.5, 1), (0.4, 2), (0.1, 4)])
def test_nobody_is_kept_waiting_much_longer_than_a_second_by_a_store_that_is_slow_to_fail(
    takes: float, asked: int, clock: Clock
) -> None:
    store: Any = Slow(takes)

    reason, seconds = ran(AsyncSessions(store, clock=clock).ended("s" * 22))
    assert (reason, store.asked) == (None, asked)
    assert seconds == pytest.approx(takes * asked + 0.2 * (asked - 1))


def test_an_end_that_is_certain_needs_one_look(clock: Clock) -> None:
    store = Announcing()
    sessions = AsyncSessions(store, clock=clock)

    async def waiting() -> Any:
        handle = await signed_in(sessions)
        await sessions.reset_password("alice")
        store.loaded.clear()
        return await handle.ended()

    assert ran(waiting()) == (Reason.PASSWORD_RESET, 0.0)
    assert store.loads == 1


def test_who_a_password_change_may_keep_has_three_looks_to_show_it(clock: Clock) -> None:
    """By then it has the new epoch, or is one of those that end."""
    store = Announcing()

    async def waiting() -> Any:
        handle = await signed_in(AsyncSessions(store, clock=clock))
        store.memory.supersede("alice", clock(), Reason.PASSWORD_CHANGE, None)
        return await handle.ended()

    assert ran(waiting()) == (Reason.PASSWORD_CHANGE, 0.4)
    assert store.loads == 3


def test_a_session_that_a_password_change_keeps_goes_on_to_wait(clock: Clock) -> None:
    store = Announcing()
    sessions = AsyncSessions(store, clock=clock)

    async def waiting() -> Any:
        handle = await signed_in(sessions)
        await handle.password_changed()
        ended = asyncio.ensure_future(handle.ended())
        await asyncio.sleep(10)
        assert not ended.done()
        await sessions.end(handle.sid, Reason.ADMIN, subject="alice")
        return await ended

    assert ran(waiting()) == (Reason.ADMIN, 10.0)


# -- what the clock brings ---------------------------------------------------------------------------------------


def test_a_store_that_announces_is_not_asked_until_the_deadline(clock: Clock) -> None:
    """And then at the next tick, half a second later at most."""
    store = Announcing()
    sessions = AsyncSessions(store, Policy(login=Limits(30 * 60_000, 60 * 60_000)), clock)

    async def waiting() -> Any:
        handle = await signed_in(sessions)
        after(9.7, clock.advance, IDLE - timedelta(milliseconds=1))
        after(19.7, clock.advance, timedelta(milliseconds=1))
        return await handle.ended()

    assert ran(waiting()) == (Reason.IDLE, 20.0)
    assert store.loads == 2


def test_a_use_that_moved_the_deadline_is_seen_by_the_look_at_the_former_one(clock: Clock) -> None:
    store = Announcing()
    sessions = AsyncSessions(store, clock=clock)

    async def waiting() -> Any:
        handle = await signed_in(sessions)
        ended = asyncio.ensure_future(handle.ended())
        await asyncio.sleep(0.1)
        clock.advance(timedelta(minutes=20))
        handle["used"] = True
        await handle.commit()
        clock.advance(timedelta(minutes=20))
        await asyncio.sleep(10)
        assert not ended.done()
        store.loaded.clear()
        await asyncio.sleep(10)
        assert store.loads == 0, "the new deadline is known by now"
        clock.advance(timedelta(minutes=10))
        return await ended

    reason, seconds = ran(waiting())
    assert reason is Reason.IDLE
    assert 20 < seconds <= 20.6


def test_a_store_that_announces_nothing_is_asked_every_half_second(clock: Clock) -> None:
    store = Store()
    sessions = AsyncSessions(store, clock=clock)

    async def waiting() -> Any:
        handle = await signed_in(sessions)
        after(1.7, store.memory.supersede, "alice", clock(), Reason.PASSWORD_RESET, None)
        return await handle.ended()

    assert ran(waiting()) == (Reason.PASSWORD_RESET, 2.0)
    assert store.loads == 5, "at once, and at each of four ticks"


class Unsubscribable(Store):
    """Announce, but not now."""

    def subscribe(self, ear: Any) -> Any:
        """Fail."""
        raise StoreUnavailable("nobody listens")


def test_a_store_that_cannot_announce_now_is_asked_instead_and_the_log_says_so(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    store = Unsubscribable()

    async def waiting() -> Any:
        handle = await signed_in(AsyncSessions(store, clock=clock))
        after(0.2, store.memory.supersede, "alice", clock(), Reason.PASSWORD_RESET, None)
        return await handle.ended()

    assert ran(waiting()) == (Reason.PASSWORD_RESET, 0.5)
    warned = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert warned == ["the store announces nothing now, so it is asked every 0.5 s: nobody listens"]


# -- who is woken ------------------------------------------------------------------------------------------------


async def looks_after(sessions: AsyncSessions, ending: Ending) -> list[int]:
    """Let alice, bob and a guest wait; say how often each is looked at after a hint."""
    store: Any = sessions.store
    handles = [await signed_in(sessions, subject) for subject in ("alice", "bob", "")]
    waiting = [asyncio.ensure_future(handle.ended()) for handle in handles]
    await asyncio.sleep(0.1)
    store.loaded.clear()
    named = {"alice's": handles[0].sid}
    store.memory._ears.tell(Ending(sid=named.get(ending.sid, ending.sid), subject=ending.subject))
    await asyncio.sleep(0.1)
    found = [store.loaded.count(handle.sid) for handle in handles]
    for one in waiting:
        one.cancel()
    await asyncio.wait(waiting)
    return found


@pytest.mark.parametrize(
    ("ending", "looks"),
    [
        (Ending(sid="alice's"), [1, 0, 0]),
        (Ending(sid="alice's", subject="bob"), [1, 0, 0]),
        (Ending(subject="alice"), [1, 0, 1]),
        (Ending(subject="carol"), [0, 0, 1]),
        (Ending(sid="somebody's"), [0, 0, 0]),
        (Ending(), [1, 1, 1]),
    ],
)
def test_a_hint_wakes_those_that_it_may_be_about(ending: Ending, looks: list[int], clock: Clock) -> None:
    """A guest may have become anybody since the last look."""
    found, _ = ran(looks_after(AsyncSessions(Announcing(), clock=clock), ending))

    assert found == looks


def test_nothing_is_left_when_the_last_one_leaves_and_the_next_one_is_served_anew(clock: Clock) -> None:
    store = Announcing()
    sessions = AsyncSessions(store, clock=clock)

    async def waiting() -> None:
        handle = await signed_in(sessions)
        for _ in range(2):
            both = [asyncio.ensure_future(handle.ended()) for _ in range(2)]
            await asyncio.sleep(0.1)
            assert len(store.memory._ears._all) == 1
            both[0].cancel()
            await asyncio.sleep(0.1)
            assert len(store.memory._ears._all) == 1, "one still waits"
            both[1].cancel()
            await asyncio.wait(both)
            await asyncio.sleep(0)
            assert not store.memory._ears._all
            assert len(asyncio.all_tasks()) == 1
            [endings] = sessions._endings.values()
            assert endings._waiting == {}

    ran(waiting())
