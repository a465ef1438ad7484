"""What a worker thread hands to the event loop: the new hash is stored in that thread, whatever comes of it."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import Any

import pytest

from sessioncore import Epoch, InvalidSetting, Reason, Refused
from sessioncore.testing import Clock
from sessioncore_io import AsyncHandle, AsyncSessions
from sessioncore_io.from_thread import _Here
from sessioncore_io.memory import MemoryStore

pytestmark = pytest.mark.anyio


@pytest.fixture
def memory() -> MemoryStore:
    """Keep what the tests store."""
    return MemoryStore()


@pytest.fixture
async def handle(memory: MemoryStore, clock: Clock) -> AsyncHandle:
    """Sign alice in."""
    signed_in = await AsyncSessions(memory, clock=clock).open(None)
    signed_in.log_in(await signed_in.attempt("alice"), "pwd")
    await signed_in.commit()
    signed_in.loop = asyncio.get_running_loop()
    return signed_in


async def changed(handle: AsyncHandle, write: Any) -> None:
    """Change the password in a worker thread, as a ``def`` endpoint does."""
    await asyncio.wait_for(asyncio.to_thread(lambda: handle.from_thread.password_changed(write)), 20)


async def test_a_plain_write_runs_in_the_thread_that_calls(handle: AsyncHandle) -> None:
    """Its database connection is that thread's, and a slow hash keeps no other request waiting."""
    ran: list[threading.Thread] = []

    def in_thread() -> threading.Thread:
        handle.from_thread.password_changed(lambda: ran.append(threading.current_thread()))
        return threading.current_thread()

    assert [await asyncio.to_thread(in_thread)] == ran
    assert handle.signed_in


async def test_the_event_loop_goes_on_while_the_thread_writes(handle: AsyncHandle) -> None:
    served = threading.Event()
    serving = asyncio.get_running_loop()

    def write() -> None:
        serving.call_soon_threadsafe(served.set)
        assert served.wait(20)

    await changed(handle, write)

    assert handle.signed_in


async def _awaited(ran: list[threading.Thread]) -> None:
    ran.append(threading.current_thread())


@pytest.mark.parametrize("plain", [True, False])
async def test_what_has_to_be_awaited_runs_in_the_event_loop(handle: AsyncHandle, plain: bool) -> None:
    """A coroutine function, and a plain one that gives back something to await."""
    ran: list[threading.Thread] = []

    async def write() -> None:
        await _awaited(ran)

    await changed(handle, (lambda: _awaited(ran)) if plain else write)

    assert ran == [threading.current_thread()]


async def test_without_anything_to_write_the_others_end_all_the_same(handle: AsyncHandle) -> None:
    before = handle.order
    await changed(handle, None)

    assert handle.signed_in
    assert handle.order != before


async def test_a_write_in_a_thread_may_commit_the_session_meanwhile(handle: AsyncHandle) -> None:
    """Its turn is the change's own: it is not waited for."""
    await changed(handle, lambda: handle.from_thread.commit())

    assert handle.signed_in


@pytest.mark.parametrize("error", [OSError("disk full"), StopIteration(7)])
async def test_what_the_write_raises_is_raised_and_the_session_stays(handle: AsyncHandle, error: Exception) -> None:
    def write() -> None:
        raise error

    with pytest.raises((type(error), RuntimeError)):
        await changed(handle, write)

    assert handle.signed_in


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError])
async def test_an_exit_leaves_the_thread_and_not_the_event_loop(
    handle: AsyncHandle, memory: MemoryStore, kind: type[BaseException]
) -> None:
    """What was begun is ended, for ``write`` may have stored the hash; and the session's turn is free."""

    def leave() -> None:
        raise kind

    left: list[BaseException] = []

    def in_thread() -> None:
        try:
            handle.from_thread.password_changed(leave)
        except BaseException as error:
            left.append(error)

    await asyncio.wait_for(asyncio.to_thread(in_thread), 20)
    await asyncio.wait_for(handle.refresh(), 20)

    assert [type(error) for error in left] == [kind]
    assert handle.signed_in
    assert memory.epoch("alice") == Epoch(value=handle.stored.epoch, cause=Reason.PASSWORD_CHANGE)  # type: ignore[union-attr]


async def test_a_refused_change_never_asks_for_the_write(handle: AsyncHandle, memory: MemoryStore) -> None:
    memory.supersede("alice", handle.at + 1, Reason.ADMIN)
    ran: list[str] = []
    with pytest.raises(Refused):
        await changed(handle, lambda: ran.append("hash"))

    assert ran == []


async def test_what_cannot_be_called_is_refused_by_name(handle: AsyncHandle) -> None:
    with pytest.raises(InvalidSetting, match="write = 'hash'"):
        await changed(handle, "hash")


def _changing() -> "list[asyncio.Task[Any]]":
    """Find the task that the thread has given to the loop."""
    return [task for task in asyncio.all_tasks() if "password_changed" in repr(task.get_coro())]


def ends(handle: AsyncHandle, write: Callable[[], object]) -> "asyncio.Task[str]":
    """Change the password in a worker thread, and say how that ends."""

    def in_thread() -> str:
        try:
            handle.from_thread.password_changed(write)
        except CancelledError:
            return "cancelled"
        return "changed"

    return asyncio.create_task(asyncio.to_thread(in_thread))


async def test_the_thread_does_not_wait_for_a_change_that_is_cancelled(handle: AsyncHandle) -> None:
    """As when the server stops: what the thread has begun to write it writes."""
    go, writing, ran = threading.Event(), threading.Event(), list[str]()

    def write() -> None:
        writing.set()
        assert go.wait(20)
        ran.append("hash")

    changing = ends(handle, write)
    await asyncio.to_thread(writing.wait, 20)
    _changing()[0].cancel()
    await asyncio.sleep(0)
    go.set()

    assert await asyncio.wait_for(changing, 20) == "cancelled"
    assert ran == ["hash"]
    await asyncio.wait_for(handle.refresh(), 20)


async def test_a_change_that_is_cancelled_before_its_turn_writes_nothing(handle: AsyncHandle) -> None:
    ran: list[str] = []
    assert handle._turns is not None
    async with handle._turns.one():
        changing = ends(handle, lambda: ran.append("hash"))
        while not _changing():
            await asyncio.sleep(0)
        _changing()[0].cancel()

    assert await asyncio.wait_for(changing, 20) == "cancelled"
    assert ran == []


async def test_a_write_that_is_asked_for_no_more_is_not_called() -> None:
    """The change was cancelled between the question and the thread's hearing it."""
    ran: list[str] = []
    here = _Here(lambda: ran.append("hash"))
    asking = asyncio.create_task(here.called())
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.wait([asking])
    here.stop(None)
    here.serve()

    assert ran == []
