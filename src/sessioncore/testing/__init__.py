"""What others need to test their own store or application: a clock of one's own, contracts to subclass, and more.

This package may do what the core may not: it needs the extra ``testing`` and is imported by nothing else here. Each
name is imported when it is first asked for: ``Clock`` needs neither Hypothesis nor pytest.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from ..extras import Extra
from .clock import Clock
from .signing_in import log_in_as, log_in_as_async

if TYPE_CHECKING:
    from .contracts import Application, AsyncStoreContract, SessionContract, StoreContract, Visitor
    from .doubles import AFTER, BEFORE, FaultyStore, RecordingStore
    from .history import History, check_epoch, check_row
    from .linear import NotLinearizable, Operation, Specification, check_linearizable
    from .strategies import events, moments, policies, sessions, situations

__all__ = [
    "AFTER",
    "BEFORE",
    "Application",
    "AsyncStoreContract",
    "Clock",
    "FaultyStore",
    "History",
    "NotLinearizable",
    "Operation",
    "RecordingStore",
    "SessionContract",
    "Specification",
    "StoreContract",
    "Visitor",
    "check_epoch",
    "check_linearizable",
    "check_row",
    "events",
    "log_in_as",
    "log_in_as_async",
    "moments",
    "policies",
    "sessions",
    "situations",
]

_HOMES: Final = {
    "contracts": ("Application", "AsyncStoreContract", "SessionContract", "StoreContract", "Visitor"),
    "doubles": ("AFTER", "BEFORE", "FaultyStore", "RecordingStore"),
    "history": ("History", "check_epoch", "check_row"),
    "linear": ("NotLinearizable", "Operation", "Specification", "check_linearizable"),
    "strategies": ("events", "moments", "policies", "sessions", "situations"),
}


def __getattr__(name: str) -> Any:
    """Import a name from its home."""
    for home, names in _HOMES.items():
        if name in names:
            with Extra("testing"):
                return getattr(import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
