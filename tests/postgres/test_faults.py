"""What is done to a server while somebody asks it, and what is seen then: by callers of both kinds.

In each: nobody is authenticated who should not be, an end that was not acknowledged is told as not done, no
connection carries one caller's answer to the next, and the store finds the server again by itself.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

import psycopg
import pytest
from tests.servers.postgres import PostgresServer
from tests.servers.proxy import Proxy

from sessioncore import Reason, StoreUnavailable
from sessioncore.testing.clock import START
from sessioncore.testing.contracts.store import Awaited
from sessioncore.testing.rows import OTHER, SID, ended, guest, touched, user
from sessioncore_io.postgres import AsyncPostgresStore, PostgresStore

fault = pytest.mark.fault
PATIENCE = 30.0
BRIEF = 0.8

Opening = Callable[..., Any]


@pytest.fixture(params=["plain", "awaited"])
def opening(request: pytest.FixtureRequest, url: str) -> Iterator[Opening]:
    """Open stores of either kind, called alike; they are closed when the test ends."""
    with asyncio.Runner() as runner:
        stores: list[Any] = []

        def opened(**settings: Any) -> Any:
            address = settings.pop("url", url)
            settings = {"patience": BRIEF} | settings
            if request.param == "plain":
                stores.append(PostgresStore(address, **settings))
            else:
                stores.append(Awaited(AsyncPostgresStore(address, **settings), runner))
            return stores[-1]

        yield opened
        for store in stores:
            store.close() if request.param == "plain" else runner.run(store.store.close())


@pytest.fixture
def store(opening: Opening) -> Any:
    """Give a store that was used already: its pool has a connection."""
    store = opening()
    store.swap(None, user())
    store.mint("alice", START)
    return store


@pytest.fixture
def proxy(server: PostgresServer) -> Iterator[Proxy]:
    """Give a wire to the server that can be cut."""
    with closing(Proxy(("127.0.0.1", server.port))) as proxy:
        yield proxy


@pytest.fixture
def wired(opening: Opening, server: PostgresServer, database: str, proxy: Proxy) -> Any:
    """Give a store behind that wire, which was used already."""
    # One connection: on another one the statement would have to be prepared first, and that reply would be cut.
    store = opening(url=server.url(database, proxy.address[1]), connections=1)
    store.swap(None, guest(OTHER))
    store.swap(guest(OTHER), ended(guest(OTHER), START))  # from now on this statement is prepared
    store.swap(None, user())
    store.load(SID)
    store.mint("alice", START)
    return store


def patiently(call: Callable[[], Any]) -> Any:
    """Give the answer as soon as the store finds the server again."""
    give_up_at = time.monotonic() + PATIENCE
    while True:
        try:
            return call()
        except StoreUnavailable:
            assert time.monotonic() < give_up_at
            time.sleep(0.02)


def recovered(store: Any) -> Any:
    """Give what is loaded as soon as the store finds the server again."""
    return patiently(lambda: store.load(SID))[0]


def unavailable(call: Callable[[], object]) -> str:
    """Give what the error says that must be raised."""
    with pytest.raises(StoreUnavailable) as caught:
        call()
    return str(caught.value)


def clean(store: Any) -> None:
    """See that each connection of the pool answers its own questions: nobody's reply was left in one."""
    for number in range(12):
        assert patiently(lambda: store.load(f"{number:022d}")) == (None, None)  # noqa: B023 - called at once
        assert patiently(lambda: store.load(SID))[0].sid == SID
        assert patiently(lambda: store.epoch(f"nobody-{number}")) is None  # noqa: B023


def meanwhile(work: Callable[[], object]) -> threading.Thread:
    """Do something while the test's own thread waits for an answer."""
    thread = threading.Thread(target=work)
    thread.start()
    return thread


# -- the connection and the server go ----------------------------------------------------------------------------


@fault("the backend is ended before a statement is sent", "noticed before sending: reads and writes go through")
def test_a_connection_that_the_server_closed_is_not_used(server: PostgresServer, database: str, store: Any) -> None:
    server.end_backends(database)
    assert store.swap(user(), ended(user(), START))

    server.end_backends(database)
    assert store.load(SID)[0] == ended(user(), START)


@contextmanager
def locked(server: PostgresServer, database: str, statement: str) -> Iterator[psycopg.Connection[Any]]:
    """Hold a lock in a transaction of our own, so that the store's statement waits in the server."""
    with closing(psycopg.connect(server.url(database))) as connection:
        connection.execute(statement.encode())
        yield connection
        connection.rollback()


