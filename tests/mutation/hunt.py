"""Let the layers kill the mutants of the sources, in forks of one process that has collected all tests.

A layer tries the tests that reach the mutant, those first that killed its neighbours, then the quickest; and it has
so many seconds for one mutant. The first test that fails is the killer.
"""

import gc
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import define, field, frozen
from tests.servers.postgres import PostgresServer

from .early import Functions as Early
from .early import at_import, noticed
from .edits import Edit, edits
from .forks import TIMED_OUT, Ended, Forks, Tell
from .plant import Functions, Unplantable, functions_of, plant
from .reach import Reach, measured
from .running import end_session, passes
from .sources import GROUPS, LAYERS, Source, layer_of
from .uses import Uses, uses_of

SECONDS: Final = 2.0  # that a layer has for one mutant, as the tests take without it: a survivor costs all of it
SECONDS_LISTED: Final = 1.0  # and for one that is listed as equivalent: to see whether the list is wrong
SECONDS_EARLY: Final = 0.5  # and for one that an import may have made use of
EVERY: Final = 40  # so many mutants apart, one is shown to all layers

SURVIVES, NOT_PLANTED, NO_PROGRAM, DIES = 0, 3, 4, 1
SURVIVED: Final = "SURVIVED"
UNREACHED: Final = "UNREACHED"


@frozen
class Verdict:
    """Say what became of a mutant: the layer and the test that killed it; ``all_layers`` are those that can."""

    group: str
    name: str
    layer: str
    test: str = ""
    slow: bool = False
    all_layers: tuple[str, ...] | None = None


