"""Say a statement in one line, and a change of it in a few words around what differs."""

import ast
import copy
import re
from typing import Final

AROUND: Final = 40
_WORD: Final = re.compile(r"\w+|\s+|\W")


def said(statement: ast.AST) -> str:
    """Say a statement, without the statements inside it."""
    shown = copy.copy(statement)
    if isinstance(shown, ast.ExceptHandler):
        return f"except {ast.unparse(shown.type) if shown.type else ''}"
    for name in ("orelse", "finalbody", "handlers"):
        if hasattr(shown, name):
            setattr(shown, name, [])
    if isinstance(shown, ast.Try):
        return "try"
    if hasattr(shown, "body") and isinstance(shown, ast.stmt):
        shown.body = [ast.Pass()]  # type: ignore[attr-defined]
    text = ast.unparse(ast.fix_missing_locations(shown)).removesuffix("pass").strip().removesuffix(":")
    return re.sub(r"\s+", " ", text)


def short(text: str) -> str:
    """Leave out the end of a long statement."""
    return text if len(text) <= 2 * AROUND else f"{text[: 2 * AROUND]}…"


def difference(before: str, after: str) -> str:
    """Say what differs, with some words before and after it."""
    old, new = _WORD.findall(before), _WORD.findall(after)
    first = next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    shortest = min(len(old), len(new)) - first
    last = next((n for n in range(shortest) if old[-1 - n] != new[-1 - n]), shortest)
    gone, come = "".join(old[first : len(old) - last]), "".join(new[first : len(new) - last])
    left, right = "".join(old[:first]), "".join(old[len(old) - last :])
    left = left if len(left) <= AROUND else f"…{left[-AROUND:]}"
    right = right if len(right) <= AROUND else f"{right[:AROUND]}…"
    return f"{left}⟦{short(gone)} → {short(come)}⟧{right}"
