"""Run all layers, print one table, and write it into docs/verification/README.md: ``make verify``."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter

from attrs import frozen

from .layers import LAYERS, Layer, Outcome, Profile

PAGE = Path("docs/verification/README.md")

TEXT = """\
# Verification

Written by `make verify`, which runs every layer over the code that ships, not over a model of it. Those that sample may
count a little differently in the next run; the times are those of one machine with two cores.

{table}

## What each layer shows, and what it does not

{layers}

A schedule that breaks a property is told as a story, with a line that replays it. Here a slow write loses to a logout,
looks again and lets go:
`sessioncore explore --only 'write + logout' --replay 'write write logout logout logout write write'`.
[Exploring](exploring.md) says how to explore flows of your own, and [Mutants](mutants.md) reports on the mutants.
"""

COLUMNS = ("layer", "covered", "time", "result")


@frozen
class Ran:
    """Hold what became of a layer."""

    layer: Layer
    outcome: Outcome
    seconds: float

    @property
    def cells(self) -> tuple[str, ...]:
        """Give the columns."""
        result = "held" if self.outcome.held else "**BROKEN**"
        return self.layer.name, self.outcome.covered, f"{self.seconds:.0f} s", result


def ran(layers: Sequence[Layer], profile: Profile) -> Iterator[Ran]:
    """Run the layers, one after another."""
    for layer in layers:
        start = perf_counter()
        outcome = layer.run(profile)
        yield Ran(layer, outcome, perf_counter() - start)


def table(results: Sequence[Ran]) -> str:
    """Write one row a layer."""
    rows = [COLUMNS, ("---",) * len(COLUMNS), *(result.cells for result in results)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def page(results: Sequence[Ran]) -> str:
    """Write the page: the table and what it means."""
    told = [f"- **{r.layer.name}** shows {r.layer.shows}. It does not show {r.layer.leaves}." for r in results]
    return TEXT.format(table=table(results), layers="\n".join(told))


def main(profile: Profile = Profile(), target: Path = PAGE) -> int:  # noqa: B008 - frozen
    """Run what the profile asks for; return 1 if anything is broken."""
    results = []
    for result in ran([layer for layer in LAYERS if profile.suites or not layer.suite], profile):
        results.append(result)
        print(f"{result.layer.name}: {', '.join(result.cells[1:])}", flush=True)
        if not result.outcome.held:
            print(result.outcome.story, flush=True)
    print(f"\n{table(results)}\n\n{sum(result.seconds for result in results):.0f} s in all")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(page(results), encoding="utf-8")
    return 0 if all(result.outcome.held for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
