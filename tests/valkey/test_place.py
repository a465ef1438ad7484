"""What a URL and its options say: which servers, who logs in there, and how their connections are opened."""

from typing import Any

import pytest
import valkey
from valkey.exceptions import AskError, MovedError

from sessioncore import InvalidSetting
from sessioncore_io.settings import LEAST, MOST, checked_patience
from sessioncore_io.valkey.place import (
    Place,
    async_pool_of,
    checked_prefix,
    place_of,
    pool_of,
)

POOLS = pytest.mark.parametrize("pool", [pool_of, async_pool_of])


def place(url: str, **options: Any) -> Place:
    """Read a URL."""
    return place_of(url, 2.0, 1, options)


@pytest.mark.parametrize("scheme", ["valkey", "valkeys", "redis", "rediss"])
def test_one_server_is_named_in_the_words_of_either_project(scheme: str) -> None:
    found = place(f"{scheme}://localhost:6379/0")

    assert (found.kind, found.url, found.hosts, found.master) == ("single", f"{scheme}://localhost:6379/0", (), "")


def test_a_server_on_this_machine_is_named_by_its_socket() -> None:
    assert place("unix:///run/valkey.sock").kind == "single"


@pytest.mark.parametrize(
    "url",
    [
        "valkey+tls://localhost:6379/0",
        "redis+x://localhost:6379/0",
        "http://localhost:80",
        "http+tls://localhost:443",
        "cluster+ssl://localhost:6379",
        "sentinel+x://localhost:26379/shop",
        "cluster://localhost:6379/shop",
        "sentinel://localhost:26379/",
        "cluster://:6379",
        "cluster://localhost:",
        "cluster://localhost:+6379",
        "cluster://localhost:6_379",
        "cluster://localhost:6379,:6380",
    ],
)
def test_a_url_that_cannot_be_read_is_answered_by_what_to_write(url: str) -> None:
    with pytest.raises(InvalidSetting) as caught:
        place(url)

    assert (caught.value.name, caught.value.value) == ("url", "...")
    assert caught.value.advice.startswith("write valkey://host:6379/0 ")


def test_the_hosts_of_a_group_are_read_one_by_one() -> None:
    found = place("cluster://BOX:7000,[::1]:7001,10.0.0.1:7002")

    assert (found.kind, found.master) == ("cluster", "")
    assert found.hosts == (("BOX", 7_000), ("::1", 7_001), ("10.0.0.1", 7_002))


def test_sentinels_are_asked_for_the_master_of_that_very_name() -> None:
    found = place("sentinel://one:26379,two:26380/XBOX")

    assert (found.kind, found.master) == ("sentinel", "XBOX")
    assert found.hosts == (("one", 26_379), ("two", 26_380))


@pytest.mark.parametrize(
    ("user", "name", "password"),
    [
        ("shop:hunter2@", "shop", "hunter2"),
        (":hunter2@", None, "hunter2"),
        ("shop@", "shop", None),
        ("sh%40p:a%2Fb%3A%40@", "sh@p", "a/b:@"),
        ("shop:a:b@", "shop", "a:b"),
    ],
)
@pytest.mark.parametrize("rest", ["cluster://{}localhost:7000", "sentinel://{}localhost:7000/shop"])
def test_who_logs_in_stands_before_the_hosts(rest: str, user: str, name: str | None, password: str | None) -> None:
    found = place(rest.format(user))

    assert dict(found.options) == {"username": name, "password": password}
    assert found.hosts == (("localhost", 7_000),)


def test_nobody_logs_in_where_the_url_names_nobody() -> None:
    assert dict(place("cluster://localhost:7000").options) == {}


def test_what_is_passed_to_the_store_goes_before_what_the_url_says() -> None:
    found = place("cluster://shop:old@localhost:7000?socket_timeout=3", password="new", socket_timeout=1)

    assert dict(found.options) == {"username": "shop", "password": "new", "socket_timeout": 1}


def test_a_place_shows_no_secret_in_the_log() -> None:
    single = place("valkey://shop:hunter2@localhost:6379/0")
    group = place("cluster://shop:hunter2@localhost:6379", ssl_password="hunter2")

    assert "hunter2" not in f"{single!r} {group!r}"
    assert "('localhost', 6379)" in repr(group)


def test_an_option_of_ours_is_refused_by_name_and_value_with_what_to_do() -> None:
    with pytest.raises(InvalidSetting) as caught:
        place("valkey://localhost", protocol=3)

    assert str(caught.value) == "protocol = 3: leave it out: the store decides how it talks to its server"
    assert (caught.value.name, caught.value.value) == ("protocol", 3)


@POOLS
def test_an_option_that_the_client_does_not_take_is_refused_with_its_own_words(pool: Any) -> None:
    with pytest.raises(InvalidSetting) as caught:
        pool(place("valkey://localhost", size=3, colour="red"), None)

    assert (caught.value.name, caught.value.value) == ("options", ["colour", "size"])
    assert caught.value.advice.startswith("valkey-py does not take them: ")


@pytest.mark.parametrize("prefix", ["a}", "}", "a{"])
def test_a_single_brace_in_a_prefix_is_refused_too(prefix: str) -> None:
    with pytest.raises(InvalidSetting, match="write text without braces") as caught:
        checked_prefix(prefix)

    assert (caught.value.name, caught.value.value) == ("prefix", prefix)


@pytest.mark.parametrize("patience", [LEAST, 2, 2.0, MOST, float(MOST)])
def test_a_patience_may_be_whole_seconds_or_not_up_to_the_bounds(patience: float) -> None:
    assert checked_patience(patience) == patience


@pytest.mark.parametrize("patience", [LEAST - 0.001, MOST + 0.001])
def test_a_patience_beyond_the_bounds_is_refused_with_both_of_them(patience: float) -> None:
    with pytest.raises(InvalidSetting, match=f"write seconds, {LEAST} to {MOST}"):
        checked_patience(patience)


TLS = {pool_of: valkey.SSLConnection, async_pool_of: valkey.asyncio.SSLConnection}
PLAIN = {pool_of: valkey.Connection, async_pool_of: valkey.asyncio.Connection}


@POOLS
def test_connections_to_a_server_of_a_cluster_go_to_that_server(pool: Any) -> None:
    made = pool(place("cluster://localhost:7000"), ("BOX", 7_001))
    connection: Any = made.make_connection()

    assert made.connection_class is PLAIN[pool]
    assert (connection.host, connection.port) == ("BOX", 7_001)


@POOLS
@pytest.mark.parametrize("url", ["cluster+tls://localhost:7000", "sentinel+tls://localhost:7000/shop"])
def test_tls_is_asked_for_in_the_scheme_of_a_group(pool: Any, url: str) -> None:
    found = place(url)
    address = ("BOX", 7_001) if found.kind == "cluster" else None

    assert issubclass(pool(found, address).connection_class, TLS[pool])


@POOLS
@pytest.mark.parametrize(("refusal", "kind"), [("MOVED 1 there:7", MovedError), ("ASK 1 there:7", AskError)])
def test_connections_to_a_cluster_tell_redirections_from_other_refusals(pool: Any, refusal: str, kind: Any) -> None:
    connection: Any = pool(place("cluster://localhost:7000"), ("localhost", 7_000)).make_connection()

    assert type(connection._parser.parse_error(refusal)) is kind
