"""Sessions in one store and epochs in another: the contract, and what survives the loss of the one."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.postgres.test_contract import PATIENCE, SEEDS
from tests.postgres.test_faults import patiently
from tests.servers.postgres import PostgresServer
from tests.servers.valkey import VALKEY, serving

from sessioncore import Ending, InvalidSetting, Reason, StoreUnavailable
from sessioncore.testing.clock import START
from sessioncore.testing.contracts import AsyncStoreContract, StoreContract
from sessioncore.testing.contracts.promises import EpochPromises, ListPromises, RowPromises
from sessioncore.testing.contracts.races import TaskRaces
from sessioncore.testing.rows import SID, user
from sessioncore_io import Sessions
from sessioncore_io.memory import MemoryStore
from sessioncore_io.postgres import AsyncPostgresStore, PostgresStore
from sessioncore_io.split import AsyncSplitStore, SplitStore
from sessioncore_io.sqlite import SqliteStore
from sessioncore_io.valkey import ValkeyStore


class SplitHooks:
    """What can be done to sessions in SQLite whose epochs are in PostgreSQL."""

    @pytest.fixture(autouse=True)
    def _at(self, server: PostgresServer, url: str, tmp_path: Path) -> None:
        self.server, self.url, self.path = server, url, tmp_path / "sessions.db"

    @contextmanager
    def cut_off(self, store: Any) -> Iterator[None]:
        """Stop the server, and put a directory where the file was."""
        store.sessions.close()
        store.epochs._link.patience = 0.3
        aside = self.path.with_suffix(".aside")
        with self.server.stopped():
            self.path.rename(aside)
            self.path.mkdir()
            yield
            self.path.rmdir()
            aside.rename(self.path)

    def damage(self, store: Any, sid: str) -> None:
        """Flip the record's last byte."""
        with closing(sqlite3.connect(self.path)) as connection, connection:
            (record,) = connection.execute("SELECT record FROM sessions WHERE sid = ?", (sid,)).fetchone()
            spoilt = record[:-1] + bytes([record[-1] ^ 1])
            connection.execute("UPDATE sessions SET record = ? WHERE sid = ?", (spoilt, sid))


class TestSplitStore(SplitHooks, StoreContract):
    """Sessions in SQLite, epochs in PostgreSQL, for callers that do not await."""

    rounds = SEEDS

    @pytest.fixture
    def store(self, url: str, tmp_path: Path) -> Iterator[SplitStore]:
        """Give an empty store."""
        sessions = SqliteStore(tmp_path / "sessions.db", patience=PATIENCE)
        with closing(SplitStore(sessions=sessions, epochs=PostgresStore(url, patience=PATIENCE))) as store:
            yield store

    def reopen(self, store: SplitStore) -> SplitStore:
        """Restart the epochs' server, and open the sessions' file anew."""
        with self.server.stopped():
            store.close()
        return store

    def opener(self, store: SplitStore) -> Any:
        """Open both in another process."""
        return partial(opened, self.path, self.url)


def opened(path: Path, url: str) -> SplitStore:
    """Open both."""
    return SplitStore(sessions=SqliteStore(path, patience=PATIENCE), epochs=PostgresStore(url, patience=PATIENCE))


class TestAsyncSplitStore(SplitHooks, AsyncStoreContract):
    """Sessions in SQLite, which is plain, and epochs in PostgreSQL, which is awaited."""

    rounds = SEEDS

    @pytest.fixture
    def store(self, url: str, tmp_path: Path, runner: asyncio.Runner) -> Iterator[AsyncSplitStore]:
        """Give an empty store."""
        sessions = SqliteStore(tmp_path / "sessions.db", patience=PATIENCE)
        store = AsyncSplitStore(sessions=sessions, epochs=AsyncPostgresStore(url, patience=PATIENCE))
        yield store
        runner.run(store.close())

    def reopen(self, store: AsyncSplitStore) -> AsyncSplitStore:
        """Restart the epochs' server."""
        with self.server.stopped():
            pass
        return store


class TestTurnedRound(RowPromises, EpochPromises, ListPromises, TaskRaces):
    """Sessions in PostgreSQL, which is awaited, and epochs in memory: either side may be of either kind."""

    rounds = SEEDS
    runner, plain = AsyncStoreContract.runner, AsyncStoreContract.plain

    @pytest.fixture
    def store(self, url: str, runner: asyncio.Runner) -> Iterator[AsyncSplitStore]:
        """Give an empty store."""
        store = AsyncSplitStore(sessions=AsyncPostgresStore(url, patience=PATIENCE), epochs=MemoryStore())
        yield store
        runner.run(store.close())


@pytest.fixture
def epochs(url: str) -> Iterator[PostgresStore]:
    """Give a store for epochs."""
    with closing(PostgresStore(url, patience=PATIENCE)) as store:
        yield store


