"""What the benchmark counts on the wire is what happens there: with real servers, behind a real proxy."""

from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest
import valkey
from attrs import evolve
from benchmarks.crowd import rows
from benchmarks.networked_crowd import into_postgres, into_valkey
from benchmarks.places import Places, running
from benchmarks.turns import Turns
from tests.servers.proxy import Proxy

from sessioncore_io.postgres import PostgresStore
from sessioncore_io.valkey import ValkeyStore


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    """Run both servers."""
    with running(tmp_path_factory.mktemp("places")) as started:
        yield started


def turns_of(proxy: Proxy) -> Turns:
    """Count what goes through a proxy from its next connection on."""
    turns = Turns()
    turns.watch(proxy)
    return turns


def test_each_command_that_waits_for_its_reply_is_a_round_trip(places: Places) -> None:
    """Three commands, one after another."""
    with closing(Proxy(places.valkey_address)) as proxy:
        turns = turns_of(proxy)
        client = valkey.Valkey(*proxy.address)
        client.ping()
        connected = turns.count
        for _ in range(3):
            client.get("nothing")

        assert turns.count - connected == 3


def test_a_batch_is_one_round_trip(places: Places) -> None:
    """Three commands, sent at once."""
    with closing(Proxy(places.valkey_address)) as proxy:
        turns = turns_of(proxy)
        client = valkey.Valkey(*proxy.address)
        client.ping()
        connected = turns.count
        pipeline = client.pipeline(transaction=False)
        for _ in range(3):
            pipeline.get("nothing")
        pipeline.execute()

        assert turns.count - connected == 1


def test_a_long_command_is_one_round_trip(places: Places) -> None:
    """It goes through the proxy in several pieces, and nothing comes back before the last one."""
    with closing(Proxy(places.valkey_address)) as proxy:
        turns = turns_of(proxy)
        client = valkey.Valkey(*proxy.address)
        client.ping()
        connected = turns.count
        client.get("nothing" * 50_000)

        assert turns.count - connected == 1


def test_a_transaction_of_three_statements_is_more_than_one_round_trip(places: Places) -> None:
    """BEGIN, one statement, COMMIT: what a store that opened transactions would do."""
    with closing(Proxy(places.postgres_address)) as proxy:
        turns = turns_of(proxy)
        through = evolve(places, postgres_address=proxy.address)
        with psycopg.connect(through.postgres) as connection:
            connected = turns.count
            connection.execute("SELECT 1")
            connection.commit()

            assert turns.count - connected == 3


def test_reads_count_as_no_write_and_each_change_as_one(places: Places) -> None:
    """By the servers' own counters, in both servers."""
    valkey_store, postgres_store = ValkeyStore(places.valkey), PostgresStore(places.postgres)
    (row,) = rows(1, 0)
    into_valkey(valkey_store, places.valkey_server, [row])
    into_postgres(places.postgres_server, "postgres", [row])
    before = places.writes()
    loaded = valkey_store.load(row.sid), postgres_store.load(row.sid)
    read = places.writes()
    places.valkey_server.ask("SET", "another", "value")
    places.postgres_server.ask("INSERT INTO sessioncore.marks VALUES ('name', 1)")
    postgres_store.close()

    assert loaded[0] == loaded[1]
    assert loaded[0][0] == row
    assert read - before == 0
    assert places.writes() - read == 2


def test_what_fills_a_server_is_what_the_store_would_have_written(places: Places) -> None:
    """A session that was filled in can be ended, listed and reset like any other."""
    (row,) = rows(1, 0)
    for store in (ValkeyStore(places.valkey), PostgresStore(places.postgres)):
        filled = store.of_subject(row.subject)
        stands = store.swap(None, row)
        changed = store.swap(row, evolve(row, version=row.version + 1))
        store.close()

        assert filled == [row]
        assert not stands
        assert changed
