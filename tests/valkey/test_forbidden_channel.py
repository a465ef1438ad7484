"""A server may forbid its channels: since Redis 7, a user has none unless told so. Ends are ends all the same."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import closing

import pytest
from tests.servers.proxy import Proxy
from tests.servers.valkey import Server, until

from sessioncore import Epoch, Reason
from sessioncore.testing.clock import START
from sessioncore.testing.rows import SID, ended, user
from sessioncore.values import Ending
from sessioncore_io.valkey import AsyncValkeyStore, ValkeyStore

LOST = "no news of ended sessions"


@pytest.fixture
def url(valkey_server: Server) -> Iterator[str]:
    """Give the URL for a user who may do everything but publish and subscribe."""
    valkey_server.ask("FLUSHALL")
    valkey_server.ask("ACL", "SETUSER", "shop", "on", ">secret", "~*", "+@all", "resetchannels")
    yield f"valkey://shop:secret@127.0.0.1:{valkey_server.port}/0"
    valkey_server.ask("ACL", "DELUSER", "shop")


def test_an_end_that_cannot_be_announced_is_stored_and_acknowledged(url: str) -> None:
    with closing(ValkeyStore(url)) as store:
        store.swap(None, user())
        stored = store.swap(user(), ended(user(), START + 1))
        row, _ = store.load(SID)

    assert stored
    assert row == ended(user(), START + 1)


def test_an_epoch_that_cannot_be_announced_is_moved_on_and_acknowledged(url: str) -> None:
    with closing(ValkeyStore(url)) as store:
        epoch = store.supersede("alice", START, Reason.PASSWORD_RESET)
        standing = store.epoch("alice")

    assert epoch == Epoch(value=START, cause=Reason.PASSWORD_RESET)
    assert standing == epoch


def test_whoever_may_not_listen_is_told_to_look_again_and_again(url: str, caplog: pytest.LogCaptureFixture) -> None:
    heard: list[Ending] = []
    with closing(ValkeyStore(url)) as store:
        store.subscribe(heard.append)
        until(lambda: len(heard) >= 3, "it is told to look")

    assert set(heard) == {Ending()}
    assert caplog.text.count(LOST) == 1


def test_an_event_loop_that_may_not_listen_is_told_to_look_again_and_again(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> list[Ending]:
        heard: list[Ending] = []
        store = AsyncValkeyStore(url)
        store.subscribe(heard.append)
        async with asyncio.timeout(20):
            while len(heard) < 3:
                await asyncio.sleep(0.01)
        await store.close()
        return heard

    assert set(asyncio.run(story())) == {Ending()}
    assert caplog.text.count(LOST) == 1


def test_an_outage_is_told_by_one_warning_however_long_it_is(
    valkey_server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    heard: list[Ending] = []

    def outage(number: int) -> None:
        until(lambda: len(heard) == number, "it listens")
        proxy.refuse()
        until(lambda: caplog.text.count(LOST) >= number, "it has noticed")
        tried = proxy.refused
        until(lambda: proxy.refused >= tried + 3, "it has tried again")
        proxy.accept()

    with (
        closing(Proxy(valkey_server.address)) as proxy,
        closing(ValkeyStore(f"valkey://127.0.0.1:{proxy.address[1]}")) as store,
    ):
        store.subscribe(heard.append)
        outage(1)
        outage(2)
        until(lambda: len(heard) == 3, "it listens again")

    assert caplog.text.count(LOST) == 2
