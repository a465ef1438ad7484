"""OpenTelemetry's meters count what happens to sessions and time their store, without anybody's name."""

from collections.abc import Iterator
from datetime import timedelta
from importlib.metadata import version
from typing import Any, Final

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader

from sessioncore import Contention, InvalidSetting, Notice, Policy, Reason, StoreUnavailable, What
from sessioncore.testing import Clock, FaultyStore
from sessioncore_io import AsyncSessions, Handle, Sessions
from sessioncore_io.memory import MemoryStore
from sessioncore_io.telemetry import Telemetry

from .awaiting import AwaitingStore


@pytest.fixture
def anyio_backend() -> str:
    """Run coroutine tests under asyncio."""
    return "asyncio"


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


CALLS: Final = (0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10)
INSTRUMENTS: Final = {
    "sessioncore.session.starts": ("{session}", "Sessions that began, guests' included"),
    "sessioncore.logins": ("{login}", "Logins that were stored"),
    "sessioncore.step_ups": ("{step_up}", "Second factors that were proved after a login"),
    "sessioncore.reauthentications": ("{reauthentication}", "First factors proved again"),
    "sessioncore.mfa.lapses": ("{lapse}", "Second factors that no longer count"),
    "sessioncore.session.ends": ("{session}", "Sessions that ended, by reason"),
    "sessioncore.supersessions": ("{supersession}", "Ends of all sessions of a subject, by reason"),
    "sessioncore.dropped_writes": ("{write}", "Writes that came too late for their session"),
    "sessioncore.contentions": ("{change}", "Changes that lost to another request first, by outcome"),
    "sessioncore.store.tolerated_failures": ("{failure}", "Failures of the store, told and not raised"),
    "sessioncore.store.unavailable": ("{failure}", "Calls that the store did not answer"),
    "sessioncore.session.duration": ("s", "Length of ended sessions"),
    "sessioncore.swap.attempts": ("{attempt}", "Attempts of a contended change"),
    "sessioncore.store.operation.duration": ("s", "Duration of a store's operation"),
}
BUCKETS: Final = {
    "sessioncore.session.duration": (60, 300, 900, 1_800, 3_600, 14_400, 43_200, 86_400, 604_800, 2_592_000),
    "sessioncore.swap.attempts": (2, 3, 4, 6, 8, 12, 16, 24),
    "sessioncore.store.operation.duration": CALLS,
}


def test_every_instrument_has_the_name_unit_and_buckets_that_dashboards_are_built_on(
    telemetry: Telemetry, reader: InMemoryMetricReader
) -> None:
    for what in What:
        telemetry(Notice(what=what, at=1, created_at=0, attempts=1))
    faulty = FaultyStore(MemoryStore())
    faulty.fail("load")
    with pytest.raises(StoreUnavailable):
        telemetry.measured(faulty).load("s")
    data = reader.get_metrics_data()
    assert data is not None
    [scope] = data.resource_metrics[0].scope_metrics
    metrics = {metric.name: metric for metric in scope.metrics}
    buckets = {
        name: tuple(point.explicit_bounds)
        for name, metric in metrics.items()
        for point in metric.data.data_points
        if isinstance(point, HistogramDataPoint)
    }

    assert (scope.scope.name, scope.scope.version) == ("sessioncore", version("sessioncore"))
    assert {name: (metric.unit, metric.description) for name, metric in metrics.items()} == INSTRUMENTS
    assert buckets == BUCKETS


def test_without_a_provider_of_its_own_the_applications_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = InMemoryMetricReader()
    monkeypatch.setattr("sessioncore_io.telemetry.get_meter_provider", lambda: MeterProvider([reader]))
    Telemetry()(Notice(what=What.BEGAN, at=1))

    assert counted(reader) == {("sessioncore.session.starts",): 1}
