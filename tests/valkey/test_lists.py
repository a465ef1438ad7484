"""The lists of a Valkey store are hints: a wrong one is harmless, and is collected."""

from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

import pytest
from attrs import evolve
from tests.servers.valkey import Server

from sessioncore import Session
from sessioncore.policy import DAY
from sessioncore.testing.clock import START
from sessioncore.testing.rows import HOUR, ISSUER, OTHER, SID, ended, guest, touched, user
from sessioncore_io.valkey import ValkeyStore
from sessioncore_io.valkey.keys import KEEP, Keys

KEYS = Keys("sc:")
ALICE = KEYS.key("u", "alice")


@pytest.fixture
def server(valkey_server: Server) -> Server:
    """Give the server, emptied."""
    valkey_server.ask("FLUSHALL")
    return valkey_server


@pytest.fixture
def store(server: Server) -> Iterator[ValkeyStore]:
    """Give an empty store."""
    with closing(ValkeyStore(server.url)) as store:
        yield store


def index(server: Server, key: str = ALICE) -> dict[str, int]:
    """Give what an index holds."""
    flat: Any = server.ask("ZRANGE", key, 0, -1, "WITHSCORES")
    return {sid.decode(): int(score) for sid, score in zip(flat[::2], flat[1::2], strict=True)}


def test_a_hint_at_a_row_that_never_came_to_be_is_harmless_and_collected(store: ValkeyStore, server: Server) -> None:
    """As a process leaves it that dies between the two."""
    server.ask("ZADD", ALICE, START, OTHER)

    assert list(store.of_subject("alice")) == []

    store.swap(None, user(at=START + HOUR + 1))

    assert [row.sid for row in store.of_subject("alice")] == [SID]
    assert index(server) == {SID: START + HOUR + 1}


def test_a_hint_whose_row_may_be_on_its_way_is_not_collected(store: ValkeyStore, server: Server) -> None:
    server.ask("ZADD", ALICE, START, OTHER)
    store.swap(None, user(at=START + HOUR))
    store.of_subject("alice")

    assert index(server) == {SID: START + HOUR, OTHER: START}


def test_a_hint_that_is_written_again_meanwhile_is_not_collected(store: ValkeyStore, server: Server) -> None:
    server.ask("ZADD", ALICE, START, OTHER)
    store.swap(None, user(at=START + 2 * HOUR))
    talk = store._calls.of_subject("alice")
    gets = talk.send(store._wire.send(next(talk)))
    repairs = talk.send(store._wire.send(gets))
    server.ask("ZADD", ALICE, START + 2 * HOUR, OTHER)  # its login comes through just now
    with suppress(StopIteration):
        step = repairs
        while True:
            step = talk.send(store._wire.send(step))

    assert len(repairs) == 1
    assert OTHER in index(server)


def test_a_reader_moves_what_has_ended_out_of_the_way_of_the_next(store: ValkeyStore, server: Server) -> None:
    store.swap(None, user())
    store.swap(None, user(OTHER))
    store.swap(user(), ended(user(), START + 5))

    assert [row.sid for row in store.of_subject("alice", live=True)] == [OTHER]
    assert index(server) == {SID: -(START + 5) - 1, OTHER: START}
    assert sorted(row.sid for row in store.of_subject("alice")) == [SID, OTHER]


def test_logins_read_as_many_rows_as_are_live_however_many_have_ended(store: ValkeyStore, server: Server) -> None:
    rows = [user(f"{number:022d}", at=START + number) for number in range(50)]
    for row in rows:
        store.swap(None, row)
        store.swap(row, ended(row, row.seen_at))
    store.swap(None, user())
    store.of_subject("alice", live=True)
    before = server.ask("INFO", "stats")["keyspace_hits"]
    found = store.of_subject("alice", live=True)

    assert [row.sid for row in found] == [SID]
    assert server.ask("INFO", "stats")["keyspace_hits"] - before == 2  # the index and the row


def test_a_purge_leaves_no_key_behind_but_the_epochs(store: ValkeyStore, server: Server) -> None:
    rows = [user(f"{number:022d}", f"user-{number % 7}", at=START + number) for number in range(40)]
    for row in rows:
        store.swap(None, row)
        store.mint(row.subject, START)
        store.swap(row, ended(row, START + HOUR))
        store.mark(row.sid, START + HOUR)

    assert store.purge(START + HOUR + 1, 100) == 40
    assert {key[: len("sc:e:")] for key in server.ask("KEYS", "*")} == {b"sc:e:"}


