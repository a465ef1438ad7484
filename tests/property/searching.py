"""Run the suite on something, by Hypothesis or along a given walk, and name the invariant that breaks."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from sessioncore import (
    Policy,
)
from sessioncore.records import NEVER
from sessioncore.testing.suite.core_driver import CoreDriver
from sessioncore.testing.suite.driver import Driver
from sessioncore.testing.suite.invariants import Broken
from sessioncore.testing.suite.machine import machine_for
from sessioncore.testing.suite.web_driver import WsgiDriver
from sessioncore_io.memory import MemoryStore

Plant = Callable[[pytest.MonkeyPatch], None]
Step = tuple[str, dict[str, Any]]
Walk = tuple[Step, ...]

CHEAP = settings(
    max_examples=250,
    stateful_step_count=40,
    derandomize=True,
    database=None,
    deadline=None,
    print_blob=False,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def first_broken(build: Callable[[Policy], Any] = CoreDriver) -> str:
    """Run the suite and name the invariant that it finds broken."""
    try:
        run_state_machine_as_test(machine_for(build), settings=CHEAP)
    except Broken as broken:
        return broken.invariant
    return "nothing"


def walked(build: Callable[[Policy], Any], *steps: tuple[str, dict[str, Any]]) -> str:
    """Take these steps of the same machine, as Hypothesis would, and name the invariant that breaks."""
    suite = machine_for(build)()
    try:
        for name, arguments in steps:
            getattr(suite, name)(**arguments)
            suite.hold_every_invariant()
    except Broken as broken:
        return broken.invariant
    finally:
        suite.teardown()
    return "nothing"


def first_broken_on(walk: Walk, build: Callable[[Policy], Any] = CoreDriver) -> str:
    """Take a walk if there is one, else let Hypothesis search."""
    return walked(build, *walk) if walk else first_broken(build)


ALICE = (("attempt", "alice"), ("log_in", ["pwd"], False, "authenticated", NEVER))
LOG_IN: Step = ("log_in", {"browser": 0, "verbs": ALICE})
BROWSE: Step = ("browse", {"browser": 0})
RESET: Step = ("reset_password", {"subject": "alice"})
FINISH: Step = ("finish_slow_request", {"pick": 0})
MFA: Step = ("satisfy_mfa", {"browser": 0, "method": "otp"})


def live_until(which: int) -> Step:
    """Use the session until it comes to this limit."""
    return ("live_until_a_limit", {"browser": 0, "which": which, "off": 0})


def race(others: tuple[Any, ...]) -> Step:
    """Let another request in between the load and the swap of a write."""
    verbs = (("set", "theme", 1),)
    return ("race", {"browser": 0, "verbs": verbs, "other": 0, "others": others})


def wsgi_driver(policy: Policy) -> Driver:
    """Drive the WSGI middleware."""
    return WsgiDriver(MemoryStore(), policy)
