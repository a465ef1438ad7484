"""A browser without a window, and an internet without wires: requests go to the ASGI applications of this process."""

import asyncio
from collections.abc import Coroutine, Mapping
from html.parser import HTMLParser
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx2
from attrs import define, field

T = TypeVar("T")


def run(awaited: Coroutine[Any, Any, T]) -> T:
    """Run a test's coroutine to its end."""
    return asyncio.run(awaited)


class Internet(httpx2.AsyncBaseTransport):
    """Find the application of a host; remember what was asked, so that a test can look for what must not be there."""

    def __init__(self) -> None:
        self.hosts: dict[str, Any] = {}
        self.log: list[str] = []
        self.down: set[str] = set()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Serve one request."""
        self.log.append(f"{request.method} {request.url}")
        app = self.hosts.get(request.url.host)
        if app is None or request.url.host in self.down:
            raise httpx2.ConnectError(f"no such host: {request.url.host}", request=request)
        return await httpx2.ASGITransport(app=app).handle_async_request(request)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.action = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = given.get("action", "")
        if tag == "input" and "name" in given:
            self.fields[given["name"]] = given.get("value", "")


@define
class Page:
    """Hold what a browser shows, and where."""

    url: str
    response: httpx2.Response

    @property
    def status(self) -> int:
        """Give the status."""
        return self.response.status_code

    @property
    def text(self) -> str:
        """Give the body."""
        return self.response.text

    @property
    def query(self) -> dict[str, str]:
        """Give the address's query."""
        return dict(parse_qsl(urlsplit(self.url).query))

    @property
    def fragment(self) -> dict[str, str]:
        """Give the address's fragment."""
        return dict(parse_qsl(urlsplit(self.url).fragment))

    @property
    def form(self) -> tuple[str, dict[str, str]]:
        """Give the form's address and what is filled in already."""
        forms = _Forms()
        forms.feed(self.text)
        return urljoin(self.url, forms.action), forms.fields


@define
class Browser:
    """Keep cookies and follow redirects, as long as they lead to hosts that are there."""

    internet: Internet
    visited: list[str] = field(factory=list)
    client: httpx2.AsyncClient = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.client = httpx2.AsyncClient(transport=self.internet, trust_env=False)

    async def get(self, url: str, *, follow: bool = True, **params: str) -> Page:
        """Go to an address."""
        address = str(httpx2.URL(url).copy_merge_params(params)) if params else url
        return await self._shown(await self.client.get(address), address, follow)

    async def post(self, url: str, *, follow: bool = True, **fields: str) -> Page:
        """Send a form."""
        return await self._shown(await self.client.post(url, data=fields), url, follow)

    async def submit(self, page: Page, *, follow: bool = True, **fields: str) -> Page:
        """Fill in a page's form and send it."""
        action, filled = page.form
        return await self.post(action, follow=follow, **{**filled, **fields})

    @property
    def cookies(self) -> Mapping[str, str]:
        """Give the cookies that the browser holds, by host and name."""
        return {f"{cookie.domain} {cookie.name}": str(cookie.value) for cookie in self.client.cookies.jar}

    async def _shown(self, response: httpx2.Response, url: str, follow: bool) -> Page:
        self.visited.append(url)
        for _ in range(20):
            location = response.headers.get("location")
            if location is None:
                return Page(url, response)
            url = urljoin(url, location)
            if not follow or urlsplit(url).hostname not in self.internet.hosts:
                return Page(url, response)
            self.visited.append(url)
            response = await self.client.get(url)
        raise AssertionError(f"redirected for ever: {self.visited[-4:]}")
