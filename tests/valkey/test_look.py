"""What is said of a server by what it answers, and by what it does not answer; what is counted there."""

import logging
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

import pytest
from valkey.exceptions import NoPermissionError, ResponseError

from sessioncore import State
from sessioncore.testing.clock import START
from sessioncore.testing.rows import OTHER, SID, ended, guest, user
from sessioncore_io.codec import encode
from sessioncore_io.operating import Census, Finding
from sessioncore_io.valkey.keys import Keys
from sessioncore_io.valkey.look import (
    EVICTS,
    FORGETS,
    KINDS,
    LAGS,
    REPLICATES,
    SNAPSHOTS,
    UNCHECKED,
    Told,
    census,
    counted,
    looked,
)
from sessioncore_io.valkey.talk import converse

INFO = {"valkey_version": "8.1.0", "used_memory_human": "1.5M", "connected_slaves": "0"}
SAFE = {"maxmemory-policy": "noeviction", "appendonly": "yes", "appendfsync": "always", "save": ""}
SAFE |= {"min-replicas-to-write": "0"}
REFUSED = NoPermissionError("no permissions to run the 'config|get' command")
FORBIDDEN = dict.fromkeys(SAFE, REFUSED)


def said(info: Any, config: dict[str, Any]) -> list[Finding]:
    """Look over a server that answers this."""

    def send(commands: Sequence[Any]) -> list[Any]:
        (kind, everything), *settings = commands
        assert (kind, everything) == ("INFO", "all")
        assert {command[:2] for command in settings} == {("CONFIG", "GET")}
        return [info, *(_reply(name, config[name]) for _, _, name in settings)]

    return converse(looked(), send)


def _reply(name: str, setting: Any) -> Any:
    return [name.encode(), setting.encode()] if isinstance(setting, str) else setting


def finding(what: str, info: dict[str, str] | None = None, config: dict[str, Any] | None = None) -> tuple[str, str]:
    """Give one finding on a server that answers what a safe one does, but for this."""
    text = "# Server\r\n" + "".join(f"{name}:{value}\r\n" for name, value in (INFO | (info or {})).items() if value)
    (found,) = [each for each in said(text.encode(), SAFE | (config or {})) if each.what == what]
    return found.value, found.advice


def test_a_server_that_says_nothing_of_itself_is_unknown() -> None:
    assert said(REFUSED, FORBIDDEN) == [Finding(what="settings", value="unknown", advice=f"INFO: {UNCHECKED}")]
    assert said(b"", SAFE) == [Finding(what="settings", value="unknown", advice=f"INFO: {UNCHECKED}")]


def test_all_that_is_looked_at_is_named_in_one_order() -> None:
    assert [found.what for found in said(b"redis_version:6.2.0\r\n", SAFE)] == [
        "server",
        "memory",
        "eviction",
        "persistence",
        "replicas",
    ]


def test_a_name_that_is_no_text_spoils_nothing_else() -> None:
    found = said(b"executable:/srv/\xff/valkey\r\nvalkey_version:8.1.0\r\n", SAFE)

    assert found[0] == Finding(what="server", value="Valkey 8.1.0")


def test_the_version_is_told_with_the_name_of_the_project() -> None:
    assert finding("server") == ("Valkey 8.1.0", "")
    assert finding("server", {"valkey_version": "", "redis_version": "6.2.7"}) == ("Redis 6.2.7", "")
    assert finding("server", {"valkey_version": ""}) == ("Redis unknown", "")


@pytest.mark.parametrize(
    ("info", "value"),
    [
        ({}, "1.5M of all there is"),
        ({"maxmemory": "0", "maxmemory_human": "0B"}, "1.5M of all there is"),
        ({"maxmemory": "1048576", "maxmemory_human": "1.00M"}, "1.5M of 1.00M"),
        ({"maxmemory": "1048576"}, "1.5M of ?"),
        ({"used_memory_human": ""}, "? of all there is"),
    ],
)
def test_the_memory_that_is_used_is_told_with_its_limit(info: dict[str, str], value: str) -> None:
    assert finding("memory", info) == (value, "")


@pytest.mark.parametrize(
    ("info", "config", "expected"),
    [
        ("", "noeviction", ("noeviction", "")),
        ("", "allkeys-lru", ("allkeys-lru", EVICTS)),
        ("noeviction", REFUSED, ("noeviction", "")),
        ("volatile-ttl", REFUSED, ("volatile-ttl", EVICTS)),
        ("", REFUSED, ("unknown", UNCHECKED)),
        ("", [], ("unknown", UNCHECKED)),
        ("", ResponseError("unknown command 'CONFIG'"), ("unknown", UNCHECKED)),
    ],
)
def test_the_policy_of_eviction_is_what_either_answer_says(info: str, config: Any, expected: tuple[str, str]) -> None:
    assert finding("eviction", {"maxmemory_policy": info}, {"maxmemory-policy": config}) == expected


