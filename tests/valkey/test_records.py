"""What is put into Valkey behind the store's back, and what is not put there at all."""

import pickle
import secrets
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import msgspec
import pytest
from attrs import evolve
from tests.servers.valkey import Server

from sessioncore import Epoch, Reason, Session, moment_for, settle
from sessioncore.flows import Token
from sessioncore.policy import Policy
from sessioncore.testing.clock import START
from sessioncore.testing.rows import HOUR, ISSUER, OTHER, SID, ended, guest, rotated, user
from sessioncore_io import Sessions
from sessioncore_io.codec import encode
from sessioncore_io.valkey import ValkeyStore
from sessioncore_io.valkey.keys import Keys

KEYS = Keys("sc:")


@pytest.fixture
def server(valkey_server: Server) -> Server:
    """Give the server, emptied."""
    valkey_server.ask("FLUSHALL")
    return valkey_server


@pytest.fixture(params=["first seen", "known"])
def store(request: pytest.FixtureRequest, server: Server) -> Iterator[ValkeyStore]:
    """Give a store with alice's row, which this process has read before or not."""
    with closing(ValkeyStore(server.url)) as store:
        store.swap(None, user())
        if request.param == "known":
            store.load(SID)
        yield store


class Bomb:
    """Go off when unpickled."""

    def __reduce__(self) -> Any:
        return (pytest.fail, ("a payload was executed",))


FOREIGN = {
    "empty": b"",
    "a byte": b"\xdc",
    "a beginning": encode(user())[:6],
    "text": b"a record",
    "a pickle": pickle.dumps(Bomb()),
    "an empty map": msgspec.msgpack.encode({}),
    "a long subject": b"\xdc\x00\x1c\x02\xda\xff\xff",
    "another session's": encode(user(OTHER)),
    "one cut short": encode(user())[:-1],
    "one and a byte": encode(user()) + b"\0",
    "one with a flipped bit": encode(user())[:9] + bytes([encode(user())[9] ^ 1]) + encode(user())[10:],
}


