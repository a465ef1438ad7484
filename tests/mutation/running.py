"""Run one collected test on its own, in this process."""

from typing import Any

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
    """Run a test and tell whether it passes; with ``usual``, end the process if it takes far longer than that.

    What lives as long as the session stays for the next test: see ``end_session``.
    """
    watch = _Watch()
    item.config.pluginmanager.register(watch)
    try:
        if usual is not None:
            limit(usual)
        next_: Any = item.session  # all of the next test that is known: the session it is in
        item.ihook.pytest_runtest_protocol(item=item, nextitem=next_)
    finally:
        item.config.pluginmanager.unregister(watch)
    return not watch.failed


def end_session(session: pytest.Session) -> None:
    """End what tests have left for each other, such as a server."""
    limit(1)
    session._setupstate.teardown_exact(None)
