"""Contracts to subclass: of a store (``StoreContract``, ``AsyncStoreContract``) and of a whole application."""

import pytest

# Before they are imported: a failing assertion in a contract then shows its values, as one in a test does.
for module in ("promises", "store", "application"):
    pytest.register_assert_rewrite(f"{__name__}.{module}")

from .application import SessionContract  # noqa: E402
from .driving import Application, Visitor  # noqa: E402
from .store import AsyncStoreContract, StoreContract  # noqa: E402

__all__ = ["Application", "AsyncStoreContract", "SessionContract", "StoreContract", "Visitor"]
