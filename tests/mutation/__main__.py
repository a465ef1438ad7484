"""Mutate the table, the guards and the acts, and write down what became of each mutant: ``make mutants``."""

import sys
from collections import Counter
from pathlib import Path

from .kill import EQUIVALENT, SURVIVED, Verdict, verdict_on
from .mutants import mutants

REPORT = Path("docs/verification/mutants.md")

PAGE = """\
# Mutants

Written by `make mutants`. Every row of the table was dropped, retargeted and given every other guard and act of its
event; every comparison, operator, operand, field and call in every guard and act was changed, one at a time.

{killed} of {count} mutants die, {equivalent} are proved equivalent to the shipped table, {survived} survive.

## What kills them

The first obligation that each mutant breaks, of those that are proved of the shipped table; `types` are mutants
that do not run.

| layer | obligation | rows | guards | acts |
|---|---|---|---|---|
{kills}

## Equivalent

No session, event and moment exists on which these differ from what is shipped: z3 says so of each.

{equivalents}
"""


def main() -> int:
    """Run every mutant, write the report, and fail if one survives."""
    verdicts = [_told(verdict_on(mutant)) for mutant in mutants()]
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(page(verdicts), encoding="utf-8")
    survivors = [verdict.mutant.name for verdict in verdicts if verdict.layer == SURVIVED]
    print("\n".join([f"{len(verdicts)} mutants, {len(survivors)} survive; see {REPORT}", *survivors]))
    return 1 if survivors else 0


def _told(verdict: Verdict) -> Verdict:
    if verdict.layer == SURVIVED:
        print(f"survives: {verdict.mutant.name}", flush=True)
    return verdict


def page(verdicts: list[Verdict]) -> str:
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
    sys.exit(main())
