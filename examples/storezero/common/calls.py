"""Calls from one part of the demo to another: over the network, marked for the recorder."""

import httpx2

from ..stage.exchange import CALLER, CURRENT
from ..stage.trace import Trace


class Marked(httpx2.AsyncBaseTransport):
    """Say in a header who calls, and on whose behalf: that is how the trace knows where a call belongs.

    Clients come and go and close what they were given; the transport itself is shared, and stays open.
    """

    def __init__(self, part: str, trace: Trace, through: httpx2.AsyncBaseTransport) -> None:
        self._part = part
        self._trace = trace
        self._through = through

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request on."""
        exchange = CURRENT.get()
        number = self._trace.opened(exchange) if exchange is not None and exchange.part == self._part else 0
        request.headers[CALLER.decode()] = f"{self._part} {number}"
        return await self._through.handle_async_request(request)
