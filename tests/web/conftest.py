"""Serve each test by both adapters, over the stores that need no server."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sessioncore import Policy, Store
from sessioncore.testing import Clock
from sessioncore_io.memory import MemoryStore
from sessioncore_io.sqlite import SqliteStore

from .driver import AsgiSite, Browser, Site, WsgiSite

SITES = {"wsgi": WsgiSite, "asgi": AsgiSite}


@pytest.fixture
def anyio_backend() -> str:
    """Run coroutine tests under asyncio."""
    return "asyncio"


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Give an empty store of each kind."""
    if request.param == "memory":
        yield MemoryStore()
        return
    with closing(SqliteStore(tmp_path / "sessions.db")) as sqlite:
        yield sqlite


@pytest.fixture
def policy() -> Policy:
    """Give the rules of the site; a test module may have its own."""
    return Policy()


@pytest.fixture(params=SITES)
def site(request: pytest.FixtureRequest, store: Store, clock: Clock, policy: Policy) -> Site:
    """Give a site, served by each adapter over each store."""
    return SITES[request.param](store=store, clock=clock, policy=policy)


@pytest.fixture
def browser(site: Site) -> Browser:
    """Give a browser that has never been here."""
    return Browser(site)
