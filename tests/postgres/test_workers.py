"""The races of many requests, through a real HTTP server with several worker processes over one PostgreSQL."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import httpx2
import pytest
from tests.postgres.shop import CAP
from tests.servers.postgres import PostgresServer, free_port

from sessioncore_io.postgres import PostgresStore

WORKERS = 2
PATIENCE = 60
ROOT = Path(__file__).parents[2]


def until(true: Callable[[], bool]) -> None:
    """Wait until another process has got so far."""
    give_up_at = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < give_up_at
        time.sleep(0.02)


@pytest.fixture(scope="module")
def where(server: PostgresServer) -> str:
    """Give the address of the database that all workers share."""
    return server.url(server.database("prepared"))


@pytest.fixture(scope="module")
def site(where: str) -> Iterator[str]:
    """Serve the shop by uvicorn, in several processes."""
    base = f"http://127.0.0.1:{(port := free_port())}"
    command = [sys.executable, "-m", "uvicorn", "tests.postgres.shop:app", f"--port={port}", f"--workers={WORKERS}"]
    quiet = ["--lifespan=off", "--log-level=critical"]
    process = subprocess.Popen([*command, *quiet], cwd=ROOT, env=os.environ | {"SESSIONS_AT": where})
    try:
        until(lambda: len(answering(base)) == WORKERS)
        yield base
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)


def answering(base: str) -> set[str]:
    """Give the processes that answer."""
    with suppress(httpx2.TransportError):
        return {Browser(base).get("/").text.rpartition(":")[2] for _ in range(10)}
    return set()


class Browser:
    """Keep cookies; each request has a connection of its own, so any worker may take it."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.cookies = httpx2.Cookies()

    def get(self, path: str) -> httpx2.Response:
        """Ask for a page."""
        with httpx2.Client(base_url=self.base, cookies=self.cookies, timeout=PATIENCE) as client:
            response = client.get(path)
        self.cookies.update(response.cookies)
        return response

    @property
    def user(self) -> str:
        """Give whom every worker takes this browser for."""
        (name,) = {self.get("/").text.partition(":")[0] for _ in range(3 * WORKERS)}
        return name

    def copy(self) -> "Browser":
        """Give another browser with the same cookies."""
        other = Browser(self.base)
        other.cookies.update(self.cookies)
        return other


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Give threads to make requests at once."""
    with ThreadPoolExecutor(8) as pool:
        yield pool


@pytest.fixture
def held(pool: ThreadPoolExecutor, tmp_path: Path) -> Callable[[Browser, str], "Held"]:
    """Let a request wait at its gate."""
    return lambda browser, path: Held(pool, tmp_path / "gate", browser, path)


class Held:
    """Hold a request half-way within a ``with`` block."""

    def __init__(self, pool: ThreadPoolExecutor, gate: Path, browser: Browser, path: str) -> None:
        self.gate = gate
        self.answer: Future[httpx2.Response] = pool.submit(browser.get, f"{path}?gate={gate}")

    def __enter__(self) -> "Held":
        until(self.gate.with_suffix(".reached").exists)
        return self

    def __exit__(self, *_: object) -> None:
        self.gate.touch()
        self.answer.result(PATIENCE)


Holding = Callable[[Browser, str], Held]


def test_a_slow_write_does_not_bring_back_what_was_logged_out(site: str, held: Holding) -> None:
    browser = Browser(site)
    browser.get("/login/alice")
    thief = browser.copy()
    with held(browser.copy(), "/put/apple") as slow:
        assert browser.get("/logout").status_code == 200
    late = slow.answer.result()

    assert late.status_code == 200
    assert "set-cookie" not in late.headers
    assert (browser.user, thief.user) == ("None", "None")


def test_a_login_whose_password_was_checked_before_a_reset_dies_with_it(site: str, held: Holding) -> None:
    early, other = Browser(site), Browser(site)
    other.get("/login/bob")
    with held(early, "/login/bob"):
        assert Browser(site).get("/reset/bob").status_code == 200
    late = Browser(site)
    late.get("/login/bob")

    assert (early.user, other.user, late.user) == ("None", "None", "bob")


def test_no_write_of_several_workers_is_lost(site: str, pool: ThreadPoolExecutor) -> None:
    browser = Browser(site)
    browser.get("/login/carol")
    keys = [f"key{number:02}" for number in range(16)]
    answers = list(pool.map(lambda key: browser.copy().get(f"/put/{key}").status_code, keys))

    assert answers == [200] * 16
    assert browser.get("/").text.split(":")[1] == ",".join(keys)


def test_of_more_logins_at_once_than_the_cap_no_more_stay_than_it_allows(
    site: str, where: str, pool: ThreadPoolExecutor
) -> None:
    browsers = [Browser(site) for _ in range(CAP + 3)]
    answers = list(pool.map(lambda browser: browser.get("/login/dora").status_code, browsers))
    signed_in = sum(browser.user == "dora" for browser in browsers)
    with closing(PostgresStore(where)) as store:
        live = len(store.of_subject("dora", live=True))

    assert set(answers) <= {200, 409}
    assert 1 <= live <= CAP
    assert signed_in == live


@contextmanager
def down(server: PostgresServer) -> Iterator[None]:
    """Keep the server killed within the ``with`` block."""
    server.kill()
    try:
        yield
    finally:
        server.start()


@pytest.mark.fault("the server is killed under a running site", "503: no page of a user, no goodbye; then as before")
def test_no_user_is_served_and_no_goodbye_is_said_while_the_server_is_down(
    site: str, server: PostgresServer, pool: ThreadPoolExecutor
) -> None:
    browser = Browser(site)
    browser.get("/login/eve")
    with down(server):
        paths = ("/", "/put/apple", "/logout", "/login/eve", "/reset/eve")
        refused = list(pool.map(lambda path: browser.copy().get(path), paths))
    until(lambda: browser.get("/").status_code == 200)

    assert [answer.status_code for answer in refused] == [503] * 5
    assert [answer for answer in refused if "set-cookie" in answer.headers] == []
    assert browser.user == "eve"
    assert browser.get("/logout").status_code == 200
    assert browser.user == "None"


def test_every_worker_answers(site: str) -> None:
    """Or else the other tests would show nothing about several of them."""
    until(lambda: len(answering(site)) == WORKERS)
