"""Each broken store fails the promise that it breaks, by name and with a story that is short enough to read."""

import asyncio
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.product import broken_stores as broken
from tests.stores.awaiting import AwaitingStore

from sessioncore.testing.contracts import AsyncStoreContract, StoreContract
from sessioncore.testing.contracts.store import Awaited
from sessioncore.testing.linear import NotLinearizable
from sessioncore.testing.model import ModelStore
from sessioncore_io.memory import MemoryStore
from sessioncore_io.sqlite import SqliteStore

BY_NAME = {
    broken.BlindUpsert: "a_swap_on_a_changed_row_changes_nothing",
    broken.SetUnlessThere: "an_insert_never_overwrites",
    broken.LiftsTombstones: "a_swap_on_an_ended_row_changes_nothing_even_if_it_names_it_exactly",
    broken.DeletesOnLogout: "an_ended_row_stays_until_it_is_purged",
    broken.LetsTheTtlDecide: "a_row_past_its_deadline_is_still_there_until_somebody_ends_it",
    broken.FillsInDefaults: "a_damaged_record_is_absent_and_never_defaults",
    broken.LosesFields: "a_row_comes_back_as_it_was_put_in_every_field",
    broken.BelievesItsIndex: "a_row_that_changed_hands_is_listed_for_its_new_subject_only",
    broken.ListsTheDead: "the_live_rows_of_a_subject_are_listed_without_its_tombstones",
    broken.EpochOfTheFirstSubject: "a_row_comes_with_the_epoch_of_the_subject_it_has_now",
    broken.EpochFollowsTheClock: "superseding_moves_on_whatever_the_clock_says",
    broken.MintOverwrites: "the_first_mint_stands",
    broken.IgnoresTheExpectation: "superseding_with_another_epoch_than_expected_changes_nothing",
    broken.DueInTheOrderOfTheTable: "the_most_overdue_rows_are_listed_first",
    broken.DueTooLate: "overdue_rows_are_listed_from_their_deadline_on",
    broken.PurgesTheLiving: "a_purge_never_forgets_a_live_row",
    broken.PurgesEpochs: "a_purge_forgets_no_epoch",
    broken.ForgetsMarks: "a_mark_is_remembered_until_the_latest_instant_that_was_asked_for",
}
# The reference answers each call alone, so these are seen by the sentences and the stateful test alike.
DIFFERENT = (broken.BlindUpsert, broken.LiftsTombstones, broken.EpochFollowsTheClock, broken.MintOverwrites)


class Contract(StoreContract):
    """The contract, with a hook that spoils a row of the stores here."""

    def damage(self, store: Any, sid: str) -> None:
        """Take the proof out of a row; the stores here that are not broken so then read nothing."""
        object.__setattr__(store.rows[sid], "proof", "")


CONTRACT = Contract()
SENTENCES = [name for name in dir(StoreContract) if name.startswith("test_")]


def ask(name: str, store: Any) -> None:
    """Run one test of the contract on a store."""
    test = getattr(CONTRACT, f"test_{name.removeprefix('test_')}")
    given = {"store": store, "plain": store}
    wanted = test.__code__.co_varnames[1 : test.__code__.co_argcount]
    test(**{argument: given[argument] for argument in wanted})


@pytest.mark.parametrize(("store", "sentence"), BY_NAME.items(), ids=lambda it: getattr(it, "__name__", it))
def test_the_promise_that_a_store_breaks_is_named(store: Callable[[], Any], sentence: str) -> None:
    with pytest.raises(AssertionError):
        ask(sentence, store())


def test_a_damaged_record_that_is_read_is_said_to_be_damaged() -> None:
    with pytest.raises(AssertionError, match=r"the record under s+ was damaged, so load\(\) has to find nothing"):
        ask("a_damaged_record_is_absent_and_never_defaults", broken.FillsInDefaults())


class Sound(ModelStore):
    """Read a spoilt row as absent, as a codec does."""

    def load(self, sid: str) -> Any:
        row, epoch = super().load(sid)
        return (row, epoch) if row and row.proof else (None, None)

    def _where(self, holds: Any) -> Any:
        return [row for row in super()._where(holds) if row.proof]


@pytest.mark.parametrize("sentence", sorted(set(BY_NAME.values())))
def test_a_sound_store_keeps_each_of_these_promises(sentence: str) -> None:
    ask(sentence, Sound())


@pytest.mark.parametrize("store", DIFFERENT, ids=lambda it: it.__name__)
def test_the_difference_from_the_reference_is_told_in_a_few_lines(store: Callable[[], Any]) -> None:
    with pytest.raises(AssertionError, match="must answer") as told:
        ask("it_answers_what_the_reference_answers_whatever_is_asked_in_whatever_order", store())

    assert len(str(told.value).splitlines()) <= 8


THREADS = "of_threads_that_swap_one_row_at_once_one_wins"
MIXED = "threads_that_race_for_one_session_see_calls_happen_one_at_a_time"


@pytest.mark.parametrize(
    ("store", "race"), [(broken.GetThenSet, THREADS), (broken.GetThenSet, MIXED), (broken.NonAtomicSupersede, MIXED)]
)
def test_a_gap_that_only_a_race_shows_is_told_as_a_story(store: Callable[[], Any], race: str) -> None:
    with pytest.raises(NotLinearizable, match="would answer") as told:
        ask(race, store())

    assert len(str(told.value).splitlines()) <= 30


def test_a_store_with_a_gap_keeps_every_promise_that_one_caller_can_see() -> None:
    """So only the races can catch it."""
    hooked = ("damaged", "restart", "unavailable", "reach")
    seen_alone = [name for name in SENTENCES if "race" not in name and "at_once" not in name]
    for sentence in seen_alone:
        if not any(word in sentence for word in hooked):
            ask(sentence, broken.GetThenSet())

    assert len(seen_alone) > 40


@pytest.mark.parametrize("race", [THREADS, MIXED])
def test_the_memory_store_wins_its_races(race: str) -> None:
    ask(race, MemoryStore())


TASKS = "test_of_tasks_that_swap_one_row_at_once_one_wins"
CANCELLED = "test_a_client_that_is_cancelled_at_any_await_leaves_the_others_right_answers"


@pytest.mark.parametrize(
    ("store", "race"),
    [
        (broken.AsyncGetThenSet, TASKS),
        (broken.AsyncForgetsWhenCancelled, CANCELLED),
    ],
)
def test_a_gap_between_two_awaits_is_told_as_a_story(store: Callable[[], AwaitingStore], race: str) -> None:
    with asyncio.Runner() as runner, pytest.raises(NotLinearizable, match="would answer"):
        getattr(AsyncStoreContract(), race)(store(), runner)


def test_an_awaited_store_with_a_gap_keeps_the_promises_that_one_caller_can_see() -> None:
    with asyncio.Runner() as runner:
        store = Awaited(broken.AsyncGetThenSet(), runner)

        AsyncStoreContract().test_a_swap_on_a_changed_row_changes_nothing(store)


class Shared(StoreContract):
    """The contract, with the way by which another process opens the store."""

    rounds = 20

    def opener(self, store: SqliteStore) -> Callable[[], SqliteStore]:
        """Open the same file."""
        return partial(type(store), store.path, patience=30)


def test_a_gap_between_two_transactions_shows_between_processes(tmp_path: Path) -> None:
    race = Shared().test_processes_that_race_for_one_session_see_calls_happen_one_at_a_time_though_one_is_killed
    store = broken.TwoTransactions(tmp_path / "shared.db", patience=30)
    with closing(store), pytest.raises(NotLinearizable, match="would answer"):
        race(store)
