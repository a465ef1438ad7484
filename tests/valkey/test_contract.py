"""Valkey 9, Redis 6.2 and a cluster keep the contract of a store, with and without awaiting."""

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from typing import Any

import pytest
from tests.servers.proxy import Proxy
from tests.servers.valkey import Server
from tests.servers.valkey_groups import Group

from sessioncore.testing.contracts import AsyncStoreContract, StoreContract
from sessioncore_io.valkey import AsyncValkeyStore, ValkeyStore

# Processes race for so many times the contract's number of sessions; ``make verify`` asks for more.
SEEDS = int(os.environ.get("SESSIONCORE_SEEDS", "5"))


class Racing(StoreContract):
    """The contract, with longer races between processes."""

    def test_processes_that_race_for_one_session_see_calls_happen_one_at_a_time_though_one_is_killed(
        self, store: Any
    ) -> None:
        self.rounds = SEEDS * StoreContract.rounds
        super().test_processes_that_race_for_one_session_see_calls_happen_one_at_a_time_though_one_is_killed(store)


class Hooks:
    """What only its author can do to a Valkey store: it stands behind a proxy, which can be cut."""

    @pytest.fixture
    def server(self, valkey_server: Server) -> Server:
        """Give the server, emptied."""
        valkey_server.ask("FLUSHALL")
        return valkey_server

    @pytest.fixture
    def proxy(self, server: Server) -> Iterator[Proxy]:
        """Stand between the store and the server."""
        with closing(Proxy(server.address)) as proxy:
            yield proxy

    @pytest.fixture
    def url(self, proxy: Proxy) -> str:
        """Give the store's URL."""
        return f"valkey://127.0.0.1:{proxy.address[1]}/0"

    @pytest.fixture(autouse=True)
    def _outside(self, server: Server, proxy: Proxy, url: str) -> None:
        self.at, self.between, self.address = server, proxy, url

    def damage(self, store: Any, sid: str) -> None:
        """Flip the record's last byte."""
        key = store._calls.row(sid)
        record = self.at.ask("GET", key)
        self.at.ask("SET", key, record[:-1] + bytes([record[-1] ^ 1]))

    @contextmanager
    def cut_off(self, store: Any) -> Iterator[None]:
        """Cut the wire."""
        self.between.refuse()
        yield
        self.between.accept()


class TestValkeyStore(Hooks, Racing):
    """Valkey, with every hook."""

    @pytest.fixture
    def store(self, url: str) -> Iterator[ValkeyStore]:
        """Give an empty store."""
        self.opened = [ValkeyStore(url)]
        yield self.opened[0]
        for store in self.opened:
            store.close()

    def reopen(self, store: ValkeyStore) -> ValkeyStore:
        """Connect anew."""
        self.opened.append(ValkeyStore(self.address))
        return self.opened[-1]

    def opener(self, store: ValkeyStore) -> Callable[[], ValkeyStore]:
        """Connect from another process."""
        return partial(ValkeyStore, self.at.url)


class TestRedisStore(TestValkeyStore):
    """Redis 6.2."""

    @pytest.fixture
    def server(self, redis_server: Server) -> Server:
        """Give the server, emptied."""
        redis_server.ask("FLUSHALL")
        return redis_server


class TestAsyncValkeyStore(Hooks, AsyncStoreContract):
    """Valkey, awaited."""

    @pytest.fixture
    def store(self, url: str, runner: asyncio.Runner) -> Iterator[AsyncValkeyStore]:
        """Give an empty store."""
        self.opened = [AsyncValkeyStore(url)]
        yield self.opened[0]
        for store in self.opened:
            runner.run(store.close())

    def reopen(self, store: AsyncValkeyStore) -> AsyncValkeyStore:
        """Connect anew."""
        self.opened.append(AsyncValkeyStore(self.address))
        return self.opened[-1]


class Clustered:
    """The hooks of a store on a cluster of three, each behind a proxy."""

    @pytest.fixture
    def url(self, cluster: Group) -> str:
        """Give the store's URL, and forget what was there."""
        cluster.empty()
        self.group = cluster
        return cluster.url

    def damage(self, store: Any, sid: str) -> None:
        """Flip the record's last byte."""
        key = store._calls.row(sid)
        record = self.group.ask(key, "GET", key)
        self.group.ask(key, "SET", key, record[:-1] + bytes([record[-1] ^ 1]))

    @contextmanager
    def cut_off(self, store: Any) -> Iterator[None]:
        """Cut the wires."""
        for node in self.group.nodes:
            node.proxy.refuse()
        yield
        for node in self.group.nodes:
            node.proxy.accept()


class TestValkeyCluster(Clustered, Racing):
    """A cluster, with every hook."""

    @pytest.fixture
    def store(self, url: str) -> Iterator[ValkeyStore]:
        """Give an empty store."""
        self.opened = [ValkeyStore(url)]
        yield self.opened[0]
        for store in self.opened:
            store.close()

    def reopen(self, store: ValkeyStore) -> ValkeyStore:
        """Connect anew."""
        self.opened.append(ValkeyStore(self.group.url))
        return self.opened[-1]

    def opener(self, store: ValkeyStore) -> Callable[[], ValkeyStore]:
        """Connect from another process."""
        return partial(ValkeyStore, self.group.url)


class TestAsyncValkeyCluster(Clustered, AsyncStoreContract):
    """A cluster, awaited."""

    @pytest.fixture
    def store(self, url: str, runner: asyncio.Runner) -> Iterator[AsyncValkeyStore]:
        """Give an empty store."""
        self.opened = [AsyncValkeyStore(url)]
        yield self.opened[0]
        for store in self.opened:
            runner.run(store.close())

    def reopen(self, store: AsyncValkeyStore) -> AsyncValkeyStore:
        """Connect anew."""
        self.opened.append(AsyncValkeyStore(self.group.url))
        return self.opened[-1]
