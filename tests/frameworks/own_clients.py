"""Each recipe with the test client that its framework's users have."""

import asyncio
import importlib
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx2
from attrs import frozen
from litestar.testing import TestClient as LitestarClient
from starlette.testclient import TestClient

from .cases import CASES, Open
from .recipes import django_client

Answer = tuple[int, str]
Ask = Callable[[Any, str, str, dict[str, str]], Answer]
HTTPS = "https://testserver"


@frozen
class Client:
    """Say how a client is made for an application, and how it sends a form and reads the answer."""

    made: Callable[[Any], Any]
    ask: Ask


def _by_httpx(client: Any, method: str, path: str, form: dict[str, str]) -> Answer:
    answer = client.request(method, path, data=form or None, follow_redirects=False)
    return answer.status_code, answer.text


def _by_webtest(client: Any, method: str, path: str, form: dict[str, str]) -> Answer:
    answer = getattr(client, method.lower())(path, form, expect_errors=True)
    return answer.status_int, answer.text


def _by_werkzeug(client: Any, method: str, path: str, form: dict[str, str]) -> Answer:
    answer = client.open(path, method=method, data=form)
    return answer.status_code, answer.get_data(as_text=True)


def _by_django(client: Any, method: str, path: str, form: dict[str, str]) -> Answer:
    answer = getattr(client, method.lower())(path, form)
    return answer.status_code, answer.content.decode()


def _by_quart(client: Any, method: str, path: str, form: dict[str, str]) -> Answer:
    async def asked() -> Answer:
        answer = await client.open(path, method=method, form=form or None)
        return answer.status_code, await answer.get_data(as_text=True)

    return asyncio.run(asked())


def _webtest(app: Any) -> Any:
    with warnings.catch_warnings():  # WebOb still imports the module cgi, which Python 3.13 dropped
        warnings.simplefilter("ignore", DeprecationWarning)
        webtest = importlib.import_module("webtest")

    return webtest.TestApp(app, extra_environ={"wsgi.url_scheme": "https"})


def _httpx(app: Any) -> Any:
    return httpx2.Client(transport=httpx2.WSGITransport(app=app), base_url=HTTPS)


STARLETTES = Client(partial(TestClient, base_url=HTTPS), _by_httpx)
LITESTARS = Client(partial(LitestarClient, base_url="https://testserver.local"), _by_httpx)
HTTPX = Client(_httpx, _by_httpx)
WEBTEST = Client(_webtest, _by_webtest)
DJANGOS = Client(django_client.session_client, _by_django)
FLASKS = Client(lambda app: app.test_client(), _by_werkzeug)
QUARTS = Client(lambda app: app.test_client(), _by_quart)


@frozen
class Pair:
    """Hold a recipe, as its application is opened, and its client."""

    name: str
    app: Open
    client: Client


_APPS = {case.name: case.app for case in CASES}
_CLIENTS = {
    "bottle": WEBTEST,
    "django-asgi": STARLETTES,
    "django-wsgi": DJANGOS,
    "django-wsgi-by-httpx": HTTPX,
    "falcon-asgi": STARLETTES,
    "falcon-wsgi": HTTPX,
    "fastapi": STARLETTES,
    "flask": FLASKS,
    "litestar": LITESTARS,
    "plain-asgi": STARLETTES,
    "plain-wsgi": HTTPX,
    "pyramid": WEBTEST,
    "quart": QUARTS,
    "starlette": STARLETTES,
}
PAIRS = [Pair(name, _APPS[name.removesuffix("-by-httpx")], client) for name, client in _CLIENTS.items()]
