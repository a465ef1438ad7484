"""Where a cluster's commands go: by the map, by what a server says of a slot, and by a new map when one is gone."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from valkey.crc import key_slot
from valkey.exceptions import AskError, ClusterDownError, MovedError, ResponseError, TryAgainError

from sessioncore import StoreUnavailable
from sessioncore_io.valkey.place import Address
from sessioncore_io.valkey.route import Cluster, slot_of
from sessioncore_io.valkey.scripts import WAIT, Reads
from sessioncore_io.valkey.talk import converse

HERE, THERE = ("here", 1), ("there", 2)
SLOTS = [("CLUSTER", "SLOTS")]
ALL = [[0, 16_383, [b"here", 1, b"id"], [b"a replica", 9, b"id"]]]
LAST = 16_383

Sent = list[tuple[Address | None, list[Any]]]


class Servers:
    """Be the servers of a cluster: answer by turns, and note what was sent to whom."""

    def __init__(self, *replies: Any) -> None:
        self.replies = list(replies)
        self.sent: Sent = []
        self.batches: list[Sequence[Any]] = []

    def __call__(self, step: Any) -> list[Any]:
        address, commands = step
        self.sent.append((address, list(commands)))
        self.batches.append(commands)
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        answers: list[Any] = reply
        return answers


COMMAND = ("ZADD", "key", 1, "name")
SLOT = key_slot(b"key")
WAITS = (WAIT, 1, 100)
GONE = StoreUnavailable("it is gone")


def mapped(ranges: Any = ALL, seeds: Sequence[Address] = (HERE,)) -> Cluster:
    """Give a cluster that has its map."""
    cluster = Cluster(seeds)
    converse(cluster.primaries(), Servers([ranges]))
    return cluster


def routed(cluster: Cluster, servers: Servers, *commands: Any) -> Any:
    return converse(cluster.route(list(commands)), servers)


@pytest.mark.parametrize("name", ["EVALSHA", "EVAL"])
def test_a_script_is_sent_where_its_first_key_is(name: str) -> None:
    assert slot_of((name, "a digest or the text", 2, "key", "other", "argument")) == SLOT
    assert slot_of(COMMAND) == SLOT


def test_each_command_goes_to_the_server_of_its_slot_and_replies_come_in_order() -> None:
    low, high = sorted("ab", key=lambda key: key_slot(key.encode()))
    border = key_slot(high.encode())
    cluster = mapped([[0, border - 1, [b"here", 1]], [border, LAST, [b"there", 2]]])
    servers = Servers(["a", "c"], ["b"])
    first, second, third = ("GET", low), ("GET", high), ("GET", f"{{{low}}}again")

    assert routed(cluster, servers, first, second, third) == ["a", "b", "c"]
    assert servers.sent == [(HERE, [first, third]), (THERE, [second])]


@pytest.mark.parametrize("kind", [Reads, list])
def test_what_may_be_sent_twice_is_said_of_each_part(kind: Callable[[Any], Any]) -> None:
    servers = Servers(["a"])
    converse(mapped().route(kind([COMMAND])), servers)

    assert isinstance(servers.batches[0], Reads) == (kind is Reads)


def test_the_map_is_asked_for_by_something_that_may_be_sent_twice() -> None:
    servers = Servers([ALL])
    converse(Cluster([HERE]).primaries(), servers)

    assert isinstance(servers.batches[0], Reads)


def test_a_slot_that_nobody_serves_is_unavailable_by_its_number() -> None:
    cluster = mapped([[0, SLOT - 1, [b"here", 1]]])

    with pytest.raises(StoreUnavailable, match=f"no server of the cluster serves slot {SLOT}; nothing was sent"):
        routed(cluster, Servers(), COMMAND)


def test_a_server_that_does_not_know_its_own_name_is_the_one_that_was_asked() -> None:
    """As it says NULL, or nothing, until another server has called it."""
    for unnamed in (None, b""):
        assert converse(Cluster([HERE]).primaries(), Servers([[[0, LAST, [unnamed, 7]]]])) == [("here", 7)]


@pytest.mark.parametrize(
    "useless", [GONE, [[]], [ResponseError("ERR This instance has cluster support disabled")], [None]]
)
def test_another_server_is_asked_for_the_map_if_one_has_none(useless: Any) -> None:
    servers = Servers(useless, [ALL])

    assert converse(Cluster([THERE, HERE]).primaries(), servers) == [HERE]
    assert servers.sent == [(THERE, SLOTS), (HERE, SLOTS)]


def test_a_cluster_none_of_whose_servers_has_a_map_cannot_be_reached() -> None:
    with pytest.raises(StoreUnavailable, match="no server of the cluster can be reached; nothing was sent"):
        converse(Cluster([HERE, THERE]).primaries(), Servers(GONE, [[]]))


def test_a_slot_that_has_moved_is_remembered_though_the_map_does_not_say_so_yet() -> None:
    cluster = mapped()
    servers = Servers([MovedError(f"{SLOT} there:2")], [ALL], [1], [2])

    assert routed(cluster, servers, COMMAND) == [1]
    assert routed(cluster, servers, COMMAND) == [2]
    assert servers.sent == [(HERE, [COMMAND]), (HERE, SLOTS), (THERE, [COMMAND]), (THERE, [COMMAND])]


def test_a_slot_on_the_move_is_asked_for_and_not_remembered() -> None:
    cluster = mapped()
    servers = Servers([AskError(f"{SLOT} there:2")], ["OK", 1], [2])

    assert routed(cluster, servers, COMMAND) == [1]
    assert routed(cluster, servers, COMMAND) == [2]
    assert servers.sent == [(HERE, [COMMAND]), (THERE, [("ASKING",), COMMAND]), (HERE, [COMMAND])]


def test_only_the_command_that_was_not_done_is_sent_again() -> None:
    """With the WAIT that follows it, and with no other."""
    moved = MovedError(f"{SLOT} there:2")
    first, second = ("ZADD", "{key}first", 1, "name"), ("ZADD", "{key}second", 1, "name")
    servers = Servers([1, 1, moved, 0], [ALL], [2, 2])

    assert routed(mapped(), servers, first, WAITS, second, WAITS) == [1, 1, 2, 2]
    assert servers.sent[2:] == [(THERE, [second, WAITS])]

    servers = Servers([moved, 1, 1], [ALL], [2])

    assert routed(mapped(), servers, first, second, WAITS) == [2, 1, 1]
    assert servers.sent[2:] == [(THERE, [first])]


def test_a_command_that_is_put_off_again_and_again_is_given_up() -> None:
    later = TryAgainError("later")
    replies = [answer for _ in range(20) for answer in ([], [later])]

    with pytest.raises(StoreUnavailable, match="times, and nobody did it: later"):
        routed(mapped(), Servers([later], *replies), COMMAND)


@pytest.mark.parametrize("reply", [[ClusterDownError("the cluster is down")], GONE])
def test_the_map_is_asked_for_anew_after_a_server_is_gone(reply: Any) -> None:
    cluster = mapped()
    try:
        routed(cluster, Servers(reply), COMMAND)
    except StoreUnavailable:
        assert reply is GONE
    servers = Servers([[[0, LAST, [b"there", 2]]]], [1])

    assert routed(cluster, servers, COMMAND) == [1]
    assert servers.sent == [(HERE, SLOTS), (THERE, [COMMAND])]


def test_the_map_is_asked_for_anew_if_the_cluster_is_down_where_a_slot_has_moved() -> None:
    cluster = mapped()
    down = ClusterDownError("the cluster is down")
    moved = Servers([MovedError(f"{SLOT} there:2")], [ALL], [down])
    again = Servers([ALL], [1])

    assert routed(cluster, moved, COMMAND) == [down]
    assert routed(cluster, again, COMMAND) == [1]
    assert again.sent == [(HERE, SLOTS), (HERE, [COMMAND])]


def test_too_few_replies_are_not_taken_for_those_to_other_commands() -> None:
    with pytest.raises(ValueError, match="shorter"):
        routed(mapped(), Servers(["a"]), COMMAND, ("GET", "{key}other"))
