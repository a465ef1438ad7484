"""Turn a table into obligations and ask z3 for each whether anything breaks it."""

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import combinations
from typing import Any

import z3
from attrs import evolve, field, frozen

from ..events import Tick
from ..table import Row
from .symbols import concrete, domain, symbolic

Term = Any
Predicate = Callable[[Any], Term]


@frozen
class Step:
    """Hold one symbolic firing: the session before, the event, the moment, the session after, and the row."""

    before: Any
    event: Any
    moment: Any
    after: Any
    row: Row


@frozen
class Claim:
    """Say what every firing of a row keeps true, under the name of an invariant.

    ``holds`` is asked once for each row with a symbolic ``Step``; None means the claim says nothing about the row.
    """

    name: str
    holds: Callable[[Step], Term | None]


@frozen(kw_only=True)
class Machinery:
    """Describe a machine to be proved: its rows, its records, and what is always true of a record.

    ``record`` and ``moment`` are attrs classes. ``invariant`` takes a session; ``possible`` takes a session, an
    event and a moment, and says what the caller guarantees, such as a clock that was clamped. ``quiet`` is the
    predicate that licenses a caller to store nothing; ``rank`` orders the states so that settling terminates.
    Fields named in ``opaque`` are data that no guard looks at.
    """

    rows: Sequence[Row]
    record: type
    moment: type
    invariant: Predicate
    possible: Callable[[Any, Any, Any], Term]
    quiet: Callable[[Any, Any], Term] | None = None
    rank: Callable[[Any], int] | None = None
    claims: Sequence[Claim] = ()
    opaque: Collection[str] = ()
    extra: Sequence["Obligation"] = ()


@frozen
class Obligation:
    """Name one thing to prove: no session, event and moment satisfy ``broken_by``, or with ``wanted``, some do."""

    name: str
    about: str
    broken_by: Term
    wanted: bool = False
    shows: tuple[tuple[str, type, Any], ...] = field(default=(), eq=False)


@frozen
class Result:
    """Hold what the prover answered: proved, or the values that break the obligation."""

    obligation: Obligation
    proved: bool
    seconds: float
    broken_by: dict[str, dict[str, Any]] = field(factory=dict)


def prove(machinery: Machinery) -> Iterator[Result]:
    """Prove a machine, one obligation at a time."""
    return map(answered, obligations(machinery))


def obligations(machinery: Machinery) -> Iterator[Obligation]:
    """Say everything that there is to prove of a machine."""
    yield from _of_rows(machinery)
    yield from _of_cells(machinery)
    yield from machinery.extra


def answered(obligation: Obligation) -> Result:
    """Ask z3 for values that break the obligation."""
    solver = z3.Solver()
    solver.add(obligation.broken_by)
    began = time.perf_counter()
    answer = solver.check()
    seconds = time.perf_counter() - began
    if obligation.wanted:
        return Result(obligation, answer == z3.sat, seconds)
    if answer == z3.unsat:
        return Result(obligation, True, seconds)
    if answer != z3.sat:
        return Result(obligation, False, seconds, {"the prover": {"gave up": solver.reason_unknown()}})
    shown = {name: concrete(kind, made, solver.model()) for name, kind, made in obligation.shows}
    return Result(obligation, False, seconds, shown)


def _of_rows(machinery: Machinery) -> Iterator[Obligation]:
    """For each row: it can fire, it keeps the record sound, and every claim holds."""
    for position, row in enumerate(machinery.rows):
        step, fires, shows = fired(machinery, row)
        about = f"{row.on.__name__} {row.source.name} -> {row.to.name} [{row.guard.__name__}] #{position + 1}"
        yield Obligation("Cover", about, fires, wanted=True)
        yield Obligation("RecordStaysSound", about, z3.And(fires, z3.Not(machinery.invariant(step.after))), shows=shows)
        for claim in machinery.claims:
            held = claim.holds(step)
            if held is not None:
                yield Obligation(claim.name, about, z3.And(fires, z3.Not(held)), shows=shows)


def fired(machinery: Machinery, row: Row) -> tuple[Step, Term, tuple[tuple[str, type, Any], ...]]:
    """Fire one row on symbolic values; return the step and the condition under which it happens."""
    before, event, moment, given = unknowns(machinery, row.on)
    written = row.act(before, event, moment)
    after = evolve(written, state=z3.StringVal(row.to.value), version=before.version + 1)
    fires = z3.And(*given, before.state == row.source.value, row.guard(before, event, moment))
    shows = (("session", machinery.record, before), ("event", row.on, event), ("moment", machinery.moment, moment))
    return Step(before, event, moment, after, row), fires, shows


def unknowns(machinery: Machinery, event: type) -> tuple[Any, Any, Any, list[Term]]:
    """Build an unknown session, event and moment, and what is known of them."""
    kinds = ((machinery.record, "session"), (event, "event"), (machinery.moment, "moment"))
    s, e, m = (symbolic(kind, name, machinery.opaque) for kind, name in kinds)
    domains = [*domain(machinery.record, s), *domain(event, e), *domain(machinery.moment, m)]
    return s, e, m, [*domains, machinery.invariant(s), machinery.possible(s, e, m)]


def _of_cells(machinery: Machinery) -> Iterator[Obligation]:
    """For each event and state: rows exclude each other, and quiet means that no Tick row is enabled."""
    cells: dict[tuple[type, Any], list[Row]] = {}
    for row in machinery.rows:
        cells.setdefault((row.on, row.source), []).append(row)
    for (event, state), rows in cells.items():
        s, e, m, given = unknowns(machinery, event)
        shows = (("session", machinery.record, s), ("event", event, e), ("moment", machinery.moment, m))
        here = [*given, s.state == state.value]
        about = f"{event.__name__} on {state.name}"
        for one, other in combinations(rows, 2):
            both = z3.And(*here, one.guard(s, e, m), other.guard(s, e, m))
            names = f"{about}: {one.guard.__name__} and {other.guard.__name__}"
            yield Obligation("RowsDisjoint", names, both, shows=shows)
        if event is Tick:
            yield from _of_ticks(machinery, about, here, rows, (s, e, m), shows)


def _of_ticks(
    machinery: Machinery,
    about: str,
    here: list[Term],
    rows: list[Row],
    terms: tuple[Any, Any, Any],
    shows: tuple[tuple[str, type, Any], ...],
) -> Iterator[Obligation]:
    s, e, m = terms
    due = z3.Or([row.guard(s, e, m) for row in rows])
    if machinery.quiet is not None:
        quiet = machinery.quiet(s, m)
        yield Obligation("QuietMeansQuiet", about, z3.And(*here, quiet, due), shows=shows)
        yield Obligation("NotQuietMeansDue", about, z3.And(*here, z3.Not(quiet), z3.Not(due)), shows=shows)
    if machinery.rank is not None:
        falls = all(machinery.rank(row.to) < machinery.rank(row.source) for row in rows)
        yield Obligation("SettlingTerminates", about, z3.BoolVal(not falls), shows=shows)
