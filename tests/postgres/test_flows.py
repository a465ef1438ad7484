"""What is asked of PostgreSQL and what its answers mean: the flows alone, fed with rows, without a server."""

import logging
from typing import Any, Final

import pytest
from attrs import evolve

from sessioncore import NEVER, Epoch, Reason, Session, State, StoreUnavailable, begin
from sessioncore_io.codec import encode
from sessioncore_io.postgres import flows
from sessioncore_io.postgres import statements as sql
from sessioncore_io.postgres.flows import BATCH, SWEEP, Statement

PROOF: Final = "a" * 64
GUEST: Final = begin("s" * 22, PROOF, 7 * SWEEP + 5, idle=1_000, lifetime=9_000)
ALICE: Final = evolve(
    GUEST,
    subject="alice",
    state=State.AUTHENTICATED,
    authenticated_at=GUEST.created_at,
    methods=("pwd",),
    epoch=3,
    upstream=("https://op.example", "up"),
)
OUT: Final = evolve(ALICE, state=State.LOGGED_OUT, ended_at=GUEST.created_at + 9, reason=Reason.USER, version=2)


def played(flow: Any, *answers: Any) -> tuple[Any, list[Statement]]:
    """Answer each statement of a flow; give what the flow returns, and what it asked."""
    asked = [next(flow)]
    for answer in answers:
        try:
            asked.append(flow.send(answer))
        except StopIteration as stopped:
            return stopped.value, asked
    raise AssertionError(f"it asks for more: {asked[-1]}")


# -- one row -----------------------------------------------------------------------------------------------------


def test_a_row_is_asked_for_with_its_epoch_and_that_may_be_asked_again() -> None:
    assert flows.loading("sid") == Statement(sql.LOAD, ("sid",), reads=True)
    assert flows.loaded(ALICE.sid, []) == (None, None)
    assert flows.loaded(ALICE.sid, [(encode(ALICE), "alice", 3, "user_all", False)]) == (
        ALICE,
        Epoch(value=3, cause=Reason.USER_ALL),
    )
    assert flows.loaded(GUEST.sid, [(encode(GUEST), "", None, None, False)]) == (GUEST, None)


def test_a_row_whose_column_names_somebody_else_is_absent() -> None:
    assert flows.loaded(ALICE.sid, [(encode(ALICE), "bob", 3, None, False)]) == (None, None)


def test_a_row_that_cannot_be_read_is_absent_and_its_epoch_is_what_it_is() -> None:
    assert flows.loaded(ALICE.sid, [(b"spoilt", "alice", 3, None, False)]) == (None, Epoch(value=3))


def test_a_cause_that_this_release_does_not_know_still_ends_sessions() -> None:
    assert flows.known([(4, "by_decree", False)]) == Epoch(value=4, cause=Reason.ADMIN)
    assert flows.known([(4, None, False)]) == Epoch(value=4)
    assert flows.known([]) is None


@pytest.mark.parametrize(
    "answer", [lambda: flows.known([(4, None, True)]), lambda: flows.loaded("s", [(None, "", None, None, True)])]
)
def test_what_a_replica_says_is_refused(answer: Any) -> None:
    with pytest.raises(StoreUnavailable, match=r"^PostgreSQL: a replica answered; let the connection lead to the pri"):
        answer()


def test_a_new_row_is_inserted_with_the_columns_that_its_indexes_need() -> None:
    stored, [asked] = played(flows.swap(None, ALICE, announce=True), [(True,)])

    assert stored is True
    assert asked == Statement(
        sql.INSERT,
        (
            ALICE.sid,
            1,
            7 * SWEEP + 1_005,
            7 * SWEEP,
            NEVER,
            "alice",
            "https://op.example",
            "up",
            encode(ALICE),
        ),
    )
    assert asked.reads is False
    assert played(flows.swap(None, ALICE, announce=True), [])[0] is False, "another was first"


