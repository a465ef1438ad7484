"""Fill servers with many sessions: with what the stores themselves would send, but many at once."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final

import psycopg
from tests.servers.postgres import PostgresServer
from tests.servers.valkey import Server

from sessioncore import Session
from sessioncore_io.postgres.flows import swap
from sessioncore_io.valkey import ValkeyStore
from sessioncore_io.valkey.scripts import MINT, SWAP, Command

BATCH: Final = 2_000
COPY: Final = (
    "COPY sessioncore.sessions (sid, version, deadline, sweep_at, ended_at, subject, issuer, upstream, record) "
    "FROM STDIN (FORMAT BINARY)"
)
TYPES: Final = ("text", "int8", "int8", "int8", "int8", "text", "text", "text", "bytea")
EPOCHS: Final = """
INSERT INTO sessioncore.epochs (subject, value) SELECT DISTINCT subject, %s::bigint FROM sessioncore.sessions
ON CONFLICT DO NOTHING
"""


def into_valkey(store: ValkeyStore, server: Server, rows: Iterable[Session]) -> None:
    """Store rows by the store's own commands; while the server does a batch, the next one is made."""
    with server.client() as client:
        for script in (SWAP, MINT):
            client.script_load(script.source)
        connection = client.connection_pool.get_connection("_")
        commands, waiting = _commands(store, rows), 0
        while batch := list(islice(commands, BATCH)):
            connection.send_packed_command(connection.pack_commands(batch))
            _read(connection, waiting)
            waiting = len(batch)
        _read(connection, waiting)
        client.connection_pool.release(connection)


def _commands(store: ValkeyStore, rows: Iterable[Session]) -> Iterator[Command]:
    """Give what the store says first in each call, which is all that it says on one server."""
    subject = None
    for row in rows:
        if row.subject != subject:
            subject = row.subject
            yield from next(store._calls.mint(subject, row.epoch))
        yield from next(store._calls.swap(None, row))


def _read(connection: Any, count: int) -> None:
    for _ in range(count):
        connection.read_response()


def into_postgres(server: PostgresServer, database: str, rows: Iterable[Session]) -> None:
    """Copy the values of the store's own statement into the tables, whose indexes are there already."""
    epoch = 0
    with psycopg.connect(server.url(database)) as connection:
        with connection.cursor().copy(COPY) as copy:
            copy.set_types(TYPES)
            for row in rows:
                copy.write_row(next(swap(None, row, announce=False)).values)  # type: ignore[attr-defined]
                epoch = row.epoch
        connection.execute(EPOCHS, (epoch,))
