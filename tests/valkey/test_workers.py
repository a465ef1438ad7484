"""Races through real HTTP servers: two worker processes of one application, over one Valkey."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import ClassVar, Final

import httpx2
import pytest
from tests.servers.valkey import PATIENCE, Server, free_port, until
from tests.valkey.shop import CAP

from sessioncore_io.valkey import ValkeyStore

ROOT: Final = Path(__file__).parents[2]
WORKERS: Final = 2


@pytest.fixture(scope="module")
def site(valkey_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the shop by ``uvicorn --workers 2``."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "tests.valkey.shop:app", f"--port={port}", f"--workers={WORKERS}"]
    command += ["--lifespan=off", "--log-level=warning"]
    log = tmp_path_factory.mktemp("site") / "log"
    environment = os.environ | {"SESSIONS_AT": valkey_server.url}
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out)
    try:
        base = f"http://127.0.0.1:{port}"
        until(lambda: len(_pids(base)) == WORKERS, f"both workers answer; see {log}", 60)
        with ThreadPoolExecutor(16) as Browser.pool:
            yield base
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)


def _pids(base: str) -> set[str]:
    try:
        return {Browser(base).get("/").text.split()[0] for _ in range(8)}
    except httpx2.TransportError:
        return set()


class Browser:
    """Keep cookies, and make requests that may be under way at once."""

    pool: ClassVar[ThreadPoolExecutor]

    def __init__(self, base: str) -> None:
        self.base = base
        self.cookies = httpx2.Cookies()

    def get(self, path: str) -> httpx2.Response:
        """Make one request on a connection of its own, so that either worker may take it."""
        with httpx2.Client(base_url=self.base, cookies=self.cookies, timeout=30, verify=False) as client:
            response = client.get(path)
        self.cookies.update(response.cookies)
        return response

    def says(self, path: str = "/") -> str:
        """Give what a page says, but for the process that answered."""
        return self.get(path).text.partition(" ")[2]

    def begin(self, path: str) -> "Future[httpx2.Response]":
        """Begin a request."""
        return self.pool.submit(self.get, path)

    def copy(self) -> "Browser":
        """Give another browser with the same cookies."""
        other = Browser(self.base)
        other.cookies.update(self.cookies)
        return other


@contextmanager
def waiting(server: Server, gate: str, browser: Browser, path: str) -> Iterator["Future[httpx2.Response]"]:
    """Let a request wait half-way within the ``with`` block; afterwards it goes on."""
    under_way = browser.begin(f"{path}?gate={gate}")
    assert server.ask("BLPOP", f"{gate}:here", 15), "the request has come to its gate"
    yield under_way
    server.ask("LPUSH", f"{gate}:go", 1)
    under_way.result(30)


def test_a_slow_write_does_not_bring_a_logged_out_session_back(site: str, valkey_server: Server) -> None:
    browser = Browser(site)
    browser.get("/login/alice")
    thief = browser.copy()
    with waiting(valkey_server, "slow-write", browser.copy(), "/put/apple") as slow:
        assert browser.get("/logout").status_code == 200
    late = slow.result()

    assert late.status_code == 200
    assert "set-cookie" not in late.headers
    for _ in range(2 * WORKERS):
        assert (browser.says(), thief.says()) == ("None", "None")


def test_a_login_that_began_before_a_reset_dies_with_it(site: str, valkey_server: Server) -> None:
    browser, other = Browser(site), Browser(site)
    other.get("/login/bob")
    with waiting(valkey_server, "reset", browser, "/login/bob"):
        assert Browser(site).get("/reset/bob").status_code == 200

    for _ in range(2 * WORKERS):
        assert (browser.says(), other.says()) == ("None", "None")
    assert Browser(site).says("/login/bob") == "bob"


def test_no_write_of_two_workers_is_lost(site: str) -> None:
    browser = Browser(site)
    browser.get("/login/carol")
    keys = [f"key{number}" for number in range(12)]
    answers = [browser.copy().begin(f"/put/{key}") for key in keys]

    assert {answer.result(30).status_code for answer in answers} == {200}
    assert browser.says().split() == ["carol", *sorted(keys)]


@pytest.mark.parametrize("subject", ["dora", "erin", "finn"])
def test_of_more_logins_at_once_than_the_cap_as_many_stay(site: str, valkey_server: Server, subject: str) -> None:
    browsers = [Browser(site) for _ in range(CAP + 2)]
    logins = [browser.begin(f"/login/{subject}") for browser in browsers]
    answers = [login.result(30) for login in logins]
    signed_in = [browser for browser in browsers if browser.says() == subject]
    with closing(ValkeyStore(valkey_server.url)) as store:
        live = [row for row in store.of_subject(subject, live=True) if row.live]

    assert {answer.status_code for answer in answers} <= {200, 409}
    assert 1 <= len(live) <= CAP
    assert len(signed_in) == len(live)


def test_both_workers_answer(site: str) -> None:
    """Sooner or later: a busy machine may let one of them take every request for a while."""
    answered = set[str]()

    def both() -> bool:
        answered.update(_pids(site))
        return len(answered) >= WORKERS

    until(both, "both workers answer")

    assert len(answered) == WORKERS
