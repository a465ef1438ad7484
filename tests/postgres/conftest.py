"""One server for all tests of PostgreSQL; each test has a database of its own."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import psycopg
import pytest
from tests.servers.postgres import PostgresServer

from sessioncore_io.postgres import PostgresStore
from sessioncore_io.postgres_schema import migrate, migrations


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
def database(server: PostgresServer) -> str:
    """Give the name of an empty database that has the tables."""
    return server.database("prepared")


@pytest.fixture
def url(server: PostgresServer, database: str) -> str:
    """Give the address of that database."""
    return server.url(database)


@pytest.fixture
def opened(url: str) -> Iterator[Callable[..., PostgresStore]]:
    """Open stores that are closed when the test ends."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(closing(PostgresStore(url, **settings)))
