"""The property suite's walks over the shell and a real PostgreSQL: what the model expects is what it shows."""

from contextlib import closing

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from tests.servers.postgres import PostgresServer

from sessioncore import Policy
from sessioncore.testing.suite.driver import Driver
from sessioncore.testing.suite.machine import Tally, machine_for
from sessioncore.testing.suite.shell_driver import ShellDriver
from sessioncore_io.postgres import PostgresStore


def budget(examples: int) -> settings:
    """Choose the same examples every time; a profile with more of them multiplies all budgets alike."""
    factor = settings.default.max_examples / 100 if settings.default else 1
    several = max(1, int(examples * factor))
    return settings(max_examples=several, stateful_step_count=40, suppress_health_check=list(HealthCheck))


def test_the_shell_over_postgresql_is_what_the_model_says(server: PostgresServer, database: str, url: str) -> None:
    """Each walk begins with empty tables."""
    tally = Tally("postgres")
    with closing(PostgresStore(url)) as store:

        def build(policy: Policy) -> Driver:
            server.ask("TRUNCATE sessioncore.sessions, sessioncore.epochs, sessioncore.marks", database)
            return ShellDriver(store, policy)

        run_state_machine_as_test(machine_for(build, tally), settings=budget(20))
