"""Write down what became of the mutants of the sources."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from attrs import field, frozen

from .hunt import SURVIVED, UNREACHED, Verdict
from .sources import ADAPTERS, CORE, LAYERS, STORES

# What has to die of each group, of those that are not equivalent.
DUE = {CORE: 1.0, STORES: 0.9, ADAPTERS: 0.9}

PAGE = """\
## The sources

The core's flows, machine, policy, records, and the pure part of single sign-on; the stores; the adapters. Not the
proof and the property suite, which ship too: they have planted bugs of their own. In each function comparisons,
conditions, operators, constants, arguments, defaults and decorators are changed, and statements dropped, one at a
time; an effect is dropped, asked for with another argument, or moved behind its neighbour; and words of SQL are
exchanged. Not changed: annotations, assertions, and texts for people.

{totals}

### Which layer kills what

The first layer that kills a mutant; the cheapest are tried first, each with the tests that reach the mutant.
A time limit counts as a kill: {slow} mutants never end. {shown} mutants, spread over all files, were shown to every
layer they were tried by, so that one sees what each could do without the others: the last two columns.

{kills}

### Survivors that are not equivalent

{survivors}

{untried}### Equivalent

No test can tell these from what is shipped.

{equivalents}
"""


@frozen
class Files:
    """Hold of each file its group, and whether the verdicts are on the file as it is."""

    fits: Mapping[str, tuple[str, bool]] = field(factory=dict)

    def count(self, group: str) -> str:
        """Say how many files of a group have such verdicts."""
        ours = [fits for its, fits in self.fits.values() if its == group]
        return f"{sum(ours)} of {len(ours)}" if ours else ""

    @property
    def untried(self) -> list[str]:
        """Give those that have none."""
        return [file for file, (_, fits) in self.fits.items() if not fits]


@frozen
class Result:
    """Hold all verdicts, the reasons of the listed ones, and the files that they are about."""

    verdicts: Sequence[Verdict]
    reasons: Mapping[str, str]
    files: Files = field(factory=Files)

    @property
    def survivors(self) -> list[Verdict]:
        """Give those that live and are not listed."""
        return [v for v in self.verdicts if lives(v) and v.name not in self.reasons]

    @property
    def wrongly_listed(self) -> list[str]:
        """Give the listed ones that a test killed, or that do not exist."""
        alive = {v.name for v in self.verdicts if lives(v)}
        return [name for name in self.reasons if name not in alive]

    def share(self, group: str) -> float:
        """Give the share that dies of those of a group that are not equivalent."""
        counted = [v for v in self.verdicts if v.group == group and not (lives(v) and v.name in self.reasons)]
        return sum(not lives(v) for v in counted) / len(counted) if counted else 1.0

    @property
    def holds(self) -> bool:
        """Tell whether enough die, and the list is right."""
        return not self.wrongly_listed and all(self.share(group) >= due for group, due in DUE.items())


def lives(verdict: Verdict) -> bool:
    """Tell a mutant that nothing killed."""
    return verdict.layer in (SURVIVED, UNREACHED)


def section(result: Result) -> str:
    """Write the section about the sources."""
    listed = Counter(result.reasons.values())
    return PAGE.format(
        totals="\n".join(_totals(result)),
        slow=sum(v.slow for v in result.verdicts),
        shown=sum(v.all_layers is not None for v in result.verdicts),
        kills="\n".join(_kills(result.verdicts)),
        survivors="\n".join(f"- `{v.name}`" for v in result.survivors) or "None.",
        untried=_untried(result.files.untried),
        equivalents="\n".join(line for reason in listed for line in _of_reason(result, reason)),
    )


def _totals(result: Result) -> Iterator[str]:
    yield "| files | mutants | die | equivalent | survive | share that dies | files tried as they are |"
    yield "|---|---|---|---|---|---|---|"
    for group in DUE:
        ours = [v for v in result.verdicts if v.group == group]
        alive = [v for v in ours if lives(v)]
        alike = sum(v.name in result.reasons for v in alive)
        share = f"{result.share(group):.1%}" if ours else ""
        counts = f"{len(ours)} | {len(ours) - len(alive)} | {alike} | {len(alive) - alike} | {share}"
        yield f"| {group} | {counts} | {result.files.count(group)} |"


def _kills(verdicts: Sequence[Verdict]) -> Iterator[str]:
    yield f"| layer | {' | '.join(DUE)} | could kill, of those shown | only this one could |"
    yield "|---|---|---|---|---|---|"
    killed = Counter((v.layer, v.group) for v in verdicts)
    for layer in LAYERS:
        could = [v for v in verdicts if v.all_layers and layer in v.all_layers]
        alone = sum(v.all_layers == (layer,) for v in could)
        counts = " | ".join(str(killed[layer, group] or "") for group in DUE)
        yield f"| {layer} | {counts} | {len(could)} | {alone} |"


def _untried(files: Sequence[str]) -> str:
    if not files:
        return ""
    return "\n".join(["### Not tried since they were changed", "", *(f"- `{file}`" for file in files), "", ""])


def _of_reason(result: Result, reason: str) -> Iterator[str]:
    yield f"- {reason}"
    yield from (f"  - `{name}`" for name, why in result.reasons.items() if why == reason)
