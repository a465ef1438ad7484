"""A split store asks the right half, hears from both and closes both; what is no pair of stores is refused."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.stores.awaiting import AwaitingStore
from tests.stores.faults import FailingStore

from sessioncore import Ending, InvalidSetting, Reason
from sessioncore.testing.clock import START
from sessioncore.testing.model import ModelStore
from sessioncore.testing.rows import SID, ended, guest, user
from sessioncore_io.memory import MemoryStore
from sessioncore_io.split import AsyncSplitStore, SplitStore
from sessioncore_io.sqlite import SqliteStore

Split = Callable[..., Any]
both = pytest.mark.parametrize("split", [SplitStore, AsyncSplitStore])


class Rows(ModelStore):
    """A store that tells nobody."""


class Epochs(ModelStore):
    """Another one."""


def answer_of(answer: Any) -> Any:
    """Give the answer of a store of either kind."""

    async def awaited(coming: Awaitable[Any]) -> Any:
        return await coming

    return asyncio.run(awaited(answer)) if isinstance(answer, Awaitable) else answer


@both
def test_one_store_for_both_is_refused_with_what_to_do(split: Split) -> None:
    store = MemoryStore()

    with pytest.raises(InvalidSetting) as refused:
        split(sessions=store, epochs=store)
    assert str(refused.value) == ("epochs = 'MemoryStore': pass another store than for sessions, or use that one alone")


@both
@pytest.mark.parametrize("wrong", [None, 7, "sqlite:///epochs.db", MemoryStore])
@pytest.mark.parametrize("half", ["sessions", "epochs"])
def test_a_half_that_is_no_store_is_refused_by_its_name(split: Split, half: str, wrong: Any) -> None:
    with pytest.raises(InvalidSetting, match="pass a store") as refused:
        split(**{"sessions": MemoryStore(), "epochs": MemoryStore(), half: wrong})

    assert (refused.value.name, refused.value.value) == (half, wrong)


@pytest.mark.parametrize("half", ["sessions", "epochs"])
def test_a_half_that_has_to_be_awaited_is_refused_where_nobody_awaits(half: str) -> None:
    halves: dict[str, Any] = {"sessions": MemoryStore(), "epochs": MemoryStore(), half: AwaitingStore()}
    with pytest.raises(InvalidSetting) as refused:
        SplitStore(**halves)

    assert str(refused.value) == f"{half} = 'AwaitingStore': it has to be awaited: use AsyncSplitStore"


@both
def test_stores_that_tell_nobody_are_named_the_sessions_first(split: Split) -> None:
    with pytest.raises(InvalidSetting) as refused:
        split(sessions=Rows(), epochs=Epochs()).subscribe(print)

    assert str(refused.value) == "store = 'Rows, Epochs': it does not tell of ends: use one that does"


@both
def test_a_guests_row_is_no_question_to_the_epochs(split: Split) -> None:
    """Nobody's epoch may be asked for where it cannot be: guests go on without the epochs' store."""
    epochs = FailingStore(MemoryStore())
    store = split(sessions=MemoryStore(), epochs=epochs)
    answer_of(store.swap(None, guest()))
    epochs.fail(1, performed=False)

    assert answer_of(store.load(SID)) == (guest(), None)
    assert not epochs.failed


@both
def test_the_rows_of_a_subject_are_listed_with_its_tombstones_unless_only_the_living_are_asked_for(
    split: Split,
) -> None:
    store, gone = split(sessions=MemoryStore(), epochs=MemoryStore()), ended(user(), START)
    answer_of(store.swap(None, gone))

    assert list(answer_of(store.of_subject("alice"))) == [gone]
    assert list(answer_of(store.of_subject("alice", live=True))) == []


@both
def test_ends_are_heard_from_both_until_the_subscription_is_closed(split: Split) -> None:
    store, heard = split(sessions=MemoryStore(), epochs=MemoryStore()), list[Ending]()
    subscription = store.subscribe(heard.append)
    answer_of(store.swap(None, ended(user(), START)))
    answer_of(store.supersede("alice", START, Reason.ADMIN))
    assert heard == [Ending(sid=SID), Ending(subject="alice")]

    subscription.close()
    answer_of(store.swap(None, ended(user("t" * 22), START)))
    answer_of(store.supersede("alice", START, Reason.ADMIN))
    assert len(heard) == 2


@both
def test_to_close_it_is_to_close_both(split: Split, tmp_path: Path) -> None:
    halves = [SqliteStore(tmp_path / name) for name in ("rows.db", "epochs.db")]
    held = [half._connection for half in halves]
    answer_of(split(sessions=halves[0], epochs=halves[1]).close())

    for connection in held:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            connection.execute("SELECT 1")


def test_a_half_that_has_nothing_to_close_is_left_alone(sqlite: SqliteStore) -> None:
    SplitStore(sessions=MemoryStore(), epochs=sqlite).close()
    asyncio.run(AsyncSplitStore(sessions=AwaitingStore(), epochs=sqlite).close())

    with closing(sqlite):
        assert sqlite.load(SID) == (None, None)
