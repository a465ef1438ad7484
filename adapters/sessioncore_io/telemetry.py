"""Count what happens to sessions, and time their store, by OpenTelemetry's metrics (extra: ``otel``).

No attribute names a subject or a session: each value would be a time series of its own, and a trace of a person.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from inspect import iscoroutinefunction
from typing import Any, Final, TypeVar, cast

from sessioncore import Notice, Store, StoreUnavailable, What
from sessioncore.extras import Extra

with Extra("otel"):
    from opentelemetry.metrics import Meter, MeterProvider, get_meter_provider

S = TypeVar("S")

VERBS: Final = tuple(name for name in vars(Store) if not name.startswith("_"))

REASON: Final = "sessioncore.end.reason"
OUTCOME: Final = "sessioncore.swap.outcome"
OPERATION: Final = "sessioncore.store.operation"
ERROR: Final = "error.type"

# Seconds: those of OpenTelemetry's conventions for databases; and from a minute to a month.
_CALLS: Final = (0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10)
_LENGTHS: Final = (60, 300, 900, 1_800, 3_600, 14_400, 43_200, 86_400, 604_800, 2_592_000)
_ATTEMPTS: Final = (2, 3, 4, 6, 8, 12, 16, 24)

_COUNTED: Final = {
    What.BEGAN: ("sessioncore.session.starts", "{session}", "Sessions that began, guests' included"),
    What.SIGNED_IN: ("sessioncore.logins", "{login}", "Logins that were stored"),
    What.STEPPED_UP: ("sessioncore.step_ups", "{step_up}", "Second factors that were proved after a login"),
    What.REAUTHENTICATED: ("sessioncore.reauthentications", "{reauthentication}", "First factors proved again"),
    What.MFA_LAPSED: ("sessioncore.mfa.lapses", "{lapse}", "Second factors that no longer count"),
    What.ENDED: ("sessioncore.session.ends", "{session}", "Sessions that ended, by reason"),
    What.SUPERSEDED: ("sessioncore.supersessions", "{supersession}", "Ends of all sessions of a subject, by reason"),
    What.DROPPED: ("sessioncore.dropped_writes", "{write}", "Writes that came too late for their session"),
    What.CONTENDED: ("sessioncore.contentions", "{change}", "Changes that lost to another request first, by outcome"),
    What.UNAVAILABLE: (
        "sessioncore.store.tolerated_failures",
        "{failure}",
        "Failures of the store, told and not raised",
    ),
}


class Telemetry:
    """Be a listener that counts; ``measured`` gives a store whose calls are timed.

    The instruments belong to ``meter_provider``, or to the one that the application has set for all.
    """

    def __init__(self, meter_provider: MeterProvider | None = None) -> None:
        meter = (meter_provider or get_meter_provider()).get_meter("sessioncore", version("sessioncore"))
        self._counters = {
            what: meter.create_counter(name, unit, description) for what, (name, unit, description) in _COUNTED.items()
        }
        self._length = _histogram(meter, "sessioncore.session.duration", "s", "Length of ended sessions", _LENGTHS)
        self._attempts = _histogram(
            meter, "sessioncore.swap.attempts", "{attempt}", "Attempts of a contended change", _ATTEMPTS
        )
        self._calls = _Calls(meter)

    def __call__(self, notice: Notice) -> None:
        """Count one notice."""
        what, attributes = notice.what, {}
        if what in (What.ENDED, What.SUPERSEDED):
            attributes = {REASON: notice.reason}
        if what in (What.CONTENDED, What.GAVE_UP):
            attributes = {OUTCOME: "stored" if what is What.CONTENDED else "gave_up"}
            self._attempts.record(notice.attempts, attributes)
            what = What.CONTENDED
        if what is What.ENDED:
            self._length.record((notice.at - notice.created_at) / 1_000, attributes)
        self._counters[what].add(1, attributes)

    def measured(self, store: S) -> S:
        """Give a store that does what this one does, and times each call; the awaited ones are awaited."""
        return cast(S, _Measured(store, self._calls))


class _Calls:
    """Time the calls of a store, and count those that it could not answer."""

    def __init__(self, meter: Meter) -> None:
        name = "sessioncore.store.operation.duration"
        self._duration = _histogram(meter, name, "s", "Duration of a store's operation", _CALLS)
        self._unavailable = meter.create_counter(
            "sessioncore.store.unavailable", "{failure}", "Calls that the store did not answer"
        )

    @contextmanager
    def timing(self, operation: str) -> Iterator[None]:
        """Time what is done within."""
        attributes, begun = {OPERATION: operation}, time.perf_counter()
        try:
            yield
        except BaseException as error:
            if isinstance(error, StoreUnavailable):
                self._unavailable.add(1, attributes)
            attributes = {**attributes, ERROR: type(error).__qualname__}
            raise
        finally:
            self._duration.record(time.perf_counter() - begun, attributes)


class _Measured:
    """Stand in front of a store; what is no call of the port is the store's own."""

    def __init__(self, store: Any, calls: _Calls) -> None:
        self._store = store
        for name in VERBS:
            setattr(self, name, _timed(name, getattr(store, name), calls))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def _timed(name: str, call: Callable[..., Any], calls: _Calls) -> Callable[..., Any]:
    async def timed_async(*arguments: Any, **named: Any) -> Any:
        with calls.timing(name):
            return await call(*arguments, **named)

    def timed(*arguments: Any, **named: Any) -> Any:
        with calls.timing(name):
            return call(*arguments, **named)

    return timed_async if iscoroutinefunction(call) else timed


def _histogram(meter: Meter, name: str, unit: str, description: str, bounds: tuple[float, ...]) -> Any:
    return meter.create_histogram(name, unit, description, explicit_bucket_boundaries_advisory=list(bounds))
