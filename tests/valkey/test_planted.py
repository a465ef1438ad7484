"""Each mistake that a Valkey store could make is caught by the test that is there for it."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.servers.valkey import Server
from tests.valkey import test_faults as faults
from tests.valkey import test_lists as lists
from tests.valkey import test_records as records
from tests.valkey.stand import Stand, plain, standing
from valkey.exceptions import ResponseError

from sessioncore.testing.contracts.promises import EpochPromises, ListPromises, RowPromises
from sessioncore.testing.rows import SID, user
from sessioncore_io.codec import readable
from sessioncore_io.valkey import ValkeyStore
from sessioncore_io.valkey import calls as valkey_calls
from sessioncore_io.valkey import keys as valkey_keys
from sessioncore_io.valkey import lists as valkey_lists
from sessioncore_io.valkey import wire as valkey_wire
from sessioncore_io.valkey.keys import epoch_in
from sessioncore_io.valkey.scripts import FORGET, SUPERSEDE, SWAP, Script

Caught = (AssertionError, pytest.fail.Exception)


@pytest.fixture
def server(valkey_server: Server) -> Server:
    """Give the server, emptied."""
    valkey_server.ask("FLUSHALL")
    return valkey_server


@pytest.fixture
def store(server: Server) -> Iterator[ValkeyStore]:
    """Give an empty store."""
    with closing(ValkeyStore(server.url)) as store:
        yield store


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    """Sign a user in over a server of its own."""
    with standing(tmp_path, plain, **faults.LASTING) as made:
        yield made


def without(script: Script, *parts: str) -> Script:
    """Give a script that lacks something."""
    source = script.source
    for part in parts:
        assert part in source
        source = source.replace(part, "")
    return Script(source)


ROWS, EPOCHS, LISTS = RowPromises(), EpochPromises(), ListPromises()

SCRIPTS: dict[str, tuple[str, Script, Any]] = {
    "an insert that overwrites": (
        "SWAP",
        without(SWAP, "  if standing then return 0 end\n"),
        ROWS.test_an_insert_never_overwrites_a_tombstone,
    ),
    "a swap that does not compare": (
        "SWAP",
        without(SWAP, "elseif standing ~= ARGV[1] then\n  return 0\n"),
        ROWS.test_a_swap_on_a_changed_row_changes_nothing,
    ),
    "an end that stays due": (
        "SWAP",
        without(SWAP, "  redis.call('ZREM', KEYS[2], ARGV[3])\n"),
        LISTS.test_a_purge_forgets_no_more_than_its_limit,
    ),
    "a swap without hints": (
        "SWAP",
        without(SWAP, "for index = 4, #KEYS do hint(KEYS[index], ARGV[8], ARGV[3], ARGV[9]) end\n"),
        LISTS.test_the_rows_of_a_subject_are_listed_with_its_tombstones,
    ),
    "a mint that overwrites": (
        "MINT",
        Script("redis.call('SET', KEYS[1], ARGV[1]) return ARGV[1]"),
        EPOCHS.test_a_mint_after_a_reset_returns_what_the_reset_left,
    ),
    "a reset that goes back with the clock": (
        "SUPERSEDE",
        without(SUPERSEDE, "if value and value + 1 > moved then moved = value + 1 end\n"),
        EPOCHS.test_superseding_moves_on_whatever_the_clock_says,
    ),
    "a change that expects nothing": (
        "SUPERSEDE",
        without(SUPERSEDE, "if ARGV[3] ~= '' and value ~= tonumber(ARGV[3]) then return false end\n"),
        EPOCHS.test_superseding_with_another_epoch_than_expected_changes_nothing,
    ),
    "a purge that forgets the list only": (
        "FORGET",
        Script(FORGET.source.replace("redis.call('DEL', KEYS[1])", "1")),
        LISTS.test_a_purge_forgets_tombstones_of_before,
    ),
}


@pytest.mark.parametrize(("name", "broken", "promise"), SCRIPTS.values(), ids=SCRIPTS)
def test_a_broken_script_breaks_a_promise(
    store: ValkeyStore, name: str, broken: Script, promise: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = valkey_lists if name == "FORGET" else valkey_calls
    promise(store)
    store._wire.send([("FLUSHALL",)])
    store._calls._seen.clear()
    monkeypatch.setattr(module, name, broken)

    if name == "SWAP" and "ZREM" not in broken.source:
        with pytest.raises(Caught):
            LISTS.test_a_tombstone_is_never_due(store)
    else:
        with pytest.raises(Caught):
            promise(store)


def test_a_collector_that_does_not_look_again_is_caught(
    store: ValkeyStore, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(valkey_lists, "UNHINT", Script("return redis.call('ZREM', KEYS[1], ARGV[1])"))

    with pytest.raises(Caught):
        lists.test_a_hint_that_is_written_again_meanwhile_is_not_collected(store, server)


def test_hints_that_are_collected_at_once_are_caught(
    store: ValkeyStore, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(valkey_lists, "UNDER_WAY", 0)

    with pytest.raises(Caught):
        lists.test_a_hint_whose_row_may_be_on_its_way_is_not_collected(store, server)


def test_a_time_to_live_that_ends_with_the_session_is_caught(
    store: ValkeyStore, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(valkey_keys, "KEEP", 1)

    with pytest.raises(Caught):
        lists.test_the_server_keeps_a_tombstone_longer_than_a_purge_does(store, server)


def test_an_epoch_that_is_guessed_without_looking_is_caught(
    store: ValkeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose row it was is a guess: the row says whose it is."""

    def believing(guess: Any, replies: Any) -> Any:
        return readable(guess.sid, replies[0][0]), epoch_in(replies[0][1])

    monkeypatch.setattr(valkey_calls.Guess, "judged", believing)
    store.swap(None, user())
    store.load(SID)

    with pytest.raises(Caught):
        records.test_a_row_that_changed_hands_comes_with_the_epoch_of_its_subject(store)


def test_a_write_that_is_tried_again_is_caught(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    send = valkey_wire.Wire.send

    def stubborn(wire: Any, commands: Any) -> Any:
        try:
            return send(wire, commands)
        except valkey_wire.Lost:
            return send(wire, commands)

    stand.store._send = lambda commands: stubborn(stand.store._wire, commands)  # type: ignore[attr-defined]

    with pytest.raises(Caught):
        faults.test_a_write_whose_reply_was_cut_is_refused_and_done_once(stand)


def test_a_connection_that_is_used_again_after_a_time_out_is_caught(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lazily_read(connection: Any) -> Any:
        try:
            return connection.read_response(disconnect_on_error=False)
        except ResponseError as refusal:
            return refusal

    def reused(wire: Any, connection: Any, commands: Any) -> Any:
        try:
            connection.send_packed_command(valkey_wire._packed(connection, commands))
            return [lazily_read(connection) for _ in commands]
        except valkey_wire.FAILURES as error:
            raise valkey_wire._failed("{}", error) from error
        finally:
            wire._idle.append(connection)

    monkeypatch.setattr(valkey_wire.Wire, "_exchange", reused)

    with pytest.raises(Caught):
        faults.test_a_late_reply_answers_no_other_question(stand)
