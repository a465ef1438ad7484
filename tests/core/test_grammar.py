"""Guards and acts keep to a grammar in which integers and z3 terms mean the same.

On a z3 term ``if a == b``, ``a and b``, ``not a``, ``a in b`` and ``a < b < c`` answer at once, and wrongly; the
proof would be about another program. So guards are comparisons joined by ``&`` and ``|``, and acts are calls that copy.
"""

import ast
from inspect import getsource

import pytest

from sessioncore import TABLE, acts, guards
from sessioncore.sso import conditions

GUARD_NODES = (
    *(ast.BinOp, ast.BitAnd, ast.BitOr, ast.Add, ast.Sub),
    *(ast.Compare, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE),
    *(ast.Call, ast.Name, ast.Load, ast.Attribute),
)
# An act copies a record with changed fields, by attrs' evolve or another act; an empty tuple empties a field.
ACT_NODES = (ast.Call, ast.keyword, ast.Name, ast.Load, ast.Attribute, ast.Tuple, ast.BinOp, ast.Add)
NOT_ONE_RETURN = "not one docstring and one return"
# Data is opaque to the proofs, so what merges it may be ordinary Python: still one pure expression.
ON_DATA = ("merged", "newest")


LIVE = "def live(s, m):\n    '''Live.'''\n    return s.a < m.at\n\n"


def functions_in(source: str) -> dict[str, ast.FunctionDef]:
    """Find the functions of a module; everything else there must be an import or a docstring."""
    body = ast.parse(source).body
    assert all(isinstance(node, ast.FunctionDef | ast.Import | ast.ImportFrom | ast.Expr) for node in body), body
    return {node.name: node for node in body if isinstance(node, ast.FunctionDef)}


def faults(function: ast.FunctionDef, allowed: tuple[type[ast.AST], ...], callees: set[str]) -> list[str]:
    """Name what in a function is outside the grammar."""
    match function.body:
        case [ast.Expr(ast.Constant(str())), ast.Return(ast.expr() as expression)]:
            return [fault for node in ast.walk(expression) for fault in _faults_of(node, allowed, callees)]
    return [NOT_ONE_RETURN]


def _faults_of(node: ast.AST, allowed: tuple[type[ast.AST], ...], callees: set[str]) -> list[str]:
    if not isinstance(node, allowed):
        return [type(node).__name__]
    if isinstance(node, ast.Compare) and len(node.ops) > 1:
        return ["chained comparison"]
    if isinstance(node, ast.Call) and not (isinstance(node.func, ast.Name) and node.func.id in callees):
        return [f"call of {ast.unparse(node.func)}"]
    if isinstance(node, ast.keyword) and node.arg is None:
        return ["splat"]
    if isinstance(node, ast.Tuple) and node.elts:
        return ["tuple of something"]
    return [] if not isinstance(node, ast.BinOp) else _faults_of_operands(node)


def _faults_of_operands(node: ast.BinOp) -> list[str]:
    """An unbracketed ``a < 1 & b`` compares with ``1 & b``: both sides of ``&`` must be truth values."""
    logical = isinstance(node.op, ast.BitAnd | ast.BitOr)
    sides = (node.left, node.right)
    truths = [isinstance(side, ast.Compare | ast.Call) or _joins(side) for side in sides]
    return [] if all(truths) == any(truths) == logical else [f"operands of {type(node.op).__name__}"]


def _joins(node: ast.expr) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd | ast.BitOr)


def faults_of_guards(source: str, *others: str) -> dict[str, list[str]]:
    """Check every function of a module by the guards' grammar; it may call the guards of others."""
    found = functions_in(source)
    callees = set(found).union(*map(functions_in, others))
    return {name: wrong for name, function in found.items() if (wrong := faults(function, GUARD_NODES, callees))}


def faults_of_acts(source: str) -> dict[str, list[str]]:
    """Check every act of a module by the acts' grammar."""
    found = functions_in(source)
    checked = {name: function for name, function in found.items() if name not in ON_DATA}
    callees = {*found, "evolve"}
    return {name: wrong for name, function in checked.items() if (wrong := faults(function, ACT_NODES, callees))}


def test_every_guard_keeps_to_the_grammar() -> None:
    assert faults_of_guards(getsource(guards)) == {}


def test_every_condition_of_single_sign_on_keeps_to_the_grammar() -> None:
    assert faults_of_guards(getsource(conditions), getsource(guards)) == {}


def test_every_act_keeps_to_the_grammar() -> None:
    assert faults_of_acts(getsource(acts)) == {}


def test_what_merges_data_is_one_expression_too() -> None:
    found = functions_in(getsource(acts))

    assert [name for name in ON_DATA if NOT_ONE_RETURN in faults(found[name], (ast.AST,), set())] == []


@pytest.mark.parametrize(
    ("expression", "fault"),
    [
        ("(s.a < 1) and (s.b < 1)", "BoolOp"),
        ("not live(s, m)", "UnaryOp"),
        ("~live(s, m)", "UnaryOp"),
        ("s.a in (1, 2)", "In"),
        ("0 < s.a < m.at", "chained comparison"),
        ("s.a if live(s, m) else s.b", "IfExp"),
        ("min(s.a, s.b) < m.at", "call of min"),
        ("s.a.bit_length() < m.at", "call of s.a.bit_length"),
        ("s.a is None", "Is"),
        ("s.a * 2 < m.at", "Mult"),
        ("s.a == m.at & live(s, m)", "operands of BitAnd"),
        ("(s.a < m.at) + live(s, m) > m.at", "operands of Add"),
        ("s.b[0] < m.at", "Subscript"),
        ("(lambda: live(s, m))()", "Lambda"),
    ],
)
def test_a_guard_outside_the_grammar_is_caught(expression: str, fault: str) -> None:
    source = f"{LIVE}def bad(s, m):\n    '''Bad.'''\n    return {expression}\n"

    assert {"bad"} == set(faults_of_guards(source))
    assert fault in faults_of_guards(source)["bad"]


@pytest.mark.parametrize(
    "body",
    ["if s.a < m.at:\n        return s\n    return m", "x = s.a\n    return x < m.at", "return", "yield s.a < m.at"],
)
def test_a_guard_of_more_than_one_return_is_caught(body: str) -> None:
    source = f"def bad(s, m):\n    '''Bad.'''\n    {body}\n"

    assert faults_of_guards(source) == {"bad": [NOT_ONE_RETURN]}


@pytest.mark.parametrize(
    ("expression", "fault"),
    [
        ("evolve(s, seen_at=max(s.seen_at, m.at))", "call of max"),
        ("evolve(s, mfa_at=m.at if e.strong else s.mfa_at)", "IfExp"),
        ("s.replace(seen_at=m.at)", "call of s.replace"),
        ("evolve(s, **e.changes)", "splat"),
        ("evolve(s, seen_at=now())", "call of now"),
        ("evolve(s, data=(e.key,))", "tuple of something"),
    ],
)
def test_an_act_outside_the_grammar_is_caught(expression: str, fault: str) -> None:
    source = f"def bad(s, e, m):\n    '''Bad.'''\n    return {expression}\n"

    assert fault in faults_of_acts(source)["bad"]


def test_the_table_takes_its_guards_and_acts_from_the_checked_modules() -> None:
    assert {guards.__name__} == {row.guard.__module__ for row in TABLE}
    assert {acts.__name__} == {row.act.__module__ for row in TABLE}
