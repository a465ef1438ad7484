"""Write the page about all mutants, of what is kept and still fits."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from .edits import edits
from .hunt import SECONDS
from .kept import Kept
from .kill import EQUIVALENT, SURVIVED
from .report import Files, Result, lives, section
from .sources import Source

PAGE = """\
# Mutants

Written by `make mutants`, from `mutants.json`: there the verdicts on each file stand beside the hash of its text.
A part may be tried again by itself, as in `python -m tests.mutation --groups stores --keep`; what was tried before a
file was changed is not counted. A verdict says what the tests of its day could tell.

## The table

Every row of the table was dropped, retargeted and given every other guard and act of its
event; every comparison, operator, operand, field and call in every guard and act was changed, one at a time.

{table}

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
has {seconds:g} s for a mutant, unless `--seconds` says otherwise: of a function that a thousand tests reach, not all
are tried. Many files are tried quickly first, by the layers that are made for them, and their survivors again, longer.
"""

OF_TABLE = """\
{killed} of {count} mutants die, {equivalent} are proved equivalent to the shipped table, {survived} survive.

### What kills them

The first obligation that each mutant breaks, of those that are proved of the shipped table; `types` are mutants
that do not run.

| layer | obligation | rows | guards | acts |
|---|---|---|---|---|
{kills}

### Equivalent

No session, event and moment exists on which these differ from what is shipped: z3 says so of each.

{equivalents}"""
UNTRIED = "Not tried since it was changed: `python -m tests.mutation --groups table --keep` tries them."

OfTable = Sequence[Sequence[str]]


def page(kept: Kept, sources: Sequence[Source], reasons: Mapping[str, str]) -> str:
    """Write the page."""
    return PAGE.format(
        table=_of_table(kept.of_table()), sources=section(picture(kept, sources, reasons)), seconds=SECONDS
    )


def picture(kept: Kept, sources: Sequence[Source], reasons: Mapping[str, str]) -> Result:
    """Give what is known of the files as they are, and which they are; a file without a mutant is none."""
    mutated = [source for source in sources if next(edits(source.path, source.root), None)]
    verdicts = [verdict for source in mutated for verdict in kept.verdicts(source)]
    alive = {verdict.name for verdict in verdicts if lives(verdict)}
    files = Files(
        {source.path.relative_to(kept.top).as_posix(): (source.group, kept.fits(source)) for source in mutated}
    )
    return Result(verdicts, {name: why for name, why in reasons.items() if name in alive}, files)


def _of_table(verdicts: OfTable) -> str:
    if not verdicts:
        return UNTRIED
    layers = Counter(layer for _, layer, _, _ in verdicts)
    return OF_TABLE.format(
        killed=len(verdicts) - layers[EQUIVALENT] - layers[SURVIVED],
        count=len(verdicts),
        equivalent=layers[EQUIVALENT],
        survived=layers[SURVIVED],
        kills="\n".join(_kills(verdicts)),
        equivalents="\n".join(
            f"- `{name}`" for name in sorted(n for _, layer, _, n in verdicts if layer == EQUIVALENT)
        ),
    )


def _kills(verdicts: OfTable) -> Iterator[str]:
    dead = [verdict for verdict in verdicts if verdict[1] not in (EQUIVALENT, SURVIVED)]
    kinds = Counter((layer, how, kind) for kind, layer, how, _ in dead)
    for (layer, how), _ in Counter((layer, how) for _, layer, how, _ in dead).most_common():
        counts = " | ".join(str(kinds[layer, how, kind] or "") for kind in ("row", "guard", "act"))
        yield f"| {layer} | {how} | {counts} |"
