"""Each recipe with the test client that its framework's users have."""

import asyncio
import importlib
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from types import ModuleType
from typing import Any

import httpx2
from attrs import frozen
from litestar.testing import TestClient as LitestarClient
from starlette.testclient import TestClient

from sessioncore import Store

from .cases import served_by_django
from .recipes import (
    bottle_app,
    django_asgi,
    django_client,
    django_wsgi,
    falcon_asgi,
    falcon_wsgi,
    fastapi_app,
    flask_app,
    litestar_app,
    plain_asgi,
    plain_wsgi,
    pyramid_app,
    quart_app,
    starlette_app,
)
from .recipes.users import Users

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

Open = Callable[[Store, Users], AbstractContextManager[Any]]


@contextmanager
def _plain(recipe: ModuleType, store: Store, users: Users) -> Iterator[Any]:
    yield recipe.create_app(store, users)


@frozen
class Pair:
    """Hold a recipe, as its application is opened, and its client."""

    name: str
    app: Open
    client: Client


PAIRS = [
    Pair("bottle", partial(_plain, bottle_app), WEBTEST),
    Pair("django-asgi", partial(served_by_django, django_asgi), STARLETTES),
    Pair("django-wsgi", partial(served_by_django, django_wsgi), DJANGOS),
    Pair("django-wsgi-by-httpx", partial(served_by_django, django_wsgi), HTTPX),
    Pair("falcon-asgi", partial(_plain, falcon_asgi), STARLETTES),
    Pair("falcon-wsgi", partial(_plain, falcon_wsgi), HTTPX),
    Pair("fastapi", partial(_plain, fastapi_app), STARLETTES),
    Pair("flask", partial(_plain, flask_app), FLASKS),
    Pair("litestar", partial(_plain, litestar_app), LITESTARS),
    Pair("plain-asgi", partial(_plain, plain_asgi), STARLETTES),
    Pair("plain-wsgi", partial(_plain, plain_wsgi), HTTPX),
    Pair("pyramid", partial(_plain, pyramid_app), WEBTEST),
    Pair("quart", partial(_plain, quart_app), QUARTS),
    Pair("starlette", partial(_plain, starlette_app), STARLETTES),
]
