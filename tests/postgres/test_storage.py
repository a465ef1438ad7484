"""How PostgreSQL is used: round trips, writes in place, what waits for the disk, batches, bytes, forks, poolers."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest
from attrs import evolve
from tests.servers.postgres import PostgresServer
from tests.servers.proxy import Proxy

from sessioncore import InvalidSetting, Reason, Session, StoreUnavailable
from sessioncore.testing.clock import START
from sessioncore.testing.rows import HOUR, OTHER, SID, ended, guest, rotated, touched, user
from sessioncore_io import Sessions
from sessioncore_io.codec import encode
from sessioncore_io.postgres import AsyncPostgresStore, PostgresStore

Opened = Callable[..., PostgresStore]

# -- round trips -------------------------------------------------------------------------------------------------

CALLS: dict[str, Callable[[PostgresStore], object]] = {
    "load": lambda store: store.load(SID),
    "insert": lambda store: store.swap(None, guest()),
    "touch": lambda store: store.swap(user(OTHER), touched(user(OTHER), START)),
    "end": lambda store: store.swap(user(OTHER), ended(user(OTHER), START)),
    "epoch": lambda store: store.epoch("alice"),
    "mint": lambda store: store.mint("alice", START),
    "supersede": lambda store: store.supersede("alice", START, Reason.ADMIN),
    "supersede the expected": lambda store: store.supersede("alice", START, Reason.ADMIN, START),
    "of_subject": lambda store: store.of_subject("alice", live=True),
    "of_upstream": lambda store: store.of_upstream("https://op.example", "op-1"),
    "due": lambda store: store.due(START, 10),
    "mark": lambda store: store.mark(os.urandom(8).hex(), START),
}


@pytest.fixture
def proxy(server: PostgresServer) -> Iterator[Proxy]:
    """Give a wire that counts."""
    with closing(Proxy(("127.0.0.1", server.port))) as proxy:
        yield proxy


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_each_call_is_one_round_trip(
    server: PostgresServer, database: str, proxy: Proxy, call: Callable[[PostgresStore], object]
) -> None:
    """Each request that is held back is one: libpq asks for the next only when the last was answered."""
    with closing(PostgresStore(server.url(database, proxy.address[1]), connections=1, patience=30)) as store:
        store.swap(None, user(OTHER))
        call(store)  # from now on its statement is prepared
        trips = turns(proxy, lambda: call(store))

    assert trips == 1


def turns(proxy: Proxy, call: Callable[[], object]) -> int:
    """Count how often the direction of what passes turns round towards the server."""
    seen: list[str] = []
    kept = proxy.requests.pass_on, proxy.replies.pass_on
    for name, direction, passing in zip("qr", (proxy.requests, proxy.replies), kept, strict=True):

        def noted(chunk: bytes, name: str = name, passing: Callable[[bytes], bytes] = passing) -> bytes:
            if not seen or seen[-1] != name:
                seen.append(name)
            return passing(chunk)

        direction.pass_on = noted  # type: ignore[method-assign]
    call()
    proxy.requests.pass_on, proxy.replies.pass_on = kept  # type: ignore[method-assign]
    return seen.count("q")


def test_a_read_only_request_writes_nothing_and_asks_once(server: PostgresServer, database: str, proxy: Proxy) -> None:
    with closing(PostgresStore(server.url(database, proxy.address[1]), connections=1, patience=30)) as store:
        sessions = Sessions(store)
        handle = sessions.open(None)
        handle.log_in(handle.attempt("alice"), "pwd")
        handle.commit()
        token = handle.order.text  # type: ignore[union-attr]
        before = written(server, database)

        def visit() -> None:
            later = sessions.open(token)
            assert later.signed_in
            later.commit()

        visit()
        trips = turns(proxy, visit)

    assert trips == 1
    assert written(server, database) == before


def written(server: PostgresServer, database: str) -> Any:
    """Give the place of the last write of this database's rows."""
    return server.ask("SELECT max(xmin::text::bigint) FROM sessioncore.sessions", database)


# -- in place ----------------------------------------------------------------------------------------------------

COUNTS = """
SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_all_tables WHERE relid = 'sessioncore.sessions'::regclass
"""


