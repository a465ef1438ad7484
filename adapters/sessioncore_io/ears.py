"""Who listens to a store of this process: the half of ``Announcer`` that memory, SQLite and PostgreSQL share."""

import os
import threading
from collections.abc import Callable

from sessioncore import Ending

from .world import log

Ear = Callable[[Ending], object]


class Ears:
    """Hold the ears of a store; ``begin`` is called for the first one, and ``end`` when the last one has gone."""

    def __init__(self, begin: Callable[[], object] | None = None, end: Callable[[], object] | None = None) -> None:
        self._begin = begin
        self._end = end
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._all: tuple[_Open, ...] = ()  # replaced as a whole: to tell takes no lock

    def subscribe(self, ear: Ear) -> "_Open":
        """Tell this ear of every end from now on, until its subscription is closed."""
        subscription = _Open(ear, self._close)
        with self._lock:
            first, self._all = not self._all, (*self._all, subscription)
            forked, self._pid = self._pid != os.getpid(), os.getpid()  # then what was begun is the parent's
            if (first or forked) and self._begin is not None:
                self._begin()
        return subscription

    def _close(self, subscription: "_Open") -> None:
        with self._lock:
            left = tuple(one for one in self._all if one is not subscription)
            if self._all and not left and self._end is not None:
                self._end()
            self._all = left

    def tell(self, ending: Ending) -> None:
        """Tell every ear; one that fails harms nobody: what it should hear of is stored already."""
        for subscription in self._all:
            try:
                subscription.ear(ending)
            except Exception:
                log.exception("a subscriber failed on %s", ending)


class _Open:
    """Hold one ear's subscription."""

    def __init__(self, ear: Ear, close: Callable[["_Open"], None]) -> None:
        self.ear = ear
        self._close = close

    def close(self) -> None:
        """Hear nothing from now on; twice is no error."""
        self._close(self)
