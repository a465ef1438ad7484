"""Where effects happen: what is drawn, how long losers of a race wait, what a listener may do wrong."""

import asyncio
import logging
import random
import time
from typing import Any

import pytest
import transitions

from sessioncore import Notice
from sessioncore.machine import MACHINE
from sessioncore_io import Sessions, world
from sessioncore_io.memory import MemoryStore


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Draw seven always, and remember between what."""
    asked: list[tuple[int, int]] = []

    def draw(least: int, below: int) -> int:
        asked.append((least, below))
        return 7

    monkeypatch.setattr(random, "randrange", draw)
    return asked


def test_who_lost_a_race_waits_longer_each_time_and_a_quarter_of_a_second_at_most(
    drawn: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)

    assert [world.sleep(attempt) for attempt in (0, 1, 5, 6, 60)] == [7] * 5
    assert drawn == [(1, 4), (1, 8), (1, 128), (1, 250), (1, 250)]
    assert slept == [0.007] * 5, "milliseconds, as seconds"


def test_who_awaits_waits_as_long(drawn: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def waiting() -> int:
        return await world.sleep_async(2)

    with monkeypatch.context() as patch:
        patch.setattr(asyncio, "sleep", sleep)
        waited = asyncio.run(waiting())

    assert (waited, slept, drawn) == (7, [0.007], [(1, 16)])


def test_what_is_drawn_is_of_128_and_256_bits() -> None:
    assert (len(world.new_sid()), len(world.new_secret())) == (22, 43)
    assert len({world.new_sid() for _ in range(9)} | {world.new_secret() for _ in range(9)}) == 18


def test_the_clock_is_the_systems_in_milliseconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1_700_000_000_123_999_999)

    assert world.wall_clock() == 1_700_000_000_123


def test_what_a_listener_does_wrong_is_its_own_affair_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    notice = Notice(what="began", at=1, sid="s")

    def fails(told: Notice) -> None:
        assert told is notice
        raise RuntimeError("out of paper")

    world.tell(fails, notice)
    [record] = caplog.records
    assert record.getMessage() == f"a listener failed on {notice}"
    assert record.exc_info is not None


def test_a_log_that_nobody_reads_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Any] = []
    monkeypatch.setattr(world.log, "log", lambda *args, **_: written.append(args[0]))
    for level in (logging.INFO, logging.WARNING, logging.ERROR):
        monkeypatch.setattr(world.log, "level", level)
        world.log._cache.clear()  # type: ignore[attr-defined]  # the level is asked for once and remembered
        world.log_notice(Notice(what="began", at=1))
        world.log_notice(Notice(what="unavailable", at=1))
    world.log._cache.clear()  # type: ignore[attr-defined]

    assert written == [logging.INFO, logging.WARNING, logging.WARNING]


def test_a_login_is_two_lines_in_a_log_that_hears_everything(caplog: pytest.LogCaptureFixture) -> None:
    """The engine of the table would add six, with the addresses of functions."""
    caplog.set_level(logging.DEBUG)
    session = Sessions(MemoryStore()).open(None)
    session.log_in(session.attempt("alice"), "pwd")
    session.commit()

    assert [(record.name, record.__dict__["what"]) for record in caplog.records] == [
        ("sessioncore", "began"),
        ("sessioncore", "signed_in"),
    ]


def test_the_applications_own_machines_are_heard_and_so_is_what_our_engine_warns_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """They share a logger, and its level is the application's."""
    caplog.set_level(logging.INFO)
    theirs: Any = transitions.Machine(states=["off", "on"], initial="off", name="lamp")
    theirs.add_transition("press", "off", "on")
    theirs.press()
    logging.getLogger("transitions.core").warning("%sodd", MACHINE._engine.name)

    assert [record.getMessage() for record in caplog.records] == [
        "lamp: Finished processing state off exit callbacks.",
        "lamp: Finished processing state on enter callbacks.",
        "sessioncore: odd",
    ]
    assert logging.getLogger("transitions.core").level == logging.NOTSET
