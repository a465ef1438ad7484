"""Every invariant has a planted bug: the suite, run on the broken variant, fails with that invariant's name."""

import pytest
from attrs import evolve
from tests.property.broken_flows import FLOWS
from tests.property.broken_stores import STORES
from tests.property.broken_tables import GUARDS, ROWS
from tests.property.searching import first_broken, first_broken_on, walked, wsgi_driver
from tests.property.walks import WALKS

from sessioncore import (
    Machine,
    Policy,
    Session,
    State,
    machine,
)
from sessioncore.table import TABLE
from sessioncore.testing.suite.core_driver import CoreDriver
from sessioncore.testing.suite.driver import Driver
from sessioncore.testing.suite.shell_driver import ShellDriver
from sessioncore_io.memory import MemoryStore


@pytest.mark.parametrize("bug", [*GUARDS, *ROWS])
def test_a_bug_in_the_table_breaks_its_invariant(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The suite names the invariant."""
    expected, plant = {**GUARDS, **ROWS}[bug]
    plant(monkeypatch)

    assert first_broken_on(WALKS.get(bug, ())) == expected


def test_a_row_that_is_not_counted_breaks_version_counts_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that forgets the version."""

    class Forgetful(Machine[Session]):
        def fire(self, session: Session, event: object, moment: object) -> Session | None:
            fired = super().fire(session, event, moment)
            return None if fired is None else evolve(fired, version=session.version)

    monkeypatch.setattr(machine, "MACHINE", Forgetful(State, TABLE))

    assert first_broken() == "VersionCountsRows"


@pytest.mark.parametrize("store", STORES, ids=lambda store: store.__name__)
def test_a_bug_in_a_store_breaks_its_invariant(store: type[MemoryStore]) -> None:
    """The suite names the invariant."""

    def build(policy: Policy) -> Driver:
        return ShellDriver(store(), policy)

    assert first_broken_on(WALKS.get(store.__name__, ()), build) == STORES[store]


@pytest.mark.parametrize("bug", FLOWS)
def test_a_bug_in_a_flow_breaks_its_invariant(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The suite names the invariant."""
    expected, plant = FLOWS[bug]
    plant(monkeypatch)

    assert first_broken_on(WALKS.get(bug, ())) == expected


@pytest.mark.parametrize("bug", WALKS)
def test_a_walk_breaks_nothing_where_nothing_is_broken(bug: str) -> None:
    """The same steps on what is shipped."""
    assert walked(CoreDriver, *WALKS[bug]) == "nothing"
    assert walked(wsgi_driver, *WALKS[bug]) == "nothing"


def test_nothing_is_found_where_nothing_is_broken() -> None:
    """The suite, run as above against what is shipped, finds nothing."""
    assert first_broken() == "nothing"
