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
        self._through = through or httpx2.AsyncHTTPTransport(retries=0)
        self._resolver = resolver

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request on to an address that was checked. Raises ``Forbidden``."""
        host = request.url.host
        here = self._local and is_local(host)
        if request.url.scheme != "https" and not here:
            raise Forbidden("only https leaves this server", request=request)
        address = "127.0.0.1" if here and host.endswith("localhost") else await self._checked(request, here)
        return await self._through.handle_async_request(readdressed(request, address, sni_hostname=host))

    async def _checked(self, request: httpx2.Request, here: bool) -> str:
        host, port = request.url.host, request.url.port or (443 if request.url.scheme == "https" else 80)
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


_TRANSLATED: Final = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("2002::/16"))


def is_public(address: str) -> bool:
    """Tell whether an address is on the internet: not private, link-local, loopback, shared, reserved or multicast."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if any(ip in network for network in _TRANSLATED):
            return False  # it may stand for an IPv4 address inside
        ip = ip.ipv4_mapped or ip
    return ip.is_global and not ip.is_multicast
