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


def flask_app(*, sessions: bool = True) -> flask.Flask:
    """Serve from Flask's cookie, or without sessions."""
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
    return wsgi("Flask", "signed cookie", flask_app(), flask_app(sessions=False))


def flask_session_app(**config: Any) -> flask.Flask:
    """Serve from one of Flask-Session's stores."""
    app = flask_app()
    app.config.update(config)
    Session(app)
    return app


def _flask_session() -> Contender:
    app = flask_session_app(SESSION_TYPE="cachelib", SESSION_CACHELIB=SimpleCache())
    return wsgi("Flask-Session", "memory", app, flask_app(sessions=False))


# -- Django ------------------------------------------------------------------------------------------------


def _django_login(request: Any) -> Any:
    request.session["name"] = NAME
    return HttpResponse(NAME)


def _django_home(request: Any) -> Any:
    return HttpResponse(request.session["name"] if hasattr(request, "session") else NAME)


urlpatterns = [path("login", _django_login), path("", _django_home)]


def configure_django(database: dict[str, Any], cache: dict[str, Any]) -> None:
    """Set Django up, once a process, with a connection to its database that stays."""
    settings.configure(
        ALLOWED_HOSTS=["shop.example"],
        ROOT_URLCONF=__name__,
        SECRET_KEY="x" * 50,
        INSTALLED_APPS=["django.contrib.sessions"],
        DATABASES={"default": {**database, "CONN_MAX_AGE": None}},
        CACHES={"default": cache},
    )
    django.setup()
    from django.contrib.sessions.models import Session as Row  # type: ignore[import-untyped,unused-ignore]
    from django.db import connection  # type: ignore[import-untyped,unused-ignore]

    with connection.schema_editor() as schema:
        schema.create_model(Row)


def django_apps(engine: str) -> tuple[WSGIHandler, WSGIHandler]:
    """Serve from one of Django's session engines, and without sessions."""
    settings.MIDDLEWARE = []
    bare = WSGIHandler()
    settings.MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware"]
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    return WSGIHandler(), bare


def contenders(folder: Path) -> list[Contender]:
    """Enter the peers of the WSGI world; ``folder`` holds Django's database."""
    configure_django(
        {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "django.sqlite"},
        {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    )
    return [
        _beaker(),
        _flask_cookie(),
        _flask_session(),
        wsgi("Django", "local memory cache", *django_apps("cache")),
        wsgi("Django", "SQLite", *django_apps("db")),
    ]
