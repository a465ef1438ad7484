"""Where a Valkey store's servers are: one server, the master that sentinels name, or a cluster."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

import valkey
import valkey.asyncio
import valkey.asyncio.cluster
import valkey.asyncio.sentinel
import valkey.cluster
import valkey.sentinel
from attrs import field, frozen

from sessioncore import InvalidSetting

Address = tuple[str, int]

SINGLE: Final = ("valkey", "valkeys", "redis", "rediss", "unix")
ADVICE: Final = (
    "write valkey://host:6379/0 (valkeys:// with TLS, unix:///path), "
    "sentinel://host:26379,host:26379/name-of-the-master, or cluster://host:6379,host:6379"
)


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
    """Read a URL. Raises ``InvalidSetting``, which does not repeat its password."""
    parts = urlsplit(url)
    kind, _, secure = parts.scheme.partition("+")
    if kind in SINGLE and not secure:
        return Place("single", url, patience, connections, options=options)
    if kind not in ("sentinel", "cluster") or secure not in ("", "tls"):
        raise InvalidSetting("url", f"{parts.scheme}://...", ADVICE)
    user, _, hosts = parts.netloc.rpartition("@")
    name, _, password = user.partition(":")
    login = {"username": unquote(name) or None, "password": unquote(password) or None} if user else {}
    queries: dict[str, Any] = dict(parse_qsl(parts.query))
    if "db" in queries:
        queries["db"] = int(queries["db"])
    known = {**login, **queries, **({"ssl": True} if secure else {}), **options}
    master = parts.path.strip("/")
    if (kind == "sentinel") != bool(master):
        raise InvalidSetting("url", f"{kind}://{hosts}{parts.path}", ADVICE)
    return Place(kind, url, patience, connections, tuple(map(_address, hosts.split(","))), master, known)


def checked_prefix(prefix: str) -> str:
    """Refuse a prefix that would take the place of the bucket, which decides where on a cluster a key lies."""
    if "{" in prefix or "}" in prefix:
        raise InvalidSetting("prefix", prefix, "leave out braces: what stands between them decides a key's slot")
    return prefix


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise InvalidSetting("url", text, ADVICE)
    return host.strip("[]"), int(port)


def pool_of(place: Place, address: Address | None) -> Any:
    """Make the pool that opens connections to a server; without an address, to the one that the URL names.

    Waits are bounded, and the client's own retries are off: a write whose outcome is unknown is not tried again.
    """
    settings = {"socket_timeout": place.patience, "socket_connect_timeout": place.patience, **place.options}
    if place.kind == "single":
        return valkey.ConnectionPool.from_url(place.url, **settings)
    if place.kind == "sentinel":
        return valkey.sentinel.Sentinel(place.hosts, **settings).master_for(place.master).connection_pool
    assert address is not None
    kind = valkey.SSLConnection if settings.pop("ssl", False) else valkey.Connection
    parser = valkey.cluster.ClusterParser  # it tells a MOVED from other errors
    host, port = address
    return valkey.ConnectionPool(connection_class=kind, parser_class=parser, host=host, port=port, **settings)


def async_pool_of(place: Place, address: Address | None) -> Any:
    """Make the same for an event loop; the wire itself bounds each wait as a whole."""
    settings, aio = {"socket_connect_timeout": place.patience, **place.options}, valkey.asyncio
    if place.kind == "single":
        return aio.ConnectionPool.from_url(place.url, **settings)
    if place.kind == "sentinel":
        return aio.sentinel.Sentinel(place.hosts, **settings).master_for(place.master).connection_pool
    assert address is not None
    kind = aio.SSLConnection if settings.pop("ssl", False) else aio.Connection
    host, port = address
    parser = aio.cluster.ClusterParser
    return aio.ConnectionPool(connection_class=kind, parser_class=parser, host=host, port=port, **settings)
