"""Whoever listens hears of every end, whichever process it came from, and of everything it may have missed."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager

import pytest
from tests.servers.proxy import Proxy
from tests.servers.valkey import Server, until

from sessioncore import Reason
from sessioncore.testing.clock import START
from sessioncore.testing.rows import SID, ended, guest, touched, user
from sessioncore.values import Ending
from sessioncore_io.valkey import AsyncValkeyStore, ValkeyStore
from sessioncore_io.valkey import ear as valkey_ear

ANY = Ending()


def end_some(store: ValkeyStore) -> None:
    """End one session and supersede one subject; a touch and a swap that loses are no ends."""
    store.swap(None, guest())
    store.swap(guest(), touched(guest(), START + 1))
    store.swap(guest(), ended(guest(), START))
    store.swap(touched(guest(), START + 1), ended(touched(guest(), START + 1), START + 2))
    store.supersede("alice", START, Reason.PASSWORD_RESET)
    store.supersede("alice", START, Reason.PASSWORD_CHANGE, expected=1)


TOLD = [ANY, Ending(sid=SID), Ending(subject="alice")]


def in_order(heard: list[Ending], url: str) -> list[Ending]:
    """Give what was heard as it came; of a cluster in a fixed order, for two of its nodes may overtake each other."""
    return sorted(heard, key=TOLD.index) if url.startswith("cluster:") else heard


def test_a_store_tells_of_ends_that_came_from_elsewhere(url: str) -> None:
    heard: list[Ending] = []
    with closing(ValkeyStore(url)) as store, closing(ValkeyStore(url)) as elsewhere:
        listening = store.subscribe(heard.append)
        until(lambda: heard == [ANY], "it listens")
        end_some(elsewhere)
        until(lambda: len(heard) >= len(TOLD), "it has heard")
        listening.close()

    assert in_order(heard, url) == TOLD


def test_an_awaited_store_tells_of_ends_that_came_from_elsewhere(url: str) -> None:
    async def story() -> list[Ending]:
        heard: list[Ending] = []
        store = AsyncValkeyStore(url)
        listening = store.subscribe(heard.append)
        await _until(lambda: heard == [ANY])
        with closing(ValkeyStore(url)) as elsewhere:
            await asyncio.to_thread(end_some, elsewhere)
        await _until(lambda: len(heard) >= len(TOLD))
        listening.close()
        await store.close()
        return heard

    assert in_order(asyncio.run(story()), url) == TOLD


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.005)


@pytest.mark.fault("the connection of whoever listens for ends is cut", "it connects again, and says: look again")
def test_who_may_have_missed_something_is_told_to_look_again(valkey_server: Server) -> None:
    heard: list[Ending] = []
    with ExitStack() as stack:
        proxy = stack.enter_context(closing(Proxy(valkey_server.address)))
        store = stack.enter_context(closing(ValkeyStore(f"valkey://127.0.0.1:{proxy.address[1]}")))
        stack.enter_context(closing(store.subscribe(heard.append)))
        until(lambda: heard == [ANY], "it listens")
        proxy.refuse()
        proxy.accept()
        until(lambda: heard == [ANY, ANY], "it listens again")
        store.supersede("bob", START, Reason.ADMIN)
        until(lambda: len(heard) == 3, "it has heard")

    assert heard == [ANY, ANY, Ending(subject="bob")]


@pytest.mark.fault("the connection of an event loop that listens is cut", "it connects again, and says: look again")
def test_an_event_loop_that_may_have_missed_something_is_told_to_look_again(valkey_server: Server) -> None:
    async def story() -> list[Ending]:
        heard: list[Ending] = []
        with closing(Proxy(valkey_server.address)) as proxy:
            store = AsyncValkeyStore(f"valkey://127.0.0.1:{proxy.address[1]}")
            store.subscribe(heard.append)
            await _until(lambda: heard == [ANY])
            proxy.refuse()
            proxy.accept()
            await _until(lambda: heard == [ANY, ANY])
            await store.close()
        return heard

    assert asyncio.run(story()) == [ANY, ANY]


@contextmanager
def standing_between(server: Server) -> Iterator[tuple[Proxy, ValkeyStore]]:
    """Give a proxy, and a store that goes through it."""
    with (
        closing(Proxy(server.address)) as proxy,
        closing(ValkeyStore(f"valkey://127.0.0.1:{proxy.address[1]}")) as store,
    ):
        yield proxy, store


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take a second of silence for a connection that is dead."""
    monkeypatch.setattr(valkey_ear, "QUIET", 0.5)


