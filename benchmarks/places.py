"""Private, throw-away servers for the stores; every client reaches them by TCP over the loopback interface."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from attrs import frozen
from tests.servers.postgres import PostgresServer
from tests.servers.valkey import Server, serving

from sessioncore_io.postgres import PostgresStore

Address = tuple[str, int]


@frozen
class Places:
    """Hold where the servers are, as clients see it."""

    valkey_server: Server
    postgres_server: PostgresServer
    valkey_address: Address
    postgres_address: Address

    @property
    def valkey(self) -> str:
        """Give Valkey's URL."""
        host, port = self.valkey_address
        return f"valkey://{host}:{port}/0"

    @property
    def redis(self) -> str:
        """Give the same for those who call it Redis."""
        return self.valkey.replace("valkey:", "redis:")

    @property
    def postgres(self) -> str:
        """Give PostgreSQL's URL."""
        return self.postgres_server.url(port=self.postgres_address[1])

    @property
    def django(self) -> dict[str, str | int]:
        """Give PostgreSQL as Django's settings name it."""
        host, port = self.postgres_address
        user = urlsplit(self.postgres).username or ""
        return {"ENGINE": "django.db.backends.postgresql", "NAME": "postgres", "USER": user, "HOST": host, "PORT": port}

    def writes(self) -> int:
        """Count, as the servers do, what has changed in Valkey and which transactions wrote in PostgreSQL."""
        changes: int = self.valkey_server.ask("INFO", "persistence")["rdb_changes_since_last_save"]
        ((next_writer,),) = self.postgres_server.ask("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
        return int(changes) + int(next_writer)


@contextmanager
def postgres_running(**settings: str) -> Iterator[PostgresServer]:
    """Run PostgreSQL within the ``with`` block, with as much cache as its manual advises for a small machine."""
    server = PostgresServer.create(**{"shared_buffers": "1GB", "max_wal_size": "8GB", **settings})
    try:
        yield server
    finally:
        server.destroy()


@contextmanager
def running(folder: Path) -> Iterator[Places]:
    """Run both servers within the ``with`` block, with our tables in PostgreSQL."""
    with ExitStack() as stack:
        valkey = stack.enter_context(serving(folder / "valkey"))
        postgres = stack.enter_context(postgres_running())
        store = PostgresStore(postgres.url())
        store.prepare()
        store.close()
        yield Places(valkey, postgres, valkey.address, ("127.0.0.1", postgres.port))


def settled(server: PostgresServer, database: str = "postgres") -> None:
    """Tidy up after a fill, as autovacuum does in time."""
    with psycopg.connect(server.url(database), autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