@pytest.mark.parametrize(
    ("new", "announce", "text"),
    [
        (evolve(ALICE, seen_at=ALICE.seen_at + 1, version=2), True, sql.UPDATE_LIGHTLY),
        (evolve(ALICE, data=(("cart", "1"),), version=2), True, sql.UPDATE_LIGHTLY),
        (evolve(ALICE, proof="b" * 64, version=2), True, sql.UPDATE),
        (evolve(ALICE, epoch=4, version=2), True, sql.UPDATE),
        (evolve(ALICE, state=State.MFA_SATISFIED, mfa_at=ALICE.seen_at, version=2), True, sql.UPDATE),
        (OUT, True, sql.END),
        (OUT, False, sql.UPDATE),
    ],
)
def test_a_swap_names_the_row_that_it_replaces_and_waits_for_the_disk_where_that_matters(
    new: Session, announce: bool, text: bytes
) -> None:
    """What is only a use or data may be lost to a power cut; a proof, an epoch, a state or an end may not."""
    stored, [asked] = played(flows.swap(ALICE, new, announce), [("x",)])

    assert (stored, asked.text, asked.reads) == (True, text, False)
    assert asked.values[0:2] == (new.sid, new.version)
    assert asked.values[8:] == (encode(new), ALICE.version, encode(ALICE))
    assert played(flows.swap(ALICE, new, announce), [])[0] is False


# -- epochs ------------------------------------------------------------------------------------------------------


def test_an_epoch_is_read_minted_and_moved_on() -> None:
    assert played(flows.epoch("alice"), [(4, None, False)]) == (
        Epoch(value=4),
        [Statement(sql.EPOCH, ("alice",), reads=True)],
    )
    assert played(flows.mint("alice", 9), [(4, "admin")]) == (
        Epoch(value=4, cause=Reason.ADMIN),
        [Statement(sql.MINT, ("alice", 9))],
    )


@pytest.mark.parametrize(("announce", "tail"), [(True, sql.ANNOUNCE_MOVED), (False, sql.MOVED)])
def test_an_epoch_is_moved_on_whatever_stands_or_only_the_expected_one(announce: bool, tail: bytes) -> None:
    moved = Epoch(value=9, cause=Reason.PASSWORD_RESET)

    assert played(flows.supersede("alice", 9, Reason.PASSWORD_RESET, None, announce), [(9, "")]) == (
        moved,
        [Statement(sql.SUPERSEDE + tail, ("alice", 9, "password_reset"))],
    )
    assert played(flows.supersede("alice", 9, Reason.PASSWORD_RESET, 0, announce), [(9, "")]) == (
        moved,
        [Statement(sql.SUPERSEDE_EXPECTED + tail, ("alice", 9, "password_reset", 0))],
    )
    assert played(flows.supersede("alice", 9, Reason.PASSWORD_RESET, 7, announce), [])[0] is None


# -- lists -------------------------------------------------------------------------------------------------------


def listed(*rows: Session) -> list[tuple[str, bytes]]:
    """Give rows as the server lists them."""
    return [(row.sid, encode(row)) for row in rows]


def test_a_list_holds_what_the_records_say_and_not_what_the_columns_do() -> None:
    other = evolve(ALICE, sid="t" * 22, subject="bob")
    rows = [*listed(ALICE, evolve(OUT, sid="o" * 22), other), ("u" * 22, b"spoilt")]

    assert played(flows.of_subject("alice", live=False), rows) == (
        [ALICE, evolve(OUT, sid="o" * 22)],
        [Statement(sql.OF_SUBJECT, ("alice",), reads=True)],
    )
    assert played(flows.of_subject("alice", live=True), rows) == (
        [ALICE],
        [Statement(sql.LIVING, ("alice",), reads=True)],
    )


def test_the_sessions_of_a_providers_session_are_those_of_both_its_names() -> None:
    issuer, sid = ALICE.upstream
    others = [evolve(ALICE, upstream=(issuer, "x")), evolve(ALICE, upstream=("https://x.example", sid))]

    assert played(flows.of_upstream(issuer, sid), listed(ALICE, *others)) == (
        [ALICE],
        [Statement(sql.OF_UPSTREAM, (issuer, sid), reads=True)],
    )


def overdue(row: Session, sid: str = "") -> tuple[str, bytes, int, int]:
    """Give a row as it is listed when its time has come."""
    sid = sid or row.sid
    return (sid, encode(evolve(row, sid=sid)), row.deadline - row.deadline % SWEEP, row.deadline)


