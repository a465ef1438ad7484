"""A real demo on a free port, a real browser, and people who use it."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest
import uvicorn
from examples.storezero.app import Clocks, build
from examples.storezero.common.sites import Sites, cross_site
from playwright.sync_api import Browser, BrowserContext, Playwright, expect, sync_playwright
from starlette.testclient import TestClient

from sessioncore.testing import Clock
from sessioncore_io.asgi import Application
from sessioncore_io.oidc import Client

from .app_user import AppUser
from .find_chromium import ADVICE, find_headless
from .inside import closed_town, visitor
from .people import KEYS, QUICK, Person, Town

QUIET: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


Clients = Callable[[Sites], tuple[Client, ...]]

# A busy machine is slow, and nothing here measures time.
expect.set_options(timeout=20_000)


# Not for the whole session: while Playwright's plain calls are in use, no other test of this thread could run a loop.
@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """Start what drives the browsers of a module's tests."""
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="module")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """Start one browser for a module's tests; each person gets a profile of their own."""
    path = find_headless()
    assert path is not None, ADVICE
    browser = playwright.chromium.launch(executable_path=path, args=list(QUIET))
    yield browser
    browser.close()


MEMORY: Final = Path("/dev/shm")


@contextmanager
def emptied() -> Iterator[Path]:
    """Give an empty directory, in memory where the machine has a place for that: nobody here pulls the plug."""
    with TemporaryDirectory(prefix="storezero-", dir=MEMORY if os.access(MEMORY, os.W_OK) else None) as data:
        yield Path(data)


@pytest.fixture
def data() -> Iterator[Path]:
    """Give a directory for the demo's databases, as many and as whole as in earnest."""
    with emptied() as directory:
        yield directory


@pytest.fixture
def inner_town(data: Path, clock: Clock) -> Application:
    """Give a demo inside of this process, whose clocks stand still."""
    return closed_town(data, clock)


@pytest.fixture
def client(inner_town: Application) -> TestClient:
    """Give somebody in front of its shop, without a browser."""
    return visitor(inner_town)


@contextmanager
def opened(data: Path, layout: Callable[[int], Sites], clients: Clients = lambda sites: ()) -> Iterator[Town]:
    """Run the demo under uvicorn, on a free port; ``clients`` are further applications of the login service."""
    clocks = Clocks()
    taken = socket.create_server(("127.0.0.1", 0))
    sites = layout(taken.getsockname()[1])
    built = build(data, sites, clocks=clocks, hasher=QUICK, keys=KEYS, clients=clients(sites))
    server = uvicorn.Server(uvicorn.Config(built, log_config=None))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]})
    thread.start()
    yield Town(sites, clocks, built.state.stage)
    server.should_exit = True
    thread.join(timeout=20)
    assert not thread.is_alive(), "the server ends when it is told to"


@pytest.fixture
def town(data: Path) -> Iterator[Town]:
    """Run the demo in an empty directory."""
    with opened(data, lambda port: Sites(port=port)) as running:
        yield running


@pytest.fixture
def town_on_two_sites(data: Path) -> Iterator[Town]:
    """Run the demo with the shop and its login service on two sites."""
    with opened(data, cross_site) as running:
        yield running


@pytest.fixture
def newcomer(chromium: Browser, town: Town) -> Iterator[Callable[[], Person]]:
    """Give people, each call another browser profile; no script of ours may fail or be blocked by the CSP."""
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def arrive() -> Person:
        context = chromium.new_context(base_url=town.url, viewport={"width": 1280, "height": 900})
        context.set_default_timeout(20_000)
        context.on("weberror", lambda error: errors.append(str(error.error)))
        context.on(
            "console", lambda message: errors.append(message.text) if "Content Security" in message.text else None
        )
        contexts.append(context)
        return Person(context, town.sites)

    yield arrive
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def app_user(newcomer: Callable[[], Person]) -> AppUser:
    """Give somebody in front of the orders app."""
    somebody = newcomer()
    somebody.page.close()
    return AppUser(somebody.context, somebody.sites)


@pytest.fixture
def person(newcomer: Callable[[], Person]) -> Person:
    """Give the first person."""
    return newcomer()
