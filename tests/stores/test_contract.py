"""What ``sessioncore.ports`` promises, store by store."""

import pytest
from attrs import evolve
from tests.stores.rows import HOUR, OTHER, SID, ended, guest, touched, user

from sessioncore import Epoch, Reason, Session, Store
from sessioncore.testing.clock import START


def test_an_unknown_selector_is_absent(store: Store) -> None:
    assert store.load(SID) == (None, None)


def test_a_row_comes_back_as_it_was_put(store: Store) -> None:
    row = evolve(user(), data=(("cart", '["é","手机"]'),), activities=('{"what":"seen"}',), label="手机")

    assert store.swap(None, row)
    assert store.load(SID) == (row, None)


def test_a_row_comes_with_its_subjects_epoch(store: Store) -> None:
    store.swap(None, user())
    store.swap(None, guest(OTHER))
    store.mint("alice", START)

    assert store.load(SID)[1] == Epoch(value=START)
    assert store.load(OTHER)[1] is None


# -- swap ----------------------------------------------------------------------------------------------------


def test_an_insert_never_overwrites(store: Store) -> None:
    store.swap(None, guest())

    assert not store.swap(None, guest(secret="another"))
    assert store.load(SID)[0] == guest()


def test_an_insert_never_overwrites_a_tombstone(store: Store) -> None:
    store.swap(None, guest())
    store.swap(guest(), ended(guest(), START))

    assert not store.swap(None, guest())
    assert store.load(SID)[0] == ended(guest(), START)


def test_a_swap_puts_the_new_row_where_the_old_one_is(store: Store) -> None:
    store.swap(None, guest())

    assert store.swap(guest(), touched(guest(), START + 1))
    assert store.load(SID)[0] == touched(guest(), START + 1)


def test_a_swap_on_a_missing_row_brings_nothing_back(store: Store) -> None:
    assert not store.swap(guest(), touched(guest(), START + 1))
    assert store.load(SID) == (None, None)


def test_a_swap_on_a_changed_row_changes_nothing(store: Store) -> None:
    store.swap(None, guest())
    store.swap(guest(), touched(guest(), START + 5))

    assert not store.swap(guest(), touched(guest(), START + 9))
    assert store.load(SID)[0] == touched(guest(), START + 5)


def test_a_swap_on_a_row_with_another_proof_changes_nothing(store: Store) -> None:
    store.swap(None, guest(secret="theirs"))

    assert not store.swap(guest(), touched(guest(), START + 1))
    assert store.load(SID)[0] == guest(secret="theirs")


@pytest.mark.parametrize("reason", [Reason.USER, Reason.ADMIN])
def test_a_swap_on_an_ended_row_changes_nothing_even_if_it_names_it_exactly(store: Store, reason: Reason) -> None:
    tombstone = ended(guest(), START, reason)
    store.swap(None, guest())
    store.swap(guest(), tombstone)

    assert not store.swap(tombstone, evolve(touched(guest(), START + 1), version=3))
    assert not store.swap(guest(), touched(guest(), START + 1))
    assert store.load(SID)[0] == tombstone


# -- epochs --------------------------------------------------------------------------------------------------


def test_a_subject_without_an_epoch_has_none(store: Store) -> None:
    assert store.epoch("alice") is None


def test_the_first_mint_stands(store: Store) -> None:
    assert store.mint("alice", START) == Epoch(value=START)
    assert store.mint("alice", START + 9) == Epoch(value=START)
    assert store.epoch("alice") == Epoch(value=START)


def test_a_mint_after_a_reset_returns_what_the_reset_left(store: Store) -> None:
    store.supersede("alice", START, Reason.PASSWORD_RESET)

    assert store.mint("alice", START + 9) == Epoch(value=START, cause=Reason.PASSWORD_RESET)


def test_superseding_moves_on_whatever_the_clock_says(store: Store) -> None:
    store.mint("alice", START)

    assert store.supersede("alice", START - HOUR, Reason.ADMIN) == Epoch(value=START + 1, cause=Reason.ADMIN)
    assert store.supersede("alice", START + HOUR, Reason.USER_ALL) == Epoch(value=START + HOUR, cause=Reason.USER_ALL)
    assert store.epoch("alice") == Epoch(value=START + HOUR, cause=Reason.USER_ALL)


def test_superseding_with_the_expected_epoch_moves_on(store: Store) -> None:
    store.mint("alice", START)

    moved = store.supersede("alice", START + 5, Reason.PASSWORD_CHANGE, expected=START)

    assert moved == Epoch(value=START + 5, cause=Reason.PASSWORD_CHANGE)


@pytest.mark.parametrize("expected", [0, START - 1, START + 1])
def test_superseding_with_another_epoch_than_expected_changes_nothing(store: Store, expected: int) -> None:
    store.mint("alice", START)

    assert store.supersede("alice", START + 5, Reason.ADMIN, expected=expected) is None
    assert store.epoch("alice") == Epoch(value=START)


