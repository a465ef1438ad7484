"""The property suite, over the shell and a real Valkey: with and without awaiting the model's answer is the same."""

from contextlib import ExitStack, closing
from itertools import count

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from tests.servers.valkey import Server
from tests.servers.valkey_groups import Group

from sessioncore import Policy
from sessioncore.testing.suite.driver import Driver
from sessioncore.testing.suite.machine import Tally, machine_for
from sessioncore.testing.suite.shell_driver import ShellDriver
from sessioncore_io.valkey import ValkeyStore


def budget(examples: int) -> settings:
    """Choose the same examples every time; a profile with more of them multiplies all budgets alike."""
    factor = settings.default.max_examples / 100 if settings.default else 1
    return settings(
        max_examples=max(1, int(examples * factor)), stateful_step_count=40, suppress_health_check=list(HealthCheck)
    )


def walk(url: str, examples: int) -> None:
    """Walk over stores on one server, each under a prefix of its own."""
    numbers, tally = count(), Tally("valkey")
    with ExitStack() as stack:

        def build(policy: Policy) -> Driver:
            return ShellDriver(stack.enter_context(closing(ValkeyStore(url, prefix=f"{next(numbers)}:"))), policy)

        run_state_machine_as_test(machine_for(build, tally), settings=budget(examples))


def test_the_shell_over_valkey_is_what_the_model_says(valkey_server: Server) -> None:
    """Sessions over ValkeyStore."""
    valkey_server.ask("FLUSHALL")
    walk(valkey_server.url, 25)


def test_the_shell_over_a_cluster_is_what_the_model_says(cluster: Group) -> None:
    """Sessions over ValkeyStore on a cluster."""
    cluster.empty()
    walk(cluster.url, 8)