def once_waiting(server: PostgresServer, database: str, then: Callable[[int], object]) -> Callable[[], None]:
    """Do something to the backend that waits for a lock, as soon as there is one."""
    waiting = f"SELECT pid FROM pg_stat_activity WHERE datname = '{database}' AND wait_event_type = 'Lock'"

    def work() -> None:
        give_up_at = time.monotonic() + PATIENCE
        while not (found := server.ask(waiting)):
            assert time.monotonic() < give_up_at
            time.sleep(0.01)
        then(found[0][0])

    return work


LOCK_ROW = f"SELECT 1 FROM sessioncore.sessions WHERE sid = '{SID}' FOR UPDATE"
LOCK_ALL = "LOCK TABLE sessioncore.sessions IN ACCESS EXCLUSIVE MODE"


@fault("the backend is ended between a write and its reply", "store unavailable; the end is told as not done")
def test_a_write_whose_backend_is_ended_is_not_sent_again(
    server: PostgresServer, database: str, opening: Opening
) -> None:
    store = opening(patience=PATIENCE)
    store.swap(None, user())
    end_it = once_waiting(server, database, lambda pid: server.ask(f"SELECT pg_terminate_backend({pid})"))
    with locked(server, database, LOCK_ROW):
        thread = meanwhile(end_it)
        unavailable(lambda: store.swap(user(), ended(user(), START)))
        thread.join()

    assert store.load(SID)[0] == user()
    assert store.swap(user(), ended(user(), START))
    clean(store)


@fault("the backend is ended between a read and its reply", "the read is sent again, once")
def test_a_read_whose_backend_is_ended_is_sent_again_once(
    server: PostgresServer, database: str, opening: Opening
) -> None:
    store = opening(patience=PATIENCE)
    store.swap(None, user())
    with locked(server, database, LOCK_ALL) as lock:

        def end_it(pid: int) -> None:
            server.ask(f"SELECT pg_terminate_backend({pid})")
            lock.rollback()

        thread = meanwhile(once_waiting(server, database, end_it))
        found = store.load(SID)[0]
        thread.join()

    assert found == user()


@fault("the server is killed by SIGKILL before a statement is sent", "store unavailable; found again once it is back")
def test_a_killed_server_is_found_again(server: PostgresServer, store: Any) -> None:
    server.kill()
    try:
        unavailable(lambda: store.load(SID))
        unavailable(lambda: store.swap(user(), ended(user(), START)))
    finally:
        server.start()

    assert recovered(store) == user()
    clean(store)


@fault("the server is killed by SIGKILL between a write and its reply", "store unavailable; the end is not done")
def test_a_server_that_is_killed_in_the_middle_of_a_write_has_not_done_it(
    server: PostgresServer, database: str, opening: Opening
) -> None:
    store = opening(patience=PATIENCE)
    store.swap(None, user())
    with suppress(psycopg.Error), locked(server, database, LOCK_ROW):
        thread = meanwhile(once_waiting(server, database, lambda _: server.kill()))
        try:
            unavailable(lambda: store.swap(user(), ended(user(), START)))
            thread.join()
        finally:
            server.start()

    assert recovered(store) == user()


@fault("the server is killed by SIGKILL after a logout was acknowledged", "the logout holds (fsync on)")
def test_an_acknowledged_end_and_reset_survive_a_kill(server: PostgresServer, store: Any) -> None:
    """The test's server does not wait for the disk, but a killed process leaves its writes to the system."""
    assert store.swap(user(), ended(user(), START))
    epoch = store.supersede("alice", START, Reason.PASSWORD_RESET)
    server.kill()
    server.start()

    assert recovered(store) == ended(user(), START)
    assert store.epoch("alice") == epoch


@fault("the server is restarted", "found again by itself; no read and no write fails after it is back")
def test_after_a_restart_the_first_call_of_each_kind_goes_through(server: PostgresServer, store: Any) -> None:
    with server.stopped():
        pass

    assert store.swap(user(), ended(user(), START))
    with server.stopped():
        pass

    assert store.load(SID)[0] == ended(user(), START)
    clean(store)


@fault("all processes of the server are stopped by SIGSTOP", "store unavailable within the patience; then as before")
def test_a_frozen_server_is_given_up_in_time(server: PostgresServer, opening: Opening) -> None:
    """A read that was not answered is not sent again: its caller has waited long enough."""
    store = opening(connections=1)
    store.swap(None, user())
    store.mint("alice", START)
    with server.frozen():
        told = unavailable(lambda: store.load(SID))
        unavailable(lambda: store.swap(user(), ended(user(), START)))

    assert f"no answer within {BRIEF} s" in told
    assert recovered(store) in (user(), ended(user(), START))
    clean(store)


# -- the wire ----------------------------------------------------------------------------------------------------


@fault("the connection is cut before the request arrives", "store unavailable; the end is not done")
def test_a_write_that_was_cut_off_before_it_arrived_is_told_as_not_done(wired: Any, proxy: Proxy) -> None:
    proxy.requests.allow(3)
    unavailable(lambda: wired.swap(user(), ended(user(), START)))

    assert wired.load(SID)[0] == user()
    clean(wired)


