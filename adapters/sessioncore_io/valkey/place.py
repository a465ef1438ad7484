"""Where a Valkey store's servers are: one server, the master that sentinels name, or a cluster."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import valkey
import valkey.asyncio
import valkey.asyncio.cluster
import valkey.asyncio.sentinel
import valkey.cluster
import valkey.sentinel
from attrs import field, frozen
from valkey.exceptions import ValkeyError

from sessioncore import InvalidSetting

from ..settings import checked_text

Address = tuple[str, int]

SINGLE: Final = ("valkey", "valkeys", "redis", "rediss", "unix")
ADVICE: Final = (
    "write valkey://host:6379/0 (valkeys:// with TLS, unix:///path), "
    "sentinel://host:26379,host:26379/name-of-the-master, or cluster://host:6379,host:6379"
)

# What would change the meaning of replies and keys, or count connections that are long closed.
OURS: Final = ("decode_responses", "encoding", "encoding_errors", "protocol", "max_connections")


@frozen
class Place:
    """Hold what a URL says: the kind of deployment, its hosts, and options for the client's connections."""

    kind: str
    url: str = field(repr=False)
    patience: float
    connections: int
    hosts: tuple[Address, ...] = ()
    master: str = ""
    options: Mapping[str, Any] = field(factory=dict, repr=False)


def place_of(url: str, patience: float, connections: int, options: Mapping[str, Any]) -> Place:
    """Read a URL. Raises ``InvalidSetting``, which repeats nothing of it: a stray ``/`` or ``?`` is in a password."""
    _refuse_what_is_ours(options)
    checked_text("url", url, ADVICE)
    try:
        return _place_of(urlsplit(url), url, patience, connections, options)
    except InvalidSetting:
        raise
    except ValueError:
        raise InvalidSetting("url", "...", ADVICE) from None


def _place_of(parts: SplitResult, url: str, patience: float, connections: int, options: Mapping[str, Any]) -> Place:
    queries = _queries(parts.query)
    kind, _, secure = parts.scheme.partition("+")
    if kind in SINGLE and not secure:
        if parts.port == 0 or not _names_a_database(kind, parts.path):  # to ask for the port is to check it
            raise ValueError
        return Place("single", url, patience, connections, options=options)
    master = parts.path.strip("/")
    if kind not in ("sentinel", "cluster") or secure not in ("", "tls") or (kind == "sentinel") != bool(master):
        raise ValueError
    user, _, hosts = parts.netloc.rpartition("@")
    name, _, password = user.partition(":")
    login = {"username": unquote(name) or None, "password": unquote(password) or None} if user else {}
    known = {**login, **queries, **({"ssl": True} if secure else {}), **options}
    return Place(kind, url, patience, connections, tuple(map(_address, hosts.split(","))), master, known)


def _names_a_database(kind: str, path: str) -> bool:
    """Tell whether a path is the number of one, or none: of any other text, the client would make database 0."""
    number = path.removeprefix("/")
    return kind == "unix" or not number or number.isdecimal()


def _queries(query: str) -> dict[str, Any]:
    """Read the options that a URL ends with, as the client does: each by its type."""
    _refuse_what_is_ours(dict(parse_qsl(query)))
    queries: dict[str, Any] = valkey.ConnectionPool.from_url(f"valkey://?{query}").connection_kwargs
    return queries


def _refuse_what_is_ours(options: Mapping[str, Any]) -> None:
    for name in OURS:
        if name in options:
            raise InvalidSetting(name, options[name], "leave it out: the store decides how it talks to its server")


def checked_prefix(prefix: str) -> str:
    """Refuse a prefix that would take the place of the bucket, which decides where on a cluster a key lies."""
    if not isinstance(prefix, str) or "{" in prefix or "}" in prefix:
        raise InvalidSetting(
            "prefix", prefix, "write text without braces: what stands between them decides a key's slot"
        )
    return prefix


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise ValueError
    return host.strip("[]"), int(port)


def pool_of(place: Place, address: Address | None) -> Any:
    """Make the pool that opens connections to a server; without an address, to the one that the URL names.

    Waits are bounded, and the client's own retries are off: a write whose outcome is unknown is not tried again.
    Raises ``InvalidSetting`` for options that the client does not take.
    """
    waits = {"socket_timeout": place.patience, "socket_connect_timeout": place.patience}
    return _tried(_made(valkey, place, address, waits), place)


def async_pool_of(place: Place, address: Address | None) -> Any:
    """Make the same for an event loop; the wire itself bounds each wait as a whole."""
    return _tried(_made(valkey.asyncio, place, address, {"socket_connect_timeout": place.patience}), place)


def _made(client: Any, place: Place, address: Address | None, waits: Mapping[str, float]) -> Any:
    """Make a pool by either of the client's halves, which name everything alike."""
    settings = {**waits, **place.options}
    if place.kind == "single":
        return client.ConnectionPool.from_url(place.url, **settings)
    if place.kind == "sentinel":
        return client.sentinel.Sentinel(place.hosts, **settings).master_for(place.master).connection_pool
    assert address is not None
    kind = client.SSLConnection if settings.pop("ssl", False) else client.Connection
    parser = client.cluster.ClusterParser  # it tells a MOVED from other errors
    host, port = address
    return client.ConnectionPool(connection_class=kind, parser_class=parser, host=host, port=port, **settings)


def _tried(pool: Any, place: Place) -> Any:
    """Build one connection, without opening it: that is when the client looks at its options."""
    try:
        pool.connection_class(**pool.connection_kwargs)
    except (TypeError, ValueError, ValkeyError) as error:
        raise InvalidSetting("options", sorted(place.options), f"valkey-py does not take them: {error}") from None
    return pool
