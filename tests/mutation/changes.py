"""The ways to change one node of a syntax tree: what a hurried author, or a careless merge, might have written."""

import ast
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from attrs import evolve, frozen

from .said import said


@frozen
class Change:
    """Hold how to make one change and how to undo it; ``note`` says one that the statement itself does not show.

    What is ``early`` happens when a function is defined, not when it is called. ``line`` is where it shows, if that is
    not where the statement begins.
    """

    make: Callable[[], None]
    undo: Callable[[], None]
    note: str = ""
    early: bool = False
    line: int = 0


def _set(node: ast.AST, name: str, value: Any) -> Change:
    former = getattr(node, name)
    return Change(lambda: setattr(node, name, value), lambda: setattr(node, name, former))


def _put(among: list[Any], position: int, value: Any, note: str = "") -> Change:
    former = among[position]
    return Change(lambda: among.__setitem__(position, value), lambda: among.__setitem__(position, former), note)


# -- expressions -------------------------------------------------------------------------------------------------

_COMPARISONS: Final[dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_OPERATORS: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.LShift: ast.RShift,
}
_NAMES: Final = {"min": "max", "max": "min", "any": "all", "all": "any"}


def of_expression(node: ast.AST) -> Iterator[Change]:
    """Change an expression in every way."""
    if isinstance(node, ast.Compare):
        for position, operator in enumerate(node.ops):
            yield from (_put(node.ops, position, other()) for other in _COMPARISONS[type(operator)])
    elif isinstance(node, ast.BoolOp):
        yield _set(node, "op", ast.Or() if isinstance(node.op, ast.And) else ast.And())
        for position in range(len(node.values)):
            yield _put(node.values, position, ast.Constant(isinstance(node.op, ast.And)))
    elif isinstance(node, ast.BinOp):
        yield from _of_operator(node)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield _set(node, "operand", _negated(node.operand))
    elif isinstance(node, ast.IfExp):
        yield _set(node, "test", _negated(node.test))
    elif isinstance(node, ast.comprehension):
        yield from (_put(node.ifs, n, _negated(condition)) for n, condition in enumerate(node.ifs))
    elif isinstance(node, ast.Constant):
        yield from (_set(node, "value", value) for value in _other_constants(node.value))
    elif isinstance(node, ast.Name) and node.id in _NAMES and isinstance(node.ctx, ast.Load):
        yield _set(node, "id", _NAMES[node.id])


def _negated(test: ast.expr) -> ast.expr:
    return ast.copy_location(ast.UnaryOp(ast.Not(), test), test)


def _of_operator(node: ast.BinOp) -> Iterator[Change]:
    if isinstance(node.op, ast.BitOr):  # a union of types, or of conditions: each alone
        yield _set(node, "left", node.right)
        yield _set(node, "right", node.left)
    elif type(node.op) in _OPERATORS:
        yield _set(node, "op", _OPERATORS[type(node.op)]())


# -- constants ---------------------------------------------------------------------------------------------------

_SQL: Final = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|CREATE|PRAGMA|BEGIN|WITH)\b")
_IN_SQL: Final = (
    *((" AND ", " OR "), (" < ", " <= "), (" <= ", " < "), (" <> ", " = "), (" = ", " <> "), ("max(", "min(")),
    *((" + 1", " + 2"), (" ORDER BY deadline", ""), (" ORDER BY ended_at", ""), (" LIMIT ?", " LIMIT ? + 1")),
    *((" DO NOTHING", " DO UPDATE SET rowid = rowid"), ("LEFT JOIN", "JOIN"), (" DESC", ""), (" PRIMARY KEY", "")),
    *(
        (" IF NOT EXISTS", ""),
        ("WHERE ", "WHERE 1 OR "),
        ("IMMEDIATE", "DEFERRED"),
        ("=FULL", "=OFF"),
        ("=NORMAL", "=OFF"),
    ),
)


def _other_constants(value: object) -> Iterator[object]:
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield value + 1
        if value > 1:
            yield value - 1
    elif isinstance(value, float):
        yield value + 1.0
    elif isinstance(value, str | bytes):
        yield from _other_texts(value)


def _other_texts(value: str | bytes) -> Iterator[str | bytes]:
    """Give another text, unless it is one for people."""
    if isinstance(value, bytes):
        yield value + b"X" if value else b"X"
    elif _SQL.match(value):
        for this, that in _IN_SQL:
            for found in re.finditer(re.escape(this), value):
                yield value[: found.start()] + that + value[found.end() :]
    elif " " not in value:
        yield f"{value}X"


# -- calls -------------------------------------------------------------------------------------------------------

_EFFECTS: Final = {
    "Load",
    "Swap",
    "ReadEpoch",
    "Mint",
    "Supersede",
    "OfSubject",
    "Due",
    "Purge",
    "Pause",
    "Call",
    "Tell",
}
LEFT_ALONE: Final = {"kw_only", "slots", "eq", "order"}  # how a class is built, not what it does

_SYMMETRIC: Final = {"min", "max", "compare_digest"}


