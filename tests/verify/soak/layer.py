"""Soak the stores that are servers, each on a private one that keeps what it acknowledges."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Final

from tests.servers.postgres import PostgresServer
from tests.servers.valkey import Server, serving

from sessioncore_io.postgres import PostgresStore
from sessioncore_io.valkey import ValkeyStore

from .rounds import Soak, jars_in, workers
from .traffic import Site

SEED: Final = 1
KEEPING: Final[dict[str, Any]] = {"appendonly": "yes", "appendfsync": "always"}

Opener = Callable[[str], Any]


@contextmanager
def valkey(
    opener: Opener = ValkeyStore, between: Callable[[Any], Any] | None = None, **settings: Any
) -> Iterator[Soak]:
    """Give a soak of a private Valkey within the ``with`` block."""
    with TemporaryDirectory() as name, serving(Path(name) / "server", **(KEEPING | settings)) as server:
        yield _soak(partial(opener, server.url), Path(name), server, between=between)


@contextmanager
def postgres() -> Iterator[Soak]:
    """Give a soak of a private PostgreSQL within the ``with`` block."""
    server = PostgresServer.create()
    try:
        opener = partial(PostgresStore, server.url())
        with closing(opener()) as store:
            store.prepare()
        with TemporaryDirectory() as name:
            yield _soak(opener, Path(name), server, lossy=True)
    finally:
        server.destroy()


def _soak(opener: Callable[[], Any], folder: Path, server: Server | PostgresServer, **more: Any) -> Soak:
    between = more.pop("between", None)
    return Soak(Site(opener, jars_in(folder), between), server, Random(SEED), **more)


def soaked(seconds: float) -> Iterator[tuple[str, Soak, str]]:
    """Soak each store for so long; give its name, what was covered and what was found, if anything."""
    with workers() as connections:
        for name, standing in (("Valkey", valkey), ("PostgreSQL", postgres)):
            with standing() as soak:
                yield name, soak, story_of(soak, connections, seconds)


def story_of(soak: Soak, connections: Sequence[Connection], seconds: float) -> str:
    """Run a soak; give what broke, or nothing."""
    try:
        soak.run(connections, seconds)
    except AssertionError as broken:
        return f"round {soak.tally.rounds}: {broken}"
    return ""
