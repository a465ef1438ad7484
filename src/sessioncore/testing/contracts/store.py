"""The contract of a store: subclass it with one fixture, and every promise of ``sessioncore.ports`` is a test.

    class TestMyStore(StoreContract):
        @pytest.fixture
        def store(self, tmp_path):
            return MyStore(tmp_path / "sessions")        # an empty one

Hooks may be filled in besides; what depends on one that is not is skipped, by name.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest

from sessioncore import AsyncStore, Reason, Store, StoreUnavailable

from ..clock import START
from ..passing import PassingStore
from ..rows import HOUR, OTHER, SID, ended, guest, touched, user
from .differential import Differential
from .processes import ProcessRaces
from .promises import EpochPromises, ListPromises, RowPromises
from .races import TaskRaces, ThreadRaces

CALLS: dict[str, Callable[[Store], object]] = {
    "load": lambda store: store.load(SID),
    "swap": lambda store: store.swap(guest(), touched(guest(), START + 1)),
    "epoch": lambda store: store.epoch("alice"),
    "mint": lambda store: store.mint("alice", START),
    "supersede": lambda store: store.supersede("alice", START, Reason.ADMIN),
    "of_subject": lambda store: store.of_subject("alice"),
    "of_upstream": lambda store: store.of_upstream("https://op.example", "op-1"),
    "due": lambda store: store.due(START, 10),
    "purge": lambda store: store.purge(START, 10),
    "mark": lambda store: store.mark("jti", START),
}


DAMAGED = f"the record under {SID} was damaged"


def _unavailable(store: Store, call: Callable[[Store], object]) -> bool:
    try:
        call(store)
    except StoreUnavailable:
        return True
    return False


class Hooks:
    """What only the store's author can do to a store; each is given what the fixture ``store`` made."""

    def reopen(self, store: Any) -> Any:
        """Give the store as it is after a restart, or as another process sees it."""
        pytest.skip("fill in reopen(store) to test what survives a restart")

    def damage(self, store: Any, sid: str) -> None:
        """Spoil the stored record under this selector, by a few bytes; what finds it by its deadline stays."""
        pytest.skip("fill in damage(store, sid) to test unreadable records")

    def cut_off(self, store: Any) -> AbstractContextManager[object]:
        """Keep the store's server or file out of reach within the ``with`` block."""
        pytest.skip("fill in cut_off(store) to test what happens when the store is unavailable")


