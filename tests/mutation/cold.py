"""Mutants that only show when a file is imported anew: ``python -m tests.mutation.cold`` does what ``__main__`` asks.

This process imports what others wrote, and nothing of ours; each fork imports ours with one edit in it.
"""

import contextlib
import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .edits import Edit, edits
from .forks import TIMED_OUT, Ended, Forks, Tell, limit
from .plant import Finder
from .sources import sources

OPTIONS = ("-q", "-x", "-s", "--tb=no", "-p", "no:cacheprovider", "-p", "tests.mutation.profile", "-o", "timeout=0")
SURVIVES, NO_PROGRAM = 0, 4


class _Chosen:
    """Run these tests and no others, in this order."""

    def __init__(self, tests: dict[str, float]) -> None:
        self.tests = tests

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Choose and sort."""
        places = {test: place for place, test in enumerate(self.tests)}
        items[:] = sorted((i for i in items if i.nodeid in places), key=lambda item: places[item.nodeid])

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Limit the time of each."""
        limit(self.tests[nodeid])


def main(asked: Path, answers: Path) -> int:
    """Try each mutant that is named in the file ``asked``, and write what became of it to ``answers``."""
    orders = json.loads(asked.read_text(encoding="utf-8"))
    for name in orders["imports"]:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    found: dict[str, Any] = {}
    forks = Forks(orders["slots"])
    for source in sources(Path.cwd()):
        for edit in edits(source.path, source.root):
            if (plan := orders["plans"].get(edit.name)) is not None:
                forks.start(_importing(edit, source.module, plan), _noting(found, edit.name, list(plan)))
    forks.finish()
    answers.write_text(json.dumps(found), encoding="utf-8")
    return 0


def _noting(found: dict[str, Any], name: str, layers: list[str]) -> Callable[[Ended], object]:
    def note(ended: Ended) -> None:
        if ended.code == NO_PROGRAM:
            return
        dead = ended.code != SURVIVES or ended.signal
        found[name] = (layers[max(ended.told, 0)] if dead else "", bool(ended.signal in TIMED_OUT))

    return note


def _importing(edit: Edit, module: str, plan: dict[str, dict[str, float]]) -> Callable[[Tell], int]:
    def job(tell: Tell) -> int:
        try:
            sys.meta_path.insert(0, Finder(edit, module))
        except SyntaxError:
            return NO_PROGRAM
        for position, tests in enumerate(plan.values()):
            tell(position)
            limit(20)  # collecting
            files = sorted({test.split("::")[0] for test in tests})
            if pytest.main([*OPTIONS, *files], plugins=[_Chosen(tests)]) != pytest.ExitCode.OK:
                return 1
        return SURVIVES

    return job


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