def test_superseding_an_expected_epoch_that_is_not_there_creates_none(store: Store) -> None:
    assert store.supersede("alice", START, Reason.ADMIN, expected=0) is None
    assert store.epoch("alice") is None


def test_one_subjects_epoch_is_not_anothers(store: Store) -> None:
    store.mint("alice", START)
    store.supersede("bob", START + 1, Reason.ADMIN)

    assert store.epoch("alice") == Epoch(value=START)


# -- lists ---------------------------------------------------------------------------------------------------


def sids(rows: object) -> list[str]:
    """Give the selectors of rows, sorted."""
    return sorted(row.sid for row in rows)  # type: ignore[attr-defined]


def test_the_rows_of_a_subject_are_listed_with_its_tombstones(store: Store) -> None:
    store.swap(None, user())
    store.swap(None, user(OTHER))
    store.swap(None, user("u" * 22, "bob"))
    store.swap(user(OTHER), ended(user(OTHER), START))

    assert sids(store.of_subject("alice")) == [SID, OTHER]
    assert sids(store.of_subject("nobody")) == []


def test_guests_are_nobodys_rows(store: Store) -> None:
    store.swap(None, guest())

    assert sids(store.of_subject("")) == []
    assert sids(store.of_upstream("", "")) == []


def test_a_row_that_changed_hands_is_listed_for_its_new_subject_only(store: Store) -> None:
    store.swap(None, user(subject="alice"))
    store.swap(user(subject="alice"), evolve(user(subject="bob"), version=2))

    assert sids(store.of_subject("alice")) == []
    assert sids(store.of_subject("bob")) == [SID]


def test_the_rows_of_an_upstream_session_are_listed(store: Store) -> None:
    store.swap(None, user())
    store.swap(None, evolve(user(OTHER), upstream=("https://op.example", "op-2")))

    assert sids(store.of_upstream("https://op.example", "op-1")) == [SID]
    assert sids(store.of_upstream("https://other.example", "op-1")) == []


def test_overdue_rows_are_listed_from_their_deadline_on_the_most_overdue_first(store: Store) -> None:
    for number, sid in enumerate(("u" * 22, SID, OTHER)):
        store.swap(None, guest(sid, at=START + number))

    assert [row.sid for row in store.due(START + HOUR - 1, 10)] == []
    assert [row.sid for row in store.due(START + HOUR, 10)] == ["u" * 22]
    assert [row.sid for row in store.due(START + HOUR + 2, 2)] == ["u" * 22, SID]


def test_a_tombstone_is_never_due(store: Store) -> None:
    store.swap(None, guest())
    store.swap(guest(), ended(guest(), START))

    assert list(store.due(START + 100 * HOUR, 10)) == []


def test_a_use_moves_the_row_back_in_the_list_of_overdue_ones(store: Store) -> None:
    store.swap(None, guest())
    store.swap(guest(), touched(guest(), START + HOUR - 1))

    assert list(store.due(START + HOUR, 10)) == []


# -- purge and mark ------------------------------------------------------------------------------------------


def test_a_purge_forgets_tombstones_and_never_a_live_row(store: Store) -> None:
    store.swap(None, user())
    store.swap(None, user(OTHER))
    store.swap(user(), ended(user(), START))

    assert store.purge(START, 10) == 0
    assert store.purge(START + 1, 10) == 1
    assert store.load(SID)[0] is None
    assert store.load(OTHER)[0] == user(OTHER)
    assert sids(store.of_subject("alice")) == [OTHER]


def test_a_purge_forgets_no_more_than_its_limit(store: Store) -> None:
    rows: list[Session] = [guest(letter * 22) for letter in "abc"]
    for row in rows:
        store.swap(None, row)
        store.swap(row, ended(row, START))

    assert [store.purge(START + 1, 2) for _ in range(3)] == [2, 1, 0]


def test_a_purge_forgets_no_epoch(store: Store) -> None:
    store.supersede("alice", START, Reason.PASSWORD_RESET)
    store.purge(START + 100 * HOUR, 10)

    assert store.epoch("alice") == Epoch(value=START, cause=Reason.PASSWORD_RESET)


def test_a_name_is_marked_the_first_time_only(store: Store) -> None:
    assert store.mark("jti-1", START)
    assert not store.mark("jti-1", START)
    assert store.mark("jti-2", START)


def test_a_mark_is_remembered_until_the_latest_instant_that_was_asked_for(store: Store) -> None:
    store.mark("jti-1", START)
    store.mark("jti-1", START + HOUR)
    store.purge(START + HOUR, 10)

    assert not store.mark("jti-1", START)
