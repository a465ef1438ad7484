"""What both adapters add to a response, and the response that replaces one which would not be true."""

import logging
from collections.abc import Callable
from typing import Final

from attrs import frozen

from sessioncore import Refused, SessionError, StoreUnavailable
from sessioncore.refusals import ELSEWHERE

from .cookies import Cookie
from .life import UNCOMMITTED, SessionHandle
from .world import log

Headers = list[tuple[str, str]]
# Called with the status and a sentence for the user; returns the media type and the body.
Page = Callable[[int, str], tuple[str, str]]

# What is known is that not all of it was stored: ``password_changed`` may fail when its ``write`` has been done.
_PERHAPS: Final = "this may not have been done, or only in part."
UNAVAILABLE: Final = (503, f"The session store is not available: {_PERHAPS} Try again in a moment.\n")
CONFLICT: Final = (409, f"The session changed meanwhile: {_PERHAPS} Reload the page and try again.\n")

FAILED: Final = (500, "Internal Server Error\n")


def replacement(error: BaseException | None) -> tuple[int, str]:
    """Choose the response for a commit that failed: 503 for the store, 409 for everybody else."""
    return UNAVAILABLE if error is None or isinstance(error, StoreUnavailable) else CONFLICT


def replaced(error: BaseException | None, handle: SessionHandle) -> tuple[int, str]:
    """Choose the response that takes the application's place, and tell the log why: the browser is not told."""
    error = error or handle._failure
    answer = replacement(error)
    level = logging.ERROR if answer is UNAVAILABLE else logging.WARNING
    log.log(
        level, "the application's answer was replaced (%d): %s", answer[0], _causes(error), extra={"status": answer[0]}
    )
    return answer


def _causes(error: BaseException | None) -> str:
    """Give an error and what caused it, in one line; of errors that are not ours the names: their texts hold values."""
    said = []
    while error is not None:
        said.append(" ".join(str(error).split()) if isinstance(error, SessionError) else type(error).__name__)
        error = error.__cause__
    return ", caused by: ".join(said)


def answerable(error: BaseException | None, handle: SessionHandle) -> bool:
    """Tell whether 503 or 409 is the answer to what an application let through: the program is right."""
    return isinstance(error, UNCOMMITTED) and not _misused(error, handle)


def _misused(error: SessionError, handle: SessionHandle) -> bool:
    """Tell whether the program erred: its verb was refused on the very session that its request sees.

    Nobody changed it, then, and its time has not run out; what fails at the commit leaves no session to see. A proof
    for another session is refused so too, but a user brings that who has logged in anew since it was asked for.
    """
    if not isinstance(error, Refused) or error.settled is None or error.why == ELSEWHERE:
        return False
    return error.settled is handle.stored


def unanswered(handle: SessionHandle, status: int) -> SessionError | None:
    """Give what a verb raised and a framework turned into a plain 500; another status is the application's answer."""
    return handle.raised if status == 500 and answerable(handle.raised, handle) else None


def plain_page(status: int, text: str) -> tuple[str, str]:
    """Say it in plain text."""
    return "text/plain; charset=utf-8", text


@frozen
class Answering:
    """Hold what an application's cookies, and the answers in its place, are made with."""

    cookie: Cookie
    page: Page

    def instead(self, status: int, text: str, handle: SessionHandle) -> tuple[Headers, bytes]:
        """Give the headers and the body of an answer that nobody may keep."""
        media_type, body = self._page(status, text)
        headers = [
            ("content-type", media_type),
            ("content-length", str(len(body))),
            ("cache-control", "no-store"),
        ]
        return with_cookie(headers, handle, self.cookie), body

    def _page(self, status: int, text: str) -> tuple[str, bytes]:
        try:
            return _sendable(*self.page(status, text))
        except Exception:
            log.exception("the page for %d failed: plain text is sent instead", status)
            return _sendable(*plain_page(status, text))


def _sendable(media_type: str, text: str) -> tuple[str, bytes]:
    """Encode a page's text. Raises whatever is raised by what is none, and by a media type that is no header's."""
    if not media_type.isascii() or not media_type.isprintable():
        raise ValueError(f"{media_type!r} is no media type")
    return media_type, text.encode()


def with_cookie(headers: Headers, handle: SessionHandle, cookie: Cookie) -> Headers:
    """Add what the response owes the browser and the caches on the way.

    A response that depends on the session varies by cookie; one that sets a cookie is not stored.
    """
    order = handle.order
    if order is None and not handle.accessed:
        return headers
    headers = varying(headers)
    if order is not None:
        headers = [pair for pair in headers if pair[0].lower() != "cache-control"]
        headers.append(("cache-control", "no-store"))
        headers.append(("set-cookie", cookie.write(order, handle.stored, handle.at)))
    return headers


def varying(headers: Headers) -> Headers:
    """Merge Cookie into the application's Vary."""
    for name, _ in headers:  # a loop, for nearly always there is none: a comprehension is a call before Python 3.12
        if name.lower() == "vary":
            return _merged(headers)
    return [*headers, ("vary", "Cookie")]


def _merged(headers: Headers) -> Headers:
    values = [value for name, value in headers if name.lower() == "vary"]
    fields = [field.strip() for value in values for field in value.split(",") if field.strip()]
    if "*" in fields or any(field.lower() == "cookie" for field in fields):
        return headers
    rest = [pair for pair in headers if pair[0].lower() != "vary"]
    return [*rest, ("vary", ", ".join([*fields, "Cookie"]))]


__all__ = [
    "CONFLICT",
    "FAILED",
    "UNAVAILABLE",
    "UNCOMMITTED",
    "Answering",
    "Headers",
    "Page",
    "answerable",
    "plain_page",
    "replaced",
    "replacement",
    "unanswered",
    "varying",
    "with_cookie",
]
