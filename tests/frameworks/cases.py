"""Each recipe as the suite sees it: how browsers reach it, and how it tells a visitor what is missing."""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from http.server import ThreadingHTTPServer
from threading import Thread
from types import ModuleType
from typing import Any, Final
from unittest.mock import patch
from wsgiref.validate import validator

import httpx2
from attrs import frozen
from django.conf import settings
from django.test.utils import override_settings
from litestar.logging import LoggingConfig
from starlette.testclient import TestClient

from sessioncore import Store
from sessioncore_io import Cookie

from .recipes import (
    bottle_app,
    django_asgi,
    django_wsgi,
    falcon_asgi,
    falcon_wsgi,
    fastapi_app,
    flask_app,
    litestar_app,
    no_adapter,
    plain_asgi,
    plain_wsgi,
    pyramid_app,
    quart_app,
    starlette_app,
)
from .recipes.users import Users

Browser = Callable[[], httpx2.Client]
HOST_COOKIE: Final = Cookie()

Open = Callable[[Store, Users], AbstractContextManager[Any]]


@frozen
class Case:
    """Hold one recipe, how it is opened, and how browsers reach it.

    ``redirects`` tells whether it sends visitors on or answers 401.
    """

    name: str
    app: Open
    over: Callable[[Any], httpx2.Client]
    redirects: bool
    cookie: Cookie = HOST_COOKIE

    @contextmanager
    def serve(self, store: Store, users: Users) -> Iterator[Browser]:
        """Open it, and give what makes browsers."""
        with self.app(store, users) as app:
            yield partial(self.over, app)


def _over_wsgi(app: Any) -> httpx2.Client:
    transport = httpx2.WSGITransport(app=validator(app), raise_app_exceptions=False)
    return httpx2.Client(transport=transport, base_url="https://testserver")


def _over_asgi(app: Any) -> httpx2.Client:
    return TestClient(app, "https://testserver", raise_server_exceptions=False, follow_redirects=False)


def _over_http(address: str) -> httpx2.Client:
    return httpx2.Client(base_url=address)


@contextmanager
def _plain(recipe: ModuleType, store: Store, users: Users) -> Iterator[Any]:
    yield recipe.create_app(store, users)


@contextmanager
def served_by_django(recipe: ModuleType, store: Store, users: Users) -> Iterator[Any]:
    """Give one of the Django recipes, under settings of its own."""
    if not settings.configured:
        settings.configure(SECRET_KEY="for tests", LOGGING_CONFIG=None)
    with override_settings(
        ALLOWED_HOSTS=["testserver"],
        MIDDLEWARE=[f"{recipe.__name__}.SessionHandle"],
        ROOT_URLCONF=recipe.__name__,
        SESSION_STORE=store,
        USERS=users,
    ):
        yield recipe.create_app()


@contextmanager
def _litestar(store: Store, users: Users) -> Iterator[Any]:
    # It would set up the log of the whole process, for all later tests too, and leave a thread that writes it.
    with patch.object(LoggingConfig, "configure", return_value=logging.getLogger):
        app = litestar_app.create_app(store, users)
    yield app


@contextmanager
def _real_http(store: Store, users: Users) -> Iterator[str]:
    handler = no_adapter.create_app(store, users, Cookie.for_plain_http())
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        serving = Thread(target=partial(server.serve_forever, poll_interval=0.01))
        serving.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            serving.join()


CASES = [
    Case("bottle", partial(_plain, bottle_app), _over_wsgi, redirects=True),
    Case("django-asgi", partial(served_by_django, django_asgi), _over_asgi, redirects=True),
    Case("django-wsgi", partial(served_by_django, django_wsgi), _over_wsgi, redirects=True),
    Case("falcon-asgi", partial(_plain, falcon_asgi), _over_asgi, redirects=False),
    Case("falcon-wsgi", partial(_plain, falcon_wsgi), _over_wsgi, redirects=False),
    Case("fastapi", partial(_plain, fastapi_app), _over_asgi, redirects=False),
    Case("flask", partial(_plain, flask_app), _over_wsgi, redirects=True),
    Case("litestar", _litestar, _over_asgi, redirects=False),
    Case("no-adapter", _real_http, _over_http, redirects=False, cookie=Cookie.for_plain_http()),
    Case("plain-asgi", partial(_plain, plain_asgi), _over_asgi, redirects=False),
    Case("plain-wsgi", partial(_plain, plain_wsgi), _over_wsgi, redirects=False),
    Case("pyramid", partial(_plain, pyramid_app), _over_wsgi, redirects=True),
    Case("quart", partial(_plain, quart_app), _over_asgi, redirects=True),
    Case("starlette", partial(_plain, starlette_app), _over_asgi, redirects=True),
]
