"""What was measured, in one value that is printed, drawn and written as JSON."""

import os
import platform
import sys
from typing import Any, Final

from attrs import asdict, frozen

from .contenders import Contender
from .rounds import Times
from .scale import Scale

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
class Results:
    """Hold everything that one run of the benchmark found."""

    figures: tuple[Figure, ...]
    scales: tuple[Scale, ...]
    select: float
    selects: dict[str, float]  # by world: what SQLite adds to the memory figure, in bare SELECTs
    writes: dict[str, float]
    imports: dict[str, float]
    asked: dict[str, dict[str, int]]
    machine: str

    def ours(self, world: str, keeps: str) -> Figure:
        """Find a figure of sessioncore's."""
        return next(f for f in self.figures if f.ours and (f.world, f.keeps) == (world, keeps))

    def lightest_peer(self, world: str) -> Figure:
        """Find the peer that adds the least."""
        return min((f for f in self.figures if f.world == world and not f.ours), key=lambda f: f.added)

    def as_json(self) -> dict[str, Any]:
        """Give it as JSON can hold it."""
        return asdict(self)


def figures(entries: list[Contender], times: dict[str, Times]) -> tuple[Figure, ...]:
    """Subtract the bare calls, round by round, and compare with ours."""
    added = {entry: times[key(entry)].minus(times[bare_key(entry)]) for entry in entries}
    first = {entry.world: added[entry] for entry in reversed(entries) if entry.ours and entry.keeps == "memory"}
    return tuple(
        Figure(
            world=entry.world,
            name=entry.name,
            keeps=entry.keeps,
            added=added[entry].median,
            quietest=added[entry].quietest,
            bare=times[bare_key(entry)].median,
            times_ours=added[entry].over(first[entry.world]),
            ours=entry.ours,
        )
        for entry in entries
    )


def selects(entries: list[Contender], times: dict[str, Times]) -> dict[str, float]:
    """Give what the SQLite store adds to the memory store's figure, in bare SELECTs."""
    ours = {(entry.world, entry.keeps): times[key(entry)] for entry in entries if entry.ours}
    return {w: ours[w, "SQLite"].minus(ours[w, "memory"]).over(times[SELECT]) for w in ("ASGI", "WSGI")}


def key(entry: Contender) -> str:
    """Name the run with a session."""
    return f"{entry.world} {entry.title}"


def bare_key(entry: Contender) -> str:
    """Name the run without one."""
    return f"{key(entry)}, bare"


def machine() -> str:
    """Describe the machine in general words."""
    python = ".".join(map(str, sys.version_info[:2]))
    cores = os.cpu_count()
    return f"{cores} cores, {platform.machine()}, {platform.system()}, {platform.python_implementation()} {python}"
