"""What a session may cost. The budgets are checked here and never in the tests: a busy machine is no bug."""

from collections.abc import Iterator
from typing import Final

from attrs import frozen

from .counts import REQUESTS
from .earlier import Earlier
from .results import Growth, Networked, Requests, Results
from .wire import Traffic

ADDED: Final = 5.0  # microseconds
STARLETTE: Final = 12.5  # microseconds that Starlette's signed cookie adds on the machine that the budget was made on
OF_LIGHTEST: Final = 0.4
SELECTS: Final = 2.5
READS: Final = 1.25
AS_FAST: Final = 1.0
GROWTH: Final = 1.2
BYTES: Final = 700  # of Valkey's memory
IMPORTS: Final = 2.0

# A request may ask once, and twice where there are two servers to ask, or two slots.
TRIPS: Final = 1
APART: Final = {"Valkey, epochs in PostgreSQL": 2, "Valkey Cluster": 2}


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
    """Check everything that the project promises about its speed, as far as it was measured."""
    found: list[Budget] = []
    if results.requests:
        found += [*_requests(results.requests), *_counts(results.requests), _imports(results.requests)]
    if results.earlier:
        found += _earlier(results.earlier)
    if results.stores:
        found += _stores(results.stores)
    if results.wire:
        found += _wire(results.wire)
    if results.growth:
        found += _growth(results.growth)
    return found


def _requests(results: Requests) -> Iterator[Budget]:
    for world in ("ASGI", "WSGI"):
        ours, peer = results.ours(world, "memory"), results.lightest_peer(world)
        yield Budget(f"{world}, memory: added at best, on this machine", ADDED, ours.quietest, " µs")
        scaled = ours.quietest * STARLETTE / results.starlette.quietest
        yield Budget(f"{world}, memory: the same, where Starlette's cookie adds {STARLETTE} µs", ADDED, scaled, " µs")
        share = 1 / peer.times_ours
        yield Budget(f"{world}, memory: share of the lightest peer ({peer.name}, {peer.keeps})", OF_LIGHTEST, share)
        yield Budget(f"{world}, SQLite over memory, in bare SELECTs", SELECTS, results.selects[world])


def _earlier(results: tuple[Earlier, ...]) -> Iterator[Budget]:
    for e in results:
        yield Budget(f"{e.world}, memory: added at best, on the machine of {e.commit}", ADDED, e.there, " µs")


def _counts(results: Requests) -> Iterator[Budget]:
    for world, asked in results.asked.items():
        loads, others = asked.get("load", 0), sum(asked.values()) - asked.get("load", 0)
        yield Budget(f"{world}: loads a steady request", 1, loads / REQUESTS)
        yield Budget(f"{world}: anything else asked of the store", 0, others / REQUESTS)


def _imports(results: Requests) -> Budget:
    ratio = results.imports["sessioncore"] / results.imports["attrs, transitions"]
    return Budget("import sessioncore, over importing attrs and transitions", IMPORTS, ratio)


def _stores(results: Networked) -> Iterator[Budget]:
    for figure in results.figures:
        where = f"{figure.world}, {figure.keeps}"
        if not figure.ours:
            yield Budget(f"{where}: sessioncore over {figure.name}", AS_FAST, 1 / figure.times_ours)
        elif figure.keeps == figure.server:
            yield Budget(f"{where}: request, in bare reads by the same client", READS, figure.reads)


def _wire(results: tuple[Traffic, ...]) -> Iterator[Budget]:
    for traffic in results:
        if traffic.ours:
            where = f"{traffic.world}, {traffic.keeps}"
            yield Budget(f"{where}: round trips a steady request", APART.get(traffic.keeps, TRIPS), traffic.trips)
            if traffic.writes is not None:
                yield Budget(f"{where}: writes a steady request", 0, traffic.writes)


def _growth(results: Growth) -> Iterator[Budget]:
    for scale in results.scales:
        yield Budget(scale.what, GROWTH, scale.ratio)
    for size in results.sizes:
        if size.keeps == "Valkey":
            yield Budget(f"{size.keeps}: bytes a session", BYTES, size.bytes)
