"""Calls to addresses that others have registered: to the internet only, never to what is inside (OWASP: SSRF)."""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable
from typing import Final

import httpx2

from .addresses import is_local
from .transport import readdressed

Resolve = Callable[[str, int], Awaitable[list[str]]]

# Those who do not answer hold their connections: of how many there are, none may be left for the others.
_LIMITS: Final = httpx2.Limits(max_connections=None, max_keepalive_connections=20)


class Forbidden(httpx2.ConnectError):
    """The address is none that a server may be made to call."""


async def resolve(host: str, port: int) -> list[str]:
    """Ask the system's resolver for all addresses of a host."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class PublicOnly(httpx2.AsyncBaseTransport):
    """Connect to public addresses over https, and with ``local`` to this machine's own over http too.

    The name is resolved here, every address checked, and the checked one connected to: a name that answers otherwise a
    moment later changes nothing. The certificate is still the name's.
    """

    def __init__(
        self,
        *,
        local: bool = False,
        through: httpx2.AsyncBaseTransport | None = None,
        resolver: Resolve = resolve,
    ) -> None:
        self._local = local
        self._through = through or httpx2.AsyncHTTPTransport(retries=0, limits=_LIMITS)
        self._resolver = resolver

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request on to an address that was checked. Raises ``Forbidden``."""
        host = _ascii_host(request)
        here = self._local and is_local(host)
        if request.url.scheme != "https" and not here:
            raise Forbidden("only https leaves this server", request=request)
        address = "127.0.0.1" if here and host.endswith("localhost") else await self._checked(request, here)
        return await self._through.handle_async_request(readdressed(request, address, sni_hostname=host))

    async def _checked(self, request: httpx2.Request, here: bool) -> str:
        host, port = _ascii_host(request), request.url.port or (443 if request.url.scheme == "https" else 80)
        try:
            addresses = await self._resolver(host, port)
        except OSError as error:
            raise httpx2.ConnectError(f"{host} has no address", request=request) from error
        if not addresses or not all(is_public(address) or (here and is_local(address)) for address in addresses):
            raise Forbidden(f"{host} is not on the internet", request=request)
        return addresses[0]

    async def aclose(self) -> None:
        """Close the connections."""
        await self._through.aclose()


def _ascii_host(request: httpx2.Request) -> str:
    """Give the host as it was registered: read back from other scripts it may become another name."""
    return request.url.raw_host.decode("ascii")


# Only these IPv6 addresses are the internet's own; among the others are those that stand for IPv4 addresses inside.
_UNICAST: Final = ipaddress.ip_network("2000::/3")
# What the standard library holds to be global, or does in some versions, and nobody has to be called at.
_NOBODYS: Final = tuple(map(ipaddress.ip_network, ("2002::/16", "3fff::/20", "192.0.0.0/24", "192.88.99.0/24")))


def is_public(address: str) -> bool:
    """Tell whether an address is on the internet: not private, link-local, loopback, shared, reserved or multicast."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    ip = getattr(ip, "ipv4_mapped", None) or ip
    if any(ip in network for network in _NOBODYS) or (ip.version == 6 and ip not in _UNICAST):
        return False
    return ip.is_global and not ip.is_multicast
