"""One state machine, one model, seven ways of running sessions: what the model expects is what each shows."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from sessioncore import Policy
from sessioncore.testing.suite.core_driver import CoreDriver
from sessioncore.testing.suite.driver import Driver
from sessioncore.testing.suite.http_driver import UvicornDriver, WaitressDriver
from sessioncore.testing.suite.machine import Tally, machine_for
from sessioncore.testing.suite.shell_driver import ShellDriver
from sessioncore.testing.suite.web_driver import AsgiDriver, WsgiDriver
from sessioncore_io.memory import MemoryStore
from sessioncore_io.sqlite import SqliteStore


def budget(examples: int, steps: int = 40) -> settings:
    """Choose the same examples every time; a profile with more of them multiplies all budgets alike."""
    factor = settings.default.max_examples / 100 if settings.default else 1
    return settings(
        max_examples=max(1, int(examples * factor)),
        stateful_step_count=steps,
        suppress_health_check=list(HealthCheck),
    )


def test_the_pure_core_is_what_the_model_says(tally: Tally) -> None:
    """Flows over a dict, without I/O."""
    run_state_machine_as_test(machine_for(CoreDriver, tally), settings=budget(150))


def test_the_shell_over_the_memory_store_is_what_the_model_says(tally: Tally) -> None:
    """Sessions over MemoryStore."""

    def build(policy: Policy) -> Driver:
        return ShellDriver(MemoryStore(), policy)

    run_state_machine_as_test(machine_for(build, tally), settings=budget(150))


def test_the_shell_over_sqlite_is_what_the_model_says(tally: Tally) -> None:
    """Sessions over SqliteStore."""
    with TemporaryDirectory() as folder:
        numbers = iter(range(10**9))

        def build(policy: Policy) -> Driver:
            return ShellDriver(SqliteStore(Path(folder) / f"{next(numbers)}.db"), policy)

        run_state_machine_as_test(machine_for(build, tally), settings=budget(50))


def test_wsgi_is_what_the_model_says(tally: Tally) -> None:
    """The WSGI middleware, called in this process."""

    def build(policy: Policy) -> Driver:
        return WsgiDriver(MemoryStore(), policy)

    run_state_machine_as_test(machine_for(build, tally), settings=budget(80))


def test_asgi_is_what_the_model_says(tally: Tally) -> None:
    """The ASGI middleware, called in this process."""

    def build(policy: Policy) -> Driver:
        return AsgiDriver(MemoryStore(), policy)

    run_state_machine_as_test(machine_for(build, tally), settings=budget(80))


def test_uvicorn_is_what_the_model_says(tally: Tally) -> None:
    """Real HTTP to a running uvicorn."""

    def build(policy: Policy) -> Driver:
        return UvicornDriver(MemoryStore(), policy)

    run_state_machine_as_test(machine_for(build, tally), settings=budget(15, steps=30))


def test_waitress_is_what_the_model_says(tally: Tally) -> None:
    """Real HTTP to a running waitress."""

    def build(policy: Policy) -> Driver:
        return WaitressDriver(MemoryStore(), policy)

    run_state_machine_as_test(machine_for(build, tally), settings=budget(20, steps=30))
