"""Where the effects of the flows happen: the clock, the randomness, the store and the log."""

import asyncio
import logging
import random
import secrets
import time
from collections.abc import Awaitable, Callable
from inspect import isawaitable, iscoroutinefunction
from typing import Any, Final

from attrs import NOTHING, Attribute, asdict

from sessioncore import AsyncStore, Epoch, InvalidSetting, Notice, Reason, Store, What
from sessioncore import effects as fx
from sessioncore.machine import ENGINE_NAME

Clock = Callable[[], int]
Listener = Callable[[Notice], object]

log: Final = logging.getLogger("sessioncore")


def wall_clock() -> int:
    """Read the system's clock, in whole milliseconds since the Unix epoch."""
    return time.time_ns() // 1_000_000


def new_sid() -> str:
    """Draw 128 random bits as 22 characters."""
    return secrets.token_urlsafe(16)


def new_secret() -> str:
    """Draw 256 random bits as 43 characters."""
    return secrets.token_urlsafe(32)


_ALARMING: Final = (What.GAVE_UP, What.UNAVAILABLE)


def log_notice(notice: Notice) -> None:
    """Write a notice to the log ``sessioncore``: as text, and as fields of the record; it holds no secret."""
    level = logging.WARNING if notice.what in _ALARMING else logging.INFO
    if not log.isEnabledFor(level):
        return
    told = asdict(notice, filter=_is_told, value_serializer=_plain)
    text = " ".join(f"{name}={value!r}" for name, value in told.items() if name not in ("what", "at"))
    log.log(level, "%s %s", notice.what, text, extra=told)


# What the engine of the table logs of each step is noise beside the notices: six lines for a login, at INFO. By its
# name its records are told from those of the application's own machines, which have the same logger.
_ENGINE: Final = f"{ENGINE_NAME}: "


def _is_heard(record: logging.LogRecord) -> bool:
    ours = isinstance(record.args, tuple) and record.args[:1] == (_ENGINE,)
    return not ours or record.levelno >= logging.WARNING


logging.getLogger("transitions.core").addFilter(_is_heard)


def _is_told(field: "Attribute[Any]", value: object) -> bool:
    return field.default is NOTHING or value != field.default


def _plain(_: object, __: object, value: object) -> object:
    return str(value) if isinstance(value, str) else value  # what is an enum's member would show as one


def _delay(attempt: int) -> int:
    # Full jitter: parallel losers spread out instead of colliding again. No secret depends on this draw.
    return random.randrange(1, min(250, 4 << attempt))  # noqa: S311


def sleep(attempt: int) -> int:
    """Wait with jitter, in a thread of one's own."""
    delay = _delay(attempt)
    time.sleep(delay / 1000)
    return delay


async def sleep_async(attempt: int) -> int:
    """Wait with jitter, in an event loop."""
    delay = _delay(attempt)
    await asyncio.sleep(delay / 1000)
    return delay


class World:
    """Perform effects: what the store answers may have to be awaited, all else is at hand."""

    def __init__(
        self,
        store: Store | AsyncStore,
        clock: Clock,
        listener: Listener,
        pause: Callable[[int], int | Awaitable[int]],
    ) -> None:
        check_not_awaited(listener)
        self._do: dict[type, Callable[[Any], Any]] = {
            fx.Now: lambda _: clock(),
            fx.NewSid: lambda _: new_sid(),
            fx.NewSecret: lambda _: new_secret(),
            fx.Load: lambda e: store.load(e.sid),
            fx.Swap: lambda e: store.swap(e.old, e.new),
            fx.ReadEpoch: lambda e: store.epoch(e.subject),
            fx.Mint: lambda e: store.mint(e.subject, e.at),
            fx.Supersede: lambda e: store.supersede(e.subject, e.at, e.cause, e.expected),
            fx.OfSubject: lambda e: store.of_subject(e.subject, live=e.live),
            fx.OfUpstream: lambda e: store.of_upstream(e.issuer, e.sid),
            fx.Due: lambda e: store.due(e.before, e.limit),
            fx.Purge: lambda e: store.purge(e.before, e.limit),
            fx.Pause: lambda e: pause(e.attempt),
            fx.Call: lambda e: e.function(),
            fx.Tell: lambda e: tell(listener, e.notice),
        }

    def perform(self, effect: fx.Effect[Any]) -> Any:
        """Perform one effect and return its answer, or an awaitable of it."""
        return self._do[type(effect)](effect)


class AwaitedWorld(World):
    """Perform effects for callers that await, and see the end of all sessions through though they are cancelled.

    A cancel scope cancels anew at every ``await``: the end that has to follow an interrupted write would never come.
    The end of the event loop is the limit.
    """

    def __init__(self, store: Store | AsyncStore, clock: Clock, listener: Listener) -> None:
        super().__init__(store, clock, listener, sleep_async)
        self._listener = listener
        self._supersede = self._do[fx.Supersede]
        self._do[fx.Supersede] = self._seen_through
        self._unattended: set[asyncio.Future[Epoch | None]] = set()  # an event loop holds its tasks only weakly

    def _seen_through(self, effect: fx.Supersede) -> Any:
        answer = self._supersede(effect)
        if not isawaitable(answer):
            return answer
        ending: asyncio.Future[Epoch | None] = asyncio.ensure_future(answer)
        waiting = asyncio.shield(ending)

        def ended(_: object) -> None:
            self._unattended.discard(ending)
            if waiting.cancelled():
                self._tell_unheard(effect, ending)

        self._unattended.add(ending)
        ending.add_done_callback(ended)
        return waiting

    def _tell_unheard(self, effect: fx.Supersede, ending: "asyncio.Future[Epoch | None]") -> None:
        """Tell what became of an end whose flow hears of it no more."""
        error = "interrupted" if ending.cancelled() else ending.exception()
        if error is not None:
            log.error("the end of all sessions of a subject may not be stored, and nobody waits for it: %s", error)
        elif ending.result() is not None and effect.cause is not Reason.IDP:  # which may be for a name of no subject
            told = Notice(what=What.SUPERSEDED, at=effect.at, subject=effect.subject, reason=effect.cause)
            tell(self._listener, told)


def check_not_awaited(listener: Listener) -> None:
    """Refuse a listener whose notices nobody would hear: a coroutine function, or an object that is called as one."""
    if iscoroutinefunction(listener) or iscoroutinefunction(getattr(listener, "__call__", None)):  # noqa: B004
        raise InvalidSetting("listener", listener, "pass a plain function: it is called, not awaited")


def tell(listener: Listener, notice: Notice) -> None:
    """Tell a listener; what it does wrong is its own affair, the session's state is stored already."""
    try:
        listener(notice)
    except Exception:
        log.exception("a listener failed on %s", notice)
