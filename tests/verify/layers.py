"""The layers of verification: each says what it covered, whether it held, and if not, the story."""

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from attrs import frozen
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from tests.mutation.kill import EQUIVALENT, SURVIVED, verdict_on
from tests.mutation.mutants import mutants
from tests.verify.soak.layer import soaked

from sessioncore import Store, proof
from sessioncore.testing.contracts.differential import StoreMachine
from sessioncore.testing.explore.report import scenario_line, summary
from sessioncore.testing.explore.scenarios import SCENARIOS
from sessioncore.testing.explore.search import DEPTH, Unsound, search
from sessioncore_io.memory import MemoryStore
from sessioncore_io.sqlite import SqliteStore


@frozen
class Profile:
    """Say how deep to go: ``every`` nth scenario and mutant, so many events, examples and seconds a soak."""

    every: int = 1
    depth: int = DEPTH
    examples: int = 500
    soak: float = 120.0
    hypothesis: str = "verify"
    suites: bool = True


# Races between processes over a real server: so many times what ``make test`` runs of them in one go.
SEEDS = "50"

PARALLEL = ("-n", "auto", "--dist", "loadfile", "-p", "no:cacheprovider")

TINY = Profile(every=100, depth=1, examples=3, suites=False)


@frozen
class Outcome:
    """Hold what a layer covered; ``story`` is empty if all of it held."""

    covered: str
    story: str = ""

    @property
    def held(self) -> bool:
        """Tell whether the layer found nothing."""
        return not self.story


def proved(profile: Profile) -> Outcome:
    """Prove every obligation about the table."""
    results = [*proof.prove(proof.SESSIONS), *map(proof.answered, proof.decisions())]
    refuted = [result for result in results if not result.proved]
    return Outcome(f"{len(results)} obligations", "\n".join(proof.told(refuted)) if refuted else "")


def searched(profile: Profile) -> Outcome:
    """Search every record that the machine can reach by a small alphabet."""
    try:
        done = search(profile.depth)
    except Unsound as unsound:
        return Outcome("", str(unsound))
    ending = f"all within {done.depth} events" if done.complete else f"to depth {done.depth}"
    return Outcome(f"{done.states:,} records, {done.edges:,} steps ({ending})")


def explored(profile: Profile) -> Outcome:
    """Run every schedule of the standard scenarios."""
    lines = [scenario_line(scenario) for scenario in SCENARIOS[:: profile.every]]
    schedules, scenes = sum(line.covered for line in lines), sum(line.distinct for line in lines)
    stories = [f"{line.name}\n{line.story}" for line in lines if not line.held]
    covered = f"{len(lines)} scenarios, {schedules:,} schedules, {scenes:,} scenes"
    return Outcome(covered, "\n\n".join([*stories, summary(lines)]) if stories else "")


def mutated(profile: Profile) -> Outcome:
    """Let the proof kill every mutant of the table, the guards and the acts."""
    verdicts = [verdict_on(mutant) for mutant in islice(mutants(), 0, None, profile.every)]
    layers = Counter(verdict.layer for verdict in verdicts)
    dead = len(verdicts) - layers[EQUIVALENT] - layers[SURVIVED]
    survivors = [f"survives: {verdict.mutant.name}" for verdict in verdicts if verdict.layer == SURVIVED]
    return Outcome(
        f"{len(verdicts):,} mutants: {dead:,} die, {layers[EQUIVALENT]} are equivalent", "\n".join(survivors)
    )


def compared(profile: Profile) -> Outcome:
    """Ask memory and SQLite what the model is asked, call by call, in orders that Hypothesis chooses."""
    calls: Counter[str] = Counter()
    depth = settings(max_examples=profile.examples, stateful_step_count=50, deadline=None, derandomize=True)
    with TemporaryDirectory() as folder, closing(SqliteStore(Path(folder) / "sessions.db")) as sqlite:
        for store in (MemoryStore(), sqlite):
            try:
                run_state_machine_as_test(_counting(store, calls), settings=depth)
            except AssertionError as error:
                return Outcome("", f"{type(store).__name__}.{error}")
    return Outcome(f"2 stores, {profile.examples} examples each, {calls.total():,} calls of {len(calls)} methods")


