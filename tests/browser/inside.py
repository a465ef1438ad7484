"""The demo without network or browser, where that is cheaper: its parts call each other inside of one process."""

import re
from pathlib import Path
from typing import Any

import httpx2
from examples.storezero.app import Clocks, build
from examples.storezero.common.sites import Sites
from starlette.testclient import TestClient

from sessioncore_io.asgi import Application

from .people import KEYS, QUICK

SITES = Sites(scheme="https", port=443)
SHOP, AUTH = SITES.url("shop"), SITES.url("auth")


class Inside(httpx2.AsyncBaseTransport):
    """Call an application that is built later: it is one of its own callers."""

    def __init__(self) -> None:
        self.app: Application | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Serve a request."""
        assert self.app is not None, "the town is built before anybody calls"
        return await httpx2.ASGITransport(app=self.app).handle_async_request(request)


def closed_town(data: Path, clock: Any) -> Application:
    """Build the demo on one clock that stands still for all layers."""
    inside = Inside()
    clocks = Clocks(shop=clock, auth=clock, idp=clock)
    inside.app = build(data, SITES, clocks=clocks, hasher=QUICK, keys=KEYS, transport=inside)
    return inside.app


def visitor(town: Application) -> TestClient:
    """Give somebody who has been nowhere yet."""
    return TestClient(town, base_url=SHOP, follow_redirects=False)


def followed(client: TestClient, answer: Any) -> Any:
    """Go where an answer leads, to the first page that is one."""
    for _ in range(12):
        if not answer.is_redirect:
            return answer
        answer = client.get(answer.url.join(answer.headers["location"]))
    raise AssertionError(f"a dozen redirects lead nowhere; the last one to {answer.url}")


def hidden(text: str, name: str) -> str:
    """Read a hidden field of a form."""
    found = re.search(rf'name="{name}" value="([^"]+)"', text)
    assert found is not None, f"the page has a form with {name}"
    return found[1]


def token(client: TestClient, path: str = f"{AUTH}/forgotten") -> str:
    """Read the CSRF token of a page's form."""
    return hidden(client.get(path).text, "csrf")


def give_password(client: TestClient, name: str = "alice", password: str = "down the rabbit hole") -> Any:
    """Go from the shop to the login service, fill its form in and give its answer."""
    asked = followed(client, client.get("/login")).text
    form = {field: hidden(asked, field) for field in ("csrf", "transaction")}
    return client.post(f"{AUTH}/login", data=form | {"name": name, "password": password})


def log_in(client: TestClient, name: str = "alice", password: str = "down the rabbit hole") -> None:
    """Log in at the shop and see that it worked."""
    arrived = followed(client, give_password(client, name, password))

    assert str(arrived.url) == f"{SHOP}/"
    assert 'action="/logout"' in arrived.text
