"""The parts of the benchmark; each gives what it found. An effort of 100 is the whole of it."""

from pathlib import Path

from sessioncore_io.memory import MemoryStore
from sessioncore_io.sqlite import SqliteStore

from . import asgi_peers, ours, scale, wsgi_peers
from .counts import steady
from .crowd import in_sqlite
from .earlier import Earlier, against
from .imports import imports
from .places import running
from .results import SELECT, Growth, Networked, Requests, figures, selects
from .rounds import interleave
from .sizes import sizes
from .stores import compare
from .throughput import Served, served
from .wire import Traffic, counted


def requests(folder: Path, effort: int) -> Requests:
    """Measure what happens within one process."""
    sqlite = SqliteStore(folder / "sessions.sqlite")
    entries = [
        *ours.contenders(MemoryStore(), sqlite),
        *asgi_peers.contenders(),
        *wsgi_peers.contenders(folder),
    ]
    runs = {SELECT: scale.select(folder / "sessions.sqlite")}
    for entry in entries:
        runs |= entry.runs
    times = interleave(runs, rounds=4 * effort, requests=50)
    loading = {modules: taken.median for modules, taken in imports(rounds=5 + effort // 10).items()}
    writes = scale.writes(in_sqlite(folder / "few.sqlite", scale.FEW), rounds=effort)
    return Requests(
        figures=figures(entries, times),
        select=times[SELECT].median,
        selects=selects(entries, times),
        writes={setting: taken.median for setting, taken in writes.items()},
        imports=loading,
        asked={world: dict(steady(world)) for world in ("ASGI", "WSGI")},
    )


def earlier(folder: Path, effort: int) -> tuple[Earlier, ...]:
    """Measure this code against that of a commit whose page is from the budget's machine."""
    return against(folder, effort)


def networked(folder: Path, effort: int) -> Networked:
    """Measure what a request costs with a store on a server."""
    with running(folder) as places:
        found, reads = compare(places, rounds=2 * effort)
    return Networked(found, reads)


def traffic(folder: Path, effort: int) -> tuple[Traffic, ...]:
    """Count what goes over the wire; the effort is the same whatever is asked for."""
    return tuple(counted(folder))


def growth(folder: Path, effort: int) -> Growth:
    """Measure few sessions against many."""
    scales = tuple(
        found
        for stores, many in scale.filled(folder, effort)
        for found in (scale.requests(stores, many, 4 * effort), scale.resets(stores, many, 2 * effort))
    )
    return Growth(scales, tuple(sizes(folder / "sizes", 1_000 * effort)))


def servers(folder: Path, effort: int) -> tuple[Served, ...]:
    """Measure how many requests a real server answers."""
    with running(folder) as places:
        return tuple(served(folder, places, rounds=5, seconds=effort / 50))
