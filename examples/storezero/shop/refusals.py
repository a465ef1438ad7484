"""What a refused request is answered: the way to the login service, or a page that says what happened."""

from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from sessioncore import LoginRequired, StepUpRequired

from ..common import refusals
from ..common.web import go, session_of


def to_login(request: Request, error: Exception) -> Response:
    """Ask who this is; somebody who is signed in only proves it again."""
    wanted = request.url.path if request.method == "GET" else "/"
    fresh = {"fresh": "1"} if session_of(request).signed_in else {}
    return go(f"/login?{urlencode({'next': wanted} | fresh)}")


ANSWERS: Final[dict[Any, refusals.Answer]] = refusals.ANSWERS | {LoginRequired: to_login, StepUpRequired: to_login}
