"""Other session libraries for WSGI, each used as its own documentation shows."""

from pathlib import Path
from typing import Any

import django  # type: ignore[import-untyped,unused-ignore]
import flask
from beaker.middleware import SessionMiddleware  # type: ignore[import-untyped,import-not-found,unused-ignore]
from cachelib import SimpleCache  # type: ignore[import-untyped,import-not-found,unused-ignore]
from django.conf import settings  # type: ignore[import-untyped,unused-ignore]
from django.core.handlers.wsgi import WSGIHandler  # type: ignore[import-untyped,unused-ignore]
from django.http import HttpResponse  # type: ignore[import-untyped,unused-ignore]
from django.urls import path  # type: ignore[import-untyped,unused-ignore]
from flask_session import Session  # type: ignore[import-untyped,import-not-found,unused-ignore]

from .contenders import Contender, wsgi
from .drive import NAME, PLAIN


def _beaker_app(environ: Any, start_response: Any) -> list[bytes]:
    session = environ["beaker.session"]
    if environ["PATH_INFO"] == "/login":
        session["name"] = NAME
        session.save()
    text = session["name"].encode()
    start_response("200 OK", list(PLAIN))
    return [text]


def _beaker() -> Contender:
    options = {"session.type": "memory", "session.secure": True, "session.httponly": True}
    return wsgi("Beaker", "memory", SessionMiddleware(_beaker_app, options))


# -- Flask -------------------------------------------------------------------------------------------------


def _flask_app(*, sessions: bool = True) -> flask.Flask:
    app = flask.Flask("benchmarks")
    app.secret_key = "x" * 32 if sessions else None

    @app.get("/login")
    def login() -> str:
        flask.session["name"] = NAME
        return NAME

    @app.get("/")
    def home() -> str:
        return str(flask.session["name"]) if sessions else NAME

    return app


def _flask_cookie() -> Contender:
    return wsgi("Flask", "signed cookie", _flask_app(), _flask_app(sessions=False))


def _flask_session() -> Contender:
    app = _flask_app()
    app.config.update(SESSION_TYPE="cachelib", SESSION_CACHELIB=SimpleCache())
    Session(app)
    return wsgi("Flask-Session", "memory", app, _flask_app(sessions=False))


# -- Django ------------------------------------------------------------------------------------------------


def _django_login(request: Any) -> Any:
    request.session["name"] = NAME
    return HttpResponse(NAME)


def _django_home(request: Any) -> Any:
    return HttpResponse(request.session["name"] if hasattr(request, "session") else NAME)


urlpatterns = [path("login", _django_login), path("", _django_home)]


def _configure(folder: Path) -> None:
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "django.sqlite", "CONN_MAX_AGE": None}
    settings.configure(
        ALLOWED_HOSTS=["shop.example"],
        ROOT_URLCONF=__name__,
        SECRET_KEY="x" * 50,
        INSTALLED_APPS=["django.contrib.sessions"],
        DATABASES={"default": database},
        CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
    )
    django.setup()
    from django.contrib.sessions.models import Session as Row  # type: ignore[import-untyped,unused-ignore]
    from django.db import connection  # type: ignore[import-untyped,unused-ignore]

    with connection.schema_editor() as schema:
        schema.create_model(Row)


def _django(keeps: str, engine: str) -> Contender:
    settings.MIDDLEWARE = []
    bare = WSGIHandler()
    settings.MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware"]
    settings.SESSION_ENGINE = engine
    return wsgi("Django", keeps, WSGIHandler(), bare)


def contenders(folder: Path) -> list[Contender]:
    """Enter the peers of the WSGI world; ``folder`` holds Django's database."""
    _configure(folder)
    return [
        _beaker(),
        _flask_cookie(),
        _flask_session(),
        _django("local memory cache", "django.contrib.sessions.backends.cache"),
        _django("SQLite", "django.contrib.sessions.backends.db"),
    ]