def test_a_row_that_the_server_collected_is_taken_off_the_lists(store: ValkeyStore, server: Server) -> None:
    store.swap(None, guest())
    store.swap(None, guest(OTHER))
    store.swap(guest(OTHER), ended(guest(OTHER), START))
    server.ask("DEL", KEYS.row(SID), KEYS.row(OTHER))  # as its time-to-live does

    assert list(store.due(START + HOUR, 10)) == []
    assert store.purge(START + DAY, 10) == 0
    assert server.ask("KEYS", "*") == []


def test_rows_that_the_server_collected_do_not_hide_overdue_ones(store: ValkeyStore, server: Server) -> None:
    """As where nobody has swept for months: else each sweep would stop at the first batch of what is gone."""
    rows = [guest(f"{number:022d}", at=START + number) for number in range(30)]
    for row in rows:
        store.swap(None, row)
    server.ask("DEL", *(KEYS.row(row.sid) for row in rows[:25]))

    assert list(store.due(START + DAY, 2)) == rows[25:27]


def test_tombstones_that_the_server_collected_do_not_hide_old_ones(store: ValkeyStore, server: Server) -> None:
    rows = [guest(f"{number:022d}", at=START + number) for number in range(30)]
    for row in rows:
        store.swap(None, row)
        store.swap(row, ended(row, row.seen_at))
    server.ask("DEL", *(KEYS.row(row.sid) for row in rows[:25]))

    assert [store.purge(START + DAY, 2) for _ in range(4)] == [2, 2, 1, 0]
    assert server.ask("KEYS", "*") == []


def test_unreadable_rows_do_not_hide_overdue_ones(store: ValkeyStore, server: Server) -> None:
    for number in range(9):
        sid = f"{number:022d}"
        store.swap(None, guest(sid, at=START + number))
        server.ask("SET", KEYS.row(sid), b"an old release")
    store.swap(None, guest(at=START + 20))

    assert [row.sid for row in store.due(START + 20 + HOUR, 2)] == [SID]
    assert [store.purge(START + 20 + HOUR, 4) for _ in range(4)] == [4, 4, 1, 0]
    assert store.load(SID)[0] == guest(at=START + 20)


def test_the_most_overdue_of_many_come_first_from_whichever_list(store: ValkeyStore) -> None:
    rows = [guest(f"{(number * 7_919) % 1_000:022d}", at=START + number) for number in range(1_000)]
    for row in rows:
        store.swap(None, row)

    assert [row.sid for row in store.due(START + DAY, 100)] == [row.sid for row in rows[:100]]


@pytest.mark.parametrize(
    "row",
    [guest(), user(), evolve(user(), not_after=START + 5), evolve(user(), lifetime=2**52, idle=2**50)],
    ids=["a guest's", "a user's", "bounded from upstream", "very long"],
)
def test_the_server_keeps_a_row_and_its_hints_until_long_after_it_can_be_live(
    store: ValkeyStore, server: Server, row: Session
) -> None:
    store.swap(None, row)
    left = server.ask("PTTL", KEYS.row(SID))
    last = min(row.since + row.lifetime, row.not_after) - row.seen_at

    assert last + KEEP - 60_000 < left <= last + KEEP
    for key in KEYS.hints(None, row):
        assert server.ask("PTTL", key) > left


def test_the_server_keeps_a_tombstone_longer_than_a_purge_does(store: ValkeyStore, server: Server) -> None:
    store.swap(None, user())
    store.swap(user(), ended(user(), START))

    assert server.ask("PTTL", KEYS.row(SID)) > 31 * DAY
    assert server.ask("PTTL", ALICE) > server.ask("PTTL", KEYS.row(SID))


def test_epochs_never_expire(store: ValkeyStore, server: Server) -> None:
    store.mint("alice", START)

    assert server.ask("PTTL", KEYS.key("e", "alice")) == -1


def test_a_later_login_of_the_same_session_is_hinted_at_anew(store: ValkeyStore, server: Server) -> None:
    store.swap(None, user())
    later = evolve(touched(user(), START + HOUR), since=START + HOUR)
    store.swap(user(), later)

    assert index(server) == {SID: START + HOUR}
    assert index(server, KEYS.upstream(ISSUER, "op-1")) == {SID: START + HOUR}
