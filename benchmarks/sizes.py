"""How much room a session takes in each store: row, indexes, lists, epoch, everything."""

import secrets
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from attrs import evolve, frozen
from tests.servers.valkey import serving

from sessioncore import Session
from sessioncore.flows import proof_of
from sessioncore_io.codec import encode
from sessioncore_io.postgres import PostgresStore
from sessioncore_io.valkey import ValkeyStore

from .crowd import into_sqlite, signed_in
from .networked_crowd import into_postgres, into_valkey
from .places import postgres_running, settled

TOTAL = "SELECT pg_total_relation_size('sessioncore.sessions') + pg_total_relation_size('sessioncore.epochs')"


@frozen
class Size:
    """Hold the bytes of one session in one store, when so many are stored."""

    keeps: str
    sessions: int
    record: float
    bytes: float


def people(count: int) -> Iterator[Session]:
    """Give signed-in users of one session each, with selectors as in life, a label and an empty bag."""
    one = evolve(signed_in(), data=(), label="Firefox on Linux", version=2)
    for number in range(count):
        former, proof = proof_of(f"former {number}"), proof_of(f"proof {number}")
        sid = secrets.token_urlsafe(16)
        yield evolve(one, sid=sid, subject=f"user-{number:08d}", proof=proof, former_proof=former)


def sizes(folder: Path, count: int) -> Iterator[Size]:
    """Fill each store, and divide."""
    folder.mkdir(parents=True, exist_ok=True)
    record = sum(len(encode(row)) for row in people(100)) / 100
    for keeps, take in (("SQLite", _sqlite), ("Valkey", _valkey), ("PostgreSQL", _postgres)):
        yield Size(keeps, count, record, take(folder, count) / count)


def _sqlite(folder: Path, count: int) -> int:
    path = folder / "sizes.sqlite"
    into_sqlite(path, people(count))
    return path.stat().st_size


def _valkey(folder: Path, count: int) -> int:
    with serving(folder / "valkey") as server, closing(ValkeyStore(server.url)) as store:
        store.prepare()
        before: int = server.ask("INFO", "memory")["used_memory"]
        into_valkey(store, server, people(count))
        after: int = server.ask("INFO", "memory")["used_memory"]
        return after - before


def _postgres(folder: Path, count: int) -> int:
    with postgres_running() as server:
        with closing(PostgresStore(server.url())) as store:
            store.prepare()
        into_postgres(server, "postgres", people(count))
        settled(server)
        ((total,),) = server.ask(TOTAL)
        return int(total)
