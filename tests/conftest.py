"""What all tests share: the Hypothesis profiles, and a clock that stands still."""

import os

import pytest
from hypothesis import HealthCheck, settings

from sessioncore.testing import Clock

# One fixed seed: a run in CI today and one tomorrow try the same examples. Deeper campaigns choose "deep".
settings.register_profile("ci", derandomize=True, deadline=None, max_examples=100, database=None)
settings.register_profile(
    "deep", deadline=None, max_examples=2_000, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
settings.load_profile(os.environ.get("SESSIONCORE_PROFILE", "ci"))


@pytest.fixture
def clock() -> Clock:
    """Give a clock that only the test moves."""
    return Clock()
