"""A town of three parties, anew for each test."""

import pytest

from sessioncore.testing import Clock

from .town import Town


@pytest.fixture
def anyio_backend() -> str:
    """Run coroutine tests under asyncio."""
    return "asyncio"


@pytest.fixture
def town(clock: Clock) -> Town:
    """Give the parties."""
    return Town(clock)
