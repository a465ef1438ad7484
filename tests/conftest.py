"""What all tests share: the Hypothesis profiles, a clock that stands still, and what is seen to after each and all."""

import os
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings
from tests.logs import pytest_runtest_setup, pytest_runtest_teardown  # noqa: F401

from sessioncore.testing import Clock

# One fixed seed: a run in CI today and one tomorrow try the same examples. Deeper campaigns choose "deep".
settings.register_profile("ci", derandomize=True, deadline=None, max_examples=100, database=None)
settings.register_profile(
    "deep", deadline=None, max_examples=2_000, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
settings.load_profile(os.environ.get("SESSIONCORE_PROFILE", "ci"))


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """Take a worker more than there are cores, unless told how many: a sixth of the time is spent in waiting."""
    return (yield) + ("PYTEST_XDIST_AUTO_NUM_WORKERS" not in os.environ)


@pytest.fixture
def clock() -> Clock:
    """Give a clock that only the test moves."""
    return Clock()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the tests of the property suite covered, in whichever process they ran."""
    reports = (report for kind in terminalreporter.stats.values() for report in kind)
    for report in reports:
        if getattr(report, "when", "") == "teardown":
            for line in (text for name, text in report.user_properties if name == "covered"):
                terminalreporter.write_line(line)
