"""Measure once which tests reach which lines, and how long each takes; remembered until a file changes."""

import hashlib
import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import chain
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from time import process_time
from typing import Any, Final

import coverage
import pytest
from attrs import define, field

from .forks import Ended, Forks, Job, Tell
from .running import end_session, passes
from .sources import DEAR, SERVED, layer_of

KEPT: Final = Path(".mutants")
A_PROGRAM: Final = 0.02  # seconds that the start of another Python takes at least; a mere fork has the mutant


@define
class Reach:
    """Hold the seconds that each test takes, and by file and line the tests that reach it."""

    seconds: dict[str, float] = field(factory=dict)
    lines: dict[str, dict[int, list[str]]] = field(factory=dict)
    unfit: list[str] = field(factory=list)
    dear: dict[str, float] = field(factory=dict)
    breadth: dict[str, int] = field(factory=dict)

    def tests(self, path: Path, lines: range) -> list[str]:
        """Give the tests that reach one of these lines.

        Where many do, what tells most comes first: by turns a cheap test that is unlike those before it, and one that
        reaches little else.
        """
        return self.tests_of([(path, line) for line in lines])

    def tests_of(self, places: Iterable[tuple[Path, int]]) -> list[str]:
        """Give the tests that reach one of these lines of several files, in that order too."""
        return self._sorted({test for path, line in places for test in self.lines.get(str(path), {}).get(line, ())})

    def of_file(self, path: Path) -> list[str]:
        """Give the tests that reach this file at all."""
        return self._sorted({test for tests in self.lines.get(str(path), {}).values() for test in tests})

    def of_import(self, path: Path, name: str) -> list[str]:
        """Give the tests that may see what this file makes when it is imported: those whose own file names it, too."""
        naming = {test for test in self.seconds if name in _words(_file(test))}
        return self._sorted(naming | set(self.of_file(path)))

    def _sorted(self, tests: set[str]) -> list[str]:
        cheapest = sorted(tests & self.seconds.keys(), key=lambda test: (self.cost(test), test))
        turns: Counter[str] = Counter()
        turn = {}
        for test in cheapest:  # what differs only in a parameter tells much the same
            alike = test.partition("[")[0]
            turn[test] = turns[alike]
            turns[alike] += 1
        unlike = sorted(cheapest, key=lambda test: turn[test])
        narrow = sorted(cheapest, key=lambda test: self.breadth.get(test, 0))
        return list(dict.fromkeys(chain.from_iterable(zip(unlike, narrow, strict=True))))

    def cost(self, test: str) -> float:
        """Give the seconds of a test, and of what it needs."""
        return self.seconds[test] + self.dear.get(test, 0)


def measured(items: Sequence[pytest.Item], paths: Sequence[Path], slots: int) -> Reach:
    """Give what was measured for these very sources; tests that are new or changed since are measured now.

    Of a file whose tests are not among these, what is known stays known.
    """
    kept = KEPT / f"reach-{_digest(_sources())}.json"
    found = _known(kept)
    now = {test: _digest([Path(test)]) for test in {_file(item.nodeid) for item in items}}
    fresh = [item for item in items if found["files"].get(_file(item.nodeid)) != now[_file(item.nodeid)]]
    renewed = {_file(item.nodeid) for item in fresh}
    new = _measure(fresh, paths, slots) if fresh else {}
    found = _known(kept)  # another process may have measured other tests in the meantime
    tests = {name: told for name, told in found["tests"].items() if _file(name) not in renewed} | new
    if fresh:
        _keep(kept, {"files": found["files"] | now, "tests": tests})
    wanted = {item.nodeid for item in items}
    reach = _read({name: told for name, told in tests.items() if name in wanted})
    reach.dear = {item.nodeid: sum(DEAR.get(name, 0) for name in getattr(item, "fixturenames", ())) for item in items}
    return reach


def _known(kept: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    return {"files": {}, "tests": {}} | found


def _keep(kept: Path, found: dict[str, Any]) -> None:
    """Write it in one piece, for another process may read it."""
    KEPT.mkdir(exist_ok=True)
    half = kept.with_suffix(f".{os.getpid()}")
    half.write_text(json.dumps(found), encoding="utf-8")
    half.replace(kept)


def _sources() -> Iterable[Path]:
    """Give everything that moves lines or what tests do, the test files themselves aside."""
    helpers = (path for path in Path("tests").rglob("*.py") if not path.name.startswith("test_"))
    return [
        *Path("src").rglob("*.py"),
        *Path("adapters").rglob("*.py"),
        *(path for path in helpers if "mutation" not in path.parts),
    ]


def _file(test: str) -> str:
    return test.partition("::")[0]


@cache
def _words(test: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", Path(test).read_text(encoding="utf-8")))


def _digest(paths: Iterable[Path]) -> str:
    key = hashlib.sha256()
    for path in sorted(paths):
        key.update(path.read_bytes())
    return key.hexdigest()[:16]


def _read(tests: dict[str, Any]) -> Reach:
    reach = Reach()
    lines: defaultdict[str, defaultdict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for test, (seconds, reached) in tests.items():
        if seconds is None:
            reach.unfit.append(test)
            continue
        reach.seconds[test] = seconds
        reach.breadth[test] = sum(map(len, reached.values()))
        for path, numbers in reached.items():
            for number in numbers:
                lines[path][number].append(test)
    reach.lines = {path: dict(numbers) for path, numbers in lines.items()}
    return reach


def _measure(items: Sequence[pytest.Item], paths: Sequence[Path], slots: int) -> dict[str, Any]:
    """Run every test once, in a few processes that count their lines."""
    forks, files = Forks(slots), [KEPT / f"part-{os.getpid()}-{n}.json" for n in range(slots)]
    KEPT.mkdir(exist_ok=True)
    for n, file in enumerate(files):
        forks.start(_counting(items[n::slots], paths, file.absolute()), _must_end_well)
    forks.finish()
    tests: dict[str, Any] = {}
    for file in files:
        tests |= json.loads(file.read_text(encoding="utf-8"))
        file.unlink()
    return tests


def _must_end_well(ended: Ended) -> None:
    if ended.code or ended.signal:
        raise RuntimeError(f"the tests could not be measured: {ended}")


def _elsewhere() -> float:
    """Say how long other processes worked for this one: those would not have the mutant."""
    used = getrusage(RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _counting(items: Sequence[pytest.Item], paths: Sequence[Path], file: Path) -> Job:
    def job(tell: Tell) -> int:
        counter = coverage.Coverage(data_file=None, include=[str(path) for path in paths], config_file=False)
        seconds: dict[str, float | None] = {}
        counter.start()
        for item in items:
            counter.switch_context(item.nodeid)
            begun, elsewhere = process_time(), _elsewhere()
            good = passes(item) and (_elsewhere() - elsewhere < A_PROGRAM or layer_of(item.nodeid) in SERVED)
            seconds[item.nodeid] = process_time() - begun + _elsewhere() - elsewhere if good else None
        counter.stop()
        for session in {item.session for item in items}:
            end_session(session)
        data = counter.get_data()
        reached: dict[str, dict[str, list[int]]] = {test: {} for test in seconds}
        for path in data.measured_files():
            for line, contexts in data.contexts_by_lineno(path).items():
                for test in contexts:
                    if test:
                        reached[test].setdefault(path, []).append(line)
        file.write_text(json.dumps({test: (seconds[test], reached[test]) for test in seconds}), encoding="utf-8")
        return 0

    return job
