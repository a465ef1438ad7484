"""Put an edit into a running program, or into one that is still to import the file.

A function is changed where it stands: every function object that was compiled from the file gets the code that the
edited file compiles to. So a process that has imported everything once is forked for each mutant.
"""

import ast
import gc
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from .edits import Edit

Functions = dict[tuple[str, str, int], list[FunctionType]]


class Unplantable(Exception):
    """The edit cannot be made in a running program: import the file with it."""


def functions_of(paths: Iterable[Path]) -> Functions:
    """Find every function that was compiled from these files, by file, name and line."""
    wanted, found = {str(path) for path in paths}, defaultdict(list)
    for function in gc.get_objects():
        if type(function) is FunctionType and function.__code__.co_filename in wanted:
            found[_key(function.__code__)].append(function)
    return found


def _key(code: CodeType) -> tuple[str, str, int]:
    return code.co_filename, code.co_qualname, code.co_firstlineno


def plant(edit: Edit, functions: Functions) -> None:
    """Make the edit in this process. Raises ``Unplantable`` and ``SyntaxError``."""
    if not edit.function:
        _plant_constant(edit)
        return
    changed = 0
    for code in _codes(compile(edit.tree, str(edit.path), "exec")):
        for function in functions.get(_key(code), ()):
            if function.__code__ != code:
                try:
                    function.__code__ = code
                except ValueError as error:  # it closes over other names now
                    raise Unplantable(edit.name) from error
                changed += 1
    if not changed:
        raise Unplantable(edit.name)


def _codes(code: CodeType) -> Iterator[CodeType]:
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield inner
            yield from _codes(inner)


def _plant_constant(edit: Edit) -> None:
    """Give a name of the module another value, wherever it was imported; what was made of it keeps the first one."""
    statement = edit.statement
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    name, module = targets[0], _module_of(edit.path)
    if not isinstance(statement, ast.Assign | ast.AnnAssign) or not isinstance(name, ast.Name) or module is None:
        raise Unplantable(edit.name)
    assert statement.value is not None
    try:
        value = eval(compile(ast.Expression(statement.value), str(edit.path), "eval"), module.__dict__)
    except Exception as error:  # the import would fail: let it
        raise Unplantable(edit.name) from error
    former = module.__dict__[name.id]
    for other in list(sys.modules.values()):
        if isinstance(other, ModuleType) and other.__dict__.get(name.id) is former:
            setattr(other, name.id, value)


def _module_of(path: Path) -> ModuleType | None:
    return next((m for m in list(sys.modules.values()) if getattr(m, "__file__", None) == str(path)), None)


class Finder(MetaPathFinder):
    """Import one module from an edited tree instead of its file."""

    def __init__(self, edit: Edit, module: str) -> None:
        self.module = module.removesuffix(".__init__")
        self.path = edit.path
        self.code = compile(edit.tree, str(edit.path), "exec")

    def find_spec(self, fullname: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        """Find that one module."""
        if fullname != self.module:
            return None
        loader = _Edited(fullname, str(self.path), self.code)
        return spec_from_file_location(fullname, self.path, loader=loader)


class _Edited(SourceFileLoader):
    def __init__(self, fullname: str, path: str, code: CodeType) -> None:
        super().__init__(fullname, path)
        self._code = code

    def get_code(self, fullname: str) -> CodeType:
        return self._code
