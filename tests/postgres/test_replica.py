"""A primary and its replica: what a replica says is no answer, and after a promotion the store follows."""

import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from tests.servers.postgres import PostgresServer

from sessioncore import Reason, StoreUnavailable
from sessioncore.testing.clock import START
from sessioncore.testing.rows import SID, ended, user
from sessioncore_io.postgres import PostgresStore, flows
from sessioncore_io.postgres.operating import inspect
from sessioncore_io.postgres.statements import EPOCH, LOAD
from sessioncore_io.postgres.wire import Address

PATIENCE = 30


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[PostgresServer, PostgresServer]]:
    """Start a primary and a hot standby that follows it, synchronously."""
    primary = PostgresServer.create()
    try:
        with closing(PostgresStore(primary.url())) as store:
            store.prepare()
        replica = primary.replica()
        try:
            yield primary, replica
        finally:
            replica.destroy()
    finally:
        primary.destroy()


def both(first: PostgresServer, second: PostgresServer) -> str:
    """Give an address that leads to either."""
    hosts = f"127.0.0.1:{first.port},127.0.0.1:{second.port}"
    return f"postgresql://postgres@{hosts}/postgres"


@pytest.mark.fault("the address leads to a replica only", "store unavailable: a replica may not have heard of an end")
def test_a_replica_is_not_connected_to(pair: tuple[PostgresServer, PostgresServer]) -> None:
    _, replica = pair
    with closing(PostgresStore(replica.url(), patience=0.5)) as store:
        with pytest.raises(StoreUnavailable):
            store.load(SID)
        advice = {finding.what: finding.advice for finding in store.inspect()}

    assert "primary" in advice["role"]


@pytest.mark.fault("a pooler leads an open connection to a replica", "store unavailable: each answer says who gave it")
def test_what_a_replica_answers_is_refused(pair: tuple[PostgresServer, PostgresServer]) -> None:
    """Behind a pooler the connection stays and the server changes: so the answer itself says that it is a replica's."""
    primary, replica = pair
    with closing(PostgresStore(primary.url())) as store:
        store.swap(None, user("r" * 22, "rose"))
        store.mint("rose", START)
    caught_up(primary, replica)

    def answered(statement: bytes, name: str) -> list[tuple[object, ...]]:
        return replica.ask(statement.decode().replace("$1", f"'{name}'"))

    with pytest.raises(StoreUnavailable, match="a replica answered"):
        flows.loaded("r" * 22, answered(LOAD, "r" * 22))
    with pytest.raises(StoreUnavailable, match="a replica answered"):
        flows.known(answered(EPOCH, "rose"))


def caught_up(primary: PostgresServer, replica: PostgresServer) -> None:
    """Wait until the replica has what the primary wrote."""
    ((written,),) = primary.ask("SELECT pg_current_wal_lsn()")
    give_up_at = time.monotonic() + PATIENCE
    while replica.ask(f"SELECT pg_last_wal_replay_lsn() >= '{written}'") != [(True,)]:
        assert time.monotonic() < give_up_at
        time.sleep(0.02)


@pytest.mark.fault("the primary is killed and its replica promoted", "found by itself; what was replicated holds")
def test_after_a_promotion_the_store_follows(pair: tuple[PostgresServer, PostgresServer]) -> None:
    primary, replica = pair
    with closing(PostgresStore(both(primary, replica), patience=1)) as store:
        store.swap(None, user())
        store.swap(user(), ended(user(), START))
        epoch = store.supersede("alice", START, Reason.PASSWORD_RESET)
        caught_up(primary, replica)
        primary.kill()
        with pytest.raises(StoreUnavailable):
            store.load(SID)
        replica.ask("SELECT pg_promote()")
        give_up_at = time.monotonic() + PATIENCE
        found = None
        while found is None:
            try:
                found = store.load(SID)[0]
            except StoreUnavailable:
                assert time.monotonic() < give_up_at

        assert found == ended(user(), START)
        assert store.epoch("alice") == epoch
        assert store.swap(None, user("n" * 22))


def test_a_look_at_nobody_is_an_error_that_says_so() -> None:
    with pytest.raises(StoreUnavailable):
        inspect(Address("postgresql://postgres@127.0.0.1:9/postgres?connect_timeout=2"))
