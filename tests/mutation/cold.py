"""Mutants that only show when a file is imported anew: ``python -m tests.mutation.cold`` does what ``__main__`` asks.

This process imports what others wrote, and nothing of ours; each fork imports ours with one edit in it. The first
imports ours as they are: a test that fails there kills nobody.
"""

import contextlib
import importlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.servers.postgres import PostgresServer

from .edits import Edit, edits
from .forks import TIMED_OUT, Ended, Forks, Tell, limit
from .plant import Finder
from .sources import sources

QUIETLY = ("-q", "-s", "--tb=no", "-p", "no:cacheprovider", "-p", "tests.mutation.profile", "-o", "timeout=0")
# pytest would import our package by itself, to rewrite its assertions (it is a plugin too), and not by way of ours.
PLAINLY = (*QUIETLY, "--assert=plain")
SURVIVES, NO_PROGRAM = 0, 4
Tests = dict[str, float]
Plan = dict[str, Tests]


class _Chosen:
    """Run these tests and no others, in this order, and hear which of them fail."""

    def __init__(self, tests: Tests) -> None:
        self.tests = tests
        self.failed: set[str] = set()

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Choose and sort."""
        places = {test: place for place, test in enumerate(self.tests)}
        items[:] = sorted((i for i in items if i.nodeid in places), key=lambda item: places[item.nodeid])

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Limit the time of each."""
        limit(self.tests[nodeid])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Hear of each phase."""
        if report.failed:
            self.failed.add(report.nodeid)

    def run(self, *options: str) -> int:
        """Run them in this process, which has imported none of them."""
        limit(20)  # collecting
        files = sorted({test.split("::")[0] for test in self.tests})
        return int(pytest.main([*PLAINLY, *options, *files], plugins=[self]))


def main(asked: Path, answers: Path) -> int:
    """Try each mutant that is named in the file ``asked``, and write what became of it to ``answers``."""
    orders = json.loads(asked.read_text(encoding="utf-8"))
    for name in orders["imports"]:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    unfit = _unfit(orders["plans"].values(), answers.absolute().with_name("unfit.json"))
    if any("postgres" in plan for plan in orders["plans"].values()):
        PostgresServer.fresh()  # or each fork would make its own
    found: dict[str, Any] = {}
    forks = Forks(orders["slots"])
    for source in sources(Path.cwd()):
        for edit in edits(source.path, source.root):
            if (asked_for := orders["plans"].get(edit.name)) is not None:
                plan = _without(asked_for, unfit)
                forks.start(_importing(edit, source.module, plan), _noting(found, edit.name, list(plan)))
    forks.finish()
    answers.write_text(json.dumps(found), encoding="utf-8")
    return 0


def _unfit(plans: Iterable[Plan], told: Path) -> list[str]:
    """Run every test that is wanted on the sources as they are, and give those that fail."""
    tests = {test: usual for plan in plans for layer in plan.values() for test, usual in layer.items()}

    def job(tell: Tell) -> int:
        chosen = _Chosen(tests)
        code = chosen.run()
        told.write_text(json.dumps(sorted(chosen.failed)), encoding="utf-8")
        return code

    if not tests:
        return []
    ended: list[Ended] = []
    forks = Forks(1)
    forks.start(job, ended.append)
    forks.finish()
    if ended[0].signal or ended[0].code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise RuntimeError(f"the tests could not be run on what is shipped: {ended[0]}")
    unfit: list[str] = json.loads(told.read_text(encoding="utf-8"))
    os.write(2, f"{len(tests)} tests import anew; {len(unfit)} are unfit for that: {unfit}\n".encode())
    return unfit


def _without(plan: Plan, unfit: Sequence[str]) -> Plan:
    """Leave out what is unfit."""
    left = {layer: {test: tests[test] for test in tests if test not in unfit} for layer, tests in plan.items()}
    return {layer: tests for layer, tests in left.items() if tests}


def _noting(found: dict[str, Any], name: str, layers: list[str]) -> Callable[[Ended], object]:
    def note(ended: Ended) -> None:
        if ended.code == NO_PROGRAM:
            return
        dead = ended.code != SURVIVES or ended.signal
        found[name] = (layers[max(ended.told, 0)] if dead else "", bool(ended.signal in TIMED_OUT))

    return note


def _importing(edit: Edit, module: str, plan: Plan) -> Callable[[Tell], int]:
    def job(tell: Tell) -> int:
        try:
            sys.meta_path.insert(0, Finder(edit, module))
        except SyntaxError:
            return NO_PROGRAM
        for position, tests in enumerate(plan.values()):
            tell(position)
            if _Chosen(tests).run("-x") != pytest.ExitCode.OK:
                return 1
        return SURVIVES

    return job


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
