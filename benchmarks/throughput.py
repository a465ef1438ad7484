"""How many requests a real server of two processes answers, with and without sessions; driven by wrk."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Final

from attrs import frozen
from tests.servers.valkey import free_port, until

from .drive import HEADERS, NAME, jar
from .places import Places
from .rounds import Times
from .serving import STORE

WRK: Final = "the benchmark needs wrk, which drives real servers: apt-get install wrk, brew install wrk or the like"
WORKERS: Final = 2
CONNECTIONS: Final = 16
BARE: Final = "no sessions"


@frozen
class Served:
    """Hold how many requests a second were answered, and what that is of the same server's without sessions."""

    keeps: str
    per_second: float
    of_bare: float


def wrk_is_there() -> bool:
    """Tell whether wrk is installed."""
    return shutil.which("wrk") is not None


def served(folder: Path, places: Places, rounds: int, seconds: float) -> Iterator[Served]:
    """Start a server for each store, and drive them in turns."""
    kinds = {
        BARE: "",
        "SQLite": f"sqlite:{folder / 'served.sqlite'}",
        "Valkey": places.valkey,
        "PostgreSQL": places.postgres,
    }
    with ExitStack() as stack:
        sites = {keeps: stack.enter_context(Site.serving(store)) for keeps, store in kinds.items()}
        taken: dict[str, list[float]] = {keeps: [] for keeps in sites}
        for turn in range(rounds):
            for keeps in list(sites) if turn % 2 else reversed(list(sites)):
                taken[keeps].append(sites[keeps].drive(seconds))
    times = {keeps: Times(tuple(rates)) for keeps, rates in taken.items()}
    for keeps, rates in times.items():
        yield Served(keeps, rates.median, rates.over(times[BARE]))


class Site:
    """Hold one running server, and the cookie of a browser that is signed in there."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.cookie = ""

    @classmethod
    @contextmanager
    def serving(cls, store: str) -> Iterator["Site"]:
        """Run a server within the ``with`` block, and sign in."""
        site = cls(free_port())
        command = [sys.executable, "-m", "granian", "--interface", "asginl", "--factory", "--port", str(site.port)]
        options = ["--workers", str(WORKERS), "--loop", "asyncio", "--no-ws", "--log-level", "error"]
        environment = {**os.environ, STORE: store}
        process = subprocess.Popen([*command, *options, "benchmarks.serving:application"], env=environment)
        try:
            until(site._signed_in, "the server answers")
            site.check()
            yield site
        finally:
            process.terminate()
            process.wait(20)

    def _signed_in(self) -> bool:
        try:
            _, _, cookies = self._ask("/login")
        except OSError:
            return False
        self.cookie = jar(cookies)
        return True

    def _ask(self, path: str) -> tuple[int, str, list[str]]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", path, headers={**HEADERS, "cookie": self.cookie})
        answer = connection.getresponse()
        found = answer.status, answer.read().decode(), answer.headers.get_all("set-cookie") or []
        connection.close()
        return found

    def check(self) -> None:
        """Check that each process knows who is signed in."""
        seen = {self._ask("/")[:2] for _ in range(5 * WORKERS)}
        assert seen == {(200, NAME)}, seen

    def drive(self, seconds: float) -> float:
        """Send requests on all connections as fast as they are answered; give how many a second were."""
        headers = [
            part for name, text in {**HEADERS, "cookie": self.cookie}.items() for part in ("-H", f"{name}: {text}")
        ]
        load = ["-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s"]
        command = ["wrk", *load, *headers, f"http://127.0.0.1:{self.port}/"]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert "Non-2xx" not in told, told
        assert "Socket errors" not in told, told
        (rate,) = re.findall(r"Requests/sec:\s+([\d.]+)", told)
        return float(rate)
