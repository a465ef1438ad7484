"""A mark that has passed is forgotten by a purge; no mark keeps another."""

from sessioncore import Store
from sessioncore.testing.clock import START
from sessioncore.testing.rows import HOUR


def test_a_purge_forgets_the_marks_that_have_passed_and_no_others(store: Store) -> None:
    store.mark("passed", START)
    store.mark("kept", START)
    store.mark("kept", START + HOUR)
    store.purge(START + HOUR, 10)

    assert store.mark("passed", START)
    assert not store.mark("kept", START)


def test_a_mark_is_kept_at_the_very_instant_until_which_it_was_asked_for(store: Store) -> None:
    store.mark("name", START)
    store.purge(START, 10)

    assert not store.mark("name", START)
