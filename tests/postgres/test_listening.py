"""Ends are heard of by whoever subscribed, in whichever process they happen, and a gap is owned up to."""

import asyncio
import multiprocessing
import queue
import threading
from collections.abc import Callable
from contextlib import closing

import pytest
from tests.servers.postgres import PostgresServer
from tests.servers.proxy import Proxy
from tests.servers.valkey import until

from sessioncore import Ending, Reason
from sessioncore.testing.clock import START
from sessioncore.testing.rows import SID, ended, guest, touched, user
from sessioncore_io.postgres import AsyncPostgresStore, PostgresStore
from sessioncore_io.postgres.listening import heard

Opened = Callable[..., PostgresStore]
PATIENCE = 30


class Heard:
    """Keep what an ear hears."""

    def __init__(self) -> None:
        self.all: queue.SimpleQueue[Ending] = queue.SimpleQueue()
        self.threads = set[str]()

    def __call__(self, ending: Ending) -> None:
        self.threads.add(threading.current_thread().name)
        self.all.put(ending)

    def next(self) -> Ending:
        """Wait for what is heard next."""
        return self.all.get(timeout=PATIENCE)


def end_elsewhere(url: str) -> None:
    """End a session in a process of its own."""
    with closing(PostgresStore(url)) as store:
        store.swap(user(), ended(user(), START))


def test_an_end_in_another_process_is_heard_with_its_selector(url: str, opened: Opened) -> None:
    store, ear = opened(), Heard()
    store.swap(None, user())
    subscription = store.subscribe(ear)
    first = ear.next()
    process = multiprocessing.get_context("spawn").Process(target=end_elsewhere, args=(url,))
    process.start()
    second = ear.next()
    process.join()
    subscription.close()

    assert (first, second) == (Ending(), Ending(sid=SID))
    assert ear.threads == {"sessioncore-postgres"}


def test_what_is_no_end_is_not_announced_and_what_does_not_happen_neither(opened: Opened) -> None:
    store, ear = opened(), Heard()
    subscription = store.subscribe(ear)
    ear.next()
    store.swap(None, user())
    store.swap(user(), touched(user(), START + 1))
    store.swap(user(), ended(user(), START))
    store.mint("alice", START)
    store.supersede("alice", START, Reason.PASSWORD_CHANGE, expected=START - 1)
    store.supersede("alice", START, Reason.PASSWORD_CHANGE, expected=START)
    store.supersede("bob", START, Reason.ADMIN)
    told = [ear.next(), ear.next()]
    subscription.close()

    assert told == [Ending(subject="alice"), Ending(subject="bob")]


def test_a_store_that_is_told_not_to_announces_nothing(opened: Opened) -> None:
    mute, store, ear = opened(announce=False), opened(), Heard()
    subscription = store.subscribe(ear)
    ear.next()
    mute.swap(None, user())
    mute.swap(user(), ended(user(), START))
    mute.supersede("alice", START, Reason.ADMIN)
    store.supersede("bob", START, Reason.ADMIN)
    told = ear.next()
    subscription.close()

    assert told == Ending(subject="bob")


def test_the_longest_subject_fits_into_a_notification(opened: Opened) -> None:
    longest = "\U00024b62" * 256
    store, ear = opened(), Heard()
    subscription = store.subscribe(ear)
    ear.next()
    store.supersede(longest, START, Reason.ADMIN)
    told = ear.next()
    subscription.close()

    assert told == Ending(subject=longest)


@pytest.mark.fault(
    "the connection that listens is ended by an administrator", "heard again within seconds; told to look"
)
def test_after_a_lost_connection_anything_may_have_ended(server: PostgresServer, database: str, opened: Opened) -> None:
    store, ear = opened(), Heard()
    store.swap(None, user())
    subscription = store.subscribe(ear)
    ear.next()
    server.end_backends(database)
    again = ear.next()
    store.swap(user(), ended(user(), START))
    told = ear.next()
    subscription.close()

    assert (again, told) == (Ending(), Ending(sid=SID))


def test_a_subscription_that_was_closed_leaves_no_connection_and_no_thread(
    server: PostgresServer, database: str, url: str
) -> None:
    store, ear = PostgresStore(url), Heard()
    subscription = store.subscribe(ear)
    ear.next()
    subscription.close()
    subscription.close()
    for thread in threading.enumerate():
        if thread.name == "sessioncore-postgres":
            thread.join(PATIENCE)

    assert [thread for thread in threading.enumerate() if thread.name == "sessioncore-postgres"] == []
    assert server.ask(f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}'") == [(0,)]


