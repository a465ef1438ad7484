"""What was measured, in one value that is printed, drawn and written as JSON."""

import json
import os
import platform
import sys
from pathlib import Path
from typing import Any, Final

import msgspec
from attrs import asdict, frozen

from .contenders import Contender
from .earlier import Earlier
from .rounds import Times
from .scale import Scale
from .sizes import Size
from .stores import StoreFigure
from .throughput import Served
from .wire import Traffic

COMMAND: Final = "make bench"
SELECT: Final = "bare SELECT"


@frozen
class Figure:
    """Hold what one way of keeping sessions adds to a request, in microseconds."""

    world: str
    name: str
    keeps: str
    added: float  # median of the rounds
    quietest: float  # tenth percentile of the rounds
    bare: float
    times_ours: float  # over sessioncore's memory store in the same world
    ours: bool


@frozen
class Requests:
    """Hold what is measured within one process."""

    figures: tuple[Figure, ...]
    select: float
    selects: dict[str, float]  # by world: what SQLite adds to the memory figure, in bare SELECTs
    writes: dict[str, float]
    imports: dict[str, float]
    asked: dict[str, dict[str, int]]

    def ours(self, world: str, keeps: str) -> Figure:
        """Find a figure of sessioncore's."""
        return next(f for f in self.figures if f.ours and (f.world, f.keeps) == (world, keeps))

    @property
    def starlette(self) -> Figure:
        """Give the peer by which machines are compared."""
        return next(f for f in self.figures if f.name == "Starlette")

    def lightest_peer(self, world: str) -> Figure:
        """Find the peer that adds the least."""
        return min((f for f in self.figures if f.world == world and not f.ours), key=lambda f: f.added)


@frozen
class Networked:
    """Hold what a request costs with a store on a server; ``reads`` are one bare read, in microseconds by the wall."""

    figures: tuple[StoreFigure, ...]
    reads: dict[str, float]


@frozen
class Growth:
    """Hold what many sessions cost, in time and in room."""

    scales: tuple[Scale, ...]
    sizes: tuple[Size, ...]


@frozen
class Results:
    """Hold what each part of the benchmark found when it was last run; None is a part that never was."""

    machine: str
    requests: Requests | None = None
    earlier: tuple[Earlier, ...] | None = None
    stores: Networked | None = None
    wire: tuple[Traffic, ...] | None = None
    growth: Growth | None = None
    servers: tuple[Served, ...] | None = None

    def as_json(self) -> dict[str, Any]:
        """Give it as JSON can hold it."""
        return asdict(self)


def last(path: Path) -> Results:
    """Read what was measured before, if anything."""
    if not path.exists():
        return Results(machine())
    found: Results = msgspec.convert(json.loads(path.read_text()), Results)
    return found


def figures(entries: list[Contender], times: dict[str, Times]) -> tuple[Figure, ...]:
    """Subtract the bare calls, round by round, and compare with ours."""
    added = {entry: times[entry.key].minus(times[entry.bare_key]) for entry in entries}
    first = {entry.world: added[entry] for entry in reversed(entries) if entry.ours and entry.keeps == "memory"}
    return tuple(
        Figure(
            world=entry.world,
            name=entry.name,
            keeps=entry.keeps,
            added=added[entry].median,
            quietest=added[entry].quietest,
            bare=times[entry.bare_key].median,
            times_ours=added[entry].over(first[entry.world]),
            ours=entry.ours,
        )
        for entry in entries
    )


def selects(entries: list[Contender], times: dict[str, Times]) -> dict[str, float]:
    """Give what the SQLite store adds to the memory store's figure, in bare SELECTs."""
    ours = {(entry.world, entry.keeps): times[entry.key] for entry in entries if entry.ours}
    return {w: ours[w, "SQLite"].minus(ours[w, "memory"]).over(times[SELECT]) for w in ("ASGI", "WSGI")}


def machine() -> str:
    """Describe the machine in general words."""
    python = ".".join(map(str, sys.version_info[:2]))
    cores = os.cpu_count()
    return f"{cores} cores, {platform.machine()}, {platform.system()}, {platform.python_implementation()} {python}"
