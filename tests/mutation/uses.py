"""Where the names of constants are used: the tests that come there are the ones that can tell another value."""

import ast
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

Uses = dict[str, list[tuple[Path, int]]]


def uses_of(paths: Iterable[Path]) -> Uses:
    """Give every line of these files on which a name in capitals is read, by the name."""
    uses: Uses = defaultdict(list)
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
            if name.isupper() and isinstance(node.ctx, ast.Load):  # type: ignore[attr-defined]
                uses[name].append((path, node.lineno))  # type: ignore[attr-defined]
    return uses
