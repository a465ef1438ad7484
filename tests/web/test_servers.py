"""One real server of each kind, over real sockets: what a driver in the same thread cannot show."""

import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from wsgiref.simple_server import make_server

import httpx2
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route
from waitress.server import create_server

from sessioncore.testing import Clock
from sessioncore_io import Cookie, asgi, wsgi
from sessioncore_io.memory import MemoryStore

PLAIN = [("Content-Type", "text/plain")]


@contextmanager
def waitress_serving(app: wsgi.Application) -> Iterator[str]:
    """Serve an application by waitress on a free port."""
    server = create_server(app, host="127.0.0.1", port=0, threads=2)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        with suppress(OSError):  # its loop was awake and has closed it before the pull
            server.trigger.pull_trigger(server.close)
        thread.join(timeout=5)
        server.task_dispatcher.shutdown()


@contextmanager
def wsgiref_serving(app: wsgi.Application) -> Iterator[str]:
    """Serve an application by the standard library's server on a free port."""
    with make_server("127.0.0.1", 0, app) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join(timeout=5)


def test_waitress_serves_a_whole_life(clock: Clock) -> None:
    """One real server, in threads, over real sockets."""
    store = MemoryStore()

    def app(environ: wsgi.Environ, start_response: wsgi.StartResponse) -> Iterable[bytes]:
        session = environ[wsgi.KEY]
        if environ["PATH_INFO"] == "/in":
            session.log_in(session.attempt("alice"), "pwd")
        if environ["PATH_INFO"] == "/out":
            session.log_out()
        greeting = session.subject or "nobody"
        start_response("200 OK", list(PLAIN))
        return [greeting.encode()]

    served = wsgi.SessionMiddleware(app, store, cookie=Cookie.for_plain_http(), clock=clock)
    with waitress_serving(served) as url, httpx2.Client(base_url=url) as client:
        seen = [client.get(path).text for path in ("/", "/in", "/", "/out", "/")]
        head = client.head("/in")

    assert seen == ["nobody", "alice", "alice", "nobody", "nobody"]
    assert (head.status_code, head.content, "set-cookie" in head.headers) == (200, b"", True)


def home(request: Request) -> PlainTextResponse:
    """Greet, from a worker thread."""
    return PlainTextResponse(request.session.subject or "nobody")  # type: ignore[attr-defined]


def login(request: Request) -> JSONResponse:
    """Log in from a worker thread: what is awaited elsewhere is waited for here."""
    session: Any = request.session
    thread = threading.current_thread()
    session.log_in(session.from_thread.attempt("alice"), "pwd")
    session.from_thread.commit()
    session["in"] = True
    session.from_thread.password_changed(lambda: None)
    session.from_thread.end_others()
    session.from_thread.refresh()
    return JSONResponse([thread is not threading.main_thread(), session.subject, session["in"]])


def logout(request: Request) -> PlainTextResponse:
    """Log out, from a worker thread."""
    session: Any = request.session
    session.log_out()
    return PlainTextResponse("bye")


@contextmanager
def uvicorn_serving(app: Any) -> Iterator[str]:
    """Serve an application by uvicorn on a free port."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(timeout=10)
            assert not thread.is_alive()


def test_uvicorn_serves_a_whole_life_from_worker_threads(clock: Clock) -> None:
    """FastAPI's and Starlette's ``def`` endpoints use the session as ``async def`` ones do."""
    routes = [Route("/", home), Route("/in", login), Route("/out", logout)]
    served = asgi.SessionMiddleware(
        Starlette(routes=routes), MemoryStore(), cookie=Cookie.for_plain_http(), clock=clock
    )
    with uvicorn_serving(served) as url, httpx2.Client(base_url=url) as client:
        assert client.get("/").text == "nobody"
        assert client.get("/in").json() == [True, "alice", True]
        seen = [client.get(path).text for path in ("/", "/out", "/")]
        head = client.head("/in")

    assert seen == ["alice", "bye", "nobody"]
    assert (head.status_code, head.content, "set-cookie" in head.headers) == (200, b"", True)


def failing(environ: wsgi.Environ, start_response: wsgi.StartResponse) -> Iterable[bytes]:
    """Log in, store that, and break down; tell who is there at any other address."""
    session = environ[wsgi.KEY]
    if environ["PATH_INFO"] == "/in":
        session.log_in(session.attempt("alice"), "pwd")
        session.commit()
        raise ZeroDivisionError("a bug")
    greeting = session.subject or "nobody"
    start_response("200 OK", list(PLAIN))
    return [greeting.encode()]


async def fail_in(request: Request) -> PlainTextResponse:
    """Do the same."""
    session: Any = request.session
    session.log_in(await session.attempt("alice"), "pwd")
    await session.commit()
    raise ZeroDivisionError("a bug")


def serving_wsgi(serving: Any, clock: Clock) -> Any:
    """Serve the WSGI application that fails."""
    return serving(wsgi.SessionMiddleware(failing, MemoryStore(), cookie=Cookie.for_plain_http(), clock=clock))


def serving_starlette(clock: Clock) -> Any:
    """Serve the Starlette application that fails, wired as Starlette's users do: its own 500 comes from outside."""
    app = Starlette(routes=[Route("/", home), Route("/in", fail_in)])
    app.add_middleware(
        asgi.SessionMiddleware,
        store=MemoryStore(),
        cookie=Cookie.for_plain_http(),
        clock=clock,
    )
    return uvicorn_serving(app)


SERVERS: dict[str, Any] = {
    "waitress": lambda clock: serving_wsgi(waitress_serving, clock),
    "wsgiref": lambda clock: serving_wsgi(wsgiref_serving, clock),
    "uvicorn": serving_starlette,
}


@pytest.mark.parametrize("server", SERVERS)
def test_a_server_sends_the_cookie_and_logs_the_failure(
    server: str, clock: Clock, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """It finds the answer complete, and closes the connection, as after any failure."""
    with SERVERS[server](clock) as url:
        broken = httpx2.get(f"{url}/in")
        after = httpx2.get(url, cookies=broken.cookies).text

    assert (broken.status_code, broken.text, "set-cookie" in broken.headers) == (500, "Internal Server Error\n", True)
    assert after == "alice"
    assert "ZeroDivisionError" in caplog.text + "".join(capfd.readouterr())