@pytest.mark.fault("whoever listens for ends hears nothing at all, not even a PONG", "it connects again: look again")
@pytest.mark.usefixtures("impatient")
def test_a_silent_connection_is_given_up(valkey_server: Server, caplog: pytest.LogCaptureFixture) -> None:
    heard: list[Ending] = []
    with standing_between(valkey_server) as (proxy, store):
        store.subscribe(heard.append)
        until(lambda: heard == [ANY], "it listens")
        proxy.replies.hold()
        until(lambda: "it is silent" in caplog.text, "it has given up")
        proxy.replies.let_go()
        until(lambda: heard == [ANY, ANY], "it listens again")


@pytest.mark.usefixtures("impatient")
def test_a_silent_connection_is_given_up_by_an_event_loop_too(
    valkey_server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(proxy: Proxy) -> list[Ending]:
        heard: list[Ending] = []
        store = AsyncValkeyStore(f"valkey://127.0.0.1:{proxy.address[1]}")
        store.subscribe(heard.append)
        await _until(lambda: heard == [ANY])
        proxy.replies.hold()
        await _until(lambda: "it is silent" in caplog.text)
        proxy.replies.let_go()
        await _until(lambda: heard == [ANY, ANY])
        await store.close()
        return heard

    with closing(Proxy(valkey_server.address)) as proxy:
        assert asyncio.run(story(proxy)) == [ANY, ANY]


@pytest.mark.usefixtures("impatient")
def test_a_quiet_connection_that_answers_is_kept(valkey_server: Server) -> None:
    heard: list[Ending] = []
    with standing_between(valkey_server) as (proxy, store):
        store.subscribe(heard.append)
        until(lambda: heard == [ANY], "it listens")
        chunks = proxy.replies.chunks
        until(lambda: proxy.replies.chunks >= chunks + 3, "it has been asked three times whether it is there")
        store.supersede("dave", START, Reason.ADMIN)
        until(lambda: len(heard) > 1, "it has heard")

    assert heard == [ANY, Ending(subject="dave")]


def test_a_thread_runs_only_while_somebody_listens(valkey_server: Server) -> None:
    def listening() -> int:
        return sum(thread.name == "sessioncore" for thread in threading.enumerate())

    with closing(ValkeyStore(valkey_server.url)) as store:
        store.load(SID)
        counts = [listening()]
        first, second = store.subscribe(lambda _: None), store.subscribe(lambda _: None)
        counts.append(listening())
        first.close()
        first.close()
        counts.append(listening())
        second.close()
        until(lambda: listening() == 0, "the thread has ended")

    assert counts == [0, 1, 1]


def test_an_ear_that_fails_deafens_nobody_else(valkey_server: Server, caplog: pytest.LogCaptureFixture) -> None:
    first: list[Ending] = []
    heard: list[Ending] = []

    def failing(ending: Ending) -> None:
        raise RuntimeError("not my day")

    with closing(ValkeyStore(valkey_server.url)) as store:
        store.subscribe(first.append)
        store.subscribe(failing)
        store.subscribe(heard.append)
        until(lambda: ANY in first, "it listens")
        store.supersede("carol", START, Reason.ADMIN)
        until(lambda: heard[-1:] == [Ending(subject="carol")], "it has heard")

    assert "a listener failed" in caplog.text
    assert user().proof not in caplog.text
