"""A store that tells of every session that ends: whoever ended it, and while the row still says who hangs on it.

An end empties a session's data, and with it the names of the clients to be told. But every end is a swap, and a swap
names what it replaces: so this is the one place that sees both.
"""

from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Any, cast

from sessioncore import AsyncStore, Session, Store

from ..world import log

# What is called with a session as it was, and as it ended.
Ear = Callable[[Session, Session], object]


class WatchedStore:
    """Pass everything on to a store of either kind, and call ``ear`` after each swap to an end."""

    def __init__(self, store: Store | AsyncStore, ear: Ear) -> None:
        self._store = store
        self._ear = ear

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def swap(self, old: Session | None, new: Session) -> bool | Awaitable[bool]:
        """Swap, and tell of an end."""
        done = cast("bool | Awaitable[bool]", self._store.swap(old, new))
        if isawaitable(done):
            return self._awaited(done, old, new)
        self._tell(done, old, new)
        return done

    async def _awaited(self, done: Awaitable[bool], old: Session | None, new: Session) -> bool:
        swapped = await done
        self._tell(swapped, old, new)
        return swapped

    def _tell(self, done: bool, old: Session | None, new: Session) -> None:
        if not done or old is None or not old.live or new.live:
            return
        try:
            self._ear(old, new)
        except Exception:  # the session has ended all the same
            log.exception("nobody was told that session %s ended", new.sid)


def watched(store: Store | AsyncStore, ear: Ear) -> Any:
    """Wrap a store; what comes of it is of the same kind."""
    return WatchedStore(store, ear)