def in_place(server: PostgresServer, database: str, store: PostgresStore) -> tuple[int, int]:
    """Give how many updates there were, and how many stayed on their page and wrote no index."""
    store.close()  # a backend that ends tells its counts
    server.end_backends(database)
    ((updates, hot),) = server.ask(COUNTS, database)
    return updates, hot


def test_touches_are_written_in_place_but_for_one_an_hour(
    server: PostgresServer, database: str, opened: Opened
) -> None:
    store, sids = opened(), [f"{number:022d}" for number in range(50)]
    rows = [guest(sid) for sid in sids]
    for row in rows:
        store.swap(None, row)
    for minutes in range(3, 63, 3):
        rows = [swapped(store, row, touched(row, START + minutes * 60_000)) for row in rows]
    updates, hot = in_place(server, database, store)

    assert updates == 50 * 20
    assert hot >= updates * 0.94


def swapped(store: PostgresStore, old: Session, new: Session) -> Session:
    """Swap, and give what stands."""
    assert store.swap(old, new)

    return new


def test_an_overdue_row_is_found_at_its_deadline_though_its_index_knows_only_the_hour(opened: Opened) -> None:
    store = opened()
    rows = [guest(f"{minutes:022d}", at=START + minutes * 60_000) for minutes in (59, 1, 30, 61)]
    for row in rows:
        store.swap(None, row)

    assert [row.sid for row in store.due(START + HOUR + 30 * 60_000, 10)] == [rows[1].sid, rows[2].sid]
    assert [row.sid for row in store.due(START + 9 * HOUR, 3)] == [rows[1].sid, rows[2].sid, rows[0].sid]


def test_more_overdue_rows_than_a_page_holds_are_found_behind_unreadable_ones(
    server: PostgresServer, database: str, opened: Opened
) -> None:
    store = opened()
    for number in range(9):
        store.swap(None, guest(f"{number:022d}", at=START + number))
    server.ask("UPDATE sessioncore.sessions SET record = '\\x00' WHERE sid < '0000000000000000000006'", database)

    assert [row.sid[-1] for row in store.due(START + 9 * HOUR, 2)] == ["6", "7"]
    assert store.purge(START + 9 * HOUR, 4) == 4
    assert store.purge(START + 9 * HOUR, 10) == 2
    assert [row.sid[-1] for row in store.due(START + 9 * HOUR, 10)] == ["6", "7", "8"]


def test_a_version_that_a_crash_took_back_is_not_taken_for_the_one_that_was_written_again(
    server: PostgresServer, database: str, opened: Opened
) -> None:
    """A Write does not wait for the disk, so its version can come twice: what is compared is the whole record."""
    store, row = opened(), user()
    lost = evolve(touched(row, START + 1), data=(("cart", "[1]"),))
    again = evolve(touched(row, START + 1), data=(("cart", "[2]"),))
    store.swap(None, row)
    store.swap(row, lost)
    server.ask(f"UPDATE sessioncore.sessions SET version = {row.version}, record = '\\x{encode(row).hex()}'", database)

    assert store.swap(row, again)
    assert not store.swap(lost, ended(lost, START + 2))
    assert store.load(SID)[0] == again


# -- the disk ----------------------------------------------------------------------------------------------------

WAITS: dict[str, tuple[str, Callable[[PostgresStore], object]]] = {
    "touch": ("off", lambda store: store.swap(user(), touched(user(), START + 1))),
    "write": ("off", lambda store: store.swap(user(), evolve(touched(user(), START), data=(("a", "1"),)))),
    "rotate": ("on", lambda store: store.swap(user(), rotated(user(), "next"))),
    "end": ("on", lambda store: store.swap(user(), ended(user(), START))),
}

NOTING = """
CREATE TABLE noted (setting text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN INSERT INTO noted SELECT current_setting('synchronous_commit'); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER noting AFTER UPDATE ON sessioncore.sessions DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION note();
"""


@pytest.mark.parametrize(("setting", "call"), WAITS.values(), ids=WAITS)
def test_what_must_survive_a_power_loss_waits_for_the_disk(
    server: PostgresServer, database: str, opened: Opened, setting: str, call: Callable[[PostgresStore], object]
) -> None:
    """A deferred trigger sees the setting by which the transaction commits; the next one has the default again."""
    server.ask(NOTING, database)
    store = opened(connections=1)
    store.swap(None, user())
    call(store)
    store.swap(None, guest(OTHER))
    store.swap(guest(OTHER), ended(guest(OTHER), START))

    assert server.ask("SELECT * FROM noted", database) == [(setting,), ("on",)]


