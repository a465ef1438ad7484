"""What operators are told of a Valkey server: in plain words, and once in the log."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.servers.valkey import REDIS, VALKEY, Server, serving, until
from tests.servers.valkey_groups import Group

from sessioncore import InvalidSetting, Reason, State, StoreUnavailable
from sessioncore.testing.clock import START
from sessioncore.testing.rows import SID, ended, guest, user
from sessioncore_io.valkey import AsyncValkeyStore, ValkeyStore
from sessioncore_io.valkey.keys import Keys


@pytest.fixture(params=["valkey", "redis"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """Run a server whose settings the test may change."""
    program = VALKEY if request.param == "valkey" else REDIS
    settings: dict[str, Any] = {"appendonly": "yes", "appendfsync": "always"}
    with serving(tmp_path, program, **settings) as server:
        yield server


def found(url: str) -> dict[str, tuple[str, str]]:
    """Look a server over; give what was found by name."""
    with closing(ValkeyStore(url)) as store:
        return {finding.what: (finding.value, finding.advice) for finding in store.inspect()}


def test_nothing_is_to_be_said_of_a_server_that_keeps_what_it_acknowledges(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    seen = found(server.url)

    assert {what: advice for what, (_, advice) in seen.items() if advice} == {}
    assert seen["server"][0].split()[0] == ("Valkey" if server.program == VALKEY else "Redis")
    assert (seen["eviction"][0], seen["persistence"][0]) == ("noeviction", "always")
    assert seen["latency"][0].endswith(" ms")
    assert caplog.records == []


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-lru", "volatile-ttl", "allkeys-random"])
def test_a_policy_that_evicts_is_warned_of(server: Server, policy: str) -> None:
    server.ask("CONFIG", "SET", "maxmemory-policy", policy)
    value, advice = found(server.url)["eviction"]

    assert value == policy
    assert "set maxmemory-policy noeviction" in advice


@pytest.mark.parametrize(
    ("settings", "value", "words"),
    [
        ({"appendfsync": "everysec"}, "everysec", "within the last second"),
        ({"appendonly": "no", "save": "900 1"}, "900 1", "only snapshots are written"),
        ({"appendonly": "no", "save": ""}, "none", "nothing is written to disk"),
    ],
    ids=["everysec", "snapshots", "none"],
)
def test_what_a_logout_is_worth_there_is_said(server: Server, settings: dict[str, str], value: str, words: str) -> None:
    for name, setting in settings.items():
        server.ask("CONFIG", "SET", name, setting)
    shown, advice = found(server.url)["persistence"]

    assert shown == value
    assert words in advice
    assert "appendfsync always" in advice


def test_the_first_call_warns_in_the_log_and_the_next_do_not(
    valkey_server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    valkey_server.ask("SCRIPT", "FLUSH")  # so that the first call sends two batches
    with caplog.at_level(logging.WARNING, "sessioncore"), closing(ValkeyStore(valkey_server.url)) as store:
        store.load(SID)
        first = len(caplog.records)
        store.load(SID)
        store.swap(None, guest("w" * 22))

    assert first == len(caplog.records) == 1
    assert "nothing is written to disk" in caplog.text


def test_an_awaited_store_warns_once_too(valkey_server: Server, caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        store = AsyncValkeyStore(valkey_server.url)
        await asyncio.gather(*(store.load(SID) for _ in range(5)))
        await store.close()

    with caplog.at_level(logging.WARNING, "sessioncore"):
        asyncio.run(story())

    assert [record.getMessage()[:28] for record in caplog.records] == ["Valkey: persistence none: no"]


def test_a_service_that_does_not_let_us_look_is_said_to_be_unchecked(server: Server) -> None:
    server.ask("ACL", "SETUSER", "default", "-config", "-info")
    hidden = found(server.url)
    server.ask("ACL", "SETUSER", "default", "+info")
    half = found(server.url)

    assert "does not let us look" in hidden["settings"][1]
    assert half["eviction"] == ("noeviction", "")
    assert "does not let us look" in half["persistence"][1]


def test_a_census_counts_rows_subjects_and_bytes(server: Server) -> None:
    told: list[int] = []
    server.ask("CONFIG", "SET", "appendonly", "no")  # a thousand logins need not reach the disk one by one
    with closing(ValkeyStore(server.url, prefix="a[b]*:")) as store, closing(ValkeyStore(server.url)) as other:
        other.swap(None, guest())
        for number in range(1_200):
            store.swap(None, row := user(f"{number:022d}", f"user-{number % 10}", at=START + number))
            store.mint(row.subject, START)
            if number % 3 == 0:
                store.swap(row, ended(row, row.seen_at, Reason.ADMIN))
        server.ask("SET", Keys("a[b]*:").row(f"{7:022d}"), b"spoilt")
        census = store.census(told.append)

    assert {state: count for state, count in census.by_state.items() if count} == {
        State.AUTHENTICATED: 799,
        State.LOGGED_OUT: 400,
    }
    assert (census.unreadable, census.subjects) == (1, 10)
    assert 1_200 * 300 < census.size < 1_200 * 1_000
    assert told[-1] == 1_200
    assert told == sorted(told)


def test_a_cluster_is_looked_over_and_counted_as_a_whole(cluster: Group) -> None:
    cluster.empty()
    with closing(ValkeyStore(cluster.url)) as store:
        for number in range(30):
            store.swap(None, guest(f"{number:022d}"))
        findings = [finding.what for finding in store.inspect()]
        census = store.census(lambda _: None)

    assert findings.count("persistence") == 3
    assert census.by_state[State.CREATED] == 30


def test_the_rights_that_the_documentation_names_suffice(server: Server) -> None:
    page = (Path(__file__).parents[2] / "docs" / "stores" / "valkey.md").read_text("utf-8")
    rights = page.partition("## Rights\n\n`")[2].partition("`")[0].split()
    server.ask("ACL", "SETUSER", "shop", "on", ">pw", "~sc:*", "resetchannels", "&sc:ends", "-@all", *rights)
    heard: list[object] = []
    with closing(ValkeyStore(f"valkey://shop:pw@127.0.0.1:{server.port}")) as store:
        store.subscribe(heard.append)
        until(lambda: heard, "it listens")
        store.swap(None, user())
        store.mint("alice", START)
        store.swap(user(), ended(user(), START))
        store.mark("jti", START)
        seen = [len(store.of_subject("alice")), len(store.due(START, 9)), store.purge(START + 1, 9)]
        advice = [finding.advice for finding in store.inspect() if finding.advice]
        census = store.census(lambda _: None)

    assert len(rights) > 9
    assert (seen, advice, census.subjects) == ([1, 0, 1], [], 1)


def test_there_is_nothing_to_prepare(valkey_server: Server) -> None:
    with closing(ValkeyStore(valkey_server.url)) as store:
        assert list(store.prepare()) == []


def test_a_server_that_refuses_the_store_says_so_when_it_is_prepared(valkey_server: Server) -> None:
    """Not only at the first login: an operator prepares, and looks whether that went well."""
    valkey_server.ask("ACL", "SETUSER", "stranger", "reset", "on", ">secret", "~other:*", "+@all")
    url = f"valkey://stranger:secret@127.0.0.1:{valkey_server.port}/0"

    with closing(ValkeyStore(url)) as store, pytest.raises(StoreUnavailable, match="permission"):
        store.prepare()
    valkey_server.ask("ACL", "DELUSER", "stranger")


def test_a_server_that_is_not_there_says_so(free: int) -> None:
    with closing(ValkeyStore(f"valkey://127.0.0.1:{free}")) as store:
        for call in (store.prepare, store.inspect, lambda: store.census(lambda _: None)):
            with pytest.raises(StoreUnavailable):
                call()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:6379",
        "http://localhost",
        "sentinel://localhost:26379",
        "cluster://localhost:1/name",
        "cluster://h",
    ],
)
def test_a_url_that_names_no_server_is_refused(url: str) -> None:
    with pytest.raises(InvalidSetting, match="valkey://host:6379/0"):
        ValkeyStore(url)


@pytest.mark.parametrize("store", [ValkeyStore, AsyncValkeyStore])
def test_a_prefix_that_would_choose_the_slot_is_refused(store: Any) -> None:
    with pytest.raises(InvalidSetting, match="write text without braces"):
        store("valkey://localhost", prefix="{shop}:")
