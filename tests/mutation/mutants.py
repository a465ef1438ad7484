"""Every small way in which the table, a guard or an act could be wrong, one at a time.

Guards and acts are mutated in their syntax trees and compiled anew; the mutant is then the shipped table with
those functions in it. Nothing of the shipped modules is changed.
"""

import ast
import inspect
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, Final

from attrs import evolve, frozen

from sessioncore import TABLE, Row, State, acts, guards


@frozen
class Mutant:
    """Hold one wrong table; ``rows`` are those that may behave differently from the shipped ones."""

    kind: str
    name: str
    table: tuple[Row, ...]
    rows: tuple[Row, ...]
    quiet: Callable[..., Any]


def mutants() -> Iterator[Mutant]:
    """Give every mutant of the table, the guards and the acts."""
    yield from _of_rows()
    yield from _of_module(guards)
    yield from _of_module(acts)


# -- rows ------------------------------------------------------------------------------------------------------


def _of_rows() -> Iterator[Mutant]:
    for position, row in enumerate(TABLE):
        name = f"row {position + 1} ({row.on.__name__} {row.source.name} -> {row.to.name} [{row.guard.__name__}])"
        yield _with_row(f"{name}: dropped", position, None)
        for state in State:
            if state is not row.to:
                yield _with_row(f"{name}: leads to {state.name}", position, evolve(row, to=state))
        for other in _others(position, "guard"):
            yield _with_row(f"{name}: if {other.__name__}", position, evolve(row, guard=other))
        for other in _others(position, "act"):
            yield _with_row(f"{name}: does {other.__name__}", position, evolve(row, act=other))


def _with_row(name: str, position: int, row: Row | None) -> Mutant:
    changed = () if row is None else (row,)
    table = (*TABLE[:position], *changed, *TABLE[position + 1 :])
    return Mutant("row", name, table, changed, guards.quiet)


def _others(position: int, part: str) -> list[Any]:
    """Give the guards or acts that other rows of the same event use: those take the same arguments."""
    own = getattr(TABLE[position], part)
    found = {getattr(row, part).__name__: getattr(row, part) for row in TABLE if row.on is TABLE[position].on}
    return [other for other in found.values() if other is not own]


# -- guards and acts ---------------------------------------------------------------------------------------------

_COMPARISONS: Final[dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
}

# Names that stand for values of the same kind: a wrong one is the slip that a reader overlooks.
_SLIPS: Final = {
    "idle": ("lifetime",),
    "lifetime": ("idle",),
    "seen_at": ("since", "created_at"),
    "since": ("seen_at", "created_at"),
    "mfa_at": ("authenticated_at", "seen_at"),
    "mfa_lifetime": ("lifetime",),
    "first": ("second",),
    "second": ("first",),
    "proof": ("former_proof",),
    "former_proof": ("proof",),
    "was": ("epoch",),
    "epoch": ("was",),
}


def _of_module(module: ModuleType) -> Iterator[Mutant]:
    tree = ast.parse(inspect.getsource(module))
    shipped = _Shipped(module, tree)
    for function in [node for node in tree.body if isinstance(node, ast.FunctionDef)]:
        if function.name in ("merged", "newest"):
            continue  # data is opaque to the table: tests of their own watch over these two
        defined = [node.name for node in tree.body[: tree.body.index(function)] if isinstance(node, ast.FunctionDef)]
        for node in list(ast.walk(function.body[-1])):
            for undo in _changes(node, defined):
                yield _compiled(shipped, function)
                undo()


def _changes(node: ast.AST, defined: list[str]) -> Iterator[Callable[[], None]]:
    """Change a node in every way, one after another; the caller undoes each."""
    if isinstance(node, ast.Compare):
        yield from _comparisons(node)
    elif isinstance(node, ast.BinOp):
        yield from _operators(node)
    elif isinstance(node, ast.Attribute):
        for slip in _SLIPS.get(node.attr, ()):
            yield _set(node, "attr", slip)
    elif isinstance(node, ast.Call):
        yield from _calls(node, defined)


def _comparisons(node: ast.Compare) -> Iterator[Callable[[], None]]:
    own = node.ops
    for other in _COMPARISONS.get(type(own[0]), ()):
        yield _set(node, "ops", [other()])


def _operators(node: ast.BinOp) -> Iterator[Callable[[], None]]:
    """Weaken and strengthen: another operator, and each operand alone."""
    swaps: dict[type[ast.operator], ast.operator] = {
        ast.BitAnd: ast.BitOr(),
        ast.BitOr: ast.BitAnd(),
        ast.Sub: ast.Add(),
    }
    if type(node.op) in swaps:
        yield _set(node, "op", swaps[type(node.op)])
    if isinstance(node.op, ast.BitAnd | ast.BitOr):
        yield _set(node, "right", node.left)
        yield _set(node, "left", node.right)


def _calls(node: ast.Call, defined: list[str]) -> Iterator[Callable[[], None]]:
    """Forget one thing that an act writes, or ask another guard that was defined before."""
    for keyword in list(node.keywords):
        yield _set(node, "keywords", [other for other in node.keywords if other is not keyword])
    if isinstance(node.func, ast.Name) and node.func.id in _ABOUT_SESSIONS:
        for other in _ABOUT_SESSIONS:
            if other != node.func.id and other in defined:
                yield _set(node.func, "id", other)


_ABOUT_SESSIONS: Final = (
    *("within_idle", "within_lifetime", "within_upstream", "within_mfa", "current", "fresh", "live", "strong"),
    *("past_idle", "past_lifetime", "past_upstream", "past_mfa", "superseded"),
)


def _set(node: ast.AST, name: str, value: Any) -> Callable[[], None]:
    former = getattr(node, name)
    setattr(node, name, value)

    def undo() -> None:
        setattr(node, name, former)

    return undo


def _compiled(shipped: "_Shipped", function: ast.FunctionDef) -> Mutant:
    made = shipped.anew()
    mutated = ast.fix_missing_locations(ast.Module([function], type_ignores=[]))
    exec(compile(mutated, f"<mutant of {shipped.module.__name__}>", "exec"), made)
    part = "guard" if shipped.module is guards else "act"
    table = tuple(evolve(row, **{part: made[getattr(row, part).__name__]}) for row in TABLE)
    reached = shipped.callers(function.name)
    return Mutant(
        kind=part,
        name=f"{part} {function.name}: {ast.unparse(function.body[-1])}",
        table=table,
        rows=tuple(row for row in table if getattr(row, part).__name__ in reached),
        quiet=made["quiet"] if shipped.module is guards else guards.quiet,
    )


class _Shipped:
    """Hold a module as it is shipped, compiled once: a mutant of a function then takes that one's place."""

    def __init__(self, module: ModuleType, tree: ast.Module) -> None:
        self.module = module
        self._code = compile(tree, f"<{module.__name__}>", "exec")
        self._calls = {
            node.name: {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
            for node in tree.body
            if isinstance(node, ast.FunctionDef)
        }

    def anew(self) -> dict[str, Any]:
        """Give functions of its own to a mutant: they call each other, and what is put in their place, by name."""
        made: dict[str, Any] = {"__name__": self.module.__name__, "__package__": self.module.__package__}
        exec(self._code, made)
        return made

    def callers(self, name: str) -> set[str]:
        """Give the functions that call this one, directly or not, and itself."""
        reached = {name}
        while more := {caller for caller, called in self._calls.items() if called & reached} - reached:
            reached |= more
        return reached
