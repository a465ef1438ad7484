"""The rules: browsers, users and a clock that do what they like, on one driver, beside the model.

Use ``machine_for`` to build the state machine of a driver and Hypothesis to run it:

    run_state_machine_as_test(machine_for(lambda policy: ShellDriver(MyStore(), policy)))
"""

from collections.abc import Callable
from typing import Any

from sessioncore import Policy

from .driver import Driver
from .hours import Hours
from .inputs import NORMAL
from .outside import Outsiders
from .playing import Tally

__all__ = ["NORMAL", "SessionMachine", "Tally", "machine_for"]


class SessionMachine(Hours, Outsiders):
    """Let several browsers, several users and a clock loose on a driver."""


def machine_for(build: Callable[[Policy], Driver], tally: Tally | None = None) -> type[SessionMachine]:
    """Build the state machine of a driver."""
    members: dict[str, Any] = {"build": staticmethod(build), "tally": tally or Tally("suite")}
    return type("SessionMachine", (SessionMachine,), members)