@pytest.mark.parametrize(
    ("aof", "config", "expected"),
    [
        ("", {"appendfsync": "always"}, ("always", "")),
        ("", {"appendfsync": "everysec"}, ("everysec", LAGS)),
        ("", {"appendfsync": REFUSED}, ("unknown", UNCHECKED)),
        ("", {"appendonly": "no", "save": "900 1"}, ("900 1", SNAPSHOTS)),
        ("", {"appendonly": "no", "save": ""}, ("none", FORGETS)),
        ("", {"appendonly": "no", "save": REFUSED}, ("unknown", UNCHECKED)),
        ("", {"appendonly": REFUSED, "save": "900 1"}, ("unknown", UNCHECKED)),
        ("", {"appendonly": [], "save": ""}, ("unknown", UNCHECKED)),
        ("1", {"appendonly": REFUSED, "appendfsync": "always"}, ("always", "")),
        ("1", {"appendonly": REFUSED, "appendfsync": "everysec"}, ("everysec", LAGS)),
        ("0", {"appendonly": REFUSED, "save": "900 1"}, ("900 1", SNAPSHOTS)),
        ("0", {"appendonly": REFUSED, "save": ""}, ("none", FORGETS)),
        ("0", {"appendonly": "yes", "appendfsync": "always"}, ("always", "")),
        ("2", {"appendonly": REFUSED, "save": ""}, ("unknown", UNCHECKED)),
    ],
)
def test_what_lasts_is_judged_by_what_the_server_lets_us_see(
    aof: str, config: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert finding("persistence", {"aof_enabled": aof}, config) == expected


@pytest.mark.parametrize(
    ("connected", "least", "expected"),
    [
        ("", "0", ("0", "")),
        ("0", "0", ("0", "")),
        ("0", "1", ("0", "")),
        ("0", REFUSED, ("0", "")),
        ("2", "0", ("2", REPLICATES)),
        ("2", REFUSED, ("2", REPLICATES)),
        ("1", "1", ("1", "")),
        ("2", "2", ("2", "")),
    ],
)
def test_replicas_that_nobody_waits_for_are_warned_of(connected: str, least: Any, expected: tuple[str, str]) -> None:
    assert finding("replicas", {"connected_slaves": connected}, {"min-replicas-to-write": least}) == expected


def test_too_few_answers_are_not_taken_for_those_to_other_questions() -> None:
    with pytest.raises(ValueError, match="shorter"):
        converse(looked(), lambda _: [b"valkey_version:8.1.0", [b"maxmemory-policy", b"noeviction"]])


KEYS = Keys("sc:")
HELD: dict[str, tuple[int, bytes | None]] = {
    KEYS.row(SID): (1_000, encode(user())),
    KEYS.row(OTHER): (300, encode(ended(guest(OTHER), START))),
    KEYS.row("u" * 22): (40, b"an old release"),
    KEYS.row("v" * 22): (0, None),  # collected meanwhile
    KEYS.key("e", "alice"): (1, None),
    KEYS.key("e", "bob"): (2, None),
    KEYS.list_of("d", SID): (4_000, None),
    KEYS.list_of("x", SID): (10_000, None),
    KEYS.list_of("m", "jti"): (20_000, None),
    KEYS.key("u", "alice"): (40_000, None),
    KEYS.key("p", "22:https://op.exampleop-1"): (100_000, None),
    "other:" + KEYS.row(SID): (7_000_000, None),
}


def answer(command: Any, page: int = 2) -> Any:
    """Answer as a server does that holds this, and gives few keys at a time."""
    match command:
        case "SCAN", cursor, "MATCH", pattern, "COUNT", int():
            found = [key.encode() for key in HELD if fnmatchcase(key, pattern)]
            following = cursor + page
            return [b"%d" % following if following < len(found) else b"0", found[cursor:following]]
        case "MEMORY", "USAGE", key, "SAMPLES", 0:  # 0 is for all: with any other number it is a guess
            return HELD[key.decode()][0]
        case "GET", key:
            return HELD[key.decode()][1]
    raise AssertionError(command)


def all_counted(told: list[int]) -> Census:
    """Count what the server holds."""

    def send(commands: Sequence[Any]) -> list[Any]:
        return [answer(command) for command in commands]

    progress = Told(told.append)
    return census([(kind, converse(counted(KEYS, kind, progress.add), send)) for kind in KINDS])


def test_a_census_counts_rows_by_state_and_the_bytes_of_every_kind_of_key(caplog: pytest.LogCaptureFixture) -> None:
    told: list[int] = []
    with caplog.at_level(logging.DEBUG):
        found = all_counted(told)

    assert {state: count for state, count in found.by_state.items() if count} == {
        State.AUTHENTICATED: 1,
        State.LOGGED_OUT: 1,
    }
    assert (found.unreadable, found.subjects) == (2, 2)
    assert found.size == 175_343
    assert told == [2, 4]
    assert caplog.records == []  # what cannot be read is counted, and not reported row by row


def test_too_few_records_are_not_taken_for_those_of_other_rows() -> None:
    def send(commands: Sequence[Any]) -> list[Any]:
        replies = [answer(command) for command in commands]
        return replies[1:] if commands[0][0] == "GET" else replies

    with pytest.raises(ValueError, match="shorter"):
        converse(counted(KEYS, "s", lambda _: None), send)
