"""What a refused request is answered: the page that gives what is missing, or one that says what happened."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from sessioncore import Contention, LoginRequired, Refused, StepUpRequired, StoreUnavailable

from .web import go, page, session_of


def to_login(request: Request, error: Exception) -> Response:
    """Ask who this is; somebody who is signed in only proves it again."""
    return _ask("/confirm" if session_of(request).signed_in else "/login", request)


def to_code(request: Request, error: Exception) -> Response:
    """Ask for the second factor."""
    return _ask("/code", request)


def changed_meanwhile(request: Request, error: Exception) -> Response:
    """Say that the session became another one while the request ran."""
    return page(request, "message.html", 409, title="Not done", text="Your session changed meanwhile. Try again.")


def unavailable(request: Request, error: Exception) -> Response:
    """Say that nobody can be recognised now; the usual page would ask for the session again."""
    return PlainTextResponse("The shop cannot reach its session store. Try again in a moment.\n", 503)


def http_error(request: Request, error: Exception) -> Response:
    """Say what is wrong with the request."""
    assert isinstance(error, HTTPException)
    title = {403: "Not accepted", 404: "Not found"}.get(error.status_code, "Not possible")
    bare = error.detail == HTTPStatus(error.status_code).phrase
    text = "There is nothing of that kind at this address." if bare else error.detail
    return page(request, "message.html", error.status_code, title=title, text=text)


def _ask(address: str, request: Request) -> Response:
    wanted = request.url.path if request.method == "GET" else "/"
    return go(f"{address}?{urlencode({'next': wanted})}")


ANSWERS: Final[dict[Any, Callable[[Request, Exception], Response]]] = {
    LoginRequired: to_login,
    StepUpRequired: to_code,
    Refused: changed_meanwhile,
    Contention: changed_meanwhile,
    StoreUnavailable: unavailable,
    HTTPException: http_error,
}
