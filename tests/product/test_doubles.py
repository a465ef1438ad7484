"""The recording and the faulty store stand in front of plain and of awaited stores."""

import asyncio

import pytest
from tests.stores.awaiting import AwaitingStore

from sessioncore import AsyncStore, InvalidSetting, Store, StoreUnavailable
from sessioncore.testing.doubles import AFTER, BEFORE, VERBS, Call, FaultyStore, RecordingStore
from sessioncore.testing.rows import SID, guest
from sessioncore_io.memory import MemoryStore
from sessioncore_io.shell import AsyncSessions, Sessions


def test_they_have_every_method_of_the_port() -> None:
    methods = {name for name in vars(Store) if name[0] != "_"}

    assert set(VERBS) == methods


def test_they_are_stores_of_both_kinds_to_a_type_checker() -> None:
    plain: list[Store] = [RecordingStore(MemoryStore()), FaultyStore(MemoryStore())]
    awaited: list[AsyncStore] = [RecordingStore(AwaitingStore()), FaultyStore(AwaitingStore())]

    assert (len(plain), len(awaited)) == (2, 2)


def test_calls_are_recorded_with_their_arguments_in_order() -> None:
    store = RecordingStore(MemoryStore())

    assert store.swap(None, guest())
    assert store.load(SID) == (guest(), None)
    assert store.calls == [Call("swap", (None, guest())), Call("load", (SID,))]
    assert (store.names, store.count(), store.count("load")) == (["swap", "load"], 2, 1)


def test_arguments_by_name_are_recorded_by_name() -> None:
    store = RecordingStore(MemoryStore())
    store.of_subject("alice", live=True)

    assert store.calls == [Call("of_subject", ("alice",), {"live": True})]


def test_the_list_can_be_begun_anew() -> None:
    store = RecordingStore(MemoryStore())
    store.load(SID)
    store.forget()

    assert store.calls == []


def test_a_fault_before_leaves_the_row_as_it_was() -> None:
    store = FaultyStore(MemoryStore())
    store.fail("swap", when=BEFORE)

    with pytest.raises(StoreUnavailable, match="swap: the connection broke before the request arrived"):
        store.swap(None, guest())
    assert store.load(SID) == (None, None)


def test_a_fault_after_has_taken_effect_and_nobody_knows() -> None:
    store = FaultyStore(MemoryStore())
    store.fail("swap", when=AFTER)

    with pytest.raises(StoreUnavailable, match="before the answer arrived"):
        store.swap(None, guest())
    assert store.load(SID)[0] == guest()


def test_a_plan_skips_and_counts() -> None:
    store, answers = FaultyStore(MemoryStore()), []
    store.fail("load", skip=1, times=2)
    for _ in range(5):
        try:
            answers.append(store.load(SID))
        except StoreUnavailable:
            answers.append("down")

    assert answers == [(None, None), "down", "down", (None, None), (None, None)]


def test_without_names_everything_is_down_until_it_recovers() -> None:
    store = FaultyStore(MemoryStore())
    store.fail()
    for verb in ("load", "epoch"):
        with pytest.raises(StoreUnavailable):
            getattr(store, verb)("x")
    store.recover()

    assert store.epoch("x") is None


def test_a_name_that_is_no_method_is_refused() -> None:
    with pytest.raises(InvalidSetting, match="use the name of a store's method: load, swap"):
        FaultyStore(MemoryStore()).fail("save")


@pytest.mark.parametrize("when", [BEFORE, AFTER])
def test_an_awaited_store_fails_when_it_is_awaited(when: object) -> None:
    store = FaultyStore(RecordingStore(AwaitingStore()))
    store.fail("swap", when=AFTER if when is AFTER else BEFORE)

    async def swap() -> None:
        with pytest.raises(StoreUnavailable):
            await store.swap(None, guest())

    asyncio.run(swap())

    assert store.store.count("swap") == (1 if when is AFTER else 0)


def test_the_shells_take_them() -> None:
    plain, awaited = RecordingStore(MemoryStore()), RecordingStore(AwaitingStore())
    Sessions(plain).reset_password("alice")
    asyncio.run(AsyncSessions(awaited).reset_password("alice"))

    assert plain.names == awaited.names == ["supersede"]
