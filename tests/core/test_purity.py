"""The core imports nothing that could touch the world, and calls nothing that could."""

import ast
from pathlib import Path

import pytest

import sessioncore

ROOT = Path(sessioncore.__file__).parent

# What the core may import: itself, its two dependencies, and the parts of the standard library that only compute.
PURE = {
    *("sessioncore", "attrs", "attr", "transitions"),
    *(
        "abc",
        "collections",
        "enum",
        "functools",
        "hashlib",
        "hmac",
        "html",
        "inspect",
        "itertools",
        "json",
        "operator",
        "re",
        "typing",
    ),
}
# Of a module that also has a clock, only the span.
PURE_NAMES = {"datetime": {"timedelta"}}
IMPURE_CALLS = {
    *("open", "print", "input", "exec", "eval", "compile", "breakpoint", "globals", "setattr", "id", "hash"),
    *("__import__", "exit", "quit"),
}
# The suite for others' tests and the proofs may do more; nothing else here imports them.
ASIDE = {"testing", "proof"}


def sources() -> list[Path]:
    """Find the core's files."""
    return sorted(
        path for path in ROOT.rglob("*.py") if path.relative_to(ROOT).parts[0].removesuffix(".py") not in ASIDE
    )


def faults(source: str) -> list[str]:
    """Name every import and call by which a source leaves the pure world."""
    return [fault for node in ast.walk(ast.parse(source)) for fault in _faults_of(node)]


def _faults_of(node: ast.AST) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [f"import {name.name}" for name in names if name.name.split(".")[0] not in PURE]
        case ast.ImportFrom(level=level, module=module, names=names):
            return [f"import {module}.{name.name}" for name in names if not _pure(level, module or "", name.name)]
        case ast.Call(func=ast.Name(id=name)) if name in IMPURE_CALLS:
            return [f"call of {name}"]
        case ast.Global(names=changed) | ast.Nonlocal(names=changed):
            return [f"rebinds {name}" for name in changed]
        case ast.AsyncFor() | ast.AsyncWith():
            return ["awaits the world"]
    return []


def _pure(level: int, module: str, name: str) -> bool:
    package = module.split(".")[0]
    if level:
        return package not in ASIDE and name not in ASIDE
    return name in PURE_NAMES.get(module, ()) or (package in PURE and module not in {f"sessioncore.{a}" for a in ASIDE})


def test_there_are_sources_to_check() -> None:
    names = {path.name for path in sources()}

    assert {"table.py", "guards.py", "machine.py", "committing.py", "diagram.py"} <= names
    assert "clock.py" not in names


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_core_is_pure(path: Path) -> None:
    assert faults(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        *((f"import {name}", f"import {name}") for name in ("os", "time", "random", "secrets", "socket", "asyncio")),
        *((f"import {name}", f"import {name}") for name in ("threading", "logging", "sqlite3", "uuid", "datetime")),
        ("import os.path", "import os.path"),
        ("from time import time", "import time.time"),
        ("from datetime import datetime", "import datetime.datetime"),
        ("from sessioncore_io import memory", "import sessioncore_io.memory"),
        ("from .testing import Clock", "import testing.Clock"),
        ("from . import proof", "import None.proof"),
        ("from sessioncore.testing import Clock", "import sessioncore.testing.Clock"),
        ("def f():\n    import os", "import os"),
        ("open('x')", "call of open"),
        ("print('x')", "call of print"),
        ("__import__('os')", "call of __import__"),
        ("def f():\n    global seen", "rebinds seen"),
    ],
)
def test_an_impure_line_is_caught(line: str, fault: str) -> None:
    assert [fault] == faults(line)


def test_a_span_is_no_clock() -> None:
    assert faults("from datetime import timedelta") == []
