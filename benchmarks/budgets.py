"""What a session may cost. The budgets are checked here and never in the tests: a busy machine is no bug."""

from collections.abc import Iterator
from typing import Final

from attrs import frozen

from .counts import REQUESTS
from .results import Results

ADDED: Final = 5.0  # microseconds, on the machine class that adds 12.5 with Starlette's cookie
OF_LIGHTEST: Final = 0.4
SELECTS: Final = 2.5
GROWTH: Final = 1.2
IMPORTS: Final = 2.0


@frozen
class Budget:
    """Hold one limit and what was measured against it."""

    what: str
    limit: float
    measured: float
    unit: str = ""

    @property
    def met(self) -> bool:
        """Tell whether the measurement is within the limit."""
        return self.measured <= self.limit

    def __str__(self) -> str:
        verdict = "met" if self.met else "NOT met"
        return f"{self.what}: {self.measured:.2f}{self.unit} of {self.limit:.2f}{self.unit}, {verdict}"


def budgets(results: Results) -> list[Budget]:
    """Check everything that the project promises about its speed."""
    return [*_requests(results), *_growth(results), *_counts(results), _imports(results)]


def _requests(results: Results) -> Iterator[Budget]:
    for world in ("ASGI", "WSGI"):
        ours, peer = results.ours(world, "memory"), results.lightest_peer(world)
        yield Budget(f"{world}, memory: added a request, in the quietest tenth", ADDED, ours.quietest, " µs")
        share = 1 / peer.times_ours
        yield Budget(f"{world}, memory: share of the lightest peer ({peer.name}, {peer.keeps})", OF_LIGHTEST, share)
        yield Budget(f"{world}, SQLite over memory, in bare SELECTs", SELECTS, results.selects[world])


def _growth(results: Results) -> Iterator[Budget]:
    for scale in results.scales:
        yield Budget(scale.what, GROWTH, scale.ratio)


def _counts(results: Results) -> Iterator[Budget]:
    for world, asked in results.asked.items():
        loads, others = asked.get("load", 0), sum(asked.values()) - asked.get("load", 0)
        yield Budget(f"{world}: loads a steady request", 1, loads / REQUESTS)
        yield Budget(f"{world}: anything else asked of the store", 0, others / REQUESTS)


def _imports(results: Results) -> Budget:
    ratio = results.imports["sessioncore"] / results.imports["attrs, transitions"]
    return Budget("import sessioncore, over importing attrs and transitions", IMPORTS, ratio)