@fault("the connection is cut half-way through the reply to a write", "store unavailable; the end is done, and holds")
def test_a_write_whose_reply_was_cut_is_not_sent_again(wired: Any, proxy: Proxy) -> None:
    proxy.replies.allow(3)
    unavailable(lambda: wired.swap(user(), ended(user(), START)))

    assert wired.load(SID)[0] == ended(user(), START)
    assert not wired.swap(user(), touched(user(), START + 1))
    clean(wired)


@fault("the connection is cut half-way through the reply to a read", "the read is sent again, once")
def test_a_read_whose_reply_was_cut_is_sent_again(wired: Any, proxy: Proxy) -> None:
    proxy.replies.allow(20)
    assert wired.load(SID)[0] == user()

    clean(wired)


@fault("every connection is cut at once", "store unavailable; found again once connections are let through")
def test_a_network_that_comes_back_is_found_by_itself(wired: Any, proxy: Proxy) -> None:
    proxy.refuse()
    unavailable(lambda: wired.load(SID))
    unavailable(lambda: wired.swap(user(), ended(user(), START)))
    proxy.accept()

    assert recovered(wired) == user()
    clean(wired)


@fault("replies come later than the patience", "store unavailable; a late reply is nobody's answer")
def test_a_late_reply_is_not_the_next_callers_answer(wired: Any, proxy: Proxy) -> None:
    proxy.replies.hold()
    told = unavailable(lambda: wired.load(OTHER))
    proxy.replies.let_go()

    assert f"no answer within {BRIEF} s" in told
    assert recovered(wired) == user()
    clean(wired)


@fault("the server answers a statement with nonsense from another protocol", "store unavailable")
def test_what_does_not_speak_postgresql_is_unavailable(opening: Opening) -> None:
    with closing(Proxy(("127.0.0.1", 9))) as nowhere:
        store = opening(url=f"postgresql://postgres@127.0.0.1:{nowhere.address[1]}/postgres")

        unavailable(lambda: store.load(SID))


# -- what the server says ----------------------------------------------------------------------------------------


@fault("default_transaction_read_only is set", "reads go on, writes are unavailable; a new connection is refused")
def test_a_database_that_became_read_only_takes_no_end(server: PostgresServer, database: str, store: Any) -> None:
    server.ask(f"ALTER DATABASE {database} SET default_transaction_read_only = on")
    server.end_backends(database)
    unavailable(lambda: store.swap(user(), ended(user(), START)))
    server.ask(f"ALTER DATABASE {database} RESET default_transaction_read_only")

    assert recovered(store) == user()
    assert store.swap(user(), ended(user(), START))


@fault("statement_timeout expires", "store unavailable; nothing was done, and the connection is used again")
def test_a_statement_that_the_server_gave_up_is_not_done(
    server: PostgresServer, database: str, opening: Opening
) -> None:
    server.ask(f"ALTER DATABASE {database} SET statement_timeout = '100ms'")
    store = opening(patience=PATIENCE)
    store.swap(None, user())
    with locked(server, database, LOCK_ROW):
        told = unavailable(lambda: store.swap(user(), ended(user(), START)))

    assert "statement timeout" in told
    assert store.load(SID)[0] == user()
    clean(store)


@fault("lock_timeout expires", "store unavailable; nothing was done")
def test_a_row_that_stays_locked_is_not_waited_for_for_ever(
    server: PostgresServer, database: str, opening: Opening
) -> None:
    server.ask(f"ALTER DATABASE {database} SET lock_timeout = '100ms'")
    store = opening(patience=PATIENCE)
    store.swap(None, user())
    with locked(server, database, LOCK_ROW):
        told = unavailable(lambda: store.swap(user(), ended(user(), START)))

    assert "lock timeout" in told
    assert store.load(SID)[0] == user()


@fault("somebody holds a lock for longer than the patience", "store unavailable; what is done later is done once")
def test_a_write_that_waits_too_long_may_happen_later_but_no_answer_is_lost(
    server: PostgresServer, database: str, store: Any
) -> None:
    with locked(server, database, LOCK_ROW):
        unavailable(lambda: store.swap(user(), ended(user(), START)))

    assert store.load(SID)[0] in (user(), ended(user(), START))
    clean(store)


@fault("the DBA's default is SERIALIZABLE or REPEATABLE READ, and transactions fail", "sent again until one wins")
@pytest.mark.parametrize("level", ["serializable", "repeatable read"])
def test_a_stricter_isolation_level_changes_no_answer(
    server: PostgresServer, database: str, opening: Opening, level: str
) -> None:
    server.ask(f"ALTER DATABASE {database} SET default_transaction_isolation = '{level}'")
    store = opening(patience=PATIENCE)
    store.swap(None, user())
    with locked(server, database, f"UPDATE sessioncore.sessions SET version = 2 WHERE sid = '{SID}'") as theirs:
        thread = meanwhile(once_waiting(server, database, lambda _: theirs.commit()))
        done = store.swap(user(), ended(user(), START))
        thread.join()

    assert not done
    clean(store)


