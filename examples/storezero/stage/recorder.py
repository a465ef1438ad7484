"""The recorder: it stands before every part of the demo, reads along, and changes nothing."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from sessioncore_io.asgi import Application, Receive, Scope, Send

from ..common.sites import Sites
from .exchange import CALLER, CURRENT, Exchange
from .hops import NAMES, Details, Hop, shown
from .trace import Trace

# The demo's own machinery, and what no story needs.
UNTOLD: Final = ("/static/", "/panel", "/stage", "/demo/", "/favicon")


class Recorder:
    """Stand before one part of the demo."""

    def __init__(self, app: Application, part: str, trace: Trace, sites: Sites) -> None:
        self.app = app
        self.part = part
        self.trace = trace
        self.sites = sites

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http" or scope["path"].startswith(UNTOLD) or scope["method"] == "OPTIONS":
            await self.app(scope, receive, send)
            return
        exchange = Exchange(self.part, scope)
        previous = CURRENT.set(exchange)
        try:
            await self.app(scope, exchange.receiving(receive), exchange.sending(send))
        finally:
            CURRENT.reset(previous)
            self._keep(exchange)

    def _keep(self, exchange: Exchange) -> None:
        caller = exchange.asked.get(CALLER.decode(), "")
        source, _, call = caller.partition(" ")
        if source not in NAMES:
            source = "orders" if exchange.asked.get("origin") == self.sites.url("orders") else "browser"
        if call or self._worth_telling(exchange):
            self.trace.keep(exchange, list(self._hops(exchange, source)), call)
        else:
            self.trace.link(exchange)

    def _worth_telling(self, exchange: Exchange) -> bool:
        """Leave out what concerns one layer alone and changes no session: a look at the shelf."""
        to = self._redirected(exchange)
        leads_on = to is not None and to[0] != self.part
        own_pages = self.part in ("auth", "idp") and exchange.method == "POST"
        asked = bool(shown(exchange.parameters) or exchange.bearer)
        return bool(exchange.inner) or leads_on or own_pages or asked

    def _hops(self, exchange: Exchange, source: str) -> Iterator[Hop]:
        frame = " in a hidden frame" if exchange.asked.get("sec-fetch-dest") == "iframe" else ""
        brought = [("access_token", exchange.bearer)] if exchange.bearer else []
        asked = shown([*exchange.parameters.items(), *brought])
        yield self._hop(source, self.part, f"{exchange.method} {exchange.path}{frame}", "request", asked)
        yield from exchange.inner
        # Where an answer sends the browser, the next request brings the same parameters along.
        said = shown(exchange.fragment if self._redirected(exchange) else exchange.answers)
        yield self._hop(self.part, source, self._answer(exchange), "answer", said)

    def _hop(self, source: str, target: str, what: str, kind: str, details: Details) -> Hop:
        return Hop(order=self.trace.next(), source=source, target=target, what=what, kind=kind, details=details)

    def _answer(self, exchange: Exchange) -> str:
        if to := self._redirected(exchange):
            return f"{exchange.status} to {NAMES.get(to[0], to[0])} {to[1]}"
        said = exchange.title.partition(" - ")[0] or HTTPStatus(exchange.status).phrase
        return f"{exchange.status} {said}"

    def _redirected(self, exchange: Exchange) -> tuple[str, str] | None:
        """Tell to whom, and to what path, an answer sends the browser."""
        if not exchange.location:
            return None
        where = urlsplit(exchange.location)
        part = self.sites.part_at(where.hostname) if where.hostname else self.part
        return (part or where.hostname or ""), where.path or "/"