class Mishaps(Hooks):
    """What a store promises when things break."""

    def plainly(self, store: Any, request: pytest.FixtureRequest) -> Store:
        """Give a store that can be called without awaiting."""
        raise NotImplementedError

    def test_what_was_acknowledged_is_there_after_a_restart(
        self, store: Any, plain: Store, request: pytest.FixtureRequest
    ) -> None:
        plain.swap(None, user())
        plain.swap(None, guest(OTHER))
        plain.swap(guest(OTHER), ended(guest(OTHER), START))
        epoch = plain.supersede("alice", START, Reason.PASSWORD_RESET)
        again = self.plainly(self.reopen(store), request)

        assert again.load(SID) == (user(), epoch)
        assert again.load(OTHER)[0] == ended(guest(OTHER), START)
        assert [row.sid for row in again.of_subject("alice")] == [SID]

    def test_a_damaged_record_is_absent_and_never_defaults(self, store: Any, plain: Store) -> None:
        plain.swap(None, user())
        plain.swap(None, user(OTHER))
        self.damage(store, SID)

        assert plain.load(SID)[0] is None, f"{DAMAGED}, so load() has to find nothing"
        listed = [row.sid for row in plain.of_subject("alice")]
        assert listed == [OTHER], f"{DAMAGED}, so of_subject() has to list the other one only"
        due = [row.sid for row in plain.due(START + 10**12, 10)]
        assert due == [OTHER], f"{DAMAGED}, so due() has to list the other one only"

    def test_a_damaged_record_is_not_overwritten_by_an_insert(self, store: Any, plain: Store) -> None:
        plain.swap(None, user())
        self.damage(store, SID)

        assert not plain.swap(None, guest()), f"{DAMAGED}; it is there all the same, so an insert has to fail"
        assert plain.load(SID)[0] is None, f"{DAMAGED}, so load() has to find nothing"

    def test_a_damaged_record_is_forgotten_by_a_purge_once_its_deadline_is_of_before(
        self, store: Any, plain: Store
    ) -> None:
        """Nobody can end it, so nothing else would ever remove it."""
        plain.swap(None, guest())
        plain.swap(None, guest(OTHER))
        self.damage(store, SID)

        assert plain.purge(START + HOUR, 10) == 0, f"{DAMAGED}; its deadline is not before this purge's instant"
        assert not plain.swap(None, guest()), f"{DAMAGED}; no purge has forgotten it, so an insert has to fail"
        forgotten = plain.purge(START + HOUR + 1, 10)
        assert forgotten == 1, f"{DAMAGED}; purge() has to find it by its deadline, which damage() must leave readable"
        assert plain.swap(None, guest()), f"{DAMAGED}, and forgotten by a purge, so an insert has to succeed"
        assert plain.load(OTHER)[0] == guest(OTHER), "the other record was not damaged, and has to stay"

    def test_every_call_says_so_when_the_store_is_unavailable(self, store: Any, plain: Store) -> None:
        plain.swap(None, guest())
        with self.cut_off(store):
            silent = [name for name, call in CALLS.items() if not _unavailable(plain, call)]

        assert silent == []

    def test_a_store_that_is_back_in_reach_holds_what_it_held(self, store: Any, plain: Store) -> None:
        plain.swap(None, guest())
        with self.cut_off(store), pytest.raises(StoreUnavailable):
            plain.swap(guest(), touched(guest(), START + 1))

        assert plain.load(SID)[0] in (guest(), touched(guest(), START + 1))
        assert plain.mark("jti", START)


class StoreContract(RowPromises, EpochPromises, ListPromises, Mishaps, Differential, ThreadRaces, ProcessRaces):
    """Test a ``Store``: subclass it, and give an empty one as the fixture ``store``."""

    @pytest.fixture
    def plain(self, store: Store) -> Store:
        """Give the store as the tests call it."""
        return store

    def plainly(self, store: Any, request: pytest.FixtureRequest) -> Store:
        """Give the store itself."""
        made: Store = store
        return made


class AsyncStoreContract(RowPromises, EpochPromises, ListPromises, Mishaps, Differential, TaskRaces):
    """Test an ``AsyncStore``: subclass it, and give an empty one as the fixture ``store``.

    A store that has to be opened in its event loop is opened by the fixture ``runner``:

        @pytest.fixture
        def store(self, runner):
            store = runner.run(MyStore.connect(...))
            yield store
            runner.run(store.close())
    """

    @pytest.fixture
    def runner(self) -> Iterator[asyncio.Runner]:
        """Give the event loop in which every call of a test is awaited."""
        with asyncio.Runner() as runner:
            yield runner

    @pytest.fixture
    def plain(self, store: AsyncStore, runner: asyncio.Runner) -> "Awaited":
        """Give the store as the tests call it."""
        return Awaited(store, runner)

    def plainly(self, store: Any, request: pytest.FixtureRequest) -> Store:
        """Await every call in the test's event loop."""
        return Awaited(store, request.getfixturevalue("runner"))


class Awaited(PassingStore):
    """Call an awaited store without awaiting."""

    def __init__(self, store: AsyncStore, runner: asyncio.Runner) -> None:
        super().__init__(store)
        self.runner = runner

    def call(self, name: str, *args: Any, **named: Any) -> Any:
        """Await one call in the event loop."""

        async def awaited() -> Any:
            return await super(Awaited, self).call(name, *args, **named)

        return self.runner.run(awaited())
