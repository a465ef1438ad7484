"""What cannot be read is absent: never default data, never adopted, never executed, never overwritten."""

import pickle
import sqlite3
import zlib
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from attrs import evolve

from sessioncore import InvalidSetting, Reason, Session, UnreadableRecord, moment_for, settle
from sessioncore.policy import Policy
from sessioncore.testing.clock import START
from sessioncore.testing.rows import HOUR, OTHER, SID, guest, touched, user
from sessioncore_io import Sessions
from sessioncore_io.codec import CHECKSUM, ORDER, SCHEMA, SMALL, decode, encode, readable
from sessioncore_io.sqlite import SqliteStore


def plant(store: SqliteStore, record: object, sid: str = SID) -> None:
    """Put bytes under a key, behind the store's back."""
    with sqlite3.connect(store.path) as connection:
        connection.execute("UPDATE sessions SET record = ? WHERE sid = ?", (record, sid))
    connection.close()


class Bomb:
    """Go off when unpickled."""

    def __reduce__(self) -> Any:
        return (pytest.fail, ("a payload was executed",))


def values_of(row: Session) -> list[Any]:
    """Give a record's values as they are written, without the schema."""
    values: list[Any] = msgspec.msgpack.decode(encode(row)[:-CHECKSUM])
    return values[1:]


def resealed(values: Sequence[Any]) -> bytes:
    """Write values down with a right checksum, whatever they are."""
    text = msgspec.msgpack.encode(values)
    return text + zlib.crc32(text).to_bytes(CHECKSUM)


FOREIGN = {
    "nothing": None,
    "empty": b"",
    "text": "a record",
    "a number": 7,
    "a pickle": pickle.dumps(Bomb()),
    "an empty map": msgspec.msgpack.encode({}),
    "a schema of the future": resealed((SCHEMA + 1, *values_of(user()))),
    "a schema of the past": resealed((1, user())),
    "no schema": resealed(values_of(user())),
    "only the key": resealed((SCHEMA, "alice", SID)),
    "a field too few": resealed((SCHEMA, *values_of(user())[:-1])),
    "a field too many": resealed((SCHEMA, *values_of(user()), "more")),
    "a map of fields": resealed((SCHEMA, dict(zip(ORDER, values_of(user()), strict=True)))),
    "a field of another type": resealed((SCHEMA, *values_of(user())[:3], 7, *values_of(user())[4:])),
    "a record whose checksum is wrong": encode(user())[:-4] + b"\0\0\0\0",
    "another session's": encode(user(OTHER)),
    "one cut short": encode(user())[:-1],
    "one and a byte": encode(user()) + b"\0",
    "two": encode(user()) * 2,
}