def signed_in(sessions: Sessions, subject: str = "alice") -> str:
    """Log somebody in and give the token."""
    handle = sessions.open(None)
    handle.log_in(handle.attempt(subject), "pwd")
    handle.commit()
    return str(handle.order.text)  # type: ignore[union-attr]


def test_a_password_reset_survives_the_loss_of_the_sessions_store(epochs: PostgresStore) -> None:
    """Valkey comes back with what it held an hour ago: a snapshot from before the reset, with a thief's session."""
    snapshot = MemoryStore()
    stolen = signed_in(Sessions(SplitStore(sessions=snapshot, epochs=epochs)))
    Sessions(SplitStore(sessions=MemoryStore(), epochs=epochs)).reset_password("alice")
    restored = Sessions(SplitStore(sessions=snapshot, epochs=epochs))

    assert not restored.open(stolen).signed_in
    assert restored.open(signed_in(restored)).signed_in


def test_a_password_reset_survives_a_valkey_that_comes_back_from_an_older_snapshot(url: str, tmp_path: Path) -> None:
    """Snapshots only, no log: killed after the reset, the server wakes up with the thief's session in it."""
    with serving(tmp_path, VALKEY) as valkey, closing(PostgresStore(url)) as epochs:
        sessions = Sessions(SplitStore(sessions=ValkeyStore(valkey.url), epochs=epochs))
        stolen = signed_in(sessions)
        valkey.ask("SAVE")
        sessions.reset_password("alice")
        ended = sessions.open(stolen).signed_in
        late = signed_in(sessions)
        valkey.kill()
        valkey.start()

        assert not ended
        assert valkey.ask("DBSIZE") != 0
        assert not patiently(lambda: sessions.open(stolen)).signed_in
        assert not patiently(lambda: sessions.open(late)).signed_in  # lost, not revived
        assert sessions.open(signed_in(sessions)).signed_in
        sessions.store.sessions.close()  # type: ignore[attr-defined]


@pytest.mark.fault("the epochs' store is down, the sessions' store is up", "store unavailable, nobody is authenticated")
def test_a_row_without_its_epoch_is_no_answer(server: PostgresServer, epochs: PostgresStore) -> None:
    store = SplitStore(sessions=MemoryStore(), epochs=epochs)
    token = signed_in(Sessions(store))
    epochs._link.patience = 0.3
    with server.stopped():
        with pytest.raises(StoreUnavailable):
            store.load(token[:22])
        with pytest.raises(StoreUnavailable):
            _ = Sessions(store).open(token).signed_in
    epochs._link.patience = PATIENCE

    assert Sessions(store).open(token).signed_in


def test_a_guest_is_loaded_without_asking_for_an_epoch(server: PostgresServer, epochs: PostgresStore) -> None:
    sessions = Sessions(SplitStore(sessions=MemoryStore(), epochs=epochs))
    handle = sessions.open(None)
    handle["cart"] = 1
    handle.commit()
    with server.stopped():
        assert sessions.open(handle.order.text)["cart"] == 1  # type: ignore[union-attr]


def test_what_the_sessions_store_says_of_epochs_is_not_heard(epochs: PostgresStore) -> None:
    rows = MemoryStore()
    rows.supersede("alice", START, Reason.PASSWORD_RESET)
    rows.swap(None, user())

    assert SplitStore(sessions=rows, epochs=epochs).load(SID) == (user(), None)


def test_one_store_for_both_is_refused() -> None:
    store = MemoryStore()

    with pytest.raises(InvalidSetting, match="pass another store"):
        SplitStore(sessions=store, epochs=store)
    with pytest.raises(InvalidSetting, match="pass another store"):
        AsyncSplitStore(sessions=store, epochs=store)


class Mute:
    """A store that tells nobody."""


def test_a_subscription_needs_two_stores_that_tell(epochs: PostgresStore) -> None:
    """Half of the ends would be worse than none: nobody would notice what is missing."""
    with pytest.raises(InvalidSetting, match="Mute"):
        SplitStore(sessions=Mute(), epochs=epochs).subscribe(lambda _: None)  # type: ignore[arg-type]


class Deaf(MemoryStore):
    """A store to which nobody can subscribe just now."""

    def subscribe(self, ear: Any) -> Any:
        """Fail."""
        raise StoreUnavailable("nobody can listen just now")


def test_a_subscription_that_fails_half_way_leaves_nobody_listening() -> None:
    sessions = MemoryStore()
    heard: list[Ending] = []
    with pytest.raises(StoreUnavailable):
        SplitStore(sessions=sessions, epochs=Deaf()).subscribe(heard.append)
    sessions.supersede("alice", START, Reason.ADMIN)

    assert heard == []
