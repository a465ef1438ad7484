"""Stores that break a promise in the way that a careless one would, for the soak to catch."""

from typing import Any

from attrs import evolve

from sessioncore import Session
from sessioncore.testing.passing import PassingStore
from sessioncore_io.valkey import ValkeyStore


class Closing(PassingStore):
    """Pass on, over a Valkey store of its own."""

    def __init__(self, url: str) -> None:
        super().__init__(ValkeyStore(url))

    def close(self) -> None:
        """Close the store."""
        self.store.close()


class Overwriting(Closing):
    """Put the new row in whatever the old one is, as long as it is live: the last writer wins."""

    def swap(self, old: Session | None, new: Session) -> Any:
        """Swap with what is there now."""
        while not super().swap(old, new):
            old, _ = self.load(new.sid)
            if old is None or not old.live:
                return False
        return True


class Forgetful(Closing):
    """Acknowledge an end, and do not store it."""

    def swap(self, old: Session | None, new: Session) -> Any:
        """Store what lives."""
        return super().swap(old, new) if new.live else True


class Renewing(PassingStore):
    """Stand between the sessions and what is recorded: each use starts the lifetime anew."""

    def swap(self, old: Session | None, new: Session) -> Any:
        """Move the anchor of the lifetime."""
        return super().swap(old, evolve(new, since=new.seen_at))
