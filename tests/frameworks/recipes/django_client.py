"""Django's test client for an application with sessions: its own does not come through ``wsgi.py``."""

from collections.abc import Callable, Iterable
from copy import copy
from typing import Any

from django.http import HttpResponse
from django.test import Client

from sessioncore_io.wsgi import Environ, SessionMiddleware, StartResponse


# [wiring]
def session_client(application: SessionMiddleware, **options: Any) -> Client:
    """Make Django's test client; its views are inside the session middleware, as in ``wsgi.py``."""
    client = Client(**options)
    client.handler = Inside(client.handler, application)
    return client


# [/wiring]


# [handler]
class Inside:
    """Stand where the client's handler stood, and let the middleware call it."""

    def __init__(self, handler: Any, application: SessionMiddleware) -> None:
        self.handler = handler
        self.app = copy(application)
        self.app.app = self.serve

    def __call__(self, environ: Environ) -> HttpResponse:
        started: list[Any] = []

        def start_response(*answer: Any) -> Callable[[bytes], object]:
            started.append(answer)
            return started.append

        body = b"".join(self.app(environ, start_response))
        (status, headers), response = started[0], environ["django.response"]
        if int(status[:3]) != response.status_code:  # the middleware answered in the application's place
            response.status_code, response.content = int(status[:3]), body
        for name, value in headers:
            if name == "set-cookie":
                response.cookies.load(value)
            else:
                response[name] = value
        return response

    def serve(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        response = environ["django.response"] = self.handler(environ)
        start_response(f"{response.status_code} {response.reason_phrase}", list(response.items()))
        return []


# [/handler]
