"""An awaited store may meet several event loops: a test client makes one a request, a script calls ``asyncio.run``."""

import asyncio
import gc
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
import uvloop
from tests.servers.proxy import Proxy
from tests.servers.valkey import Server, until

from sessioncore import StoreUnavailable
from sessioncore.testing.clock import START
from sessioncore.testing.rows import SID, ended, touched, user
from sessioncore.values import Ending
from sessioncore_io.valkey import AsyncValkeyStore

Story = Callable[[AsyncValkeyStore], Coroutine[Any, Any, Any]]


@pytest.fixture
def store(url: str) -> AsyncValkeyStore:
    """Give a store on empty servers."""
    return AsyncValkeyStore(url)


@contextmanager
def loop_of_its_own(store: AsyncValkeyStore) -> Iterator[asyncio.AbstractEventLoop]:
    """Run an event loop in a thread, and close what the store opened in it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield loop
        asyncio.run_coroutine_threadsafe(store.close(), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def load(store: AsyncValkeyStore) -> Any:
    return (await store.load(SID))[0]


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_store_goes_on_in_the_next_event_loop_when_the_first_one_has_ended(url: str) -> None:
    """The connections of the first one can be used by nobody any more, nor closed: Python warns of them, here."""
    store = AsyncValkeyStore(url)
    asyncio.run(store.swap(None, user()))

    seen = [asyncio.run(load(store)) for _ in range(3)]
    del store
    gc.collect()

    assert seen == [user()] * 3


def test_two_event_loops_use_one_store_at_the_same_time(store: AsyncValkeyStore) -> None:
    with loop_of_its_own(store) as one, loop_of_its_own(store) as two:
        asyncio.run_coroutine_threadsafe(store.swap(None, user()), one).result(10)
        asked = [asyncio.run_coroutine_threadsafe(load(store), loop) for _ in range(40) for loop in (one, two)]
        seen = {each.result(10) for each in asked}

    assert seen == {user()}


def test_each_event_loop_hears_of_ends_in_its_own_thread(store: AsyncValkeyStore) -> None:
    heard: list[tuple[Ending, int | None]] = []

    async def listen() -> Any:
        return store.subscribe(lambda ending: heard.append((ending, threading.current_thread().ident)))

    async def leave(listening: Any) -> None:
        listening.close()

    async def whom() -> int | None:
        return threading.current_thread().ident

    with loop_of_its_own(store) as one, loop_of_its_own(store) as two:
        loops = (one, two)
        threads = [asyncio.run_coroutine_threadsafe(whom(), loop).result(10) for loop in loops]
        listening = [asyncio.run_coroutine_threadsafe(listen(), loop).result(10) for loop in loops]
        until(lambda: len(heard) == 2, "both listen")
        asyncio.run_coroutine_threadsafe(store.swap(None, user()), one).result(10)
        asyncio.run_coroutine_threadsafe(store.swap(user(), ended(user(), START + 1)), one).result(10)
        until(lambda: len(heard) == 4, "both have heard")
        for loop, one_of_them in zip(loops, listening, strict=True):
            asyncio.run_coroutine_threadsafe(leave(one_of_them), loop).result(10)

    assert sorted(heard[2:], key=str) == sorted([(Ending(sid=SID), thread) for thread in threads], key=str)


@pytest.mark.parametrize("runner", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_idle_connections_that_were_reset_are_replaced_in_any_loop(valkey_server: Server, runner: Any) -> None:
    """uvloop raises RuntimeError for a transport that is closed, asyncio of Python 3.12 an AttributeError."""
    valkey_server.ask("FLUSHALL")

    async def story(proxy: Proxy) -> tuple[Any, bool, bool]:
        store = AsyncValkeyStore(f"valkey://127.0.0.1:{proxy.address[1]}")
        await store.swap(None, user())
        await _reset(proxy)
        seen = await load(store)
        await _reset(proxy)
        try:
            told = await store.swap(user(), touched(user(), START + 1))
        except StoreUnavailable:
            told = False
        done = await load(store) == touched(user(), START + 1)
        await store.close()
        return seen, told, done

    with closing(Proxy(valkey_server.address)) as proxy:
        seen, told, done = runner(story(proxy))

    assert seen == user()
    assert told <= done


async def _reset(proxy: Proxy) -> None:
    proxy.reset()
    await asyncio.to_thread(until, lambda: proxy.connections == 0, "all are reset")
    await asyncio.sleep(0)
    await asyncio.sleep(0)  # the loop has seen it
