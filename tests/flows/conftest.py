"""Interleavings need secrets that are the same in every replay."""

from collections.abc import Iterator

import pytest
from tests.flows.scenes import Stage, repeatable_secrets


@pytest.fixture(autouse=True)
def _repeatable_secrets(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with repeatable_secrets(monkeypatch):
        yield


@pytest.fixture
def stage() -> Stage:
    """Give an empty stage."""
    return Stage()
