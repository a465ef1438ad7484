"""What a store lists and forgets where somebody asks for more than there is: nobody's rows, and all time."""

import pytest
from attrs import evolve

from sessioncore import Store
from sessioncore.records import NEVER
from sessioncore.testing.clock import START
from sessioncore.testing.rows import ISSUER, SID, ended, guest, user


@pytest.mark.parametrize("live", [False, True])
def test_a_guest_is_listed_for_nobody(store: Store, live: bool) -> None:
    store.swap(None, guest())

    assert list(store.of_subject("", live=live)) == []


def test_a_row_is_listed_for_an_issuer_that_named_no_session(store: Store) -> None:
    row = evolve(user(), upstream=(ISSUER, ""))
    store.swap(None, row)

    assert list(store.of_upstream(ISSUER, "")) == [row]
    assert list(store.of_upstream(ISSUER, "op-1")) == []


def test_a_purge_of_all_time_forgets_what_ended_and_no_live_row(store: Store) -> None:
    gone = ended(guest("g" * 22), START)
    store.swap(None, user())
    store.swap(None, gone)

    assert store.purge(NEVER + 1, 10) == 1
    assert (store.load(SID)[0], store.load(gone.sid)[0]) == (user(), None)
