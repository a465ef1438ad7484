"""What either store does beside talking: its defaults, its first call, a look, and its end."""

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from sessioncore import StoreUnavailable
from sessioncore.testing.rows import SID
from sessioncore_io.operating import Finding
from sessioncore_io.valkey import AsyncValkeyStore, ValkeyStore
from sessioncore_io.valkey import store as valkey_store

URL = "valkey://localhost"
BOTH = pytest.mark.parametrize("kind", [ValkeyStore, AsyncValkeyStore])


@BOTH
def test_replicas_have_half_of_the_patience_of_the_default_two_seconds(kind: Any) -> None:
    """The answer has to come back within the whole."""
    assert kind(URL)._calls.wait == 1_000
    assert kind(URL, patience=0.5)._calls.wait == 250


def test_the_defaults_of_both_stores_are_the_same() -> None:
    """Processes of either kind share one server, and find each other's keys."""
    one, other = ValkeyStore(URL)._calls, AsyncValkeyStore(URL)._calls

    assert one == other
    assert (one.prefix, one.replicas) == ("sc:", 0)


class Server:
    """Be a server that knows nobody, and whose settings nobody may see; note what happens."""

    def __init__(self, refusal: StoreUnavailable | None = None) -> None:
        self.seen: list[str] = []
        self.refusal = refusal

    def send(self, commands: Sequence[Any]) -> list[Any]:
        """Answer."""
        self.seen.append(commands[0][0])
        if self.refusal is not None:
            raise self.refusal
        return [None] * len(commands) if commands[0][0] != "INFO" else [b""] * len(commands)

    async def asend(self, commands: Sequence[Any]) -> list[Any]:
        """Answer."""
        return self.send(commands)

    def close(self) -> None:
        """Note it."""
        self.seen.append("closed")

    def time(self) -> float:
        """Tell the time: a second and a half passes from one look at the clock to the next."""
        self.seen.append("clock")
        return 1.5 * self.seen.count("clock")


def plain(server: Server) -> ValkeyStore:
    """Give a store on this server."""
    store: Any = ValkeyStore(URL)
    store._wire = SimpleNamespace(send=server.send, each=lambda: [server.send], close=server.close)
    made: ValkeyStore = store
    return made


def awaited(server: Server) -> AsyncValkeyStore:
    """Give a store on this server, to be awaited."""

    async def each() -> list[Any]:
        return [server.asend]

    wire = SimpleNamespace(send=server.asend, each=each)
    store: Any = AsyncValkeyStore(URL)
    store._wires = SimpleNamespace(here=lambda: wire)
    made: AsyncValkeyStore = store
    return made


def test_the_first_call_is_answered_before_the_server_is_looked_over() -> None:
    one, other = Server(), Server()
    plain(one).epoch("alice")
    asyncio.run(awaited(other).epoch("alice"))

    assert one.seen == other.seen == ["GET", "INFO"]


def test_a_server_that_refuses_the_first_call_is_not_looked_over() -> None:
    one, other = Server(StoreUnavailable("gone")), Server(StoreUnavailable("gone"))
    with pytest.raises(StoreUnavailable):
        plain(one).epoch("alice")
    with pytest.raises(StoreUnavailable):
        asyncio.run(awaited(other).epoch("alice"))

    assert one.seen == other.seen == ["GET"]


def test_the_time_of_a_round_trip_is_that_of_one_and_not_of_opening_a_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = Server()
    monkeypatch.setattr(valkey_store, "time", SimpleNamespace(perf_counter=server.time))
    *_, latency = plain(server).inspect()

    assert latency == Finding(what="latency", value="1500.00 ms")
    assert server.seen == ["GET", "INFO", "clock", "GET", "clock", "INFO"]


def test_a_store_that_is_closed_closes_its_connections() -> None:
    server = Server()
    store = plain(server)
    store.load(SID)
    store.close()

    assert server.seen[-1] == "closed"


def test_an_awaited_store_first_ends_its_listener_which_may_be_about_to_open_a_connection() -> None:
    ended: list[str] = []

    def thing(name: str) -> Any:
        async def close() -> None:
            ended.append(name)

        return SimpleNamespace(here=lambda: SimpleNamespace(close=close))

    store: Any = AsyncValkeyStore(URL)
    store._ears, store._wires = thing("the listener"), thing("the connections")
    asyncio.run(store.close())

    assert ended == ["the listener", "the connections"]
