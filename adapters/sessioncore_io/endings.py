"""Wait for a session's end: what the store announces, what the clock brings, and what only a look confirms.

One subscription serves everybody who waits in one event loop, and it lasts while somebody waits. A store that announces
nothing is looked at instead, every half second.
"""

import asyncio
from itertools import chain
from typing import TYPE_CHECKING, Final

from attrs import define, field

from sessioncore import Contention, Ending, Notice, Reason, Session, SessionError, StoreUnavailable, Subscription, What
from sessioncore.effects import Tell, arun
from sessioncore.flows import look
from sessioncore.policy import deadline_of
from sessioncore.records import NEVER

from .world import log

if TYPE_CHECKING:
    from .shell import Shell

EVERY: Final = 0.5  # seconds, between looks at the clock, or at a store that announces nothing
AGAIN: Final = 0.2  # seconds, between looks of which none has confirmed anything yet
LOOKS: Final = 5
WITHIN: Final = 1.0  # seconds: after that, nobody can say that the session lives, however slow the store is to fail
KEPT_BY: Final = 3  # looks: what a password change keeps has its new epoch by then
AT_ONCE: Final = 16  # looks: a reset of the whole site must not be a stampede


@define(eq=False)
class _Waiting:
    """Hold one who waits: for which session, of whom, and until when by the session's own limits."""

    sid: str
    subject: str = ""
    due_at: int = NEVER
    woken: asyncio.Event = field(factory=asyncio.Event)


class Endings:
    """Wait, in one event loop, for the ends of a shell's sessions."""

    def __init__(self, shell: "Shell") -> None:
        self._shell = shell
        self._waiting: dict[tuple[str, str], set[_Waiting]] = {}
        self._room = asyncio.Semaphore(AT_ONCE)
        self._subscription: Subscription | None = None
        self._ticking: asyncio.Task[None] | None = None

    async def ended(self, sid: str) -> Reason | None:
        """Return as soon as this session has ended, with the reason; with None if it cannot be confirmed any more."""
        waiting = _Waiting(sid)
        self._join(waiting)
        try:
            while True:
                waiting.woken.clear()
                session = await self._confirmed(sid)
                if session is None or not session.live:
                    return session.reason if session else None
                self._wait_on(waiting, session)
                await waiting.woken.wait()
        finally:
            self._leave(waiting)

    async def _confirmed(self, sid: str) -> Session | None:
        """Look, up to a second long if need be; None if it is gone, or if the store could not be asked."""
        sight, give_up_at = None, asyncio.get_running_loop().time() + WITHIN
        for attempt in range(LOOKS):
            if attempt:
                await asyncio.sleep(AGAIN)
            try:
                async with self._room:
                    sight = await arun(look(sid, self._shell.policy), self._shell.perform)
            except (StoreUnavailable, Contention):
                if asyncio.get_running_loop().time() >= give_up_at:
                    break
                continue
            if sight.certain or attempt + 1 >= KEPT_BY:
                break
        if sight is None:
            self._shell.perform(Tell(Notice(what=What.UNAVAILABLE, at=self._shell.clock(), sid=sid)))
            return None
        return sight.session

    # -- who waits -----------------------------------------------------------------------------------------

    def _join(self, waiting: _Waiting) -> None:
        for key in _keys(waiting):
            self._waiting.setdefault(key, set()).add(waiting)
        if self._ticking is None:
            self._subscription = self._subscribed()
            self._ticking = asyncio.get_running_loop().create_task(self._tick())

    def _leave(self, waiting: _Waiting) -> None:
        self._forget(waiting)
        if not self._waiting and self._ticking is not None:
            self._ticking.cancel()
            self._ticking = None
            if self._subscription is not None:
                self._subscription.close()
                self._subscription = None

    def _forget(self, waiting: _Waiting) -> None:
        for key in _keys(waiting):
            self._waiting[key].discard(waiting)
            if not self._waiting[key]:
                del self._waiting[key]

    def _wait_on(self, waiting: _Waiting, session: Session) -> None:
        """Wait until this session's deadline: a guest may have become somebody, and uses move the deadline."""
        waiting.due_at = deadline_of(session, self._shell.policy)
        if waiting.subject != session.subject:
            self._forget(waiting)
            waiting.subject = session.subject
            for key in _keys(waiting):
                self._waiting.setdefault(key, set()).add(waiting)

    # -- what wakes them -----------------------------------------------------------------------------------

    def _subscribed(self) -> Subscription | None:
        subscribe = getattr(self._shell.store, "subscribe", None)
        if subscribe is None:
            return None
        loop = asyncio.get_running_loop()
        try:
            subscription: Subscription = subscribe(lambda ending: loop.call_soon_threadsafe(self._hear, ending))
        except SessionError as error:
            log.warning("the store announces nothing now, so it is asked every %s s: %s", EVERY, error)
            return None
        return subscription

    def _hear(self, ending: Ending) -> None:
        if not (ending.sid or ending.subject):
            keys = list(self._waiting)
        elif ending.sid:
            keys = [("sid", ending.sid)]
        else:
            keys = [("subject", ending.subject), ("subject", "")]
        for key in keys:
            for waiting in self._waiting.get(key, ()):
                waiting.woken.set()

    async def _tick(self) -> None:
        """Nobody announces that a deadline has passed, and a use may have moved it: the clock says when to look."""
        while True:
            await asyncio.sleep(EVERY)
            asks, now = self._subscription is None, self._shell.clock()
            for waiting in chain.from_iterable(self._waiting.values()):
                if asks or waiting.due_at <= now:
                    waiting.woken.set()


def _keys(waiting: _Waiting) -> tuple[tuple[str, str], ...]:
    """Give what this one is found by; one whose subject is not known hears of every subject."""
    return ("sid", waiting.sid), ("subject", waiting.subject)
