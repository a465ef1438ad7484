"""Calls from server to server: browsers know what ``*.localhost`` means, Python's resolver does not."""

from typing import Any, Final

import httpx2

# Whoever does not answer by then keeps a user waiting for nothing.
TIMEOUT: Final = 10.0  # seconds


class LocalNames(httpx2.AsyncBaseTransport):
    """Map ``*.localhost`` to 127.0.0.1, as browsers do (RFC 6761, section 6.3): for development and demonstrations."""

    def __init__(self, through: httpx2.AsyncBaseTransport | None = None) -> None:
        self._through = through or httpx2.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request on; its Host header says whom it was for."""
        if request.url.host.endswith(".localhost"):
            request = readdressed(request, "127.0.0.1")
        return await self._through.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._through.aclose()


def readdressed(request: httpx2.Request, host: str, **extensions: str) -> httpx2.Request:
    """Give the same request for another host; the one at hand stays as it is, cookies go by its address."""
    return httpx2.Request(
        request.method,
        request.url.copy_with(host=host),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, **extensions},
    )


class Lent(httpx2.AsyncBaseTransport):
    """Lend a transport to a client that closes what it was given; its connections are kept for the next."""

    def __init__(self, transport: httpx2.AsyncBaseTransport) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request on."""
        return await self._transport.handle_async_request(request)


def client_options(transport: httpx2.AsyncBaseTransport) -> dict[str, Any]:
    """Give what every client of ours is built with: no redirects, no proxy of the environment's, a limit in time."""
    return {"transport": Lent(transport), "timeout": TIMEOUT, "follow_redirects": False, "trust_env": False}
