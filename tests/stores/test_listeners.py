"""Notices reach the log as fields, several listeners at once, and OpenTelemetry's meters without anybody's name."""

import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from sessioncore import Contention, InvalidSetting, Notice, Policy, Reason, StoreUnavailable, What
from sessioncore.testing import Clock, FaultyStore
from sessioncore_io import AsyncSessions, Handle, Sessions
from sessioncore_io.memory import MemoryStore
from sessioncore_io.notices import JsonLines, log_notice, several
from sessioncore_io.telemetry import Telemetry

from .awaiting import AwaitingStore

ENDED = Notice(what=What.ENDED, at=5_000, sid="s1", subject="alice", reason=Reason.IDLE, created_at=2_000)


@pytest.fixture
def anyio_backend() -> str:
    """Run coroutine tests under asyncio."""
    return "asyncio"


@pytest.fixture
def lines() -> Iterator[StringIO]:
    """Write the log ``sessioncore`` to a text, as lines of JSON."""
    log, text = logging.getLogger("sessioncore"), StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(JsonLines())
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    yield text
    log.removeHandler(handler)
    log.setLevel(logging.NOTSET)


def fields_of(lines: StringIO) -> list[dict[str, Any]]:
    """Read the lines, without the hour."""
    return [{key: value for key, value in json.loads(line).items() if key != "time"} for line in _split(lines)]


def _split(lines: StringIO) -> list[str]:
    return lines.getvalue().splitlines()


# -- the log -----------------------------------------------------------------------------------------------------


def test_a_notice_is_a_line_of_json_with_what_it_tells_and_no_more(lines: StringIO) -> None:
    log_notice(ENDED)

    assert fields_of(lines) == [
        {
            "level": "INFO",
            "logger": "sessioncore",
            "message": "ended sid='s1' subject='alice' reason='idle' created_at=2000",
            "what": "ended",
            "at": 5_000,
            "sid": "s1",
            "subject": "alice",
            "reason": "idle",
            "created_at": 2_000,
        }
    ]


def test_what_somebody_should_look_at_is_a_warning(lines: StringIO) -> None:
    for what in What:
        log_notice(Notice(what=what, at=1))
    warned = {line["what"] for line in fields_of(lines) if line["level"] == "WARNING"}

    assert warned == {"gave_up", "unavailable"}
    assert len(_split(lines)) == len(What)


def test_an_exception_stays_in_its_line(lines: StringIO) -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        logging.getLogger("sessioncore").exception("a %s failed", "listener")

    [line] = fields_of(lines)
    assert (line["message"], "two\nlines" in line["exception"]) == ("a listener failed", True)


def test_no_notice_of_a_whole_life_shows_a_secret(lines: StringIO, clock: Clock) -> None:
    sessions = Sessions(MemoryStore(), Policy(), clock)
    handle = signed_in(sessions)
    token: Any = handle.order
    sessions.end_all("alice", Reason.ADMIN)
    sessions.open(token)

    assert [line["what"] for line in fields_of(lines)] == ["began", "signed_in", "superseded", "ended"]
    assert token.sid in lines.getvalue()
    assert token.secret not in lines.getvalue()


# -- several -----------------------------------------------------------------------------------------------------


