"""Records whose fields are z3 terms: one of each attrs class, built from its annotations."""

import types
import typing
from collections.abc import Collection
from enum import Enum, IntEnum, StrEnum
from typing import Any

import attrs
import z3


def symbolic(record: type, name: str, opaque: Collection[str] = ()) -> Any:
    """Build a record of this attrs class whose integers, strings, enums and booleans are unknown.

    Tuples of data are marked with the field's name, so that a claim can see where they went and that none was lost;
    fields named ``opaque`` keep their default.
    """
    attrs.resolve_types(record)
    made: Any = object.__new__(record)
    for field in attrs.fields(record):
        term = field.default if field.name in opaque else _term(field.type, f"{name}.{field.name}")
        object.__setattr__(made, field.name, term)
    return made


def _term(kind: Any, name: str) -> Any:
    kind = _required(kind)
    if kind is bool:
        return z3.Bool(name)
    if kind is int or (isinstance(kind, type) and issubclass(kind, IntEnum)):
        return z3.Int(name)
    if kind is str or (isinstance(kind, type) and issubclass(kind, StrEnum)):
        return z3.String(name)
    if typing.get_origin(kind) is tuple:
        return _marked(typing.get_args(kind), name)
    raise TypeError(f"{name}: a field of type {kind} has no term; use int, bool, str, an enum or a tuple of those")


def _marked(parts: tuple[Any, ...], name: str) -> tuple[Any, ...]:
    """Build a tuple of the right shape that is like no other."""
    length = 1 if parts[-1] is Ellipsis else len(parts)
    pairs = typing.get_origin(parts[0]) is tuple
    return tuple((name, "1") if pairs else name for _ in range(length))


def _required(kind: Any) -> Any:
    """Strip ``| None``: what is not set is a value of its own in the proofs."""
    if typing.get_origin(kind) in (types.UnionType, typing.Union):
        return next(part for part in typing.get_args(kind) if part is not type(None))
    return kind


def domain(record: type, made: Any) -> list[Any]:
    """Say which values the enum fields of a symbolic record may take."""
    facts = []
    for field in attrs.fields(record):
        kind, term = _required(field.type), getattr(made, field.name)
        if isinstance(kind, type) and issubclass(kind, Enum) and z3.is_expr(term):
            facts.append(z3.Or([term == member.value for member in kind]))
    return facts


def concrete(record: type, made: Any, model: Any) -> dict[str, Any]:
    """Read the values that a counterexample gives to a record's fields."""
    shown = {}
    for field in attrs.fields(record):
        term = getattr(made, field.name)
        if z3.is_expr(term) and (value := model.eval(term)) is not None and not z3.eq(value, term):
            shown[field.name] = _plain(value)
    return shown


def _plain(value: Any) -> Any:
    if z3.is_int_value(value):
        return value.as_long()
    if z3.is_string_value(value):
        return value.as_string()
    return z3.is_true(value) if z3.is_bool(value) else value