@define
class Hunt:
    """Be the pytest plugin that mutates instead of testing."""

    sources: Sequence[Source]
    listed: frozenset[str]
    only: str = ""
    layers: Sequence[str] = tuple(LAYERS)
    groups: Sequence[str] = GROUPS
    slots: int = 1
    seconds: float = SECONDS
    every: int = EVERY
    verdicts: list[Verdict] = field(factory=list)
    cold: dict[str, tuple[str, dict[str, dict[str, float]]]] = field(factory=dict)
    reach: Reach = field(factory=Reach)
    early: Early = field(factory=set)
    uses: Uses = field(factory=dict)
    _noticing: ExitStack = field(factory=ExitStack)
    told: Callable[[str], object] = print
    _tried: int = 0
    _kills: Counter[tuple[str, str]] = field(factory=Counter)
    _could: dict[str, set[str]] = field(factory=dict)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """Notice from now on what runs although no test does."""
        self.early = self._noticing.enter_context(noticed())

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run every mutant instead of every test."""
        self._noticing.close()
        self.early |= at_import([source.module.removesuffix(".__init__") for source in self.sources])
        if "postgres" in self.layers:
            PostgresServer.fresh()  # or each fork would make its own
        ours = [source for source in self.sources if source.group in self.groups]
        hunted = [source for source in ours if any(self.hunts(edit.name) for edit in _edits(source))]
        if not hunted:
            return True
        paths = [source.path for source in self.sources]
        self.uses = uses_of(paths)
        items = {item.nodeid: item for item in session.items if layer_of(item.nodeid) in self.layers}
        self.reach = measured(list(items.values()), paths, self.slots)
        self.told(f"{len(self.reach.seconds)} tests can kill; {len(self.reach.unfit)} are unfit: {self.reach.unfit}")
        forks, functions = Forks(self.slots), functions_of(paths)
        gc.freeze()  # or each fork would copy what its collector touches
        for source in hunted:
            for number, edit in enumerate(_edits(source)):
                if self.hunts(edit.name):
                    self._hunt(forks, functions, items, source.group, edit, shown=number % self.every == 0)
        forks.finish()
        self.verdicts = [self._with_all_layers(verdict) for verdict in self.verdicts]
        return True

    def hunts(self, name: str) -> bool:
        """Tell whether the name contains what is asked for; after an @, whether the file of that name lists it."""
        asked = name in self._names if self.only.startswith("@") else self.only in name
        return asked and not any(source.has(name) for source in self.sources if source.group not in self.groups)

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(Path(self.only[1:]).read_text(encoding="utf-8").splitlines())

    def _with_all_layers(self, verdict: Verdict) -> Verdict:
        could = self._could.get(verdict.name)
        if could is None or verdict.layer not in LAYERS:
            return verdict
        layers = tuple(layer for layer in LAYERS if layer in could or layer == verdict.layer)
        return Verdict(verdict.group, verdict.name, verdict.layer, verdict.test, verdict.slow, layers)

    def _hunt(
        self, forks: Forks, functions: Functions, items: dict[str, Any], group: str, edit: Edit, *, shown: bool
    ) -> None:
        self._tried += 1
        if self._tried % 50 == 0:
            self.told(f"{self._tried} mutants tried: {edit.name}")
        by_layer = dict(self.chosen(edit, self._quickly(edit)))
        order = [test for tests in by_layer.values() for test in tests]

        def judge(ended: Ended) -> None:
            self._judge(group, edit, by_layer, ended)

        forks.start(_trying(edit, functions, [items[test] for test in order], self.reach), judge)
        if shown and edit.function and len(by_layer) > 1:
            self._could[edit.name] = set()
            for layer, tests in by_layer.items():
                note = _noting(self._could[edit.name], layer)
                forks.start(_trying(edit, functions, [items[test] for test in tests], self.reach), note)

    def chosen(self, edit: Edit, budget: float) -> Iterator[tuple[str, list[str]]]:
        """Choose the tests to try, layer by layer: of each, so many seconds."""
        module = edit.name.split(":")[0].rpartition(".")[0]
        rounds = self.rounds(edit, budget)
        for layer in self.layers:
            ours = [([test for test in tests if layer_of(test) == layer], seconds) for tests, seconds in rounds]
            all_ours = dict.fromkeys(test for tests, _ in ours for test in tests)
            killers = [test for test in all_ours if self._kills[edit.function, test] or self._kills[module, test]]
            killers.sort(key=lambda test: (-self._kills[edit.function, test], -self._kills[module, test]))
            # The dear ones that killed neighbours leave the cheap ones their time.
            turns = [(killers, budget), *ours]
            chosen = [test for tests, seconds in turns for test in _within(tests, self.reach, seconds)]
            if within := list(dict.fromkeys(chosen)):
                yield layer, within

    def _quickly(self, edit: Edit) -> float:
        """Give little time to what was made when it was imported: another import will tell, and costs no less."""
        usual = self._usually(edit)
        return usual if self._is_late(edit) else min(usual, SECONDS_EARLY)

    def _usually(self, edit: Edit) -> float:
        return min(self.seconds, SECONDS_LISTED) if edit.name in self.listed else self.seconds

    def _is_late(self, edit: Edit) -> bool:
        """Tell whether no import calls it: then nothing can have kept what it gave before."""
        return bool(edit.function) and (str(edit.path), edit.function) not in self.early

    def rounds(self, edit: Edit, budget: float) -> list[tuple[list[str], float]]:
        """Give the tests that may tell it, the likeliest first, and how many seconds of each list a layer has."""
        if edit.function:
            reaching = self.reach.tests(edit.path, edit.lines) or self.reach.of_file(edit.path)
            # coverage.py misses lines that a generator runs after an error was thrown into it.
            around = self.reach.tests(edit.path, edit.around)
            return [(reaching, budget), (around, min(budget, SECONDS_LISTED))]
        using = self.reach.tests_of(self.uses.get(edit.made, ()))
        return [(using, budget), (self.reach.of_import(edit.path, edit.made), budget)]

    def _judge(self, group: str, edit: Edit, by_layer: dict[str, list[str]], ended: Ended) -> None:
        order = [test for tests in by_layer.values() for test in tests]
        survives = ended.code == SURVIVES and not ended.signal
        if ended.code == NO_PROGRAM:
            return
        if ended.code == NOT_PLANTED or survives or ended.told < 0:
            self._put_off(group, edit, tried=survives)
        else:
            killer = order[ended.told]
            self._kills[edit.function, killer] += 1
            self._kills[edit.name.split(":")[0].rpartition(".")[0], killer] += 1
            self.verdicts.append(Verdict(group, edit.name, layer_of(killer), killer, slow=ended.signal in TIMED_OUT))

    def _put_off(self, group: str, edit: Edit, *, tried: bool) -> None:
        """Import the file with the mutant later, if something keeps what it was before: what ran at an import."""
        name, by_layer = edit.name, dict(self.chosen(edit, self._usually(edit)))
        if tried and (name in self.listed or self._is_late(edit) or not by_layer):
            self.verdicts.append(Verdict(group, name, SURVIVED if by_layer else UNREACHED))
            lives = "survives" if by_layer else "unreached"
            self.told(f"{'listed' if name in self.listed else lives}: {name}")
            return
        plan = {layer: {test: self.reach.seconds[test] for test in tests} for layer, tests in by_layer.items()}
        self.cold[name] = (group, plan)
        if tried:
            self.told(f"survives, until its file is imported with it: {name}")


def _edits(source: Source) -> Iterator[Edit]:
    return edits(source.path, source.root)


def _within(tests: list[str], reach: Reach, budget: float) -> Iterator[str]:
    """Give the first, and of the others those that fit in the time: what does not leaves it to what comes later."""
    for position, test in enumerate(tests):
        if position == 0 or reach.seconds[test] <= budget:
            budget -= reach.seconds[test]
            yield test


def _noting(found: set[str], layer: str) -> Callable[[Ended], object]:
    def note(ended: Ended) -> None:
        if ended.code not in (SURVIVES, NOT_PLANTED, NO_PROGRAM) or ended.signal:
            found.add(layer)

    return note


def _trying(edit: Edit, functions: Functions, items: list[pytest.Item], reach: Reach) -> Callable[[Tell], int]:
    def job(tell: Tell) -> int:
        try:
            plant(edit, functions)
        except Unplantable:
            return NOT_PLANTED
        except SyntaxError:
            return NO_PROGRAM
        try:
            for position, item in enumerate(items):
                tell(position)
                if not passes(item, reach.seconds[item.nodeid]):
                    return DIES
            return SURVIVES
        finally:
            if items:
                end_session(items[0].session)

    return job