def test_a_store_that_nobody_subscribed_to_listens_to_nothing(server: PostgresServer, opened: Opened) -> None:
    opened().swap(None, guest())

    assert server.ask("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'") == [(0,)]
    assert [thread for thread in threading.enumerate() if thread.name == "sessioncore-postgres"] == []


def test_an_awaited_store_tells_in_its_event_loop_and_after_a_lost_connection_too(
    server: PostgresServer, database: str, url: str
) -> None:
    async def listened() -> list[Ending]:
        store, told = AsyncPostgresStore(url), asyncio.Queue[Ending]()
        subscription = store.subscribe(told.put_nowait)
        async with asyncio.timeout(PATIENCE):
            all_told = [await told.get()]
            await store.swap(None, user())
            await store.swap(user(), ended(user(), START))
            all_told.append(await told.get())
            await asyncio.to_thread(server.end_backends, database)
            all_told.append(await told.get())
            await store.supersede("alice", START, Reason.ADMIN)
            all_told.append(await told.get())
        subscription.close()
        await store.close()
        return all_told

    assert asyncio.run(listened()) == [Ending(), Ending(sid=SID), Ending(), Ending(subject="alice")]


def test_a_notification_that_is_not_ours_may_mean_anything() -> None:
    assert [heard(payload) for payload in ("", "sid", "sid:", "nonsense", "subject:")] == [Ending()] * 5
    assert heard("subject:a:b") == Ending(subject="a:b")


def test_the_next_event_loop_hears_though_the_first_one_left_without_a_word(url: str, opened: Opened) -> None:
    """The task that listened has gone with its loop; nobody told the ear's owner to close it."""
    store = AsyncPostgresStore(url)

    async def left() -> None:
        store.subscribe(lambda _: None)

    async def stayed() -> list[Ending]:
        ear: asyncio.Queue[Ending] = asyncio.Queue()
        subscription = store.subscribe(ear.put_nowait)
        async with asyncio.timeout(PATIENCE):
            first = await ear.get()
            await store.supersede("alice", START, Reason.ADMIN)
            second = await ear.get()
        subscription.close()
        await store.close()
        return [first, second]

    opened()
    asyncio.run(left())

    assert asyncio.run(stayed()) == [Ending(), Ending(subject="alice")]


def test_each_event_loop_hears_in_its_own_thread(url: str, opened: Opened) -> None:
    opened()
    store, heard = AsyncPostgresStore(url), dict[str, set[str]]()

    async def listen(told: Callable[[], object], over: threading.Event) -> None:
        mine = heard.setdefault(threading.current_thread().name, set())

        def ear(_: Ending) -> None:
            mine.add(threading.current_thread().name)
            told()

        subscription = store.subscribe(ear)
        await asyncio.to_thread(over.wait, PATIENCE)
        subscription.close()

    over, counted = threading.Event(), threading.Semaphore(0)
    threads = [
        threading.Thread(target=lambda: asyncio.run(listen(counted.release, over)), name=name) for name in ("a", "b")
    ]
    for thread in threads:
        thread.start()
    told = [counted.acquire(timeout=PATIENCE) for _ in threads]
    over.set()
    for thread in threads:
        thread.join()

    assert told == [True, True]
    assert heard == {"a": {"a"}, "b": {"b"}}


def test_an_outage_is_told_by_one_warning_however_long_it_is(
    server: PostgresServer, database: str, caplog: pytest.LogCaptureFixture
) -> None:
    lost, ear = "ends are not heard of", Heard()

    def outage() -> None:
        ear.next()
        proxy.refuse()
        tried = proxy.refused
        until(lambda: proxy.refused >= tried + 3, "it has tried again and again")
        proxy.accept()

    with (
        closing(Proxy(("127.0.0.1", server.port))) as proxy,
        closing(PostgresStore(server.url(database, proxy.address[1]))) as store,
    ):
        subscription = store.subscribe(ear)
        outage()
        outage()
        ear.next()
        warnings = caplog.text.count(lost)
        subscription.close()

    assert warnings == 2
