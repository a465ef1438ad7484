"""PostgreSQL keeps the contract that ``sessioncore.testing`` offers to others, with every hook filled in."""

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from functools import partial
from typing import Any

import pytest
from tests.servers.postgres import PostgresServer

from sessioncore.testing.contracts import AsyncStoreContract, StoreContract
from sessioncore_io.postgres import AsyncPostgresStore, PostgresStore

# Rounds of each race: more of them in ``make verify``.
SEEDS = int(os.environ.get("SESSIONCORE_SEEDS", "5"))

# Seconds: other tests may keep the machine busy.
PATIENCE = 30.0

DAMAGE = """
UPDATE sessioncore.sessions SET record = set_byte(record, 9, get_byte(record, 9) # 1) WHERE sid = '{}'
"""


class PostgresHooks:
    """What can be done to a database."""

    @pytest.fixture(autouse=True)
    def _at(self, server: PostgresServer, database: str) -> None:
        self.server, self.database = server, database

    def damage(self, store: Any, sid: str) -> None:
        """Flip a bit of the record."""
        self.server.ask(DAMAGE.format(sid), self.database)

    def cut_off(self, store: Any) -> AbstractContextManager[None]:
        """Stop the server, and wait for it less long than for a busy one."""
        store._link.patience = 0.3
        return self.server.stopped()


class TestPostgresStore(PostgresHooks, StoreContract):
    """The store for callers that do not await."""

    rounds = SEEDS

    @pytest.fixture
    def store(self, url: str) -> Iterator[PostgresStore]:
        """Give an empty store."""
        with closing(PostgresStore(url, patience=PATIENCE)) as store:
            yield store

    def reopen(self, store: PostgresStore) -> PostgresStore:
        """Restart the server, and open the store anew."""
        store.close()
        with self.server.stopped():
            pass
        return self.again

    @pytest.fixture(autouse=True)
    def _another(self, url: str) -> Iterator[None]:
        with closing(PostgresStore(url)) as self.again:
            yield

    def opener(self, store: PostgresStore) -> Callable[[], PostgresStore]:
        """Open the store in another process."""
        return partial(PostgresStore, self.server.url(self.database), patience=PATIENCE)


class TestAsyncPostgresStore(PostgresHooks, AsyncStoreContract):
    """The store for callers that await."""

    rounds = SEEDS

    @pytest.fixture
    def store(self, url: str, runner: asyncio.Runner) -> Iterator[AsyncPostgresStore]:
        """Give an empty store."""
        store = AsyncPostgresStore(url, patience=PATIENCE)
        yield store
        runner.run(store.close())

    def reopen(self, store: AsyncPostgresStore) -> AsyncPostgresStore:
        """Restart the server; the store finds it by itself."""
        with self.server.stopped():
            pass
        return store
