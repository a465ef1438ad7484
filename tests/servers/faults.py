"""Write docs/faults.md: what was done to the stores' servers, what was seen, and whether it held.

``make faults`` runs every test that is marked ``@pytest.mark.fault(what is done, what is seen)``; the page is made
of what they did, and nothing else. The store is named after the test's folder.
"""

from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

import pytest

PAGE: Final = Path("docs/faults.md")
HELD: Final = "held"
BROKEN: Final = "**BROKEN**"

HEAD: Final = """# Faults that the stores were put through

Real servers, private to the tests: killed, stopped, cut off, filled up. Written by `make faults` from the tests that it
ran; do not edit. In each case nobody is authenticated who should not be, an end that was not acknowledged is reported
as not done, and the store goes on by itself when its server is back, unless the line says otherwise.

| store | what is done to the server | what is seen | result |
|---|---|---|---|
"""


class Faults:
    """Collect the outcomes of the marked tests of a run."""

    def __init__(self) -> None:
        self.outcomes: dict[tuple[str, str, str], str] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: Any) -> Generator[None, Any, Any]:
        """Note the outcome of a marked test: broken in any phase, in any variant, is broken."""
        report = yield
        mark = item.get_closest_marker("fault")
        if mark is not None and (report.when == "call" or report.failed):
            done, seen = mark.args
            row = (item.path.parent.name.capitalize(), done, seen)
            held = report.passed and self.outcomes.get(row, HELD) == HELD
            self.outcomes[row] = HELD if held else BROKEN
        return report

    def pytest_sessionfinish(self) -> None:
        """Write the page."""
        rows = sorted((*row, outcome) for row, outcome in self.outcomes.items())
        PAGE.write_text(HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows))


def pytest_configure(config: pytest.Config) -> None:
    """Collect during this run: the plugin is named on the command line."""
    config.pluginmanager.register(Faults())
