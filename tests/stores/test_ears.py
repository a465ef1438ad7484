"""What the ears of a store begin and end: once while somebody listens, and anew in a child of a fork."""

import os
from collections.abc import Callable

import pytest

from sessioncore_io.ears import Ears


def ears_of(told: list[str]) -> Ears:
    """Make ears that write down what they begin and end."""

    def write(word: str) -> Callable[[], object]:
        return lambda: told.append(word)

    return Ears(write("begin"), write("end"))


def test_what_watches_is_begun_for_the_first_ear_and_ended_with_the_last() -> None:
    told: list[str] = []
    ears = ears_of(told)
    first, second = ears.subscribe(print), ears.subscribe(print)
    first.close()
    assert told == ["begin"]

    second.close()
    assert told == ["begin", "end"]


def test_a_subscription_that_is_closed_twice_ends_nothing_twice() -> None:
    told: list[str] = []
    subscription = ears_of(told).subscribe(print)
    subscription.close()
    subscription.close()

    assert told == ["begin", "end"]


def test_what_a_parent_began_is_begun_anew_in_its_child_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    ears = ears_of(told)
    ears.subscribe(print)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    ears.subscribe(print)
    ears.subscribe(print)

    assert told == ["begin", "begin"]
