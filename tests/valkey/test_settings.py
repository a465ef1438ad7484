"""What a Valkey store is given is judged when it is built: by name, and without repeating a password."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from sessioncore import InvalidSetting
from sessioncore_io.valkey import AsyncValkeyStore, ValkeyStore


@contextmanager
def refused(name: str, value: object) -> Iterator[None]:
    """Expect that this setting is refused, by its name and with its value."""
    with pytest.raises(InvalidSetting) as caught:
        yield

    assert (caught.value.name, caught.value.value is value) == (name, True)


BROKEN_URLS = [
    "valkey://:hun/ter2@localhost:6379/0",
    "valkey://:hun?ter2@localhost:6379/0",
    "valkey://:hunter2@localhost:nowhere/0",
    "valkey://:hunter2@[::1/0",
    "valkey://:hunter2@localhost:6379/shop",
    "rediss://:hunter2@localhost:6379/0/1",
    "valkey://:hunter2@localhost:6379/-1",
    "cluster://shop:hun/ter2@localhost:6379",
    "cluster://shop:hun?ter2@localhost:6379",
    "cluster://shop:hun#ter2@localhost:6379",
    "cluster://shop:hunter2@localhost:6379?db=first",
    "sentinel://shop:hun/ter2@localhost:26379/shop",
    "sentinel://shop:hunter2@localhost:26379",
    "hunter2",
]


@pytest.mark.parametrize("kind", [ValkeyStore, AsyncValkeyStore])
@pytest.mark.parametrize("url", BROKEN_URLS)
def test_a_url_that_cannot_be_read_is_refused_without_a_word_of_its_password(kind: Any, url: str) -> None:
    with pytest.raises(InvalidSetting) as refused:
        kind(url)

    assert not any(part in str(refused.value) for part in ("hun", "ter2", "shop:"))
    assert refused.value.__suppress_context__


@pytest.mark.parametrize("kind", [ValkeyStore, AsyncValkeyStore])
@pytest.mark.parametrize(
    ("url", "shown"), [(None, None), (7, "int(...)"), (b"valkey://:hunter2@localhost", "bytes(...)"), ([], "list(...)")]
)
def test_what_is_no_text_is_refused_as_what_it_is(kind: Any, url: Any, shown: str | None) -> None:
    with pytest.raises(InvalidSetting, match="write valkey://host:6379/0") as refused:
        kind(url)

    assert (refused.value.name, refused.value.value) == ("url", shown)


OURS = ["decode_responses=true", "protocol=3", "max_connections=2", "encoding=utf-16", "encoding_errors=ignore"]
PLACES = [
    "valkey://localhost:6379/0",
    "unix:///tmp/nobody",
    "cluster://localhost:6379",
    "sentinel://localhost:26379/shop",
]


@pytest.mark.parametrize("kind", [ValkeyStore, AsyncValkeyStore])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("ours", OURS)
def test_an_option_that_would_change_what_replies_mean_is_refused(kind: Any, place: str, ours: str) -> None:
    """One that bounds connections would count those that are long closed, and then open none for ever."""
    name, _, value = ours.partition("=")

    with pytest.raises(InvalidSetting, match=name):
        kind(f"{place}?{ours}")
    with pytest.raises(InvalidSetting, match=name):
        kind(place, **{name: value})


@pytest.mark.parametrize("kind", [ValkeyStore, AsyncValkeyStore])
@pytest.mark.parametrize("place", PLACES)
def test_an_option_that_the_client_does_not_know_is_refused_when_the_store_is_built(kind: Any, place: str) -> None:
    with pytest.raises(InvalidSetting, match="colour"):
        kind(place, colour="red")
    with pytest.raises(InvalidSetting, match="colour"):
        kind(f"{place}?colour=red")


@pytest.mark.parametrize("place", PLACES)
def test_options_of_a_url_mean_the_same_for_every_kind_of_deployment(place: str) -> None:
    store: Any = ValkeyStore(f"{place}?socket_timeout=1.5&health_check_interval=3")
    wire = store._wire if store._calls.whole else store._wire.at(("localhost", 6379))
    connection = wire._pool.connection_class(**wire._pool.connection_kwargs)

    assert (connection.socket_timeout, connection.health_check_interval) == (1.5, 3)


@pytest.mark.parametrize("patience", [0, -1, float("nan"), float("inf"), "2", None, True])
def test_a_patience_that_is_no_span_is_refused(patience: Any) -> None:
    with refused("patience", patience):
        ValkeyStore("valkey://localhost", patience=patience)


@pytest.mark.parametrize("count", [-1, 1.5, "1", None, True])
def test_counts_that_are_none_are_refused(count: Any) -> None:
    with refused("replicas", count):
        ValkeyStore("valkey://localhost", replicas=count)
    with refused("connections", count):
        AsyncValkeyStore("valkey://localhost", connections=count)


def test_a_store_without_a_single_connection_is_refused() -> None:
    with refused("connections", 0):
        AsyncValkeyStore("valkey://localhost", connections=0)
    AsyncValkeyStore("valkey://localhost", connections=1)


@pytest.mark.parametrize("prefix", ["a{b}", "{", None, 7])
def test_a_prefix_that_is_no_name_or_would_choose_the_slot_is_refused(prefix: Any) -> None:
    with refused("prefix", prefix):
        ValkeyStore("valkey://localhost", prefix=prefix)
