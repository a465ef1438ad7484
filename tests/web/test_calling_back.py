"""Calling back when a session ends: what cannot be called, and the thread that serves those who do not await."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any, Final

import pytest

from sessioncore import InvalidSetting, Reason
from sessioncore.testing import Clock
from sessioncore_io import Sessions
from sessioncore_io.memory import MemoryStore
from sessioncore_io.on_end import _Listening, calling_back, calling_back_from_a_thread

PATIENCE: Final = 20.0  # seconds: only a failure waits so long


async def never() -> Reason | None:
    """Wait for ever."""
    await asyncio.get_running_loop().create_future()
    return None


async def _enter(callback: Any) -> None:
    async with calling_back(never, callback):
        raise AssertionError("it cannot be called")


def test_what_cannot_be_called_is_shown_with_what_can() -> None:
    advice = "pass a function that takes a Reason or None: lambda reason: websocket.close(4401)"
    with pytest.raises(InvalidSetting) as awaited:
        asyncio.run(_enter("close"))
    with pytest.raises(InvalidSetting) as plain, calling_back_from_a_thread(never, "close"):  # type: ignore[arg-type]
        pass
    with pytest.raises(InvalidSetting, match=r"^callback = .*: pass a plain function"):
        calling_back_from_a_thread(never, never).__enter__()  # type: ignore[arg-type]

    assert str(awaited.value) == f"callback = 'close': {advice}"
    assert str(plain.value) == "callback = 'close': pass a plain function that takes a Reason or None"


def threads() -> list[threading.Thread]:
    """Give the library's threads."""
    return [thread for thread in threading.enumerate() if thread.name == "sessioncore-endings"]


@pytest.fixture
def listening() -> Iterator[_Listening]:
    """Give a thread that serves nobody yet; and see that none is left."""
    for thread in threads():
        thread.join(PATIENCE)
    yield _Listening()
    for thread in threads():
        thread.join(PATIENCE)
    assert threads() == []


def test_one_thread_serves_all_while_somebody_is_within(listening: _Listening) -> None:
    assert threads() == []
    with listening as first:
        [thread] = threads()
        with listening as second:
            assert first is second
            assert threads() == [thread]
        assert thread.is_alive()
        assert thread.daemon, "who ends the process does not wait for it"
        assert first.is_running()
    thread.join(PATIENCE)

    assert not thread.is_alive()


def test_the_next_one_begins_another_thread(listening: _Listening) -> None:
    for _ in range(2):
        with listening as loop:
            done = asyncio.run_coroutine_threadsafe(asyncio.sleep(0, "served"), loop)
            assert done.result(PATIENCE) == "served"


def test_a_thread_that_did_not_survive_is_begun_anew_and_goes_when_its_last_one_goes(listening: _Listening) -> None:
    """As after a fork: who was within before it is within in another process."""
    of_before = listening.__enter__()
    [lost], enough = threads(), listening._enough
    listening._thread = threading.Thread()  # one that does not run, as a fork leaves it
    with listening as loop:
        assert loop is not of_before
        [thread] = [thread for thread in threads() if thread is not lost]
    thread.join(PATIENCE)

    assert not thread.is_alive()
    assert enough is not None
    of_before.call_soon_threadsafe(enough.set)
    lost.join(PATIENCE)


def test_a_block_that_ends_first_leaves_nothing_waiting(clock: Clock) -> None:
    store = MemoryStore()
    sessions = Sessions(store, clock=clock)
    handle = sessions.open(None)
    handle.log_in(handle.attempt("alice"), "pwd")
    handle.commit()
    heard: list[Reason | None] = []
    with pytest.raises(ZeroDivisionError), handle.on_end(heard.append):
        1 / 0  # noqa: B018
    for thread in threads():
        thread.join(PATIENCE)
    sessions.end_all("alice", Reason.ADMIN)

    assert (heard, threads()) == ([], [])
    assert not store._ears._all
