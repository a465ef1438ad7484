"""A plain ``def`` endpoint under ASGI runs in a worker thread: ``from_thread`` waits for what others await."""

from collections.abc import Callable

import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.testclient import TestClient

from sessioncore import InvalidSetting
from sessioncore_io import AsyncHandle
from sessioncore_io.asgi import SessionMiddleware
from sessioncore_io.memory import MemoryStore

Browser = Callable[[], TestClient]


def session_of(request: Request) -> AsyncHandle:
    """Give an endpoint its session, typed."""
    handle: AsyncHandle = request.scope["session"]
    return handle


def create_app(written: list[str]) -> SessionMiddleware:
    """Build an application that calls every awaited verb from a thread."""
    app = FastAPI()

    @app.get("/log-in")
    def log_in(request: Request) -> None:
        session = session_of(request)
        session.log_in(session.from_thread.attempt("alice"), method="pwd")

    @app.get("/password")
    def password(request: Request) -> None:
        session_of(request).from_thread.password_changed(lambda: written.append("hash"))

    @app.get("/others")
    def others(request: Request) -> None:
        session_of(request).from_thread.end_others()

    @app.get("/commit")
    def commit(request: Request) -> str | None:
        session = session_of(request)
        session["kept"] = True
        session.from_thread.commit()
        session["dropped"] = True
        session.from_thread.refresh()
        return ",".join(session)

    @app.get("/who")
    def who(request: Request) -> str | None:
        return session_of(request).subject

    @app.get("/in-the-loop")
    async def in_the_loop(request: Request) -> None:
        session_of(request).from_thread.commit()

    return SessionMiddleware(app, MemoryStore())


@pytest.fixture
def written() -> list[str]:
    """Collect what a password change writes."""
    return []


@pytest.fixture
def browser(written: list[str]) -> Browser:
    """Open browsers on one application."""
    app = create_app(written)
    return lambda: TestClient(app, "https://testserver")


def test_a_login_from_a_thread_signs_in(browser: Browser) -> None:
    client = browser()
    client.get("/log-in")

    assert client.get("/who").json() == "alice"


def test_commit_and_refresh_from_a_thread(browser: Browser) -> None:
    client = browser()
    client.get("/log-in")

    assert client.get("/commit").json() == "kept"


@pytest.mark.parametrize("path", ["/password", "/others"])
def test_the_other_sessions_end_from_a_thread(browser: Browser, path: str) -> None:
    mine, theirs = browser(), browser()
    mine.get("/log-in")
    theirs.get("/log-in")
    mine.get(path)

    assert (mine.get("/who").json(), theirs.get("/who").json()) == ("alice", None)


def test_a_password_change_from_a_thread_writes_the_hash(browser: Browser, written: list[str]) -> None:
    client = browser()
    client.get("/log-in")
    client.get("/password")

    assert written == ["hash"]


def test_in_the_event_loop_it_is_refused_instead_of_waiting_for_itself(browser: Browser) -> None:
    with pytest.raises(InvalidSetting, match="await the session's own verb"):
        browser().get("/in-the-loop")