@fault("a deadlock is broken at our cost", "sent again: nothing of it was done")
def test_the_victim_of_a_deadlock_is_sent_again(server: PostgresServer, database: str, opening: Opening) -> None:
    """A trigger makes the store's statement take a second lock, in the other order than its opponent."""
    server.ask(f"ALTER DATABASE {database} SET deadlock_timeout = '500ms'")
    server.ask(DEADLOCK, database)
    store = opening(patience=PATIENCE)
    store.swap(None, user())
    with closing(psycopg.connect(server.url(database), options="-c deadlock_timeout=20s")) as theirs:
        theirs.execute("SELECT pg_advisory_xact_lock(7)")

        def close_the_circle(_: int) -> None:
            theirs.execute(LOCK_ROW.encode())
            theirs.rollback()

        thread = meanwhile(once_waiting(server, database, close_the_circle))
        done = store.swap(user(), ended(user(), START))
        thread.join()

    assert done
    assert server.ask("SELECT last_value FROM attempts", database) >= [(2,)]


DEADLOCK = """
CREATE SEQUENCE attempts;
CREATE FUNCTION circle() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN PERFORM nextval('attempts'); PERFORM pg_advisory_xact_lock(7); RETURN NULL; END $$;
CREATE TRIGGER circle AFTER UPDATE ON sessioncore.sessions FOR EACH ROW EXECUTE FUNCTION circle();
"""


@fault("all connections of the pool are in use", "store unavailable within the patience; then as before")
def test_an_exhausted_pool_is_said_and_left_in_order(server: PostgresServer, database: str, url: str) -> None:
    with closing(PostgresStore(url, connections=2, patience=PATIENCE)) as store:
        store.swap(None, user())
        with locked(server, database, LOCK_ALL) as lock:
            threads = [meanwhile(lambda: store.load(SID)) for _ in range(2)]
            give_up_at = time.monotonic() + PATIENCE
            while server.ask(WAITING.format(database)) != [(2,)]:
                assert time.monotonic() < give_up_at
                time.sleep(0.01)
            store._link.patience = BRIEF
            told = unavailable(lambda: store.epoch("alice"))
            lock.rollback()
            for thread in threads:
                thread.join()

        assert "all connections of this process are busy" in told
        assert store.load(SID)[0] == user()
        clean(store)


WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = '{}' AND wait_event_type = 'Lock'"


@fault("the server has no connection to give", "store unavailable; found again when there is one")
def test_too_many_connections_are_said_and_survived(server: PostgresServer, database: str, opening: Opening) -> None:
    server.ask(
        "DROP ROLE IF EXISTS few; CREATE ROLE few LOGIN CONNECTION LIMIT 0 IN ROLE pg_read_all_data, pg_write_all_data"
    )
    store = opening(url=server.url(database).replace("postgres@", "few@"))
    unavailable(lambda: store.load(SID))
    server.ask("ALTER ROLE few CONNECTION LIMIT 1")

    assert recovered(store) is None
    assert patiently(lambda: store.mint("alice", START)).value == START


# -- cancelled callers -------------------------------------------------------------------------------------------


@fault("the request is cancelled at any await", "its connection is closed; the next caller gets its own answer")
def test_a_cancelled_call_leaves_no_answer_behind(url: str) -> None:
    async def cancelled() -> None:
        store = AsyncPostgresStore(url, connections=1, patience=PATIENCE)
        await store.swap(None, user())
        await store.swap(None, guest(OTHER))
        for turns in range(12):
            for call in (store.load(OTHER), store.swap(None, guest(f"{turns:022d}")), store.of_subject("alice")):
                task = asyncio.ensure_future(call)
                for _ in range(turns):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

                assert (await store.load(SID))[0] == user()
        await store.close()

    asyncio.run(cancelled())


@fault("the request is cancelled while the server is at it", "the connection is not used again, and the pool recovers")
def test_a_call_that_is_cancelled_while_the_server_works_does_not_wait_for_it(
    server: PostgresServer, database: str, url: str
) -> None:
    async def cancelled() -> object:
        store = AsyncPostgresStore(url, connections=1, patience=PATIENCE)
        await store.swap(None, user())
        with locked(server, database, LOCK_ROW):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(BRIEF):
                    await store.swap(user(), ended(user(), START))
            found = (await store.load(SID))[0]
        await store.close()
        return found

    assert asyncio.run(cancelled()) == user()
