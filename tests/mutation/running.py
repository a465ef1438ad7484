"""Run one collected test on its own, in this process."""

import pytest

from .forks import limit


class _Watch:
    """Hear whether a test failed."""

    def __init__(self) -> None:
        self.failed = False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Hear of each phase."""
        self.failed |= report.failed


def passes(item: pytest.Item, usual: float | None = None) -> bool:
    """Run a test and tell whether it passes; with ``usual``, end the process if it takes far longer than that."""
    watch = _Watch()
    item.config.pluginmanager.register(watch)
    try:
        if usual is not None:
            limit(usual)
        item.ihook.pytest_runtest_protocol(item=item, nextitem=None)
    finally:
        item.config.pluginmanager.unregister(watch)
    return not watch.failed
