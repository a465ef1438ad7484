"""Run the benchmark: print the tables, write docs/benchmarks/, and fail if a budget is not met."""

import argparse
import json
import logging
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from attrs import evolve

from .budgets import Budget, budgets
from .drive import rest
from .parts import earlier, growth, networked, requests, servers, traffic
from .plan import planned
from .plot import draw
from .report import page
from .results import Results, last, machine
from .throughput import WRK, wrk_is_there

DOCS: Final = Path(__file__).parent.parent / "docs" / "benchmarks"
STORES: Final = DOCS.parent / "stores" / "README.md"

# Each part is measured in a process of its own: none inherits the memory, or the settings, of another.
PARTS: Final[dict[str, Callable[[Path, int], Any]]] = {
    "requests": requests,
    "earlier": earlier,
    "stores": networked,
    "wire": traffic,
    "growth": growth,
    "servers": servers,
}


def main() -> int:
    """Measure, report, and answer 1 if a budget is not met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="do a tenth of the work and write no files")
    parser.add_argument("--only", choices=PARTS, help="measure one part, and keep what the others found last time")
    parser.add_argument("--to", type=Path, default=DOCS, help="the folder to write to (default: docs/benchmarks)")
    options = parser.parse_args()
    if options.only in (None, "servers") and not wrk_is_there():
        print(WRK, file=sys.stderr)
        return 2
    if options.only is None:
        return max([_alone(part, sys.argv[1:]) for part in PARTS])
    logging.disable(logging.WARNING)  # nobody's logging is part of the comparison
    with tempfile.TemporaryDirectory() as folder:
        found = PARTS[options.only](Path(folder), 10 if options.quick else 100)
        rest()
    told(evolve(Results(machine()), **{options.only: found}))
    if not options.quick:
        known = last(options.to / "results.json")
        write(evolve(known, machine=machine(), **{options.only: found}), options.to)
    return 1 if _missed(budgets(evolve(Results(machine()), **{options.only: found}))) else 0


def _alone(part: str, arguments: list[str]) -> int:
    return subprocess.run([sys.executable, "-m", "benchmarks", *arguments, "--only", part], check=False).returncode


def _missed(checked: list[Budget]) -> list[Budget]:
    return [budget for budget in checked if not budget.met]


def told(results: Results) -> None:
    """Print what one part found."""
    checked = budgets(results)
    print(page(results, checked, introduced=False), flush=True)
    missed = _missed(checked)
    for budget in missed:
        print(budget, file=sys.stderr)
    print(f"{len(checked) - len(missed)} of {len(checked)} budgets met", file=sys.stderr)


def write(results: Results, folder: Path) -> None:
    """Write the page, the pictures and the numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "README.md").write_text(page(results, budgets(results)))
    (folder / "results.json").write_text(json.dumps(results.as_json(), indent=1) + "\n")
    draw(results, folder)
    if folder == DOCS:
        STORES.write_text(planned(STORES.read_text(), results))


if __name__ == "__main__":
    sys.exit(main())
