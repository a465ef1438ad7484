"""What only a cluster does: slots move, servers take over, and each key is somewhere else."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from tests.servers.valkey import until
from tests.servers.valkey_groups import ClusterNode, Group
from tests.valkey.stand import NOBODY, UNKNOWN, Opener, User, awaited, plain
from valkey.crc import key_slot
from valkey.exceptions import AskError, MovedError, TryAgainError

from sessioncore import Store, StoreUnavailable
from sessioncore.testing.clock import START
from sessioncore.testing.rows import SID, guest, touched, user
from sessioncore_io.valkey.keys import Keys
from sessioncore_io.valkey.route import Cluster
from sessioncore_io.valkey.scripts import WAIT

fault = pytest.mark.fault
KEYS = Keys("sc:")


@pytest.fixture(params=[plain, awaited], ids=["plain", "awaited"])
def store(request: pytest.FixtureRequest, cluster: Group) -> Iterator[Store]:
    """Give an empty store on the cluster."""
    opener: Opener = request.param
    cluster.empty()
    with ExitStack() as stack:
        yield opener(stack, cluster.url, patience=0.5)


class Move:
    """Move one slot from one server to another, step by step."""

    def __init__(self, group: Group, key: str) -> None:
        self.slot = key_slot(key.encode())
        self.source = next(node for node in group.nodes if self.slot in self.slots(node))
        self.target = next(node for node in group.nodes if node is not self.source)
        self.nodes = group.nodes

    @staticmethod
    def slots(node: ClusterNode) -> set[int]:
        """Give the slots that a server holds."""
        own = node.proxy.address[1]
        ranges: Any = node.server.ask("CLUSTER", "SLOTS")
        held = ((first, last) for first, last, (_, port, *_), *_ in ranges if port == own)
        return {slot for first, last in held for slot in range(first, last + 1)}

    def begin(self) -> None:
        """Open the slot on both sides."""
        self.target.server.ask("CLUSTER", "SETSLOT", self.slot, "IMPORTING", self.source.id)
        self.source.server.ask("CLUSTER", "SETSLOT", self.slot, "MIGRATING", self.target.id)

    def carry(self) -> int:
        """Carry the keys over."""
        keys = self.source.server.ask("CLUSTER", "GETKEYSINSLOT", self.slot, 100)
        port = self.target.server.port
        for key in keys:
            self.source.server.ask("MIGRATE", "127.0.0.1", port, key, 0, 5_000)
        return len(keys)

    def finish(self) -> None:
        """Let everybody know."""
        for node in (self.target, self.source, *self.nodes):
            node.server.ask("CLUSTER", "SETSLOT", self.slot, "NODE", self.target.id)


@fault("cluster: a slot moves to another server (MOVED, ASK)", "reads go on all the way, writes before and after")
def test_a_slot_that_moves_is_followed(store: Store, cluster: Group) -> None:
    row = user()
    store.swap(None, row)
    store.mint("alice", START)
    move = Move(cluster, KEYS.row(SID))
    for step in (move.begin, move.carry, move.finish):
        step()

        assert store.load(SID)[0] == row
    assert store.swap(row, touched(row, START + 1))
    assert not store.swap(row, touched(row, START + 2))
    assert store.load(SID)[0] == touched(row, START + 1)
    assert [found.sid for found in store.of_subject("alice")] == [SID]


@fault("cluster: half of a slot's keys have moved (TRYAGAIN)", "writes there wait a little, then are refused")
def test_a_slot_that_is_half_moved_refuses_and_loses_nothing(store: Store, cluster: Group) -> None:
    store.swap(None, guest())
    move = Move(cluster, KEYS.row(SID))
    move.begin()
    port = move.target.server.port
    move.source.server.ask("MIGRATE", "127.0.0.1", port, KEYS.list_of("d", SID), 0, 5_000)

    assert store.load(SID)[0] == guest()
    assert not _done(store)
    assert store.load(SID)[0] == guest()

    move.carry()
    move.finish()

    assert _done(store)
    assert store.load(SID)[0] == touched(guest(), START + 1)


def _done(store: Store) -> bool:
    try:
        return store.swap(guest(), touched(guest(), START + 1))
    except StoreUnavailable:
        return False


@fault(
    "cluster: one of three servers is killed and comes back", "sessions there are unavailable, the others unaffected"
)
def test_a_server_of_the_cluster_that_is_gone_takes_only_its_own_sessions_along(store: Store, cluster: Group) -> None:
    users = [User(store) for _ in range(12)]
    down = cluster.nodes[2]
    for node in cluster.nodes:
        node.server.ask("CONFIG", "SET", "cluster-require-full-coverage", "no")
    down.server.kill()
    down.proxy.cut()

    seen = {each.who for each in users}

    assert seen <= {"alice", UNKNOWN}
    assert UNKNOWN in seen

    down.server.start()
    until(lambda: all(node.knows(3) for node in cluster.nodes), "the cluster is whole again")

    assert {each.who for each in users} <= {"alice", NOBODY}
    assert all(type(each)(store).who == "alice" for each in users[:3])


def test_who_waits_for_replicas_waits_where_the_command_was_done() -> None:
    """A WAIT counts the replicas of the server that it is sent to."""
    here, there = ("here", 1), ("there", 2)
    command, wait = ("ZADD", "key", 1, "name"), (WAIT, 1, 100)
    slot = key_slot(b"key")
    ranges = [[0, 16_383, [b"here", 1, b"id"]]]
    asked = Cluster([here]).route([command, wait])

    assert next(asked) == (here, [("CLUSTER", "SLOTS")])
    assert asked.send([ranges]) == (here, [command, wait])
    assert asked.send([AskError(f"{slot} there:2"), 0]) == (there, [("ASKING",), command, wait])
    assert asked.send(["OK", TryAgainError("later"), 0]) == (None, [])
    assert asked.send([]) == (here, [command, wait])
    assert asked.send([MovedError(f"{slot} there:2"), 0]) == (here, [("CLUSTER", "SLOTS")])
    assert asked.send([ranges]) == (there, [command, wait])
    with pytest.raises(StopIteration) as done:
        asked.send([1, 1])
    assert done.value.value == [1, 1]
