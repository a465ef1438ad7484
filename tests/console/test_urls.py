"""Which store a URL opens, and what is said of one that opens none."""

import string
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from sessioncore import InvalidSetting
from sessioncore_io.console.urls import (
    FORMS,
    Address,
    StoreMissing,
    address_from,
    open_parts,
    open_store,
    whole,
    without_secrets,
)
from sessioncore_io.postgres import PostgresStore
from sessioncore_io.split import SplitStore
from sessioncore_io.sqlite import SqliteStore
from sessioncore_io.valkey import ValkeyStore

# A store connects when it is first asked something.
URLS: Final = {
    "postgresql://shop@localhost:1/shop": PostgresStore,
    "postgres://shop@localhost:1/shop": PostgresStore,
    "valkey://localhost:1/0": ValkeyStore,
    "valkeys://localhost:1/0": ValkeyStore,
    "redis://localhost:1/0": ValkeyStore,
    "rediss://localhost:1/0": ValkeyStore,
    "unix:///run/valkey.sock": ValkeyStore,
    "sentinel://localhost:1/shop": ValkeyStore,
    "sentinel+tls://localhost:1/shop": ValkeyStore,
    "cluster://localhost:1": ValkeyStore,
    "cluster+tls://localhost:1": ValkeyStore,
}


def kind_of(url: str) -> type:
    """Open a store and give its kind."""
    with closing(open_store(Address(url))) as store:
        return type(store)


def test_each_scheme_opens_its_store() -> None:
    assert {url: kind_of(url) for url in URLS} == URLS


def test_a_file_is_opened_where_it_is_and_made_only_on_demand(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    address = Address(f"sqlite:///{path}")

    for opened in (open_store, lambda address: open_parts(address, None), lambda it: open_parts(it, it)):
        with pytest.raises(StoreMissing, match="there is no file"):
            opened(address)
    assert not path.exists()

    for made in (True, False):
        with closing(open_store(address, make=made)) as store:
            assert isinstance(store, SqliteStore)
            assert store.path == path


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("mysql://root:s3cret@db/shop", "mysql://root:***@db/shop"),
        ("sessions.db", "..."),
        ("sqlite://sessions.db", "sqlite://sessions.db"),
        ("sqlite://host/sessions.db", "sqlite://host/sessions.db"),
        ("sqlite:///", "sqlite:///"),
        ("sqlite:///sessions.db%00", "sqlite:///sessions.db%00"),
    ],
)
def test_a_url_that_opens_nothing_is_answered_with_the_forms(url: str, shown: str) -> None:
    with pytest.raises(InvalidSetting) as refused:
        open_store(Address(url), make=False)

    assert str(refused.value) == f"store = {shown!r}: write one of\n{FORMS}"


def test_two_parts_are_one_store(tmp_path: Path) -> None:
    first, second = (Address(f"sqlite:///{tmp_path}/{name}.db") for name in ("a", "b"))
    parts = open_parts(first, second, make=True)
    with closing(whole(parts)) as store:
        assert isinstance(store, SplitStore)
        assert (store.sessions, store.epochs) == (parts["sessions"], parts["epochs"])


def test_one_part_is_the_store(tmp_path: Path) -> None:
    parts = open_parts(Address(f"sqlite:///{tmp_path}/a.db"), None, make=True)
    with closing(whole(parts)) as store:
        assert [store] == list(parts.values())


def test_the_command_line_comes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SESSIONCORE_EPOCHS", "sqlite:///b.db")

    assert address_from("sqlite:///a.db", "SESSIONCORE_EPOCHS") == Address("sqlite:///a.db")
    assert address_from(None, "SESSIONCORE_EPOCHS") == Address("sqlite:///b.db")
    monkeypatch.setenv("SESSIONCORE_EPOCHS", "")
    assert address_from(None, "SESSIONCORE_EPOCHS") is None


# -- passwords ---------------------------------------------------------------------------------------------------


def test_without_a_password_every_text_is_left_as_it_is() -> None:
    for url in ("valkey://localhost/0", "postgresql://shop@db/shop", "sqlite:///a.db"):
        assert without_secrets(string.printable, Address(url)) == string.printable


def test_every_option_of_a_url_is_looked_at() -> None:
    address = Address("postgresql://db/shop?user=shop&password=s3cret&sslpassword=t0ken&application_name=till")

    assert address.shown == "postgresql://db/shop?user=shop&password=***&sslpassword=***&application_name=till"


def test_of_a_text_that_is_no_url_nothing_is_shown() -> None:
    assert Address("host=db password=s3cret").shown == "..."


@pytest.mark.parametrize(("short", "long"), [("abc", "abcdef"), ("zz", "azz")])
def test_a_password_that_holds_another_is_hidden_whole(short: str, long: str) -> None:
    for url in (f"valkey://:{short}@localhost/0?password={long}", f"valkey://:{long}@localhost/0?password={short}"):
        assert without_secrets(f"{long} or {short}", Address(url)) == "*** or ***"
