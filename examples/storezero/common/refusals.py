"""What a refused request is answered in every part: a page that says what happened."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from sessioncore import Contention, Refused, StoreUnavailable
from sessioncore_io.oidc import LoginFailed, ProviderUnavailable

from .web import page

Answer = Callable[[Request, Exception], Response]

# What an end of a login by a provider means, where the code alone says little.
_WORDS: Final = {
    "access_denied": "You said no, so nobody was logged in.",
    "unknown_state": "This browser did not begin this login, or began it too long ago. It counts nowhere else.",
    "bad_token": "The token that came back is not good. Do the clocks of the layers disagree? The time machine's "
    "button “now” brings them together.",
    "auth_time_ahead": "The login is said to be in the future: the clocks of the layers disagree.",
}


def changed_meanwhile(request: Request, error: Exception) -> Response:
    """Say that the session became another one while the request ran."""
    return page(request, "message.html", 409, title="Not done", text="Your session changed meanwhile. Try again.")


def unavailable(request: Request, error: Exception) -> Response:
    """Say that nobody can be recognised now; the usual page would ask for the session again."""
    return PlainTextResponse("This site cannot reach its session store. Try again in a moment.\n", 503)


def http_error(request: Request, error: Exception) -> Response:
    """Say what is wrong with the request."""
    assert isinstance(error, HTTPException)
    title = {403: "Not accepted", 404: "Not found", 410: "Too late"}.get(error.status_code, "Not possible")
    bare = error.detail == HTTPStatus(error.status_code).phrase
    text = "There is nothing of that kind at this address." if bare else error.detail
    return page(request, "message.html", error.status_code, title=title, text=text)


def login_failed(request: Request, error: Exception) -> Response:
    """Say that a login by a provider came to nothing; trying again by itself would go round in circles."""
    assert isinstance(error, LoginFailed)
    text = _WORDS.get(error.error, error.why)
    return page(request, "message.html", 400, title="Not logged in", text=text, code=error.error)


def provider_unavailable(request: Request, error: Exception) -> Response:
    """Say that the login service does not answer."""
    text = "The login service does not answer. Try again in a moment."
    return page(request, "message.html", 502, title="Not logged in", text=text)


ANSWERS: Final[dict[Any, Answer]] = {
    Refused: changed_meanwhile,
    Contention: changed_meanwhile,
    StoreUnavailable: unavailable,
    HTTPException: http_error,
    LoginFailed: login_failed,
    ProviderUnavailable: provider_unavailable,
}
