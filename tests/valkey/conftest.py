"""Servers that the tests of this folder share; each test begins with empty ones."""

from collections.abc import Iterator

import pytest
from tests.servers.valkey import REDIS, VALKEY, Server, free_port, serving
from tests.servers.valkey_groups import Group, clustered


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run one Valkey for the session."""
    with serving(tmp_path_factory.mktemp("valkey"), VALKEY) as server:
        yield server


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run one Redis 6.2 for the session."""
    with serving(tmp_path_factory.mktemp("redis"), REDIS) as server:
        yield server


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    """Run one cluster of three Valkeys for the session."""
    with clustered(tmp_path_factory.mktemp("cluster")) as group:
        yield group


@pytest.fixture(params=["server", "cluster"])
def url(request: pytest.FixtureRequest, valkey_server: Server, cluster: Group) -> str:
    """Give the URL of empty servers."""
    if request.param == "cluster":
        cluster.empty()
        return cluster.url
    valkey_server.ask("FLUSHALL")
    return valkey_server.url


@pytest.fixture
def free() -> int:
    """Give a port that nobody listens on."""
    return free_port()
