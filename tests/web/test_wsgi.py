"""What only WSGI has: late starts, write(), exc_info, close() and files (PEP 3333)."""

import sys
from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import Any
from wsgiref.util import FileWrapper, setup_testing_defaults
from wsgiref.validate import validator

import pytest

from sessioncore import StoreUnavailable, TooLate
from sessioncore.testing import Clock
from sessioncore_io import wsgi
from sessioncore_io.memory import MemoryStore

from .driver import Headers, WsgiSite, call_wsgi, sent_before
from .pages import log_in, look
from .stores import Outage

pytestmark = pytest.mark.anyio


@pytest.fixture
def outage() -> Outage:
    """Give a store that can be taken down."""
    return Outage(MemoryStore())


@pytest.fixture
def site(outage: Outage, clock: Clock) -> WsgiSite:
    """Give a WSGI site over it."""
    return WsgiSite(store=outage, clock=clock)


@pytest.fixture
async def token(site: WsgiSite) -> str:
    """Sign alice in."""
    return str((await site.ask(log_in())).token)


def serve(site: WsgiSite, app: wsgi.Application, token: str = "") -> tuple[str, Headers, bytes]:
    """Call an application of its own kind through the middleware, watched over by the standard library's validator."""
    environ: dict[str, Any] = {"QUERY_STRING": "", "HTTP_COOKIE": f"__Host-session={token}"}
    setup_testing_defaults(environ)
    return call_wsgi(validator(wsgi.SessionMiddleware(app, **site.options)), environ)


def cookies(headers: Headers) -> list[str]:
    """Give the Set-Cookie lines."""
    return [value for name, value in headers if name.lower() == "set-cookie"]


PLAIN = [("Content-Type", "text/plain")]


def late(page: Any) -> wsgi.Application:
    """Start the response only when the body is read, as a generator does."""

    def app(environ: wsgi.Environ, start_response: wsgi.StartResponse) -> Iterator[bytes]:
        page(environ[wsgi.KEY])
        start_response("200 OK", list(PLAIN))
        yield b"one "
        yield b"two"

    return app


def broken(page: Any) -> wsgi.Application:
    """Break down before the response starts, while the body is read."""

    def app(environ: wsgi.Environ, start_response: wsgi.StartResponse) -> Iterator[bytes]:
        page(environ[wsgi.KEY])
        raise ZeroDivisionError
        yield b""

    return app


def leave(session: Any) -> None:
    """Log out."""
    session.log_out()


async def test_a_response_that_starts_late_carries_its_cookie(site: WsgiSite, token: str) -> None:
    """The commit comes before the first byte, whenever that is."""
    status, headers, body = serve(site, late(leave), token)

    assert (status, body) == ("200 OK", b"one two")
    assert cookies(headers)[0].startswith("__Host-session=;")
    assert (await site.ask(look, token)).value is None


async def test_a_late_response_is_replaced_as_well(site: WsgiSite, token: str, outage: Outage) -> None:
    """Nothing of the application's body follows the 503."""
    outage.fail("swap")
    status, headers, body = serve(site, late(leave), token)

    assert status.startswith("503")
    assert (cookies(headers), b"two" in body) == ([], False)
    assert len(body) == int(dict(headers)["content-length"])


async def test_a_late_failure_commits_the_logout(site: WsgiSite, token: str) -> None:
    """An exception while the body is read is an exception of the application."""
    with pytest.raises(ZeroDivisionError):
        serve(site, broken(leave), token)

    assert (await site.ask(look, token)).value is None


async def test_a_logout_that_is_lost_with_a_late_failure_is_logged(
    site: WsgiSite, token: str, outage: Outage, caplog: pytest.LogCaptureFixture
) -> None:
    """What the server is told is the application's own failure."""
    outage.fail("swap")
    with pytest.raises(ZeroDivisionError):
        serve(site, broken(leave), token)

    told = [record.getMessage() for record in caplog.records if record.name == "sessioncore"]
    assert told == ["a logout was not stored, and its session is alive: swap is down"]


