"""Open a store by its URL; only the module of that kind of store is loaded. A URL's password is never shown."""

import os
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Final
from urllib.parse import unquote, unquote_plus

from attrs import field, frozen

from sessioncore import InvalidSetting, SessionError
from sessioncore_io.operating import Operable
from sessioncore_io.split import SplitStore

STORE: Final = "SESSIONCORE_STORE"
EPOCHS: Final = "SESSIONCORE_EPOCHS"

VALKEY: Final = ("valkey", "valkeys", "redis", "rediss", "unix", "sentinel", "sentinel+tls", "cluster", "cluster+tls")
FORMS: Final = """\
sqlite:///sessions.db (relative) or sqlite:////var/lib/shop/sessions.db (absolute),
postgresql://user:password@host/database,
valkey://:password@host:6379/0 (also valkeys, redis, rediss, unix, sentinel and cluster, as ValkeyStore takes them)"""


class StoreMissing(SessionError):
    """The store's URL names no file that is there."""


@frozen
class Kind:
    """Hold where a kind of store lives: its module and its class."""

    module: str
    name: str


_POSTGRES: Final = Kind("sessioncore_io.postgres", "PostgresStore")
_VALKEY: Final = Kind("sessioncore_io.valkey", "ValkeyStore")
KINDS: Final[Mapping[str, Kind]] = {
    "postgresql": _POSTGRES,
    "postgres": _POSTGRES,
    **dict.fromkeys(VALKEY, _VALKEY),
}


@frozen
class Address:
    """Hold a store's URL, which may hold a password."""

    url: str = field(repr=False)

    @property
    def scheme(self) -> str:
        """Give the kind of store."""
        return self.url.partition("://")[0]

    @property
    def shown(self) -> str:
        """Give the URL as it may be printed; of a text that is none, nothing: it may be all password."""
        return without_secrets(self.url, self) if "://" in self.url else "..."

    @property
    def secrets(self) -> set[str]:
        """Give the passwords, as they stand in the URL and as they are meant."""
        login, at, _ = self.url.partition("://")[2].rpartition("@")
        written = login.partition(":")[2] if at else ""
        query = self.url.partition("?")[2].split("&")
        written_too = [value for name, _, value in (part.partition("=") for part in query) if "pass" in name.lower()]
        secrets = [secret for secret in (written, *written_too) if secret]
        return {*secrets, *map(unquote, secrets), *map(unquote_plus, secrets)}


def without_secrets(text: str, *addresses: Address) -> str:
    """Take the passwords of these addresses out of a text: the longest first, for one may hold another."""
    for secret in sorted(set().union(*(address.secrets for address in addresses)), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def address_from(option: str | None, variable: str) -> Address | None:
    """Take the URL of the command line, or that of the environment, where a password is in no list of processes."""
    url = option or os.environ.get(variable)
    return Address(url) if url else None


def open_store(address: Address, *, make: bool = False) -> Operable:
    """Open a store; with ``make``, a file that is not there is made.

    Raises ``StoreMissing``, ``ExtraMissing`` if the store's library is not installed, and ``InvalidSetting``.
    """
    if address.scheme == "sqlite":
        return _open_file(address, make)
    kind = KINDS.get(address.scheme)
    if kind is None:
        raise InvalidSetting("store", address.shown, f"write one of\n{FORMS}")
    store: Operable = getattr(import_module(kind.module), kind.name)(address.url)
    return store


def _open_file(address: Address, make: bool) -> Operable:
    from sessioncore_io.sqlite import SqliteStore

    host, _, name = address.url.partition("://")[2].partition("/")
    path = Path(unquote(name))
    if host or not name or "\0" in str(path):
        raise InvalidSetting("store", address.shown, f"write one of\n{FORMS}")
    if not make and not path.is_file():
        raise StoreMissing(f"there is no file {path.absolute()}: mend the path, or make it by: sessioncore store init")
    return SqliteStore(path)


def open_parts(store: Address, epochs: Address | None, *, make: bool = False) -> dict[str, Operable]:
    """Open a store, or the two of a split one: each by the name of what it keeps."""
    if epochs is None:
        return {"": open_store(store, make=make)}
    return {"sessions": open_store(store, make=make), "epochs": open_store(epochs, make=make)}


def whole(parts: Mapping[str, Operable]) -> Operable | SplitStore:
    """Give the one store that these parts are."""
    if "" in parts:
        return parts[""]
    return SplitStore(**parts)
