"""One server for all tests of PostgreSQL; each test has a database of its own."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import psycopg
import pytest
from tests.servers.postgres import PostgresServer

from sessioncore_io.postgres import PostgresStore
from sessioncore_io.postgres.schema import migrate, migrations


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    """Start a server, with a template that has the tables."""
    server = PostgresServer.create()
    try:
        server.ask("CREATE DATABASE prepared")
        with closing(psycopg.connect(server.url("prepared"), autocommit=True)) as connection:
            migrate(connection, migrations())
        yield server
    finally:
        server.destroy()


@pytest.fixture
def database(server: PostgresServer) -> Iterator[str]:
    """Give the name of an empty database that has the tables; the next test gets it too, unless this one spoils it."""
    name = server.spare.pop() if server.spare else server.database("prepared")
    yield name
    server.end_backends(name)
    if not emptied(server, name):
        server.ask(f"DROP DATABASE {name} WITH (FORCE)")
    else:
        server.spare.append(name)


SPOILT = """
SELECT (SELECT version FROM sessioncore.schema_version) <> 1
OR EXISTS (SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace)
"""


def emptied(server: PostgresServer, name: str) -> bool:
    """Make a database as it was; tell whether that is possible."""
    server.ask(f"ALTER DATABASE {name} RESET ALL")
    try:
        spoilt = server.ask(SPOILT, name) != [(False,)]
    except psycopg.Error:
        return False
    if not spoilt:
        server.ask("TRUNCATE sessioncore.sessions, sessioncore.epochs, sessioncore.marks", name)
        server.ask("SELECT pg_stat_reset()", name)
    return not spoilt


@pytest.fixture
def url(server: PostgresServer, database: str) -> str:
    """Give the address of that database."""
    return server.url(database)


@pytest.fixture
def opened(url: str) -> Iterator[Callable[..., PostgresStore]]:
    """Open stores that are closed when the test ends."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(closing(PostgresStore(url, **settings)))