@pytest.mark.parametrize("record", FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_record_is_an_anonymous_session(sqlite: SqliteStore, record: object) -> None:
    sqlite.swap(None, user())
    if record is not None:
        plant(sqlite, record)
    else:
        plant(sqlite, b"\xc0")

    assert sqlite.load(SID)[0] is None
    assert list(sqlite.of_subject("alice")) == []
    assert list(sqlite.of_upstream("https://op.example", "op-1")) == []
    assert list(sqlite.due(START + HOUR, 10)) == []


def test_a_foreign_record_is_neither_overwritten_nor_adopted(sqlite: SqliteStore) -> None:
    sqlite.swap(None, user())
    plant(sqlite, pickle.dumps(Bomb()))

    assert not sqlite.swap(None, guest())
    assert Sessions(sqlite).open(SID + "x" * 43).state is None


def test_the_helpers_of_this_test_write_what_the_codec_writes() -> None:
    assert resealed((SCHEMA, *values_of(user()))) == encode(user())


def test_the_fields_of_a_schema_stand_in_this_order() -> None:
    """Whoever adds, removes, renames or moves one makes another schema."""
    order = (
        "subject sid proof former_proof state version first second methods mfa_methods needs epoch created_at "
        "authenticated_at mfa_at seen_at since idle lifetime not_after remembered upstream label ended_at reason data "
        "activities"
    )

    assert (SCHEMA, " ".join(ORDER)) == (2, order)


def test_a_record_of_this_schema_is_these_bytes() -> None:
    """A release that reads the schema reads what another one has written."""
    row = evolve(user(), data=(("cart", "[1]"),), label="Firefox")
    record = bytes.fromhex(
        "dc001c02a5616c696365b673737373737373737373737373737373737373737373c420a7937b64b8caa58f03721bb6ba"
        "cf5c78cb235febe0e70b1b84cd99541461a08ec400ad61757468656e7469636174656401010091a370776490ad617574"
        "68656e74696361746564cf000001941f297c00cf000001941f297c00cf000001941f297c00c0cf000001941f297c00cf"
        "000001941f297c00ce0036ee80ce05265c00c0c292b268747470733a2f2f6f702e6578616d706c65a46f702d31a74669"
        "7265666f78c0c09192a463617274a35b315d9069284dea"
    )

    assert encode(row) == record
    assert decode(SID, record) == row


def test_a_proof_that_is_no_digest_is_refused_and_not_shown() -> None:
    with pytest.raises(InvalidSetting, match="SHA-256") as caught:
        encode(evolve(user(), proof="the secret itself"))

    assert "the secret itself" not in str(caught.value)


def test_a_flipped_bit_anywhere_in_a_record_makes_it_unreadable() -> None:
    record = encode(evolve(user(), data=(("cart", "[1,2,3]"),), label="Firefox"))

    for offset in range(len(record)):
        for bit in (0x01, 0x20, 0x80):
            flipped = record[:offset] + bytes([record[offset] ^ bit]) + record[offset + 1 :]
            with pytest.raises(UnreadableRecord, match=SID):
                decode(SID, flipped)


def test_a_record_cut_anywhere_is_unreadable() -> None:
    record = encode(user())

    for length in range(len(record)):
        with pytest.raises(UnreadableRecord):
            decode(SID, record[:length])


def test_the_same_bytes_under_the_same_key_are_read_once_and_under_another_never() -> None:
    record = encode(user())

    assert readable(SID, record) is readable(SID, bytes(bytearray(record)))
    assert readable(OTHER, record, quiet=True) is None


def test_a_large_record_is_not_remembered() -> None:
    record = encode(evolve(user(), data=(("cart", '"' + "x" * SMALL + '"'),)))

    assert readable(SID, record) == readable(SID, record)
    assert readable(SID, record) is not readable(SID, record)


def test_an_error_names_the_selector_and_no_secret() -> None:
    row = evolve(user(), data=(("card", '"4111"'),))

    with pytest.raises(UnreadableRecord) as caught:
        decode(OTHER, encode(row))

    assert row.proof not in str(caught.value)
    assert "4111" not in str(caught.value)


@pytest.mark.parametrize(
    "row",
    [
        evolve(user(), subject=""),
        evolve(user(), seen_at=START - 1),
        evolve(user(), proof=""),
        evolve(user(), idle=0),
        evolve(guest(), ended_at=START),
        evolve(guest(), subject="alice"),
    ],
    ids=["nobody's", "seen before it began", "no proof", "no idle limit", "ended and live", "an owned guest"],
)
def test_a_record_that_contradicts_itself_is_unreadable(row: Session) -> None:
    with pytest.raises(UnreadableRecord, match="contradicts"):
        decode(SID, encode(row))


def test_an_index_that_lies_names_nobody_elses_row(sqlite: SqliteStore) -> None:
    sqlite.swap(None, user(subject="bob"))
    with sqlite3.connect(sqlite.path) as connection:
        connection.execute("UPDATE sessions SET subject = 'alice', issuer = 'https://evil.example', deadline = 1")
    connection.close()

    assert list(sqlite.of_subject("alice")) == []
    assert list(sqlite.of_upstream("https://evil.example", "op-1")) == []


def test_a_row_whose_indexed_subject_lies_does_not_borrow_another_epoch(sqlite: SqliteStore) -> None:
    sqlite.mint("alice", START)
    sqlite.mint("bob", START + 1)
    sqlite.swap(None, user(subject="bob", epoch=START))
    with sqlite3.connect(sqlite.path) as connection:
        connection.execute("UPDATE sessions SET subject = 'alice'")
    connection.close()

    row, epoch = sqlite.load(SID)

    assert row is None or not settle(row, moment_for(row, epoch, START, Policy())).live


def test_a_cause_of_another_release_still_ends_sessions(sqlite: SqliteStore) -> None:
    sqlite.mint("alice", START)
    sqlite.supersede("alice", START + 1, Reason.ADMIN)
    sqlite.swap(None, user())
    with sqlite3.connect(sqlite.path) as connection:
        connection.execute("UPDATE epochs SET cause = 'quantum'")
    connection.close()

    row, epoch = sqlite.load(SID)

    assert row is not None
    assert not settle(row, moment_for(row, epoch, START, Policy())).live
    assert epoch is not None
    assert epoch.cause is not None, "a cause is what keeps a first login from taking a reset for a mint"


def test_unreadable_rows_do_not_hide_overdue_ones(sqlite: SqliteStore) -> None:
    for number in range(5):
        sqlite.swap(None, guest(f"{number}" * 22, at=START + number))
        plant(sqlite, b"old release", f"{number}" * 22)
    sqlite.swap(None, guest(at=START + 9))

    assert [row.sid for row in sqlite.due(START + 9 + HOUR, 2)] == [SID]


def test_a_dump_of_the_file_contains_no_token(sqlite: SqliteStore) -> None:
    sessions = Sessions(sqlite, clock=lambda: START)
    handle = sessions.open(None)
    handle["cart"] = ["apple"]
    handle.log_in(handle.attempt("alice"), "pwd")
    first = handle._current_secret
    handle.commit()
    handle.satisfy_mfa("otp")
    second = handle._current_secret
    handle.commit()
    sqlite.close()

    dump = b"".join(file.read_bytes() for file in sqlite.path.parent.iterdir())

    assert b"apple" in dump
    assert first.encode() not in dump
    assert second.encode() not in dump
    assert touched(guest(), START).proof.encode() not in dump
