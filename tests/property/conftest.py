"""Count how much the property suite did: examples, steps and requests a driver."""

from collections.abc import Iterator

import pytest

from sessioncore.testing.suite.machine import Tally


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Iterator[Tally]:
    """Count what this test's runs did, and print it after the run (see ``tests/conftest.py``)."""
    counted = Tally(request.node.name)
    yield counted
    request.node.user_properties.append(("covered", str(counted)))