def of_call(node: ast.Call) -> Iterator[Change]:
    """Forget an argument by name; change an effect's; swap two that stand side by side."""
    for keyword in node.keywords:
        if keyword.arg not in LEFT_ALONE:
            yield _set(node, "keywords", [other for other in node.keywords if other is not keyword])
    if isinstance(node.func, ast.Name) and node.func.id in _EFFECTS:
        yield from (_put(node.args, n, ast.Constant(None)) for n in range(len(node.args)))
    if isinstance(node.func, ast.Name) and node.func.id in _SYMMETRIC:
        return
    for n in range(len(node.args) - 1):
        one, two = node.args[n : n + 2]
        if not isinstance(one, ast.Starred) and not isinstance(two, ast.Starred) and ast.dump(one) != ast.dump(two):
            yield _set(node, "args", [*node.args[:n], two, one, *node.args[n + 2 :]])


# -- statements --------------------------------------------------------------------------------------------------


def of_statement(statement: ast.stmt, among: list[ast.stmt], *, inside: bool) -> Iterator[Change]:
    """Drop a statement, turn its condition round, answer nothing, or do it after the next one."""
    position = among.index(statement)
    if isinstance(statement, ast.If | ast.While):
        if not _turned_elsewhere(statement.test):
            yield _set(statement, "test", _negated(statement.test))
        if isinstance(statement, ast.If) and _asks(statement.test):
            yield _set(statement, "test", ast.Constant(True))
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield from _without_decorators(statement)
    if not inside:
        return
    if _can_be_dropped(statement, among[:position]):
        yield _put(among, position, ast.copy_location(ast.Pass(), statement), "dropped")
    if isinstance(statement, ast.Return) and not isinstance(statement.value, ast.Constant | None):
        yield _set(statement, "value", ast.copy_location(ast.Constant(None), statement.value))
    if isinstance(statement, ast.Try):
        yield from _of_try(statement)
    if position + 1 < len(among) and _order_matters(statement, among[position + 1]):
        yield _swapped(among, position)


def _without_decorators(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> Iterator[Change]:
    for decorator in node.decorator_list:
        left = [other for other in node.decorator_list if other is not decorator]
        yield evolve(_set(node, "decorator_list", left), early=True)


def _can_be_dropped(statement: ast.stmt, before: list[ast.stmt]) -> bool:
    """Tell what leaves a program that still runs: no name goes missing."""
    if isinstance(statement, ast.Expr | ast.Raise | ast.AugAssign | ast.Continue | ast.Break | ast.Delete):
        return not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Yield))
    if not isinstance(statement, ast.Assign):
        return False
    target = statement.targets[0]
    known = {name.id for one in before for name in ast.walk(one) if isinstance(name, ast.Name)}
    return isinstance(target, ast.Attribute | ast.Subscript) or (isinstance(target, ast.Name) and target.id in known)


def _turned_elsewhere(test: ast.expr) -> bool:
    """Tell what the change of the expression itself turns round."""
    return (
        isinstance(test, ast.Constant)
        or (isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not))
        or (isinstance(test, ast.Compare) and len(test.ops) == 1)
    )


def _of_try(statement: ast.Try) -> Iterator[Change]:
    """Let each handler pass the error on, and what is done finally be forgotten."""
    for handler in statement.handlers:
        if not isinstance(handler.body[0], ast.Raise):
            again = ast.copy_location(ast.Raise(), handler.body[0])
            caught = ast.unparse(handler.type) if handler.type else "anything"
            line = handler.body[0].lineno
            yield evolve(_set(handler, "body", [again]), note=f"{caught} is passed on", line=line)
    if statement.finalbody:
        nothing = ast.copy_location(ast.Pass(), statement.finalbody[0])
        line = statement.finalbody[0].lineno
        yield evolve(_set(statement, "finalbody", [nothing]), note="finally nothing", line=line)


def _asks(node: ast.AST) -> bool:
    """Tell whether something that others share is asked, or changed, here."""
    asked = [inner for inner in ast.walk(node) if isinstance(inner, ast.YieldFrom | ast.Await)]
    return any(not _PRIVATE(ast.unparse(inner.value)) for inner in asked)


_PRIVATE: Final = re.compile(r"(Now|NewSid|NewSecret)\(").match


def _concerns_nobody(statement: ast.stmt) -> bool:
    """Tell what may stand anywhere: a name for a constant, or for an answer that nobody else can see."""
    if not isinstance(statement, ast.Assign | ast.AnnAssign) or statement.value is None:
        return False
    calls = any(isinstance(inner, ast.Call) for inner in ast.walk(statement))
    return not _asks(statement) and (isinstance(statement.value, ast.YieldFrom) or not calls)


def _order_matters(statement: ast.stmt, following: ast.stmt) -> bool:
    """Tell where a check may have moved behind a write: one of the two asks, and neither needs the other's names."""
    if not (_asks(statement) or _asks(following)) or isinstance(statement, ast.FunctionDef):
        return False
    if isinstance(following, ast.Return | ast.Raise | ast.Pass | ast.Assert):
        return False
    if _concerns_nobody(statement) or _concerns_nobody(following):
        return False
    made = {n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    used = {n.id for n in ast.walk(following) if isinstance(n, ast.Name)}
    return not made & used


def _swapped(among: list[ast.stmt], position: int) -> Change:
    one, two = among[position : position + 2]

    def swap(first: ast.stmt, second: ast.stmt) -> Callable[[], None]:
        return lambda: among.__setitem__(slice(position, position + 2), [first, second])

    return Change(swap(two, one), swap(one, two), f"after: {said(two)}")