@pytest.mark.parametrize("record", FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_record_is_an_anonymous_session(store: ValkeyStore, server: Server, record: bytes) -> None:
    server.ask("SET", KEYS.row(SID), record)

    assert store.load(SID) == (None, None)
    assert list(store.of_subject("alice")) == []
    assert list(store.of_upstream(ISSUER, "op-1")) == []
    assert list(store.due(START + HOUR, 10)) == []
    assert not store.swap(None, guest())
    assert not store.swap(user(), ended(user(), START))
    assert Sessions(store).open(SID + "x" * 43).state is None
    assert server.ask("GET", KEYS.row(SID)) == record


def test_a_row_that_changed_hands_comes_with_the_epoch_of_its_subject(store: ValkeyStore) -> None:
    store.mint("alice", START)
    store.mint("bob", START + 1)
    bobs = evolve(rotated(user(), "bob's"), subject="bob")
    store.swap(user(), bobs)

    assert store.load(SID) == (bobs, Epoch(value=START + 1))
    assert store.load(SID) == (bobs, Epoch(value=START + 1))


def test_a_row_that_another_process_changed_is_read_anew(store: ValkeyStore, server: Server) -> None:
    """What was parsed before is used again only for the very same bytes."""
    with closing(ValkeyStore(server.url)) as elsewhere:
        elsewhere.mint("alice", START)
        assert store.load(SID) == (user(), Epoch(value=START))
        elsewhere.supersede("alice", START + 1, Reason.PASSWORD_RESET)
        assert store.load(SID) == (user(), Epoch(value=START + 1, cause=Reason.PASSWORD_RESET))
        elsewhere.swap(user(), ended(user(), START))
        assert store.load(SID)[0] == ended(user(), START)
        elsewhere.purge(START + 1, 1)
        assert store.load(SID) == (None, None)


def test_a_guest_who_signs_in_comes_with_an_epoch(store: ValkeyStore) -> None:
    store.swap(None, guest(OTHER))
    assert store.load(OTHER) == (guest(OTHER), None)
    store.mint("alice", START)
    store.swap(guest(OTHER), evolve(user(OTHER), version=2))

    assert store.load(OTHER)[1] == Epoch(value=START)


@pytest.mark.parametrize("epoch", [b"", b"x", b"-1", b"\xd9\xa1", b"\xff"], ids=repr)
def test_an_epoch_that_cannot_be_read_signs_nobody_in_and_is_mended_by_a_reset(
    store: ValkeyStore, server: Server, epoch: bytes
) -> None:
    server.ask("SET", KEYS.key("e", "alice"), epoch)
    row, found = store.load(SID)

    assert row is not None
    assert found is None
    assert not settle(row, moment_for(row, found, START, Policy())).live
    assert store.supersede("alice", START + 7, Reason.PASSWORD_RESET) == Epoch(
        value=START + 7, cause=Reason.PASSWORD_RESET
    )


def test_a_cause_of_another_release_still_ends_sessions(store: ValkeyStore, server: Server) -> None:
    server.ask("SET", KEYS.key("e", "alice"), f"{START + 1} quantum")
    row, epoch = store.load(SID)

    assert row is not None
    assert epoch == Epoch(value=START + 1, cause=Reason.ADMIN)
    assert not settle(row, moment_for(row, epoch, START, Policy())).live


@pytest.mark.parametrize("subject", ["x" * 31, "x" * 32, "é" * 200, "{a}b", "a b\r\nDEL c", "*", "\0"], ids=ascii)
def test_any_subject_has_a_row_an_epoch_and_a_list(store: ValkeyStore, subject: str) -> None:
    row: Session = user(OTHER, subject)
    store.swap(None, row)
    store.mint(subject, START + 3)

    assert store.load(OTHER) == (row, Epoch(value=START + 3))
    assert store.load(OTHER) == (row, Epoch(value=START + 3))
    assert list(store.of_subject(subject)) == [row]


def test_ten_thousand_random_tokens_leave_no_key(server: Server) -> None:
    with closing(ValkeyStore(server.url)) as store:
        sessions = Sessions(store)
        for _ in range(10_000):
            handle = sessions.open(secrets.token_urlsafe(16) + secrets.token_urlsafe(32))
            assert handle.subject is None
            handle.commit()

    assert server.ask("DBSIZE") == 0


@pytest.mark.parametrize(
    "token", ["*3\r\n$3\r\nSET\r\n", "GET sc:x\r\n" + "x" * 55, "{a}" + "x" * 62, "\0" * 65, "x" * 66]
)
def test_a_token_that_speaks_the_servers_language_is_not_passed_on(server: Server, token: str) -> None:
    with closing(ValkeyStore(server.url)) as store:
        before = server.ask("INFO", "stats")["total_connections_received"]

        assert Sessions(store).open(token).state is None
        assert server.ask("INFO", "stats")["total_connections_received"] == before + 1  # our own look


def test_a_dump_contains_no_token(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    with closing(ValkeyStore(server.url)) as store:
        sessions = Sessions(store, clock=lambda: START)
        handle = sessions.open(None)
        handle["cart"] = ["apple"]
        handle.log_in(handle.attempt("alice"), "pwd")
        handle.commit()
    token = handle.order
    server.ask("CONFIG", "SET", "rdbcompression", "no")
    dump: bytes = b"".join(server.ask("DUMP", key) for key in server.ask("KEYS", "*"))
    shown = f"{store!r} {vars(store)} {caplog.text}"

    assert isinstance(token, Token)
    assert b"apple" in dump
    assert token.secret.encode() not in dump
    assert token.secret not in shown


def test_a_password_in_the_url_is_shown_nowhere() -> None:
    with closing(ValkeyStore("valkey://:s3cret@127.0.0.1:1/0")) as store:
        with pytest.raises(Exception, match="cannot be reached") as caught:
            store.load(SID)

        assert "s3cret" not in f"{store!r} {store.__dict__!r} {caught.value!r} {caught.value.__cause__!r}"
