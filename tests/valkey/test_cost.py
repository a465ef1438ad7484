"""What a request costs the server: counted, not timed."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise

import pytest
from tests.servers.proxy import Proxy
from tests.servers.valkey import Server

from sessioncore.flows import Token
from sessioncore.testing import Clock
from sessioncore_io import AsyncSessions, Sessions
from sessioncore_io.valkey import AsyncValkeyStore, ValkeyStore


@pytest.fixture
def proxy(valkey_server: Server) -> Iterator[Proxy]:
    """Count what goes to an empty server and back."""
    valkey_server.ask("FLUSHALL")
    with closing(Proxy(valkey_server.address)) as proxy:
        yield proxy


def commands(server: Server) -> dict[str, int]:
    """Count the commands that the server has done, but for those of who looks."""
    stats = server.ask("INFO", "commandstats")
    ours = {name.removeprefix("cmdstat_"): int(stat["calls"]) for name, stat in stats.items()}
    return {name: calls for name, calls in ours.items() if name.partition("|")[0] not in ("info", "client", "config")}


def test_a_signed_in_request_that_only_reads_is_one_round_trip_and_no_write(
    proxy: Proxy, valkey_server: Server
) -> None:
    with closing(ValkeyStore(f"valkey://127.0.0.1:{proxy.address[1]}")) as store:
        sessions = Sessions(store, clock=Clock())
        handle = sessions.open(None)
        handle.log_in(handle.attempt("alice"), "pwd")
        handle.commit()
        assert isinstance(handle.order, Token)
        store.load("the server knows the script from now on")
        steps = []
        for _ in range(3):
            before, chunks = commands(valkey_server), proxy.requests.chunks
            assert sessions.open(handle.order).subject == "alice"
            after = commands(valkey_server)
            done = {name: after[name] - before.get(name, 0) for name in after if after[name] != before.get(name, 0)}
            steps.append((proxy.requests.chunks - chunks, done))

    assert steps == [(1, {"evalsha": 1, "get": 2}), (1, {"mget": 1}), (1, {"mget": 1})]


def test_an_awaited_request_is_one_round_trip_too(proxy: Proxy) -> None:
    async def story() -> list[int]:
        store = AsyncValkeyStore(f"valkey://127.0.0.1:{proxy.address[1]}")
        sessions = AsyncSessions(store, clock=Clock())
        handle = await sessions.open(None)
        handle.log_in(await handle.attempt("alice"), "pwd")
        await handle.commit()
        assert isinstance(handle.order, Token)
        chunks = [proxy.requests.chunks]
        for _ in range(3):
            assert (await sessions.open(handle.order)).subject == "alice"
            chunks.append(proxy.requests.chunks)
        await store.close()
        return chunks

    counts = asyncio.run(story())

    assert [after - before for before, after in pairwise(counts)] == [1, 1, 1]


def test_a_reset_is_one_command_however_many_sessions_there_are(valkey_server: Server) -> None:
    valkey_server.ask("FLUSHALL")
    with closing(ValkeyStore(valkey_server.url)) as store:
        sessions = Sessions(store, clock=Clock())
        for number in range(20):
            handle = sessions.open(None)
            handle.log_in(handle.attempt("alice"), "pwd")
            handle.commit()
            before = commands(valkey_server)
            if number in (0, 19):
                sessions.reset_password("alice")
                after = commands(valkey_server)

                assert after["evalsha"] - before["evalsha"] == 1
                assert after["zrangebyscore"] == before["zrangebyscore"]
