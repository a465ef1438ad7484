"""What a steady request sends to its store's server, counted on the wire and by the server."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from time import perf_counter_ns
from typing import Final

from attrs import evolve, frozen
from tests.servers.proxy import Proxy
from tests.servers.valkey_groups import Group

from .contenders import Contender
from .networked import cluster, contenders, split
from .places import Places, running
from .turns import Turns

WARM: Final = 20  # requests until connections are open, statements prepared and sessions seen
REQUESTS: Final = 100


@frozen
class Traffic:
    """Hold what one request does in the steady state."""

    world: str
    name: str
    keeps: str
    trips: float
    writes: float | None  # None: not counted
    ours: bool


def counted(folder: Path) -> Iterator[Traffic]:
    """Count for each library in turn, with a proxy between it and its server."""
    turns = Turns()
    with ExitStack() as stack:
        places = stack.enter_context(running(folder))
        proxies = [stack.enter_context(closing(Proxy(at))) for at in (places.valkey_address, places.postgres_address)]
        for proxy in proxies:
            turns.watch(proxy)
        valkey, postgres = (proxy.address for proxy in proxies)
        places = evolve(places, valkey_address=valkey, postgres_address=postgres)
        for entry in [*contenders(places, perf_counter_ns), *split(places, perf_counter_ns)]:
            yield _counted(entry, turns, places)
        group = Group(folder / "cluster", stack)
        for node in group.nodes:
            turns.watch(node.proxy)
        for entry in cluster(group.url, perf_counter_ns):
            yield _counted(entry, turns, None)


def _counted(entry: Contender, turns: Turns, places: Places | None) -> Traffic:
    entry.run(WARM)
    before, written = turns.count, places.writes() if places else 0
    entry.run(REQUESTS)
    trips, writes = turns.count - before, places.writes() - written if places else None
    assert trips >= REQUESTS, f"{entry.title}: the proxies heard {trips} round trips of {REQUESTS} requests"
    return Traffic(
        world=entry.world,
        name=entry.name,
        keeps=entry.keeps,
        trips=trips / REQUESTS,
        writes=writes / REQUESTS if writes is not None else None,
        ours=entry.ours,
    )
