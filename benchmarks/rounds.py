"""Time many things in turns, so that whatever else the machine does falls on all of them alike."""

import gc
from collections.abc import Callable, Iterable, Mapping
from statistics import median
from typing import Final

from attrs import frozen

# Give nanoseconds: of the thread's processor time, or by the wall.
Clock = Callable[[], int]

# Run this many requests and return the nanoseconds they took.
Run = Callable[[int], int]

QUIETEST: Final = 10  # one round in ten


def quietest(times: Iterable[float]) -> float:
    """Give the tenth percentile: what the machine does when nobody disturbs it."""
    ordered = sorted(times)
    return ordered[len(ordered) // QUIETEST]


@frozen
class Times:
    """Hold microseconds a request, one entry a round; entries of one index were taken next to each other."""

    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        """Give the median of the rounds."""
        return median(self.rounds)

    @property
    def quietest(self) -> float:
        """Give the tenth percentile of the rounds."""
        return quietest(self.rounds)

    def minus(self, other: "Times") -> "Times":
        """Subtract round by round."""
        return Times(tuple(mine - its for mine, its in zip(self.rounds, other.rounds, strict=True)))

    def over(self, other: "Times") -> float:
        """Give the median of the rounds' quotients."""
        return median(mine / its for mine, its in zip(self.rounds, other.rounds, strict=True))


def interleave(runs: Mapping[str, Run], rounds: int, requests: int) -> dict[str, Times]:
    """Time each run once a round, forwards and backwards in turn, without the garbage collector."""
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        run(requests)
    gc.collect()
    gc.disable()
    try:
        for turn in range(rounds):
            for name in list(runs) if turn % 2 else reversed(list(runs)):
                taken[name].append(runs[name](requests) / requests / 1000)
    finally:
        gc.enable()
    return {name: Times(tuple(times)) for name, times in taken.items()}
