"""Let the layers kill the mutants, one after another, and prove of the survivors that they are equivalent."""

from collections.abc import Iterator
from itertools import chain
from typing import Any, Final

import z3
from attrs import evolve, fields, frozen

from sessioncore import TABLE, Row, Session, State
from sessioncore.proof import SESSIONS, Obligation, answered, obligations
from sessioncore.proof.prover import unknowns
from sessioncore.proof.whole import stays, total

from .mutants import Mutant

EQUIVALENT: Final = "equivalent"
SURVIVED: Final = "SURVIVED"


@frozen
class Verdict:
    """Say what became of a mutant: the layer that killed it and how."""

    mutant: Mutant
    layer: str
    how: str


def verdict_on(mutant: Mutant) -> Verdict:
    """Let each layer try; what survives them all is equivalent to the shipped table, or a hole."""
    try:
        name = _refuted(mutant)
    except (z3.Z3Exception, TypeError, AttributeError) as error:
        return Verdict(mutant, "types", type(error).__name__)
    if name:
        return Verdict(mutant, "proof", name)
    if _equivalent(mutant):
        return Verdict(mutant, EQUIVALENT, "z3 finds no input on which it differs from the shipped table")
    return Verdict(mutant, SURVIVED, "")


def _refuted(mutant: Mutant) -> str:
    """Give the name of the first obligation that the mutant breaks."""
    return next((o.name for o in _asked(mutant) if not answered(o).proved), "")


def _asked(mutant: Mutant) -> Iterator[Obligation]:
    """Ask about the rows that may differ first, then about whole cells."""
    rows = obligations(evolve(SESSIONS, rows=mutant.rows, quiet=None, rank=None, extra=()))
    cells = obligations(evolve(SESSIONS, rows=mutant.table, quiet=mutant.quiet, claims=(), extra=()))
    return chain(
        rows,
        (o for o in cells if o.name not in ("Cover", "RecordStaysSound")),
        total(mutant.table),
        stays(mutant.table),
    )


def _equivalent(mutant: Mutant) -> bool:
    """Prove that every row fires on the same inputs, and writes the same, as the row that is shipped."""
    if len(mutant.table) != len(TABLE) or not _same_quiet(mutant):
        return False
    pairs = [(row, shipped) for row, shipped in zip(mutant.table, TABLE, strict=True) if row in mutant.rows]
    return all(_same_row(row, shipped) for row, shipped in pairs)


def _same_row(row: Row, shipped: Row) -> bool:
    if (row.on, row.source, row.to) != (shipped.on, shipped.source, shipped.to):
        return False
    s, e, m, given = unknowns(SESSIONS, row.on)
    here = z3.And(*given, s.state == row.source.value)
    fires, fired = row.guard(s, e, m), shipped.guard(s, e, m)
    return _impossible(here, fires != fired) and _impossible(
        here, fired, _differ(row.act(s, e, m), shipped.act(s, e, m))
    )


def _differ(one: Session, other: Session) -> Any:
    pairs = [(getattr(one, field.name), getattr(other, field.name)) for field in fields(Session)]
    return z3.Or([_different(a, b) for a, b in pairs])


def _different(a: Any, b: Any) -> Any:
    if z3.is_expr(a) or z3.is_expr(b):
        return a != b
    return z3.BoolVal(a != b)


def _same_quiet(mutant: Mutant) -> bool:
    s, _, m, given = unknowns(SESSIONS, TABLE[-1].on)
    assert SESSIONS.quiet is not None
    live = z3.Or([s.state == state.value for state in State if state.live])
    return _impossible(*given, live, mutant.quiet(s, m) != SESSIONS.quiet(s, m))


def _impossible(*facts: Any) -> bool:
    solver = z3.Solver()
    solver.add(*facts)
    return bool(solver.check() == z3.unsat)
