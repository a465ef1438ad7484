"""What pytest knows as soon as the extra ``testing`` is installed: one fixture."""

import pytest

from .clock import Clock


@pytest.fixture
def sessioncore_clock() -> Clock:
    """Give a clock that stands still until the test moves it: ``SessionMiddleware(..., clock=sessioncore_clock)``."""
    return Clock()
