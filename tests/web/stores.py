"""Stores that tell what they were asked, that are out of reach when the test says so, and that take their time."""

import asyncio
from typing import Any

from attrs import define, field

from sessioncore import Store, StoreUnavailable


@define
class Recording:
    """Pass every call on to a real store and remember its name."""

    store: Store
    calls: list[str] = field(factory=list)

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            self.calls.append(name)
            return getattr(self.store, name)(*args, **kwargs)

        return call


@define
class Outage:
    """Pass calls on to a real store, but for those that are down."""

    store: Store
    down: set[str] = field(factory=set)

    def fail(self, *names: str) -> None:
        """Take these calls down; without names, all of them."""
        self.down = set(names) or {"load", "swap", "epoch", "mint", "supersede", "of_subject"}

    def recover(self) -> None:
        """Bring everything back."""
        self.down = set()

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            if name in self.down:
                raise StoreUnavailable(f"{name} is down")
            return getattr(self.store, name)(*args, **kwargs)

        return call


class Slow:
    """Answer like the store behind, but let the test cancel at every single call."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.calls = 0
        self.cancel_at = 0
        self.task: asyncio.Task[Any] | None = None

    def __getattr__(self, name: str) -> Any:
        async def call(*args: Any, **named: Any) -> Any:
            self.calls += 1
            if self.calls == self.cancel_at and self.task is not None:
                self.task.cancel()
            await asyncio.sleep(0)
            return getattr(self.store, name)(*args, **named)

        return call