# -- batches -----------------------------------------------------------------------------------------------------


def test_a_purge_leaves_rows_that_somebody_else_holds_to_them(
    server: PostgresServer, database: str, opened: Opened
) -> None:
    store = opened()
    for number in range(4):
        row = guest(f"{number:022d}")
        store.swap(None, row)
        store.swap(row, ended(row, START))
    with closing(psycopg.connect(server.url(database))) as theirs:
        theirs.execute(b"SELECT 1 FROM sessioncore.sessions WHERE sid < '0000000000000000000002' FOR UPDATE")
        gone = store.purge(START + 1, 10)
        theirs.rollback()

    assert gone == 2
    assert store.purge(START + 1, 10) == 2


def test_marks_of_before_are_forgotten_however_many_there_are(
    server: PostgresServer, database: str, opened: Opened
) -> None:
    many = "INSERT INTO sessioncore.marks SELECT 'jti-' || n, {} FROM generate_series(1, 2500) n"
    server.ask(many.format(START), database)
    store = opened()
    store.mark("later", START + HOUR)
    store.purge(START + 1, 1)

    assert server.ask("SELECT name FROM sessioncore.marks", database) == [("later",)]


# -- bytes -------------------------------------------------------------------------------------------------------

FILL = """
INSERT INTO sessioncore.sessions SELECT rpad(n::text, 22, 'x'), 1, {deadline}, {deadline}, 9007199254740992,
  'subject-' || n, '', '', decode(repeat('ab', {size}), 'hex') FROM generate_series(1, 100000) n
"""


def test_a_session_takes_no_more_than_seven_hundred_bytes_with_its_indexes(
    server: PostgresServer, database: str
) -> None:
    size = len(encode(evolve(user(), upstream=("", ""))))
    server.ask(FILL.format(deadline=START, size=size), database)
    ((total,),) = server.ask("SELECT pg_total_relation_size('sessioncore.sessions')", database)

    assert 300 < total / 100_000 < 700


# -- forks and poolers -------------------------------------------------------------------------------------------

FORK = """
import os, sys
from sessioncore_io import Sessions
from sessioncore_io.postgres import AsyncPostgresStore, PostgresStore

sessions = Sessions(PostgresStore(sys.argv[1]))

def visit():
    handle = sessions.open(None)
    handle["cart"] = 1
    handle.commit()
    return handle.order.text

visit()
reader, writer = os.pipe()
child = os.fork()
token = visit()
if child == 0:
    os.write(writer, token.encode())
    sessions.store.close()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
theirs = os.read(reader, 200).decode()
assert len(theirs) == len(token) == 65 and theirs[:22] != token[:22]
assert all(sessions.open(each)["cart"] == 1 for each in (theirs, token))
sessions.store.close()
print("apart")
"""

FORGET = """
import sys
from sessioncore_io.postgres import AsyncPostgresStore, PostgresStore
PostgresStore(sys.argv[1]).load("x" * 22)
kept = PostgresStore(sys.argv[1])
kept.load("x" * 22)
print("left open")
"""


@pytest.mark.parametrize(("script", "said"), [(FORK, "apart\n"), (FORGET, "left open\n")])
def test_a_process_that_forks_or_ends_without_closing_shares_and_complains_of_nothing(
    url: str, script: str, said: str
) -> None:
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, url], capture_output=True, encoding="utf-8", timeout=60
    )

    assert (ran.stdout, ran.stderr, ran.returncode) == (said, "", 0)


def test_behind_a_pooler_that_keeps_no_prepared_statements_none_is_prepared(
    server: PostgresServer, database: str, opened: Opened
) -> None:
    counted = "SELECT count(*) FROM pg_prepared_statements"
    names = {}
    for prepare in (True, False):
        store = opened(prepare=prepare, connections=1)
        for _ in range(3):
            store.load(SID)
        pool = store._link._pool
        assert pool is not None
        with pool.connection() as connection:
            names[prepare] = connection.execute(counted.encode()).fetchall()

    assert names == {True: [(2,)], False: [(0,)]}