def spoilt(sid: str, deadline: int = 1_005) -> tuple[str, bytes, int, int]:
    """Give one that cannot be read."""
    return (sid, b"spoilt", 0, deadline)


def test_overdue_rows_are_listed_page_by_page_until_there_are_enough(caplog: pytest.LogCaptureFixture) -> None:
    first = [overdue(GUEST, "a" * 22), spoilt("b" * 22)]
    second = [overdue(GUEST, "c" * 22), overdue(GUEST, "d" * 22)]
    found, asked = played(flows.due(99, 2), first, second)

    assert [row.sid for row in found] == ["a" * 22, "c" * 22]
    assert asked == [
        Statement(sql.DUE, (99, -1, -1, "", 2), reads=True),
        Statement(sql.DUE, (99, 0, 1_005, "b" * 22, 2), reads=True),
    ]
    assert not caplog.records, "the end of the list is not reached"


def test_at_the_end_of_the_list_it_is_told_how_many_cannot_be_read(caplog: pytest.LogCaptureFixture) -> None:
    page = [spoilt("a" * 22), spoilt("b" * 22), overdue(GUEST, "c" * 22)]
    found, asked = played(flows.due(99, 4), page)

    assert ([row.sid for row in found], len(asked)) == (["c" * 22], 1)
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (logging.ERROR, "2 overdue records cannot be read: treated as absent, until a purge forgets them")
    ]


def test_a_list_that_is_full_or_clean_is_told_of_by_nobody(caplog: pytest.LogCaptureFixture) -> None:
    assert len(played(flows.due(99, 2), [overdue(GUEST, "a" * 22), overdue(GUEST, "b" * 22)])[0]) == 2
    assert played(flows.due(99, 2), [])[0] == []
    assert played(flows.due(99, 1), [spoilt("a" * 22)], [overdue(GUEST, "c" * 22)])[0] != []
    assert not caplog.records


# -- forgetting --------------------------------------------------------------------------------------------------


def test_marks_are_forgotten_batch_by_batch_and_then_what_ended() -> None:
    gone, asked = played(flows.purge(99, 5), [(BATCH,)], [(BATCH,)], [(BATCH - 1,)], [(5,)])

    assert gone == 5
    assert asked == [*[Statement(sql.PURGE_MARKS, (99, BATCH))] * 3, Statement(sql.PURGE, (99, 5))]


def test_where_there_is_room_left_rows_that_cannot_be_read_are_forgotten_too() -> None:
    """Exactly the bytes that could not be read; and those that another was first with do not count."""
    page = [spoilt("a" * 22, 7), overdue(GUEST, "b" * 22), spoilt("c" * 22, 8), spoilt("d" * 22, 9)]
    gone, asked = played(flows.purge(99, 4), [(0,)], [(1,)], page, [(True,)], [], [(True,)])

    assert gone == 3
    assert asked[2] == Statement(sql.DUE, (98, -1, -1, "", BATCH), reads=True)
    assert asked[3:] == [Statement(sql.FORGET, (name * 22, b"spoilt")) for name in "acd"]


def test_no_more_are_forgotten_than_was_asked_for() -> None:
    page = [spoilt("a" * 22), spoilt("b" * 22), spoilt("c" * 22)]
    gone, asked = played(flows.purge(99, 3), [(0,)], [(1,)], page, [(True,)], [(True,)])

    assert (gone, len(asked)) == (3, 5)


def test_a_full_page_is_followed_by_the_next() -> None:
    page = [overdue(GUEST, f"{number:022}") for number in range(BATCH)]
    gone, asked = played(flows.purge(99, 3), [(0,)], [(0,)], page, [spoilt("z" * 22)], [(True,)])

    assert gone == 1
    assert asked[3] == Statement(sql.DUE, (98, 7 * SWEEP, GUEST.deadline, f"{BATCH - 1:022}", BATCH), reads=True)


def test_a_mark_is_made_once_and_then_made_to_last() -> None:
    assert played(flows.mark("name", 9), [(True,)]) == (True, [Statement(sql.MARK, ("name", 9))])
    assert played(flows.mark("name", 9), [], [(True,)]) == (
        False,
        [Statement(sql.MARK, ("name", 9)), Statement(sql.MARK_LONGER, ("name", 9))],
    )