def step_up(session: Any) -> None:
    """Rotate the session's secret, and store that."""
    session.satisfy_mfa("otp")
    session.commit()


def started(page: Any) -> wsgi.Application:
    """Start a response, and break down before any of it has left."""

    def app(environ: wsgi.Environ, start_response: wsgi.StartResponse) -> Iterable[bytes]:
        page(environ[wsgi.KEY])
        start_response("200 OK", list(PLAIN))
        raise ZeroDivisionError

    return app


def half_sent(page: Any) -> wsgi.Application:
    """Break down when a part of the body has left."""

    def app(environ: wsgi.Environ, start_response: wsgi.StartResponse) -> Iterator[bytes]:
        yield from late(page)(environ, start_response)
        raise ZeroDivisionError

    return app


@pytest.mark.parametrize(
    ("breaking", "status", "body"),
    [
        (broken, "500 Internal Server Error", b"Internal Server Error\n"),
        (started, "500 Internal Server Error", b"Internal Server Error\n"),
        (half_sent, "200 OK", b"one two"),
    ],
)
async def test_the_cookie_goes_out_whenever_the_application_fails(
    site: WsgiSite, token: str, breaking: Any, status: str, body: bytes
) -> None:
    """As long as nothing has left, the server would send a 500 of its own; then, what has left has the cookie."""
    with pytest.raises(ZeroDivisionError) as raised:
        serve(site, breaking(step_up), token)
    sent = sent_before(raised.value)

    assert sent is not None
    assert (sent[0], sent[2], len(cookies(sent[1]))) == (status, body, 1)


async def test_a_failure_after_the_middlewares_answer_does_not_take_its_place(
    site: WsgiSite, token: str, outage: Outage
) -> None:
    """The server learns of it all the same."""
    outage.fail("swap")
    with pytest.raises(ZeroDivisionError) as raised:
        serve(site, started(leave), token)
    sent = sent_before(raised.value)

    assert sent is not None
    assert str(sent[0]).startswith("503")


async def test_a_late_look_without_a_store_is_503(site: WsgiSite, token: str, outage: Outage) -> None:
    """As it is in an application that looks at once."""
    outage.fail("load")
    status, _, body = serve(site, late(lambda session: session.subject), token)

    assert status.startswith("503")
    assert b"two" not in body


@pytest.mark.parametrize("down", [False, True])
async def test_what_is_written_goes_out_unless_the_response_was_replaced(
    site: WsgiSite, token: str, outage: Outage, down: bool
) -> None:
    """``write()`` is the server's own, or nobody's."""

    def app(environ: wsgi.Environ, start_response: wsgi.StartResponse) -> Iterable[bytes]:
        environ[wsgi.KEY]["a"] = 1
        write = start_response("200 OK", list(PLAIN))
        write(b"written ")
        return [b"returned"]

    if down:
        outage.fail("swap")
    status, _, body = serve(site, app, token)

    assert (status[:3], body == b"written returned") == (("503", False) if down else ("200", True))
    assert (b"written" in body) is not down


def exchanging(status: str) -> wsgi.Application:
    """Start a response, fail, and start an error page in its place."""

    def app(environ: wsgi.Environ, start_response: wsgi.StartResponse) -> Iterable[bytes]:
        environ[wsgi.KEY].log_out()
        start_response("200 OK", list(PLAIN))
        try:
            raise ZeroDivisionError
        except ZeroDivisionError:
            start_response(status, list(PLAIN), sys.exc_info())
        return [b"sorry"]

    return app


async def test_an_error_page_takes_the_place_of_a_started_response(site: WsgiSite, token: str) -> None:
    """What was committed for the first is still what the browser has to know."""
    status, headers, body = serve(site, exchanging("500 Oh No"), token)

    assert (status, body) == ("500 Oh No", b"sorry")
    assert len(cookies(headers)) == 1


