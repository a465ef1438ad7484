"""What an acknowledged logout is worth: after a crash, by what the server writes to disk; after a promotion."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.servers.valkey import until
from tests.servers.valkey_groups import Pair, watched
from tests.valkey.stand import NOBODY, UNKNOWN, Opener, User, awaited, plain, standing

fault = pytest.mark.fault

AOF: dict[str, Any] = {"appendonly": "yes"}


def after_crash(folder: Path, *, snapshot: bool = False, **settings: Any) -> tuple[bool, str]:
    """Log out, kill the server and start it again; tell whether it was acknowledged, and who is there."""
    with standing(folder, plain, **settings) as stand:
        if snapshot:
            stand.server.ask("SAVE")
        acknowledged = stand.user.log_out()
        stand.server.kill()
        stand.server.start()
        return acknowledged, stand.user.who


@fault("kill -9 after a logout, nothing written to disk", "all sessions are gone: nobody is signed in")
def test_without_persistence_a_crash_signs_everybody_out(tmp_path: Path) -> None:
    assert after_crash(tmp_path) == (True, NOBODY)


@fault(
    "kill -9 after a logout, snapshots (RDB) only", "**the session is back** as of the last snapshot: use appendonly"
)
def test_with_snapshots_a_crash_brings_back_what_was_logged_out_since(tmp_path: Path) -> None:
    assert after_crash(tmp_path, snapshot=True, save="3600 1") == (True, "alice")


@fault("kill -9 after a logout, appendfsync everysec", "the session stays ended (a power cut may lose the last second)")
def test_with_a_log_that_is_synced_every_second_a_crash_of_the_process_loses_nothing(tmp_path: Path) -> None:
    assert after_crash(tmp_path, **AOF, appendfsync="everysec") == (True, NOBODY)


@fault("kill -9 after a logout, appendfsync always", "the session stays ended")
def test_with_a_log_that_is_always_synced_a_crash_loses_nothing(tmp_path: Path) -> None:
    assert after_crash(tmp_path, **AOF, appendfsync="always") == (True, NOBODY)


# -- promotion -----------------------------------------------------------------------------------------------


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """Run a master, a replica and a sentinel."""
    with watched(tmp_path) as made:
        yield made


@pytest.fixture(params=[plain, awaited], ids=["plain", "awaited"])
def opener(request: pytest.FixtureRequest) -> Opener:
    """Give each way to open a store."""
    made: Opener = request.param
    return made


def fail_over(pair: Pair) -> None:
    """Kill the master and wait until the replica has taken over."""
    pair.master.kill()
    until(lambda: pair.sentinel.master == pair.replica.address, "the sentinel names another master")
    until(lambda: pair.replica.ask("ROLE")[0] == b"master", "the replica is the master")


@fault("the master dies, a replica that kept up takes over", "the store follows the sentinel; what ended stays ended")
def test_a_store_follows_its_sentinel_to_the_next_master(pair: Pair, opener: Opener) -> None:
    with ExitStack() as stack:
        store = opener(stack, pair.url, replicas=1)
        user, other = User(store), User(store)

        assert other.log_out()
        fail_over(pair)

        until(lambda: user.who == "alice", "the store has found the next master")
        assert other.who == NOBODY


@fault(
    "a replica whose link had stalled takes over",
    "**the session is back**, though its logout was acknowledged: see replicas=1",
)
def test_a_replica_that_had_not_heard_of_a_logout_brings_the_session_back(pair: Pair) -> None:
    with ExitStack() as stack:
        user = User(plain(stack, pair.url, replicas=1))
        user.move(plain(stack, pair.url))
        pair.stall()

        assert user.log_out()
        fail_over(pair)
        until(lambda: user.who != UNKNOWN, "the store has found the next master")

        assert user.who == "alice"


@fault("a replica whose link had stalled takes over, replicas=1", "the logout is refused: it was not safe yet")
def test_a_logout_that_no_replica_has_is_not_acknowledged(pair: Pair, opener: Opener) -> None:
    with ExitStack() as stack:
        user = User(opener(stack, pair.url, replicas=1, patience=0.5))
        pair.stall()

        assert not user.log_out()
        fail_over(pair)
        until(lambda: user.who != UNKNOWN, "the store has found the next master")

        assert user.who == "alice"
