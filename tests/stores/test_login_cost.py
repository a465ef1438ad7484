"""A login costs what the subject's live sessions cost, however many of theirs have ended."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Final

import pytest
from attrs import evolve

from sessioncore import Policy, Session, State, Store
from sessioncore.testing import Clock
from sessioncore.testing.clock import START
from sessioncore.testing.passing import PassingStore
from sessioncore.testing.rows import OTHER, SID, ended, user
from sessioncore_io import Sessions, codec
from sessioncore_io.memory import MemoryStore
from sessioncore_io.sqlite import SqliteStore
from sessioncore_io.sqlite.statements import DUE, LIVING

TOMBSTONES: Final = 2_000


class RememberingStore(PassingStore):
    """Remember every row that was read."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.read: list[Session] = []

    def call(self, name: str, *args: Any, **named: Any) -> Any:
        """Pass one call on, and keep the rows that it answers."""
        answer = super().call(name, *args, **named)
        if isinstance(answer, tuple | list):
            self.read += [row for row in answer if isinstance(row, Session)]
        return answer


def bury(store: Any) -> None:
    """Put 2,000 tombstones of alice into a store, and two sessions that live."""
    with ExitStack() as together:
        if isinstance(store, SqliteStore):
            together.enter_context(store._exclusively())  # one transaction, not 2,000
        for number in range(TOMBSTONES):
            row = user(f"{number:022d}")
            store.swap(None, ended(row, START))
        store.swap(None, user(SID))
        store.swap(None, user(OTHER))
    store.mint("alice", START)


def log_in(store: Store) -> State:
    """Log alice in, on a clock that is as slow as another node's may be, and under a cap that is reached."""
    sessions = Sessions(store, Policy(max_sessions=2), Clock(START))
    handle = sessions.open(None)
    handle.log_in(sessions.attempt("alice"), "pwd")
    sessions.commit(handle)
    assert handle.state is not None
    return handle.state


def test_a_login_reads_no_ended_row(store: Store) -> None:
    bury(store)
    remembering = RememberingStore(store)

    assert log_in(remembering) is State.AUTHENTICATED
    assert [row for row in remembering.read if not row.live] == []
    assert len(remembering.read) < 10
    assert len(store.of_subject("alice", live=True)) == 2


@pytest.mark.parametrize(("ended", "listed"), [(False, 2), (True, TOMBSTONES + 2)])
def test_a_list_of_sessions_reads_ended_rows_only_if_asked_for_them(store: Store, ended: bool, listed: int) -> None:
    bury(store)
    remembering = RememberingStore(store)
    sessions = Sessions(remembering, clock=Clock(START))

    assert len(sessions.sessions_of("alice", ended=ended)) == listed
    assert len(remembering.read) == listed


def test_a_login_decodes_no_ended_record(sqlite: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    bury(sqlite)
    decoded: list[Session] = []
    decode: Callable[[str, bytes], Session] = codec.decode

    def counting(sid: str, record: bytes) -> Session:
        decoded.append(decode(sid, record))
        return decoded[-1]

    monkeypatch.setattr(codec, "decode", counting)

    assert log_in(sqlite) is State.AUTHENTICATED
    assert [row for row in decoded if not row.live] == []
    assert 0 < len(decoded) < 10


@pytest.mark.parametrize(
    ("query", "values", "index"), [(LIVING, ("alice",), "sessions_living"), (DUE, (START,), "sessions_due")]
)
def test_live_rows_are_found_by_an_index_of_live_rows(
    sqlite: SqliteStore, query: str, values: tuple[object, ...], index: str
) -> None:
    plan = [step for *_, step in sqlite._connection.execute(f"EXPLAIN QUERY PLAN {query}", values)]

    assert len(plan) == 1
    assert f"USING INDEX {index}" in plan[0]


def test_a_file_of_before_the_index_gets_it_when_it_is_opened(sqlite: SqliteStore) -> None:
    sqlite.swap(None, user())
    sqlite._connection.execute("DROP INDEX sessions_living")
    again = SqliteStore(sqlite.path)
    indexes = [name for (name,) in again._connection.execute("SELECT name FROM sqlite_master WHERE type = 'index'")]
    again.close()

    assert "sessions_living" in indexes


def test_an_index_that_calls_an_ended_row_live_is_not_believed(sqlite: SqliteStore) -> None:
    sqlite.swap(None, ended(user(), START))
    sqlite._connection.execute("UPDATE sessions SET ended_at = 9007199254740992")

    assert list(sqlite.of_subject("alice", live=True)) == []


def test_memory_forgets_what_a_row_no_longer_depends_on() -> None:
    """A session that logs in again and again, each time by another session of its identity provider."""
    store, row = MemoryStore(), user()
    store.swap(None, row)
    for number in range(50):
        old, row = row, evolve(row, version=row.version + 1, upstream=("https://op.example", f"op-{number}"))
        store.swap(old, row)

    assert dict(store._by_upstream) == {("https://op.example", "op-49"): {SID}}


def test_memory_keeps_no_index_of_rows_that_are_gone() -> None:
    store = MemoryStore()
    store.swap(None, user())
    store.swap(user(), evolve(user(subject="bob"), version=2))
    store.swap(
        evolve(user(subject="bob"), version=2), tombstone := ended(evolve(user(subject="bob"), version=2), START)
    )

    assert (dict(store._living), dict(store._by_subject)) == ({}, {"bob": {SID}})

    store.purge(tombstone.ended_at + 1, 10)

    assert [dict(store._by_subject), dict(store._living), dict(store._by_upstream)] == [{}, {}, {}]
