"""Run the benchmark: print the tables, write docs/benchmarks/, and fail if a budget is not met."""

import argparse
import json
import logging
import sys
import tempfile
from pathlib import Path
from typing import Final

from sessioncore_io.memory import MemoryStore
from sessioncore_io.sqlite import SqliteStore

from . import asgi_peers, ours, scale, wsgi_peers
from .budgets import Budget, budgets
from .contenders import Contender
from .counts import steady
from .imports import imports
from .plot import draw
from .report import page
from .results import SELECT, Results, bare_key, figures, key, machine, selects
from .rounds import Run, interleave

DOCS: Final = Path(__file__).parent.parent / "docs" / "benchmarks"


def main() -> int:
    """Measure, report, and answer 1 if a budget is not met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="do a tenth of the work and write no files")
    parser.add_argument("--to", type=Path, default=DOCS, help="the folder to write to (default: docs/benchmarks)")
    options = parser.parse_args()
    logging.disable(logging.INFO)  # nobody's logging is part of the comparison
    with tempfile.TemporaryDirectory() as folder:
        results = measured(Path(folder), 10 if options.quick else 100)
    checked = budgets(results)
    print(page(results, checked))
    if not options.quick:
        write(results, checked, options.to)
    missed = [budget for budget in checked if not budget.met]
    for budget in missed:
        print(budget, file=sys.stderr)
    print(f"{len(checked) - len(missed)} of {len(checked)} budgets met", file=sys.stderr)
    return 1 if missed else 0


def measured(folder: Path, effort: int) -> Results:
    """Measure everything; an effort of 100 is the whole benchmark."""
    sqlite = SqliteStore(folder / "sessions.sqlite")
    entries = [
        *ours.contenders(MemoryStore(), sqlite),
        *asgi_peers.contenders(),
        *wsgi_peers.contenders(folder),
    ]
    runs = {SELECT: scale.select(folder / "sessions.sqlite"), **_runs(entries)}
    times = interleave(runs, rounds=4 * effort, requests=50)
    loading = {modules: taken.median for modules, taken in imports(rounds=5 + effort // 10).items()}
    sizes = scale.Sizes(stored=10_000 * effort, of_one=1_000 * effort)
    filled = scale.filled(folder, sizes)
    scales = tuple(
        found
        for stores in filled
        for found in (scale.requests(stores, sizes, 4 * effort), scale.resets(stores, sizes, 2 * effort))
    )
    writes = scale.writes(SqliteStore(folder / "few.sqlite"), rounds=effort)
    return Results(
        figures=figures(entries, times),
        scales=scales,
        select=times[SELECT].median,
        selects=selects(entries, times),
        writes={setting: taken.median for setting, taken in writes.items()},
        imports=loading,
        asked={world: dict(steady(world)) for world in ("ASGI", "WSGI")},
        machine=machine(),
    )


def _runs(entries: list[Contender]) -> dict[str, Run]:
    """Put each application next to the bare one that is subtracted from it."""
    return {name: run for entry in entries for name, run in ((key(entry), entry.run), (bare_key(entry), entry.bare))}


def write(results: Results, checked: list[Budget], folder: Path) -> None:
    """Write the page, the picture and the numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "README.md").write_text(page(results, checked))
    (folder / "results.json").write_text(json.dumps(results.as_json(), indent=1) + "\n")
    draw(results, folder)


if __name__ == "__main__":
    sys.exit(main())
