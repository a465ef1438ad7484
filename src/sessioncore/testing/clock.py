"""A clock that a test turns by hand, in both directions."""

from datetime import timedelta
from typing import Final

from attrs import define

from sessioncore.policy import milliseconds

# 2025-01-01T00:00:00Z: any instant does, as long as it is the same one every time.
START: Final = 1_735_689_600_000


@define
class Clock:
    """Return the same instant until it is moved; call it to read it, as the shell does."""

    at: int = START

    def __call__(self) -> int:
        return self.at

    def advance(self, span: timedelta | int) -> None:
        """Move on by a span, or back by a negative one; an integer is milliseconds."""
        self.at += milliseconds(span)