def _counting(tested: Store, calls: Counter[str]) -> type[StoreMachine]:
    """Count the calls of one store."""

    class Counting(StoreMachine):
        def __init__(self) -> None:
            super().__init__(tested)

        def ask(self, name: str, *args: Any, **named: Any) -> Any:
            calls[name] += 1
            return super().ask(name, *args, **named)

    return Counting


def linearized(profile: Profile) -> Outcome:
    """Check recorded histories, and every store and application contract, sound and broken."""
    return _pytest("tests/product", "tests/stores", "tests/postgres", "tests/valkey", profile=profile)


def stepped(profile: Profile) -> Outcome:
    """Let browsers, users and a clock loose on the core, the shell, WSGI, ASGI and two running servers."""
    return _pytest("tests/property", profile=profile)


def soaking(profile: Profile) -> Outcome:
    """Let worker processes loose on servers that are killed at random, and check all that they were answered."""
    covered = []
    for name, soak, story in soaked(profile.soak):
        covered.append(f"{name}: {soak.tally}")
        if story:
            return Outcome("; ".join(covered), f"{name}, {story}")
    return Outcome("; ".join(covered))


def _pytest(*paths: str, profile: Profile) -> Outcome:
    """Run tests in a process of their own: they choose a Hypothesis profile when they are imported."""
    command = [sys.executable, "-m", "pytest", "-q", *PARALLEL, "-p", "tests.verify.profile", *paths]
    environment = os.environ | {"SESSIONCORE_PROFILE": profile.hypothesis, "SESSIONCORE_SEEDS": SEEDS}
    ran = subprocess.run(command, capture_output=True, encoding="utf-8", env=environment)
    tests = re.search(r"(\d+) passed", ran.stdout)
    counts = [f"{tests[1] if tests else 0} tests"]
    for what in ("examples", "steps", "requests"):
        found = [int(number) for number in re.findall(rf"(\d+) {what}\b", ran.stdout)]
        counts += [f"{sum(found):,} {what}"] if found else []
    return Outcome(", ".join(counts), "" if ran.returncode == 0 else ran.stdout[-6_000:] + ran.stderr)


@frozen
class Layer:
    """Name a layer and say what it shows and what it does not."""

    name: str
    run: Callable[[Profile], Outcome]
    shows: str
    leaves: str
    suite: bool = False


LAYERS = (
    Layer(
        "proof",
        proved,
        "every invariant of a step, for every session, event and moment there can be, with unbounded time",
        "that the solver is right, and anything about more than one step, or about stores",
    ),
    Layer(
        "machine, breadth first",
        searched,
        "every record that the running machine reaches by a small alphabet and small clocks, by its engine, not by z3",
        "large numbers, which the proof has, and data",
    ),
    Layer(
        "interleavings",
        explored,
        "every order of the effects of two or three parts over a store that keeps its promises, pairs with a crash "
        "anywhere, single parts with two failures of the store",
        "four parts at once, and whether a real store keeps those promises",
    ),
    Layer(
        "mutants of the table",
        mutated,
        "that the proof has no hole: each small change of a row, a guard or an act is refuted, or proved to be none",
        "mutants of flows, adapters and stores, which take longer: `make mutants`",
    ),
    Layer(
        "stores, differential",
        compared,
        "memory and SQLite answer, call by call, what the model of the interleavings answers",
        "calls at the same time",
    ),
    Layer(
        "linearizability and contracts",
        linearized,
        "recorded histories of threads and processes over the real stores have an order that explains every answer, "
        "and broken stores and applications are caught by name",
        "histories that did not happen: it samples",
        suite=True,
    ),
    Layer(
        "property suite",
        stepped,
        "a model, its clock, browsers and users agree with the core, the shell, WSGI, ASGI and real HTTP servers",
        "walks that were not drawn: it samples",
        suite=True,
    ),
    Layer(
        "soak",
        soaking,
        "over a real Valkey and a real PostgreSQL that are killed at random, whatever several processes were answered "
        "has an order that explains it, every stored change replays through the core, and what ended stays ended",
        "a power cut, replicas, and crashes at moments that were not drawn; of PostgreSQL, which does not promise to "
        "keep them, that the last Touches and Writes before a crash are still there",
        suite=True,
    ),
)
