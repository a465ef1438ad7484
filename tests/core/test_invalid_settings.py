"""Whoever writes a wrong setting is told its name, what it was, and what to write instead."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from attrs.exceptions import FrozenInstanceError
from tests.flows.conversing import login

from sessioncore import TABLE, InvalidSetting, Limits, LogOut, Policy, Reason, Row, Session, State, Tick, Touch, guards
from sessioncore.diagram import mermaid, picture_of
from sessioncore.effects import Call, Now
from sessioncore.events import EVENTS
from sessioncore.factors import kind_of, names_of
from sessioncore.policy import DAY, HOUR, LONGEST, MINUTE
from sessioncore.records import Epoch, Moment
from sessioncore.values import Attempt, Ending, Notice, Summary

LONG = "x" * 257
SHORT = Limits(idle=MINUTE, lifetime=HOUR)
SHORTER = Limits(idle=30 * MINUTE, lifetime=HOUR)


@pytest.mark.parametrize(
    ("wrong", "name", "value", "advice"),
    [
        (lambda: Attempt("", 0), "subject", "", "stable identifier"),
        (lambda: Attempt(LONG, 0), "subject", LONG, "at most 256 characters"),
        (lambda: Attempt("a\nb", 0), "subject", "a\nb", "printable"),
        (lambda: Attempt(7, 0), "subject", 7, "printable"),  # type: ignore[arg-type]
        (lambda: login(subject=""), "subject", "", "stable identifier"),
        (lambda: login(label=LONG), "label", LONG, "at most 256 characters"),
        (lambda: login(label="\x00"), "label", "\x00", "printable"),
        (lambda: LogOut(Reason.IDLE), "LogOut.reason", Reason.IDLE, "use one of user, "),
        (lambda: LogOut("user"), "LogOut.reason", "user", "use one of user, "),  # type: ignore[arg-type]
        (lambda: names_of("magic"), "method", "magic", "RFC 8176: pwd, "),
        (lambda: names_of(()), "method", (), "at least one"),
        (lambda: kind_of("mfa"), "method", "mfa", "for one factor: pwd, "),
        (lambda: Limits(idle=0, lifetime=1), "Limits.idle", 0, "above 0 ms"),
        (lambda: Limits(idle=1, lifetime=LONGEST + 1), "Limits.lifetime", LONGEST + 1, "at most 100 years"),
        (lambda: Limits(idle=2, lifetime=1), "Limits.idle", 2, "at most the lifetime, 1 ms"),
        (lambda: Policy(max_sessions=0), "Policy.max_sessions", 0, "at least 1"),
        (lambda: Policy(max_data=True), "Policy.max_data", True, "at least 1"),
        (lambda: Policy(guest=HOUR), "Policy.guest", HOUR, "write Limits("),  # type: ignore[arg-type]
        (lambda: Policy(guest=SHORT), "Policy.touch_every", MINUTE, f"idle limit, {MINUTE} ms"),
        (lambda: Policy(remembered=SHORTER), "Policy.remembered", SHORTER, "must not end a session sooner"),
        (lambda: picture_of(TABLE, Reason.USER, None), "initial", Reason.USER, "the table at hand"),
        (lambda: picture_of(TABLE[:1], State.CREATED, State.RESET), "lit", State.RESET, "AUTHENTICATED, CREATED"),
    ],
)
def test_a_wrong_setting_is_named_with_its_value_and_what_to_write_instead(
    wrong: Callable[[], Any], name: str, value: Any, advice: str
) -> None:
    with pytest.raises(InvalidSetting) as raised:
        wrong()

    error = raised.value
    assert (error.name, error.value) == (name, value)
    assert advice in error.advice
    assert str(error) == f"{error.name} = {error.value!r}: {error.advice}"


def test_what_is_the_longest_and_the_least_is_accepted() -> None:
    assert Attempt("x" * 256, 0).subject == "x" * 256
    assert login(label="x" * 256).label == "x" * 256
    assert Limits(idle=1, lifetime=LONGEST).lifetime == 36_525 * DAY
    assert Limits(idle=timedelta(hours=1), lifetime=timedelta(hours=1)).idle == HOUR
    assert Policy(max_sessions=1).max_sessions == 1


@pytest.mark.parametrize(
    "kind",
    [*EVENTS, Touch, Tick, Session, Epoch, Moment, Row, Policy, Limits, Attempt, Summary, Notice, Ending, Now, Call],
)
def test_values_are_frozen(kind: type) -> None:
    value: Any = object.__new__(kind)

    with pytest.raises(FrozenInstanceError):
        value.anything = 1


def test_a_guard_without_a_name_is_drawn_without_words() -> None:
    nameless = partial(guards.always)
    row = Row(Tick, State.CREATED, nameless, State.EXPIRED, TABLE[-1].act)

    assert "time" in mermaid((row,), initial=State.CREATED)
