"""Mutate everything, and write down what became of each mutant: ``make mutants``.

``python -m tests.mutation flows.ending`` tries the mutants whose names contain that, and writes nothing;
``--layers flows,proof`` lets only these layers try, and ``--processes 1`` leaves the other cores to others;
``--seconds 0.5`` looks quickly, and takes some for survivors that are none; ``@FILE --seconds 30`` then tries
those that the file lists, a line each.
"""

import os
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from .hunt import SECONDS, Hunt
from .kill import EQUIVALENT, SURVIVED, Verdict, verdict_on
from .listed import reasons
from .mutants import mutants
from .report import Result, section
from .run import verdicts_on
from .sources import LAYERS, sources

REPORT = Path("docs/verification/mutants.md")

PAGE = """\
# Mutants

Written by `make mutants`.

## The table

Every row of the table was dropped, retargeted and given every other guard and act of its
event; every comparison, operator, operand, field and call in every guard and act was changed, one at a time.

{killed} of {count} mutants die, {equivalent} are proved equivalent to the shipped table, {survived} survive.

### What kills them

The first obligation that each mutant breaks, of those that are proved of the shipped table; `types` are mutants
that do not run.

| layer | obligation | rows | guards | acts |
|---|---|---|---|---|
{kills}

### Equivalent

No session, event and moment exists on which these differ from what is shipped: z3 says so of each.

{equivalents}

{sources}
## Why no tool

mutmut 3.8 was tried first, and cosmic-ray 8.7 judged by its design. mutmut leaves out most of what is decorated and
whatever stands outside a function, and did not get through this suite under pytest 9; neither knows of layers, of
effects that change places, or of SQL. cosmic-ray runs the test command anew for each mutant: four minutes, thousands
of times. So the slips are made in the syntax tree (`tests/mutation/changes.py`) and planted in forks of one process
that has collected all tests; coverage.py says which test reaches which line. A new file of sources is found by itself;
a store that needs a server is tried by its own tests, each mutant with servers of its own.

What is not tried: a test that serves from another Python (workers, uvicorn, processes that race, most of the forks)
knows nothing of the mutant and kills nobody, so what only such a test can tell is among the survivors. And a layer
has {seconds:g} s for a mutant: of a function that a thousand tests reach, not all are tried.
"""


def main(
    only: str = "", layers: Sequence[str] = tuple(LAYERS), slots: int | None = None, seconds: float = SECONDS
) -> int:
    """Run every mutant, write the report, and fail if too many survive."""
    slots, listed = slots or os.cpu_count() or 1, reasons()
    hunt = Hunt(sources(Path.cwd()), frozenset(listed), only, layers, slots, seconds, told=_say)
    why = {name: reason for name, reason in listed.items() if hunt.hunts(name)}
    verdicts = verdicts_on(hunt)
    if not verdicts:
        print(f"no mutant is named so: {only}")
        return 2
    result = Result(verdicts, why)
    print(section(result))
    print("\n".join(f"wrongly listed as equivalent: {name}" for name in result.wrongly_listed))
    if only or len(layers) < len(LAYERS) or seconds < SECONDS:
        return 0 if result.holds else 1
    of_table = [_told(verdict_on(mutant)) for mutant in mutants()]
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(page(of_table, result), encoding="utf-8")
    survivors = [verdict.mutant.name for verdict in of_table if verdict.layer == SURVIVED]
    print("\n".join([f"{len(of_table)} mutants of the table, {len(survivors)} survive; see {REPORT}", *survivors]))
    return 1 if survivors or not result.holds else 0


def _asked(words: Sequence[str]) -> Namespace:
    parser = ArgumentParser("python -m tests.mutation")
    parser.add_argument("only", nargs="?", default="", help="a part of the names of the mutants to try")
    parser.add_argument("--layers", type=_layers, default=tuple(LAYERS), help=f"of {', '.join(LAYERS)}")
    parser.add_argument("--processes", type=int, help="how many at once (as many as there are cores)")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of tests that a layer has for a mutant")
    return parser.parse_args(words)


def _layers(text: str) -> tuple[str, ...]:
    layers = tuple(text.split(","))
    if unknown := [layer for layer in layers if layer not in LAYERS]:
        raise ArgumentTypeError(f"no layer: {', '.join(unknown)}")
    return layers


def _say(text: str) -> None:
    """Say it though pytest has its own idea of what is printed."""
    os.write(2, f"{text}\n".encode())


def _told(verdict: Verdict) -> Verdict:
    if verdict.layer == SURVIVED:
        print(f"survives: {verdict.mutant.name}", flush=True)
    return verdict


def page(verdicts: list[Verdict], result: Result) -> str:
    """Write the report."""
    layers = Counter(verdict.layer for verdict in verdicts)
    alike = [verdict.mutant.name for verdict in verdicts if verdict.layer == EQUIVALENT]
    return PAGE.format(
        killed=len(verdicts) - layers[EQUIVALENT] - layers[SURVIVED],
        count=len(verdicts),
        equivalent=layers[EQUIVALENT],
        survived=layers[SURVIVED],
        kills="\n".join(_kills(verdicts)),
        equivalents="\n".join(f"- `{name}`" for name in sorted(alike)),
        sources=section(result),
        seconds=SECONDS,
    )


def _kills(verdicts: list[Verdict]) -> list[str]:
    kills = Counter((v.layer, v.how, v.mutant.kind) for v in verdicts if v.layer not in (EQUIVALENT, SURVIVED))
    causes = Counter((v.layer, v.how) for v in verdicts if v.layer not in (EQUIVALENT, SURVIVED))
    kinds = ("row", "guard", "act")
    return [
        f"| {layer} | {how} | {' | '.join(str(kills[layer, how, kind] or '') for kind in kinds)} |"
        for (layer, how), _ in causes.most_common()
    ]


if __name__ == "__main__":
    asked = _asked(sys.argv[1:])
    sys.exit(main(asked.only, asked.layers, asked.processes, asked.seconds))
