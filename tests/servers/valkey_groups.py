"""Several servers that belong together: a cluster behind proxies, and a master with a replica and a sentinel."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.servers.proxy import Proxy
from tests.servers.valkey import Server, free_port, serving, until
from valkey.exceptions import ValkeyError

SLOTS = 16_384


class ClusterNode:
    """Run one server of a cluster; clients are told to come through its proxy."""

    def __init__(self, folder: Path, stack: ExitStack, **settings: Any) -> None:
        self.bus = free_port()
        self.proxy = stack.enter_context(closing(Proxy(("127.0.0.1", 0))))
        announced: dict[str, Any] = {
            "cluster-announce-port": self.proxy.address[1],
            "cluster-announce-bus-port": self.bus,
        }
        clustered: dict[str, Any] = {"cluster-enabled": "yes", "cluster-port": self.bus, "cluster-node-timeout": 1_000}
        self.server = stack.enter_context(serving(folder, **clustered, **announced, **settings))
        self.proxy.target = self.server.address

    @property
    def id(self) -> str:
        """Give the name by which the others know it."""
        name: bytes = self.server.ask("CLUSTER", "MYID")
        return name.decode()

    def knows(self, count: int) -> bool:
        """Tell whether it sees the whole cluster, of so many servers, at work."""
        with suppress(ValkeyError, OSError):
            info = self.server.ask("CLUSTER INFO")
            return info["cluster_state"] == "ok" and int(info["cluster_known_nodes"]) == count
        return False


class Group:
    """Hold the servers of a cluster."""

    def __init__(self, folder: Path, stack: ExitStack, count: int = 3) -> None:
        self.nodes = [ClusterNode(folder / str(number), stack) for number in range(count)]
        first = self.nodes[0]
        for number, node in enumerate(self.nodes):
            low, high = number * SLOTS // count, (number + 1) * SLOTS // count - 1
            node.server.ask("CLUSTER", "ADDSLOTSRANGE", low, high)
            node.server.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            if node is not first:
                first.server.ask("CLUSTER", "MEET", "127.0.0.1", node.server.port, node.bus)
        until(lambda: all(node.knows(count) for node in self.nodes), "the cluster is at work")

    @property
    def url(self) -> str:
        """Give its URL, which names one server: the others are found."""
        return f"cluster://127.0.0.1:{self.nodes[0].proxy.address[1]}"

    def ask(self, key: str, *command: Any) -> Any:
        """Send one command, from outside, to the server that holds a key."""
        for node in self.nodes:
            try:
                return node.server.ask(*command)
            except ValkeyError as error:
                if not str(error).startswith("MOVED"):
                    raise
        raise AssertionError(f"nobody holds {key}")

    def empty(self) -> None:
        """Forget all keys."""
        for node in self.nodes:
            node.server.ask("FLUSHALL")


@contextmanager
def clustered(folder: Path) -> Iterator[Group]:
    """Run a cluster of three within the ``with`` block."""
    with ExitStack() as stack:
        yield Group(folder, stack)


class Sentinel(Server):
    """Run one sentinel, which alone decides that a master is down."""

    def __init__(self, folder: Path, master: tuple[str, int]) -> None:
        host, port = master
        self.lines = [
            f"sentinel monitor sessions {host} {port} 1",
            "sentinel down-after-milliseconds sessions 500",
            "sentinel failover-timeout sessions 2000",
        ]
        super().__init__(folder)

    def _command(self) -> list[str]:
        config = self.folder / "sentinel.conf"
        if not config.exists():
            config.write_text("\n".join([f"port {self.port}", "bind 127.0.0.1", f"dir {self.folder}", *self.lines]))
        return [str(self.program), str(config), "--sentinel"]

    @property
    def master(self) -> tuple[str, int]:
        """Give the address of the master as it is now."""
        host, port = self.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "sessions")  # a reply as it is
        return host.decode(), int(port)


class Pair:
    """Hold a master, its replica and the sentinel that watches them."""

    def __init__(self, folder: Path, stack: ExitStack, **settings: Any) -> None:
        self.master = stack.enter_context(serving(folder / "master", **{"repl-diskless-sync-delay": 0, **settings}))
        self.link = stack.enter_context(closing(Proxy(self.master.address)))
        host, port = self.link.address
        following: dict[str, Any] = {"replicaof": f"{host} {port}", "repl-diskless-sync-delay": 0}
        self.replica = stack.enter_context(serving(folder / "replica", **following, **settings))
        self.sentinel = Sentinel(folder / "sentinel", self.master.address)
        stack.callback(self.sentinel.kill)
        until(lambda: self._linked, "the replica follows, and the sentinel knows it")

    @property
    def _linked(self) -> bool:
        known = self.sentinel.ask("SENTINEL MASTER", "sessions")["num-slaves"]
        return bool(known == 1) and self.replica.ask("INFO", "replication")["master_link_status"] == "up"

    def stall(self) -> None:
        """Keep from the replica what the master does from now on; the link looks alive for a minute."""
        self.link.replies.hold()

    @property
    def url(self) -> str:
        """Give the URL of whichever is the master."""
        return f"sentinel://127.0.0.1:{self.sentinel.port}/sessions"


@contextmanager
def watched(folder: Path, **settings: Any) -> Iterator[Pair]:
    """Run a master, a replica and a sentinel within the ``with`` block."""
    with ExitStack() as stack:
        yield Pair(folder, stack, **settings)
