"""Print how much the property suite did: examples, steps and requests a driver."""

import pytest

from sessioncore.testing.suite.machine import Tally

TALLIES = pytest.StashKey[list[Tally]]()


def pytest_configure(config: pytest.Config) -> None:
    """Keep the tallies of the run."""
    config.stash[TALLIES] = []


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Tally:
    """Count what this test's runs did."""
    counted = Tally(request.node.name)
    request.config.stash[TALLIES].append(counted)
    return counted


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the counts after the run."""
    for counted in config.stash[TALLIES]:
        terminalreporter.write_line(str(counted))