async def test_an_error_page_does_not_take_the_place_of_the_middlewares(
    site: WsgiSite, token: str, outage: Outage
) -> None:
    """The status and the body belong together."""
    outage.fail("swap")
    status, headers, body = serve(site, exchanging("500 Oh No"), token)

    assert status.startswith("503")
    assert (b"sorry" in body, len(body)) == (False, int(dict(headers)["content-length"]))


class Closing:
    """Hold a body that wants to be closed."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self.chunks = iter(chunks)
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        return self.chunks

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize("down", [False, True])
@pytest.mark.parametrize("begins_late", [False, True])
async def test_the_body_is_closed_once(
    site: WsgiSite, token: str, outage: Outage, down: bool, begins_late: bool
) -> None:
    """Also when another response was sent in its place."""
    bodies: list[Closing] = []

    def app(environ: wsgi.Environ, start_response: wsgi.StartResponse) -> Iterable[bytes]:
        body = late(leave)(environ, start_response) if begins_late else [b"one"]
        if not begins_late:
            environ[wsgi.KEY].log_out()
            start_response("200 OK", list(PLAIN))
        bodies.append(Closing(body))
        return bodies[0]

    if down:
        outage.fail("swap")
    serve(site, app, token)

    assert bodies[0].closed == 1


def test_a_file_wrapper_reaches_the_server_as_it_is(site: WsgiSite) -> None:
    """So that the server may send the file by the kernel."""
    wrapped = FileWrapper(BytesIO(b"file"))

    def app(environ: wsgi.Environ, start_response: wsgi.StartResponse) -> Iterable[bytes]:
        start_response("200 OK", list(PLAIN))
        return wrapped

    served = wsgi.SessionMiddleware(app, **site.options)({}, lambda *_: lambda _: None)

    assert served is wrapped


async def test_nothing_happens_to_a_session_after_the_response_started(site: WsgiSite, token: str) -> None:
    """Reading goes on; every change is too late."""
    refused: list[str] = []

    def app(environ: wsgi.Environ, start_response: wsgi.StartResponse) -> Iterator[bytes]:
        session = environ[wsgi.KEY]
        session["cart"] = [1]
        attempt = session.attempt("alice")
        start_response("200 OK", list(PLAIN))
        assert session.subject == "alice"
        for name, change in changes(session, attempt).items():
            with pytest.raises(TooLate):
                change()
            refused.append(name)
        yield b""

    serve(site, app, token)

    assert len(refused) == 13


def changes(session: Any, attempt: Any) -> dict[str, Any]:
    """List every verb that changes something."""
    return {
        "set": lambda: session.update(cart=2),
        "del": lambda: session.__delitem__("cart"),
        "pop": lambda: session.pop("cart"),
        "clear": session.clear,
        "setdefault": lambda: session.setdefault("new", 1),
        "record": lambda: session.record("view"),
        "log_in": lambda: session.log_in(attempt, "pwd"),
        "log_in as another": lambda: session.log_in(type(attempt)("bob", 0), "pwd"),
        "satisfy_mfa": lambda: session.satisfy_mfa("otp"),
        "reauthenticate": lambda: session.reauthenticate("pwd"),
        "log_out": session.log_out,
        "password_changed": session.password_changed,
        "end_others": session.end_others,
    }


def test_an_unavailable_store_after_the_start_is_the_servers_to_report(site: WsgiSite) -> None:
    """Nothing can be replaced any more: the error goes on."""

    def app(environ: wsgi.Environ, start_response: wsgi.StartResponse) -> Iterable[bytes]:
        start_response("200 OK", list(PLAIN))
        raise StoreUnavailable("elsewhere")

    with pytest.raises(StoreUnavailable):
        call_wsgi(wsgi.SessionMiddleware(app, **site.options), {})
