"""Run the standard scenarios and the search of the machine, and say what was covered, one line each."""

from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Final

from attrs import frozen

from sessioncore import InvalidSetting

from .scenarios import SCENARIOS, Scenario
from .scenes import Broken
from .search import DEPTH, Unsound, search

HELD: Final = "held  "
MACHINE: Final = "the machine itself"
QUICK_DEPTH: Final = 2


@frozen
class Line:
    """Hold what became of one scenario, or of the search: ``story`` is empty if everything held."""

    name: str
    covered: int
    distinct: int
    seconds: float
    story: str = ""
    words: str = "schedules, {} scenes"

    @property
    def held(self) -> bool:
        """Tell whether every property held."""
        return not self.story

    def __str__(self) -> str:
        verdict = HELD if self.held else "BROKEN"
        return f"{verdict}  {self.seconds:6.2f} s  {self.name:30} {self.covered} {self.words.format(self.distinct)}"


def chosen(only: str = "", *, quick: bool = False) -> tuple[Scenario, ...]:
    """Choose scenarios: the one of this name, or those whose name contains it; with ``quick``, a short run's.

    Raises ``InvalidSetting`` if there is none.
    """
    named = [scenario for scenario in SCENARIOS if scenario.name == only]
    found = named or [s for s in SCENARIOS if only in s.name and (s.quick or not quick)]
    if not found and only not in MACHINE:
        raise InvalidSetting("--only", only, "use a scenario's name or a part of it; the whole run lists them")
    return tuple(found)


def lines(only: str = "", *, quick: bool = False) -> Iterator[Line]:
    """Run what is chosen, the search of the machine included, and give a line for each."""
    for scenario in chosen(only, quick=quick):
        yield scenario_line(scenario)
    if only in MACHINE:
        yield machine_line(QUICK_DEPTH if quick else DEPTH)


def scenario_line(scenario: Scenario) -> Line:
    """Run one scenario."""
    start = perf_counter()
    try:
        done = scenario.explore()
    except Broken as broken:
        again = f"Replay it: sessioncore explore --only '{scenario.name}' --replay '{broken.schedule}'"
        return Line(scenario.name, 0, 0, perf_counter() - start, f"{broken}\n{again}")
    return Line(scenario.name, done.schedules, done.scenes, perf_counter() - start)


def machine_line(depth: int) -> Line:
    """Search the machine to this depth."""
    start, words = perf_counter(), "steps, {} records"
    try:
        done = search(depth)
    except Unsound as unsound:
        return Line(MACHINE, 0, 0, perf_counter() - start, str(unsound), words)
    ending = f", all there are, at most {done.depth} events deep" if done.complete else f", to depth {done.depth}"
    return Line(MACHINE, done.edges, done.states, perf_counter() - start, words=words + ending)


def report(only: str = "", *, quick: bool = False, say: Callable[[str], object] = print) -> bool:
    """Run what is chosen and say it, with a summary at the end; tell whether everything held."""
    done = []
    for line in lines(only, quick=quick):
        done.append(line)
        say("\n".join(filter(None, (str(line), line.story))))
    say(summary(done))
    return all(line.held for line in done)


def summary(done: list[Line]) -> str:
    """Add up."""
    scenarios = [line for line in done if line.name != MACHINE]
    schedules, scenes = sum(line.covered for line in scenarios), sum(line.distinct for line in scenarios)
    broken = sum(not line.held for line in done)
    seconds = sum(line.seconds for line in done)
    return f"{len(scenarios)} scenarios, {schedules} schedules, {scenes} scenes, {broken} broken, in {seconds:.1f} s"
