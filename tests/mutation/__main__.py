"""Mutate everything, and write down what became of each mutant: ``make mutants``.

``python -m tests.mutation flows.ending`` tries the mutants whose names contain that, ``--groups core`` those of
a group. ``--keep`` writes the verdicts down, and the page of all that is written down so far.
``--layers flows,proof`` lets only these layers try, and ``--processes 1`` leaves the other cores to others;
``--seconds 0.5`` looks quickly, and takes some for survivors that are none; ``@FILE --seconds 30`` then tries
those that the file lists, a line each.
"""

import os
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from .edits import edits
from .hunt import SECONDS, Hunt
from .hunt import Verdict as OfSource
from .kept import Kept, hash_of, hash_of_table
from .kill import SURVIVED, Verdict, verdict_on
from .listed import reasons
from .mutants import mutants
from .page import page
from .report import Result, section
from .run import verdicts_on
from .sources import GROUPS, LAYERS, sources

REPORT: Final = Path("docs/verification/mutants.md")
TABLE: Final = "table"
Hashes = dict[Path, str]


def main(asked: Namespace) -> int:
    """Run the mutants that are asked for, say what became of them, and fail if too many survive."""
    listed, files = reasons(), sources(Path.cwd())
    hunt = Hunt(
        files, frozenset(listed), asked.only, asked.layers, asked.groups, asked.processes, asked.seconds, told=_say
    )
    hashes = {source.path: hash_of(source.path) for source in files}
    text = hash_of_table(Path.cwd())
    found = verdicts_on(hunt) if set(asked.groups) & set(GROUPS) else []
    of_table = [_told(verdict_on(mutant)) for mutant in mutants()] if _wants_table(asked) else []
    if not found and not of_table:
        print(f"no mutant is named so: {asked.only}")
        return 2
    if asked.keep:
        kept = Kept.read(Path.cwd())
        _keep(kept, hunt, hashes, found)
        if of_table:
            kept.add_table(text, of_table)
        kept.write()
        REPORT.write_text(page(kept, files, listed), encoding="utf-8")
    return _told_all(of_table, Result(found, {name: why for name, why in listed.items() if hunt.hunts(name)}))


def _wants_table(asked: Namespace) -> bool:
    """Tell whether the table's mutants are asked for; the proof alone kills them, in its own time."""
    quick = asked.seconds < SECONDS or len(asked.layers) < len(LAYERS)
    return TABLE in asked.groups and not asked.only and not quick


def _keep(kept: Kept, hunt: Hunt, hashes: Hashes, found: Sequence[OfSource]) -> None:
    verdicts = {verdict.name: verdict for verdict in found}
    for source in hunt.sources:
        names = [edit.name for edit in edits(source.path, source.root)]
        if tried := [name for name in names if hunt.hunts(name)]:
            ours = [verdicts[name] for name in tried if name in verdicts]
            kept.add(source, hashes[source.path], names, tried, ours)


def _told_all(of_table: Sequence[Verdict], result: Result) -> int:
    if result.verdicts:
        print(section(result))
    print("\n".join(f"wrongly listed as equivalent: {name}" for name in result.wrongly_listed))
    survivors = [verdict.mutant.name for verdict in of_table if verdict.layer == SURVIVED]
    print("\n".join([f"{len(of_table)} mutants of the table, {len(survivors)} survive", *survivors]))
    return 1 if survivors or not result.holds else 0


def _asked(words: Sequence[str]) -> Namespace:
    parser = ArgumentParser("python -m tests.mutation")
    parser.add_argument("only", nargs="?", default="", help="a part of the names of the mutants to try")
    for name, known in (("groups", (*GROUPS, TABLE)), ("layers", tuple(LAYERS))):
        parser.add_argument(f"--{name}", type=_some_of(known), default=known, help=f"of {', '.join(known)}")
    cores = os.cpu_count() or 1
    parser.add_argument("--processes", type=int, default=cores, help="how many at once (as many as there are cores)")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of tests that a layer has for a mutant")
    parser.add_argument("--keep", action="store_true", help=f"write down what became of them, and {REPORT}")
    return parser.parse_args(words)


def _some_of(known: Sequence[str]) -> Callable[[str], tuple[str, ...]]:
    def chosen(text: str) -> tuple[str, ...]:
        names = tuple(text.split(","))
        if unknown := [name for name in names if name not in known]:
            raise ArgumentTypeError(f"none of {', '.join(known)}: {', '.join(unknown)}")
        return names

    return chosen


def _say(text: str) -> None:
    """Say it though pytest has its own idea of what is printed."""
    os.write(2, f"{text}\n".encode())


def _told(verdict: Verdict) -> Verdict:
    if verdict.layer == SURVIVED:
        print(f"survives: {verdict.mutant.name}", flush=True)
    return verdict


if __name__ == "__main__":
    sys.exit(main(_asked(sys.argv[1:])))
