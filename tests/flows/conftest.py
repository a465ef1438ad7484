"""Every interleaving begins on an empty stage."""

import pytest

from sessioncore.testing.explore.requests import Stage


@pytest.fixture
def stage() -> Stage:
    """Give an empty stage."""
    return Stage()