# -- what it is told ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("unset", [None, ""])
def test_without_an_address_of_its_own_it_listens_where_it_writes(unset: str | None) -> None:
    """As where a variable of the environment that would say it is not set."""
    url = "postgresql://db.example/shop"
    store, plain = (PostgresStore(url, listen_url=listen_url) for listen_url in (unset, url))

    assert store._listen_address == plain._listen_address


@pytest.mark.parametrize("kind", [PostgresStore, AsyncPostgresStore])
@pytest.mark.parametrize("name", ["url", "listen_url"])
@pytest.mark.parametrize("url", [None, 7, b"postgresql://shop:hunter2@db/shop", {}])
def test_what_is_no_text_is_refused_as_what_it_is(kind: Any, name: str, url: Any) -> None:
    """But no ``listen_url`` is the usual one."""
    if (name, url) == ("listen_url", None):
        kind("postgresql://db/shop", listen_url=None)
        return
    with pytest.raises(InvalidSetting, match="postgresql://user@host/database") as refused:
        kind(**{"url": "postgresql://db/shop", name: url})

    assert refused.value.name == name
    assert refused.value.value == (None if url is None else f"{type(url).__name__}(...)")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("connections", [0, -1, 1.5, "3", None, True]),
        ("patience", [0, -1, float("nan"), float("inf"), "2", None, True]),
        ("prepare", [0, "off", None]),
        ("announce", [1, "on", None]),
    ],
)
def test_a_useless_setting_is_refused_by_its_name(name: str, values: list[Any]) -> None:
    for value in values:
        with pytest.raises(InvalidSetting) as refused:
            PostgresStore("postgresql://db/shop", **{name: value})

        assert (refused.value.name, refused.value.value is value) == (name, True)


def test_an_option_that_libpq_does_not_know_is_refused_without_the_address() -> None:
    with pytest.raises(InvalidSetting, match="postgresql://user@host/database") as caught:
        PostgresStore("postgresql://me:hunter2@host/db?nonsense=1")

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "host=db password=hun ter2",
        "postgresql://shop:hunter2@[::1/shop",
        "postgresql://shop:hun%zzter2@db/shop",
        "postgresql://shop:hun/ter2@db:5432/shop",
        "hunter2",
    ],
)
def test_an_address_that_cannot_be_read_is_refused_without_a_word_of_its_password(url: str) -> None:
    """What libpq says of it quotes it; and of a stray slash only when it connects, as a port that is no number."""
    with pytest.raises(InvalidSetting) as caught:
        PostgresStore(url)

    assert not any(part in str(caught.value) for part in ("hun", "ter2"))
    assert caught.value.__context__ is None


def test_a_closed_store_opens_again_when_it_is_asked(opened: Opened) -> None:
    store = opened()
    store.swap(None, guest())
    store.close()
    store.close()

    assert store.load(SID)[0] == guest()


def test_a_dump_of_the_database_contains_no_token(server: PostgresServer, database: str, opened: Opened) -> None:
    handle = Sessions(opened()).open(None)
    handle.log_in(handle.attempt("alice"), "pwd")
    handle.commit()
    token = handle.order.text  # type: ignore[union-attr]
    dump = server.run("pg_dump", "-d", server.url(database))

    assert token[:22] in dump
    assert token[22:] not in dump


ENOUGH = 18 * 2**20  # more than a segment of the log, which has to fit


@pytest.mark.fault("no file may grow any more, as on a full disk", "store unavailable; writes again once there is room")
def test_a_disk_that_takes_no_more_is_said_and_survived(server: PostgresServer, database: str, opened: Opened) -> None:
    store = opened(patience=30)
    with server.no_file_longer_than(ENOUGH):
        with pytest.raises(psycopg.Error, match="could not extend"):
            server.ask(FILL.format(deadline=START, size=400), database)
        told = refused(store)
        assert store.load(SID) == (None, None)
        server.ask("DELETE FROM sessioncore.sessions", database)
        server.ask("VACUUM sessioncore.sessions", database)
        assert store.swap(None, user())

    assert "could not extend" in told
    assert store.load(SID)[0] == user()


def refused(store: PostgresStore) -> str:
    """Insert until the store says why not."""
    for number in range(10_000):
        try:
            store.swap(None, guest(f"y{number:021d}"))
        except StoreUnavailable as error:
            return str(error)
    return "never refused"
