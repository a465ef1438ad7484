"""docs/operating.md names everything that there is, and its examples, and the guide's of websockets, run."""

import asyncio
import json
import logging
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from tests.web import sockets

from sessioncore import Notice, StoreUnavailable, What
from sessioncore.testing import Clock, FaultyStore
from sessioncore_io import AsyncSessions
from sessioncore_io.asgi import SessionMiddleware
from sessioncore_io.memory import MemoryStore
from sessioncore_io.telemetry import VERBS, Telemetry

DOCS: Final = Path(__file__).parents[2] / "docs"
RUN: Final = re.compile(r"<!-- run -->\n```python\n(?P<code>.*?)```\n", re.DOTALL)


@pytest.fixture
def page() -> str:
    """Read the page."""
    return (DOCS / "operating.md").read_text("utf-8")


def blocks(name: str) -> list[str]:
    """Give the examples of a page that are run."""
    return [block["code"] for block in RUN.finditer((DOCS / name).read_text("utf-8"))]


def test_every_kind_of_notice_is_told_of(page: str) -> None:
    assert re.findall(r"^\| `(\w+)` \| ", page.split("## Notices")[1].split("###")[0], re.MULTILINE) == list(What)


def test_every_instrument_is_told_of_and_no_other(page: str) -> None:
    """By the real SDK, once everything has happened that is counted."""
    reader, store = InMemoryMetricReader(), FaultyStore(MemoryStore())
    provider = MeterProvider([reader])
    telemetry = Telemetry(provider)
    for what in What:
        telemetry(Notice(what=what, at=2, created_at=1))
    store.fail("load")
    with pytest.raises(StoreUnavailable):
        telemetry.measured(store).load("nobody")
    data: Any = reader.get_metrics_data()
    counted = {metric.name for metric in data.resource_metrics[0].scope_metrics[0].metrics}
    provider.shutdown()
    cells = [line.split("|")[1] for line in page.split("| instrument |")[1].split("\n\n")[0].splitlines()[2:]]

    assert {name for cell in cells for name in re.findall(r"`([\w.]+)`", cell)} == counted


def test_every_verb_is_told_of(page: str) -> None:
    help_ = subprocess.check_output([sys.executable, "-m", "sessioncore_io.cli", "store", "--help"], text=True)
    told = re.findall(r"^\| `([a-z-]+)[ A-Z]*` \| ", page.split("## Sweep")[0], re.MULTILINE)

    assert re.findall(r"^    ([a-z-]+) {2,}", help_, re.MULTILINE) == told


def test_the_log_is_written_as_shown(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, _ = blocks("operating.md")
    log = logging.getLogger("sessioncore")
    before = list(log.handlers)
    shown = re.search(r"```json\n.*?\"message\": (?P<rest>.*?)\n```", page, re.DOTALL)
    try:
        exec(code, {})
        told = {"sid": "x1nGmVRIDuTWK6NFP31oZg", "subject": "42", "reason": "idle", "created_at": 1735718400000}
        from sessioncore_io.notices import log_notice

        log_notice(Notice(what=What.ENDED, at=1735720200000, **told))  # type: ignore[arg-type]
    finally:
        for handler in set(log.handlers) - set(before):
            log.removeHandler(handler)
        log.setLevel(logging.NOTSET)

    assert shown is not None
    assert capsys.readouterr().err.strip().endswith(shown["rest"])


def test_the_example_of_telemetry_builds_an_application() -> None:
    _, code = blocks("operating.md")
    names: dict[str, Any] = {"app": Starlette(), "store": MemoryStore()}
    exec(code, names)

    assert isinstance(names["app"], SessionMiddleware)
    assert {verb for verb in VERBS if callable(getattr(names["app"].sessions.store, verb))} == set(VERBS)


def test_the_guides_page_answers_for_a_store_that_is_down(clock: Clock) -> None:
    code, *_ = blocks("guide.md")
    store = FaultyStore(MemoryStore())
    names: dict[str, Any] = {
        "json": json,
        "SessionMiddleware": SessionMiddleware,
        "app": Starlette(routes=sockets.ROUTES),
        "store": store,
    }
    exec(code, names)
    store.fail("epoch")
    with TestClient(names["app"]) as client:
        answer = client.get("/in/alice")

    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"].startswith("The session store is not available")


def test_the_guides_websocket_closes_when_its_session_ends(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a real server: the handler is the one that stands in the guide."""
    _, code, _ = blocks("guide.md")
    names: dict[str, Any] = {}
    exec(code, names)
    routes = [WebSocketRoute("/live", names["live"]), Route("/in/{subject}", sockets.log_in)]
    monkeypatch.setattr(sockets, "ROUTES", [*routes, Route("/out", sockets.log_out)])

    async def talk(site: sockets.Site) -> tuple[str, int | None, str | None]:
        token = await asyncio.to_thread(sockets.cookie_of, site)
        async with site.socket(token) as opened:
            await opened.send("hello")
            echoed = await opened.recv()
            await asyncio.to_thread(sockets.cookie_of, site, "/out", token)
            async with asyncio.timeout(20):
                await opened.wait_closed()
        return str(echoed), opened.close_code, opened.close_reason

    with sockets.served(MemoryStore(), clock) as site:
        assert asyncio.run(talk(site)) == ("hello", 4401, "user")


def test_the_guides_housekeeping_outlives_a_failure_of_the_store(clock: Clock) -> None:
    """Sleep twice: once after the failure, once after the sweep that follows."""
    *_, code = blocks("guide.md")
    store, slept = FaultyStore(MemoryStore()), []
    sessions = AsyncSessions(store, clock=clock)
    store.fail("due", times=1)

    async def sleep(seconds: int) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            raise asyncio.CancelledError

    names: dict[str, Any] = {
        "StoreUnavailable": StoreUnavailable,
        "asyncio": SimpleNamespace(sleep=sleep),
        "log": logging.getLogger("shop"),
        "sessions": sessions,
    }
    exec(code, names)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(names["housekeeping"]())

    assert slept == [60, 60]
