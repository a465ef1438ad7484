"""A store that fails at the call that a test chooses, before it does what it was asked or after."""

from inspect import isawaitable
from typing import Any

from attrs import define

from sessioncore import StoreUnavailable


@define
class FailingStore:
    """Pass every call on, and fail at call number ``at`` from now; never if that is 0."""

    store: Any
    at: int = 0
    performed: bool = False
    calls: int = 0

    def fail(self, at: int, *, performed: bool) -> None:
        """Fail once, at this call from now."""
        self.calls, self.at, self.performed = 0, at, performed

    @property
    def failed(self) -> bool:
        """Tell whether the chosen call has come."""
        return 0 < self.at <= self.calls

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any, **named: Any) -> Any:
            self.calls += 1
            if self.calls != self.at:
                return getattr(self.store, name)(*args, **named)
            if not self.performed:
                raise StoreUnavailable(f"{name} did not arrive")
            return self._lost(getattr(self.store, name)(*args, **named), name)

        return call

    def _lost(self, answer: Any, name: str) -> Any:
        lost = StoreUnavailable(f"the answer of {name} did not arrive")
        if not isawaitable(answer):
            raise lost

        async def awaited() -> None:
            await answer
            raise lost

        return awaited()