def test_a_listener_that_fails_keeps_no_other_from_hearing(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[Notice] = []

    def fails(notice: Notice) -> None:
        raise RuntimeError("out of paper")

    several(heard.append, fails, heard.append)(ENDED)

    assert heard == [ENDED, ENDED]
    assert "a listener failed" in caplog.text


def test_what_is_no_listener_is_refused_where_it_is_written_down() -> None:
    with pytest.raises(InvalidSetting, match="take a Notice"):
        several(log_notice, "log")  # type: ignore[arg-type]


# -- OpenTelemetry -----------------------------------------------------------------------------------------------


@pytest.fixture
def reader() -> InMemoryMetricReader:
    """Read what was counted."""
    return InMemoryMetricReader()


@pytest.fixture
def telemetry(reader: InMemoryMetricReader) -> Iterator[Telemetry]:
    """Count into it."""
    provider = MeterProvider([reader])
    yield Telemetry(provider)
    provider.shutdown()


Counted = dict[tuple[Any, ...], Any]


def counted(reader: InMemoryMetricReader) -> Counted:
    """Give each count, or the count and sum of a histogram, by name and attributes."""
    data = reader.get_metrics_data()
    found: Counted = {}
    for metric in data.resource_metrics[0].scope_metrics[0].metrics if data else ():
        for point in metric.data.data_points:
            key = (metric.name, *sorted((point.attributes or {}).items()))
            found[key] = getattr(point, "value", None) or (point.count, point.sum)  # type: ignore[union-attr]
    return found


def signed_in(sessions: Sessions) -> Handle:
    """Sign alice in."""
    handle = sessions.open(None)
    handle.log_in(handle.attempt("alice"), "pwd")
    handle.commit()
    return handle


def test_a_life_is_counted_with_its_length_and_its_reason(
    telemetry: Telemetry, reader: InMemoryMetricReader, clock: Clock
) -> None:
    sessions = Sessions(MemoryStore(), Policy(), clock, telemetry)
    handle = signed_in(sessions)
    handle.satisfy_mfa("otp")
    handle.commit()
    clock.advance(timedelta(minutes=10))
    sessions.end(str(handle.sid), Reason.ADMIN, subject="alice")
    sessions.end_all("alice", Reason.USER_ALL)
    reason = ("sessioncore.end.reason", "admin")

    assert counted(reader) == {
        ("sessioncore.session.starts",): 1,
        ("sessioncore.logins",): 1,
        ("sessioncore.step_ups",): 1,
        ("sessioncore.session.ends", reason): 1,
        ("sessioncore.session.duration", reason): (1, 600.0),
        ("sessioncore.supersessions", ("sessioncore.end.reason", "user_all")): 1,
    }


def test_every_kind_of_notice_is_counted_and_none_by_its_name(
    telemetry: Telemetry, reader: InMemoryMetricReader
) -> None:
    """A subject or a sid as an attribute would be a time series a person."""
    for what in What:
        telemetry(Notice(what=what, at=2_000, sid="the-sid", subject="alice", created_at=1_000, attempts=4))
    names = {name for name, *_ in counted(reader)}

    assert len(names) == len(What) + 1, "one for each but contended and gave_up, which share two; and the length"
    assert "alice" not in repr(counted(reader))
    assert "the-sid" not in repr(counted(reader))


def test_contention_is_counted_with_its_attempts(telemetry: Telemetry, reader: InMemoryMetricReader) -> None:
    telemetry(Notice(what=What.CONTENDED, at=1, attempts=3))
    telemetry(Notice(what=What.GAVE_UP, at=1, attempts=9))
    stored, gave_up = (("sessioncore.swap.outcome", outcome) for outcome in ("stored", "gave_up"))

    assert counted(reader) == {
        ("sessioncore.contentions", stored): 1,
        ("sessioncore.contentions", gave_up): 1,
        ("sessioncore.swap.attempts", stored): (1, 3),
        ("sessioncore.swap.attempts", gave_up): (1, 9),
    }


def calls(reader: InMemoryMetricReader) -> dict[tuple[Any, ...], int]:
    """Give how often each operation was timed."""
    name = "sessioncore.store.operation.duration"
    return {key[1:]: value[0] for key, value in counted(reader).items() if key[0] == name}


def operation(name: str) -> tuple[str, str]:
    """Give the attribute of an operation."""
    return ("sessioncore.store.operation", name)


def test_the_calls_of_a_store_are_timed_and_its_failures_counted(
    telemetry: Telemetry, reader: InMemoryMetricReader, clock: Clock
) -> None:
    faulty = FaultyStore(MemoryStore())
    sessions = Sessions(telemetry.measured(faulty), Policy(), clock)
    token: Any = signed_in(sessions).order
    faulty.fail("load")
    with pytest.raises(StoreUnavailable):
        sessions.open(token)

    timed = calls(reader)
    assert timed[(("error.type", "StoreUnavailable"), operation("load"))] == 1
    assert timed[(operation("swap"),)] == 1
    assert counted(reader)[("sessioncore.store.unavailable", operation("load"))] == 1


@pytest.mark.anyio
async def test_an_awaited_store_is_timed_until_it_answers(
    telemetry: Telemetry, reader: InMemoryMetricReader, clock: Clock
) -> None:
    store = telemetry.measured(AwaitingStore())
    handle = await AsyncSessions(store, Policy(), clock).open(None)
    handle.log_in(await handle.attempt("alice"), "pwd")
    await handle.commit()

    assert calls(reader)[(operation("swap"),)] == 1
    assert store.model.rows, "what is no call of the port is the store's own"
    with pytest.raises(InvalidSetting, match="has to be awaited"):
        Sessions(store)  # type: ignore[arg-type]


def test_an_error_that_is_none_of_the_stores_is_named_as_it_is(
    telemetry: Telemetry, reader: InMemoryMetricReader
) -> None:
    class Busy(MemoryStore):
        def epoch(self, subject: str) -> None:
            raise Contention("busy")

    with pytest.raises(Contention):
        telemetry.measured(Busy()).epoch("alice")

    assert calls(reader) == {(("error.type", "Contention"), operation("epoch")): 1}
