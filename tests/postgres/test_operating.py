"""What operators ask of PostgreSQL: make the tables, look it over, count."""

import multiprocessing
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from importlib.resources import files

import psycopg
import pytest
from attrs import evolve
from tests.servers.postgres import PostgresServer

from sessioncore import State, StoreUnavailable
from sessioncore.testing.clock import START
from sessioncore.testing.rows import OTHER, SID, ended, guest, user
from sessioncore_io.operating import Finding
from sessioncore_io.postgres import AsyncPostgresStore, PostgresStore
from sessioncore_io.postgres.operating import connected
from sessioncore_io.postgres.schema import SCHEMA_VERSION, Migration, migrate, migrations
from sessioncore_io.postgres.wire import Address, WrongSchema
from sessioncore_io.world import wall_clock

Opened = Callable[..., PostgresStore]


@pytest.fixture
def bare(server: PostgresServer) -> str:
    """Give the address of a database that has no tables."""
    return server.url(server.database())


# -- the tables ------------------------------------------------------------------------------------------------


def test_a_store_makes_its_tables_when_it_is_told_to_and_says_what_it_did(bare: str) -> None:
    store = PostgresStore(bare)
    first, second = store.prepare(), store.prepare()
    stored = store.swap(None, user())
    store.close()

    assert list(first) == ["ran sql/001_sessions.sql"]
    assert list(second) == []
    assert stored


def prepared(url: str) -> list[str]:
    """Prepare in a process of its own."""
    return list(PostgresStore(url).prepare())


def test_several_processes_may_make_the_tables_at_once(bare: str) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        done = pool.map(prepared, [bare] * 3, chunksize=1)

    assert sorted(done) == [[], [], ["ran sql/001_sessions.sql"]]


