"""Every small way in which a source file could be wrong, one at a time: its syntax tree is changed, and changed back.

Not changed, because no test should have an opinion on it: docstrings, annotations, names of types, imports, assertions,
``__all__``, and texts for people (a string with a space in it that is no SQL, and the words of an f-string).
"""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from attrs import evolve, field, frozen

from .changes import LEFT_ALONE, Change, of_call, of_expression, of_statement
from .said import difference, said, short

Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_BODIES = ("body", "handlers", "orelse", "finalbody")
_TYPES = ("annotation", "bases")  # what a class derives from says a type, and so does what stands in its brackets


@frozen
class Edit:
    """Name one wrong file: where it differs and how. ``tree`` is wrong only until the next one is asked for.

    The name says the function and the text of the change, not the line: it outlives changes elsewhere in the file.
    ``function`` is empty for what runs when the file is imported.
    """

    path: Path
    function: str
    name: str
    lines: range
    tree: ast.Module = field(repr=False, eq=False)
    statement: ast.stmt = field(repr=False, eq=False)

    @property
    def around(self) -> range:
        """Give the lines of the module's own statement: of the function, or of the class."""
        return range(self.statement.lineno, (self.statement.end_lineno or self.statement.lineno) + 1)

    @property
    def made(self) -> str:
        """Give the name that the module's own statement makes: of a class, a function or a value."""
        named = self.statement
        if isinstance(named, ast.Assign | ast.AnnAssign):
            return ast.unparse(named.targets[0] if isinstance(named, ast.Assign) else named.target)
        return str(getattr(named, "name", ""))


@frozen
class _Place:
    """Hold a statement, the list that it stands in, and the names of the scopes around it."""

    statement: ast.stmt | ast.ExceptHandler
    among: list[ast.stmt]
    scopes: tuple[str, ...] = ()
    function: str = ""


def edits(path: Path, root: Path) -> Iterator[Edit]:
    """Give every edit of a file, in a fixed order."""
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    seen: Counter[str] = Counter()
    module = ".".join(path.relative_to(root).with_suffix("").parts)
    for place in _places(tree.body, ()):
        for change in _changes(place):
            before = said(place.statement)
            change.make()
            after = said(place.statement)
            if change.note or after != before:
                what = f"{short(before)} ⟦{change.note}⟧" if change.note else difference(before, after)
                name = f"{'.'.join((module, *place.scopes))}: {what}"
                seen[name] += 1
                name += f" (#{seen[name]})" if seen[name] > 1 else ""
                last = change.line or _last_line(place.statement)
                lines = range(change.line or place.statement.lineno, last + 1)
                function = "" if change.early else place.function
                yield Edit(path, function, name, lines, tree, _topmost(tree, place.statement))
            change.undo()


def _places(body: list[ast.stmt], scopes: tuple[str, ...], function: str = "") -> Iterator[_Place]:
    for statement in body:
        if _skipped(statement):
            continue
        inner, within = scopes, function
        if isinstance(statement, Scope):
            inner = (*scopes, statement.name)
            within = ".".join(inner) if isinstance(statement, FUNCTIONS) else function
        yield _Place(statement, body, inner, function)
        for name in ("body", "orelse", "finalbody"):
            yield from _places(getattr(statement, name, []), inner, within)
        for handler in getattr(statement, "handlers", []):
            yield _Place(handler, body, inner, function)
            yield from _places(handler.body, inner, within)


def _skipped(statement: ast.stmt) -> bool:
    """Tell what no test should have an opinion on."""
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    if isinstance(statement, ast.Assign):
        target = statement.targets[0]
        return isinstance(target, ast.Name) and (target.id == "__all__" or _names_a_type(target.id))
    if isinstance(statement, ast.ClassDef):
        return any(isinstance(base, ast.Name) and base.id == "Protocol" for base in statement.bases)
    return isinstance(statement, ast.Import | ast.ImportFrom | ast.Assert | ast.Pass)


def _names_a_type(name: str) -> bool:
    """Tell an alias or a variable of types: CamelCase, or a single letter."""
    return name[0].isupper() and (not name.isupper() or len(name) == 1)


def _changes(place: _Place) -> Iterator[Change]:
    statement = place.statement
    if isinstance(statement, ast.stmt):
        yield from of_statement(statement, place.among, inside=bool(place.function))
    for node, early in _expressions(statement):
        yield from (evolve(change, early=early) for change in of_expression(node))
        if isinstance(node, ast.Call):
            yield from (evolve(change, early=early) for change in of_call(node))


def _expressions(statement: ast.AST) -> Iterator[tuple[ast.AST, bool]]:
    """Give the expressions of this statement alone; those of a function's head run early, when it is defined."""
    if isinstance(statement, FUNCTIONS):
        arguments = statement.args
        heads = [*arguments.defaults, *filter(None, arguments.kw_defaults), *statement.decorator_list]
        yield from ((node, True) for head in heads for node in _within(head))
        return
    for name, value in ast.iter_fields(statement):
        if name in _BODIES or name in _TYPES:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from ((node, False) for node in _within(child))


def _within(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.keyword) and node.arg in LEFT_ALONE):
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _within(child)


def _last_line(statement: ast.stmt | ast.ExceptHandler) -> int:
    """Give the last line of the statement's own head."""
    inner = [node for name in _BODIES for node in getattr(statement, name, [])]
    if inner and not isinstance(statement, FUNCTIONS):
        return max(statement.lineno, min(int(node.lineno) for node in inner) - 1)
    return statement.lineno if inner else statement.end_lineno or statement.lineno


def _topmost(tree: ast.Module, statement: ast.AST) -> ast.stmt:
    """Give the module's own statement that this one is or stands in; a dropped one is known by its line."""
    line = getattr(statement, "lineno", 0)
    return next(s for s in tree.body if s.lineno - len(getattr(s, "decorator_list", ())) <= line <= (s.end_lineno or 0))
