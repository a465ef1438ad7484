"""The examples of docs/sso/openid.md, run as they stand there: two real servers, and names of this machine."""

import asyncio
import re
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx2
import pytest
import uvicorn

import sessioncore_io.oidc as oidc
from sessioncore_io.oidc import LocalNames

from .browser import Page

pytestmark = pytest.mark.anyio

PAGE = Path(__file__).parents[2] / "docs" / "sso" / "openid.md"
BLOCK = re.compile(r"<!-- file: (?P<name>\w+)\.py -->\n```python\n(?P<code>.*?)```\n", re.DOTALL)


def examples(directory: Path, ports: dict[str, int]) -> dict[str, Any]:
    """Write the page's files with free ports for its own, and import them."""
    found = {}
    for block in BLOCK.finditer(PAGE.read_text("utf-8")):
        code = block["code"].replace(":8000", f":{ports['shop']}").replace(":8001", f":{ports['login_server']}")
        path = directory / f"{block['name']}.py"
        path.write_text(code, encoding="utf-8")
        spec = spec_from_file_location(block["name"], path)
        assert spec is not None
        assert spec.loader is not None
        found[block["name"]] = module_from_spec(spec)
        sys.modules.pop(block["name"], None)
        spec.loader.exec_module(found[block["name"]])
    return found


@asynccontextmanager
async def served(app: Any, sock: socket.socket) -> AsyncIterator[None]:
    """Serve an application by uvicorn on a socket that is bound already."""
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="on"))
    task = asyncio.create_task(server._serve([sock]))
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        await task
        sock.close()


def bound() -> socket.socket:
    """Bind a free port."""
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    return sock


class Window:
    """Go from page to page like a browser, which holds plain http to *.localhost to be secure."""

    def __init__(self) -> None:
        jar = CookieJar(DefaultCookiePolicy(secure_protocols=("http", "https")))
        self.client = httpx2.AsyncClient(transport=LocalNames(), cookies=jar, trust_env=False)

    async def go(self, url: str, **fields: str) -> Page:
        """Follow redirects to where they end."""
        answer = await (self.client.post(url, data=fields) if fields else self.client.get(url))
        while "location" in answer.headers:
            url = urljoin(url, answer.headers["location"])
            answer = await self.client.get(url)
        return Page(url, answer)


async def test_the_examples_log_in_and_out(tmp_path: Path) -> None:
    sockets = {"shop": bound(), "login_server": bound()}
    ports = {name: sock.getsockname()[1] for name, sock in sockets.items()}
    apps = examples(tmp_path, ports)
    shop, login = f"http://shop.localhost:{ports['shop']}", f"http://login.localhost:{ports['login_server']}"

    async with (
        served(apps["shop"].app, sockets["shop"]),
        served(apps["login_server"].app, sockets["login_server"]),
    ):
        window, phone = Window(), Window()
        for person in (window, phone):
            page = await person.go(f"{shop}/login")
            action, fields = page.form
            await person.go(action, **fields | {"name": "alice", "password": "looking-glass"})
            page = await person.go(action, **fields | {"name": "alice", "password": "wonderland"})
            assert page.text == f"hello {login}/#alice"

        row = _session(apps["shop"])
        assert row.upstream[0] == f"{login}/"
        confirm = await window.go(f"{login}/oidc/logout?client_id=shop&post_logout_redirect_uri={shop}/")
        action, fields = confirm.form
        assert (await window.go(action, **fields)).url == f"{shop}/"
        texts = [await _settled(window, shop), (await phone.go(f"{shop}/")).text]
        for one in (window.client, phone.client, apps["shop"].provider):
            await one.aclose()

    assert texts == ["hello None", f"hello {login}/#alice"], "over the back, and only there"


def _session(shop: Any) -> Any:
    store = shop.app.sessions.store
    return next(row for row in store._rows.values() if row.subject)


async def _settled(window: Window, shop: str) -> str:
    """Look until the message has arrived: another server has to act first."""
    for _ in range(500):
        page = await window.go(f"{shop}/")
        if page.text == "hello None":
            return page.text
        await asyncio.sleep(0.01)
    return page.text


def test_no_example_goes_untested() -> None:
    assert "```python" not in BLOCK.sub("", PAGE.read_text("utf-8"))


def test_every_verb_that_is_named_exists() -> None:
    text = PAGE.read_text("utf-8")

    named = set(re.findall(r"`server\.(\w+)", text)) - {"notices"}
    assert [name for name in named if not hasattr(oidc.AuthorizationServer, name)] == []
    assert [n for n in re.findall(r"`provider\.(\w+)", text) if not hasattr(oidc.RelyingParty, n)] == []