def test_of_many_threads_that_make_the_tables_one_does_and_the_others_find_them(bare: str) -> None:
    done: list[list[str]] = []
    threads = [threading.Thread(target=lambda: done.append(prepared(bare))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(map(len, done)) == [0, 0, 0, 0, 0, 1]


@pytest.mark.fault("the tables are missing", "store unavailable; the error names the command that makes them")
def test_without_tables_every_call_names_the_command_that_makes_them(bare: str) -> None:
    store = PostgresStore(bare)
    with pytest.raises(WrongSchema, match="sessioncore store init"):
        store.load(SID)
    store.prepare()
    found = store.load(SID)
    store.close()

    assert found == (None, None)


@pytest.mark.fault("the tables are of a later release", "store unavailable; nothing is read or written")
def test_tables_of_a_later_release_are_refused(server: PostgresServer, database: str, opened: Opened) -> None:
    opened().swap(None, guest())
    server.ask("UPDATE sessioncore.schema_version SET version = 999", database)

    told = f"version 999, and this release knows {SCHEMA_VERSION}"
    with pytest.raises(WrongSchema, match=told):
        opened().load(SID)
    with pytest.raises(WrongSchema, match=told):
        opened().prepare()


@pytest.mark.fault("the tables are lost while the store is in use", "store unavailable; the error names the command")
def test_tables_that_are_lost_later_are_missed_too(server: PostgresServer, database: str, opened: Opened) -> None:
    store = opened()
    store.load(SID)
    server.ask("DROP SCHEMA sessioncore CASCADE", database)

    with pytest.raises(WrongSchema, match="sessioncore store init"):
        store.load(SID)


def test_a_migration_is_run_once_and_after_those_before_it(bare: str) -> None:
    later = Migration(
        2,
        "002.sql",
        "ALTER TABLE sessioncore.marks ADD COLUMN note text; UPDATE sessioncore.schema_version SET version = 2",
    )
    with connected(Address(bare)) as connection:
        assert migrate(connection, [*migrations(), later]) == ["001_sessions.sql", "002.sql"]

    assert [migration.version for migration in migrations()] == list(range(1, SCHEMA_VERSION + 1))


def test_a_migration_that_fails_leaves_the_tables_as_they_were(bare: str) -> None:
    broken = Migration(2, "002.sql", "CREATE TABLE sessioncore.more (); SELECT no_such_function()")
    with pytest.raises(StoreUnavailable, match="no_such_function"), connected(Address(bare)) as connection:
        migrate(connection, [*migrations(), broken])

    with pytest.raises(WrongSchema):
        PostgresStore(bare).load(SID)


def test_a_dba_may_run_the_file_by_hand(server: PostgresServer, bare: str) -> None:
    file = files("sessioncore_io.postgres") / "sql" / "001_sessions.sql"
    with psycopg.connect(bare) as connection:
        connection.execute(file.read_text(encoding="utf-8").encode())
    store = PostgresStore(bare)
    done, stored = list(store.prepare()), store.swap(None, user())
    store.close()

    assert (done, stored) == ([], True)


def test_the_command_line_makes_the_tables_and_ends_sessions(bare: str) -> None:
    def command(*words: str) -> tuple[int, str]:
        line = [sys.executable, "-m", "sessioncore_io.cli", "store", *words, "--json"]
        environment = os.environ | {"SESSIONCORE_STORE": bare}
        ran = subprocess.run(line, capture_output=True, encoding="utf-8", env=environment, timeout=60)
        return ran.returncode, ran.stdout + ran.stderr

    early = command("stats")
    made = command("init")
    with closing(PostgresStore(bare)) as store:
        store.mint("alice", START)
        store.swap(None, user(at=wall_clock()))
        ended_all = command("end-all", "alice", "--yes")
        row, epoch = store.load(SID)

    assert (early[0], made[0], ended_all[0]) == (2, 0, 0), (early, made, ended_all)
    assert "sessioncore store init" in early[1]
    assert "001_sessions.sql" in made[1]
    assert row is not None
    assert epoch is not None
    assert row.epoch != epoch.value


# -- the roles -------------------------------------------------------------------------------------------------


def test_the_application_role_of_the_roles_file_can_do_all_that_the_port_asks_and_no_more(
    server: PostgresServer, database: str, opened: Opened
) -> None:
    server.ask((files("sessioncore_io.postgres") / "sql" / "roles.sql").read_text(encoding="utf-8"), database)
    server.ask("DROP ROLE IF EXISTS web; CREATE ROLE web LOGIN IN ROLE sessioncore_application")
    web = server.url(database).replace("postgres@", "web@")
    store = PostgresStore(web)
    store.swap(None, user())
    store.swap(user(), ended(user(), START))
    store.mint("alice", START)
    store.mark("jti", START)
    store.mark("jti", START)
    gone = store.purge(START + 1, 10)
    found = store.epoch("alice")
    store.close()
    for more in ("DELETE FROM sessioncore.epochs", "TRUNCATE sessioncore.sessions", "CREATE TABLE public.t ()"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), psycopg.connect(web) as connection:
            connection.execute(more.encode())

    assert gone == 1
    assert found is not None


@pytest.mark.fault("the role may not write", "store unavailable; the error says what to grant")
def test_a_role_without_rights_is_told_what_to_grant(server: PostgresServer, database: str) -> None:
    server.ask("DROP ROLE IF EXISTS poor; CREATE ROLE poor LOGIN")
    store = PostgresStore(server.url(database).replace("postgres@", "poor@"))
    with pytest.raises(StoreUnavailable, match=r"sql/roles\.sql"):
        store.load(SID)
    store.close()


# -- looking and counting --------------------------------------------------------------------------------------


def warned(findings: object) -> dict[str, str]:
    """Give what is warned of."""
    return {finding.what: finding.advice for finding in findings if finding.advice}  # type: ignore[attr-defined]


def test_a_look_tells_version_role_settings_tables_and_latency(opened: Opened) -> None:
    findings = opened().inspect()
    values = {finding.what: finding.value for finding in findings}

    assert values["version"].startswith("PostgreSQL 18.")
    assert values["role"] == "primary"
    assert values["schema"] == str(SCHEMA_VERSION)
    assert values["synchronous_commit"] == "on"
    assert values["latency"].endswith(" ms")
    assert all(isinstance(finding, Finding) for finding in findings)


def test_a_look_warns_of_what_weakens_a_promise(server: PostgresServer, database: str, opened: Opened) -> None:
    """The test's own server does not sync its files, nor vacuum."""
    server.ask(f"ALTER DATABASE {database} SET synchronous_commit = off")
    server.ask(f"ALTER DATABASE {database} SET default_transaction_read_only = on")
    advice = warned(opened().inspect())

    assert "docs/stores/postgres.md" in advice["synchronous_commit"]
    assert "crash of the machine" in advice["fsync"]
    assert "nobody can log in" in advice["default_transaction_read_only"]
    assert "autovacuum" in advice
    assert "full_page_writes" not in advice


def test_a_look_at_a_database_without_tables_names_the_command(bare: str) -> None:
    assert "sessioncore store init" in warned(PostgresStore(bare).inspect())["schema"]


def test_a_census_counts_by_state_and_tells_how_far_it_is(
    server: PostgresServer, database: str, opened: Opened
) -> None:
    store, told = opened(), list[int]()
    store.swap(None, guest())
    store.swap(None, user(OTHER))
    store.swap(None, user("e" * 22))
    store.swap(user("e" * 22), ended(user("e" * 22), START))
    store.swap(None, evolve(guest("x" * 22)))
    store.mint("alice", START)
    server.ask(f"UPDATE sessioncore.sessions SET record = '\\x00' WHERE sid = '{'x' * 22}'", database)

    census = store.census(told.append)

    assert census.by_state == {State.CREATED: 1, State.AUTHENTICATED: 1, State.LOGGED_OUT: 1}
    assert (census.unreadable, census.subjects) == (1, 1)
    assert census.size > 8_192
    assert told[-1] == 4


def test_no_error_and_no_repr_shows_the_password(server: PostgresServer) -> None:
    url = f"postgresql://web:hunter2@127.0.0.1:{server.port}/nowhere"
    store = PostgresStore(url, patience=0.2)
    with pytest.raises(StoreUnavailable) as caught:
        store.load(SID)
    with pytest.raises(StoreUnavailable) as prepared:
        store.prepare()
    store.close()

    shown = f"{caught.value!r} {prepared.value!r} {store!r} {store.__dict__!r} {AsyncPostgresStore(url)!r}"
    assert "hunter2" not in shown
