"""What a request costs with a store on a server, next to one bare read by the same client, and to other libraries.

The figures are time by the wall: what a request waits for, the server's work and the way there included.
"""

from collections.abc import Callable
from time import perf_counter_ns, thread_time_ns
from typing import Final

from attrs import frozen

from .bare_reads import Reader, readers
from .contenders import Contender
from .networked import READING, contenders, split
from .places import Places
from .rounds import Clock, Run, Times, interleave

REQUESTS: Final = 50


@frozen
class StoreFigure:
    """Hold what one way of keeping sessions on a server adds to a request; times in microseconds."""

    world: str
    name: str
    keeps: str
    added: float
    processor: float  # of it, on this side of the wire
    bare: float
    reads: float  # in bare reads by the client of sessioncore's store
    sends: float  # in reads by that store's own connection, without anything around them
    times_ours: float  # over sessioncore's that reads data, as the others do
    ours: bool

    @property
    def server(self) -> str:
        """Name the server."""
        return server_of(self.keeps)


def server_of(keeps: str) -> str:
    """Name the server of a way of keeping."""
    return keeps.partition(",")[0]


class Watch:
    """Read the clock that is asked for: by the wall at first."""

    def __init__(self) -> None:
        self.read: Clock = perf_counter_ns

    def __call__(self) -> int:
        """Give nanoseconds."""
        return self.read()


def compare(places: Places, rounds: int) -> tuple[tuple[StoreFigure, ...], dict[str, float]]:
    """Time everything in turns; once more for the processor's time, in fewer rounds."""
    watch = Watch()
    entries = [*contenders(places, watch), *split(places, watch)]
    reads = readers(places, watch)
    runs: dict[str, Run] = {}
    for entry in entries:  # what is divided by each other is taken next to each other
        place = entry.world, server_of(entry.keeps)
        runs |= {reader.key: reader.run for reader in reads if (reader.world, reader.server) == place} | entry.runs
    wall = interleave(runs, rounds, REQUESTS)
    watch.read = thread_time_ns
    processor = interleave(runs, max(1, rounds // 5), REQUESTS)
    found = tuple(_figure(entry, entries, wall, processor) for entry in entries)
    return found, {reader.key: wall[reader.key].median for reader in reads}


def _figure(
    entry: Contender, entries: list[Contender], wall: dict[str, Times], processor: dict[str, Times]
) -> StoreFigure:
    added = _added(entry, wall)
    server = server_of(entry.keeps)
    ours = next(e for e in entries if e.ours and (e.world, e.keeps) == (entry.world, f"{server}, {READING}"))
    per: Callable[[str], float] = lambda how: added.over(wall[Reader.key_of(entry.world, server, how)])  # noqa: E731
    return StoreFigure(
        world=entry.world,
        name=entry.name,
        keeps=entry.keeps,
        added=added.median,
        processor=_added(entry, processor).median,
        bare=wall[entry.bare_key].median,
        reads=per("by the client"),
        sends=per("by the connection"),
        times_ours=added.over(_added(ours, wall)),
        ours=entry.ours,
    )


def _added(entry: Contender, times: dict[str, Times]) -> Times:
    return times[entry.key].minus(times[entry.bare_key])
