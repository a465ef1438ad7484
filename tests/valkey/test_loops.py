"""An awaited store may meet several event loops: a test client makes one a request, a script calls ``asyncio.run``."""

import asyncio
import gc
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tests.servers.valkey import Server, until
from tests.servers.valkey_groups import Group

from sessioncore.testing.clock import START
from sessioncore.testing.rows import SID, ended, user
from sessioncore.values import Ending
from sessioncore_io.valkey import AsyncValkeyStore

Story = Callable[[AsyncValkeyStore], Coroutine[Any, Any, Any]]


@pytest.fixture(params=["server", "cluster"])
def url(request: pytest.FixtureRequest, valkey_server: Server, cluster: Group) -> str:
    """Give the URL of empty servers."""
    if request.param == "cluster":
        cluster.empty()
        return cluster.url
    valkey_server.ask("FLUSHALL")
    return valkey_server.url


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
