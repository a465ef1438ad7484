"""Bind sessions to WSGI (PEP 3333): the handle is ``environ["sessioncore.session"]``."""

from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from inspect import isgenerator
from types import TracebackType
from typing import Any, Final

from sessioncore import Policy, SessionError, Store

from .answers import (
    FAILED,
    UNCOMMITTED,
    Answering,
    Headers,
    Page,
    answerable,
    plain_page,
    replaced,
    unanswered,
    with_cookie,
)
from .checks import check_cookie, check_page
from .cookies import Cookie
from .handle import Handle, at_a_glance, opens_nothing
from .shell import Sessions
from .world import Clock, Listener, log, log_notice, wall_clock

Environ = dict[str, Any]
ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]
StartResponse = Callable[..., Callable[[bytes], object]]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

KEY: Final = "sessioncore.session"

_WHOLE: Final = (list, tuple)  # the bodies that run none of the application's code when they are read


class SessionMiddleware:
    """Give every request of a WSGI application its session.

    What the request did is stored before the response starts. If that fails, the application's response is
    replaced: 503 for the store, 409 for a session that changed meanwhile. ``page`` writes these answers: it gets the
    status and a sentence, and returns a media type and the body.
    """

    def __init__(
        self,
        app: Application,
        store: Store,
        policy: Policy = Policy(),  # noqa: B008 - frozen
        cookie: Cookie = Cookie(),  # noqa: B008 - frozen
        clock: Clock = wall_clock,
        listener: Listener = log_notice,
        page: Page = plain_page,
    ) -> None:
        check_cookie(cookie)
        check_page(page)
        self.app = app
        self.cookie = cookie
        self._answering = Answering(cookie, page)
        self.sessions = Sessions(store, policy, clock, listener)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        handle = environ[KEY] = self._open(environ)
        response = _Response(handle, self._answering, start_response)
        try:
            body = self.app(environ, response.start)
        except BaseException as error:
            return response.after(error)
        if response.replaced is not None:
            _close(body)
            return [response.replaced]
        if response.started and isinstance(body, _WHOLE):  # as nearly always: nothing more will run
            handle.warn_of_lost()
            return body
        return body if response.started and not (handle.lent or isgenerator(body)) else _Late(body, response)

    def _open(self, environ: Environ) -> Handle:
        sessions = self.sessions
        header = environ.get("HTTP_COOKIE")
        token = self.cookie.find_in(header) if header else None
        if token is None:
            return opens_nothing(Handle, sessions)
        try:
            handle = at_a_glance(Handle, sessions, token, sessions.store.load(token.sid))
            return sessions.open(token) if handle is None else handle
        except UNCOMMITTED as error:
            return opens_nothing(Handle, sessions, token, error)


def _rescued(handle: Handle) -> None:
    """Store the LogOut of a request that failed; another failure is logged, the first one is the one to raise."""
    try:
        handle.store_logout()
    except UNCOMMITTED as error:
        log.error("a logout was not stored, and its session is alive: %s", error)


class _Response:
    """Stand between the application and the server's ``start_response``."""

    __slots__ = ("_start", "answering", "handle", "replaced", "started")

    def __init__(self, handle: Handle, answering: Answering, start_response: StartResponse) -> None:
        self.handle = handle
        self.answering = answering
        self.started = False
        self.replaced: bytes | None = None
        self._start = start_response

    def start(self, status: str, headers: Headers, exc_info: ExcInfo | None = None) -> Callable[[bytes], object]:
        """Commit, then start the response, or another one if the commit failed."""
        handle = self.handle
        if self.replaced is not None:
            return _discard
        if not self.started:
            if status >= "5" or not handle.may_start():
                error = self._committed(status) or unanswered(handle, 500 if status.startswith("500") else 0)
                if handle.failed or error is not None:
                    return self._replace(replaced(error, self.handle))
            self.started = True
            handle.seal()
        answered = with_cookie(headers, handle, self.answering.cookie)
        return self._start(status, answered, exc_info) if exc_info else self._start(status, answered)

    def after(self, error: BaseException) -> Iterable[bytes]:
        """Give what is to be answered after the application's failure; raises it if that is the server's to do."""
        _rescued(self.handle)
        if answerable(error, self.handle):
            if not self.started:
                self._replace(replaced(error, self.handle))
            if self.replaced is not None:
                return [self.replaced]
        if isinstance(error, Exception) and (self.replaced is not None or self.handle.order is not None):
            return self._failing(error)
        raise error

    def _failing(self, error: Exception) -> Iterator[bytes]:
        """Answer 500 for an application that failed after its session had rotated: the server's own has no cookie.

        The browser would be left with a token that is none any more. The failure goes on to the server once the
        answer is out; at once if another has begun to leave, for then ``start_response`` raises it.
        """
        if self.replaced is None:
            self._replace(FAILED, (type(error), error, error.__traceback__))
        yield self.replaced or b""
        raise error

    def _committed(self, status: str) -> SessionError | None:
        try:
            if status >= "5":
                self.handle.store_logout()
            elif not self.handle.idle:
                self.handle.commit()
        except UNCOMMITTED as error:
            return error
        return None

    def _replace(self, answer: tuple[int, str], exc_info: ExcInfo | None = None) -> Callable[[bytes], object]:
        status, text = answer
        self.started = True
        headers, self.replaced = self.answering.instead(status, text, self.handle)
        self._start(f"{status} {HTTPStatus(status).phrase}", headers, *([exc_info] if exc_info else ()))
        return _discard


def _discard(_written: bytes) -> None:
    """Write nothing: another response was sent instead."""


class _Late:
    """Carry the body of an application that starts its response, or may change its session, while it is read."""

    def __init__(self, body: Iterable[bytes], response: _Response) -> None:
        self._body = body
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        try:
            for chunk in self._body:
                if self._response.replaced is not None:
                    break
                yield chunk
        except BaseException as error:
            yield from self._response.after(error)
            return
        if self._response.replaced is not None:
            yield self._response.replaced

    def close(self) -> None:
        """Close the application's body, and say what it changed too late."""
        try:
            _close(self._body)
        finally:
            self._response.handle.warn_of_lost()


def _close(body: Iterable[bytes]) -> None:
    close = getattr(body, "close", None)
    if close is not None:
        close()


__all__ = ["KEY", "SessionMiddleware"]
