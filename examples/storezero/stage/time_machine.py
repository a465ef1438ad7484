"""The shop's clock: the system's, moved by as much as a visitor of the demo likes.

The clock is an argument of the middleware, so nothing else has to know.
"""

from datetime import timedelta

from attrs import define

from sessioncore_io.world import wall_clock


@define
class TimeMachine:
    """Return milliseconds since the Unix epoch; call it to read it, as the shell does."""

    offset: int = 0

    def __call__(self) -> int:
        return wall_clock() + self.offset

    def travel(self, minutes: int) -> None:
        """Move on."""
        self.offset += minutes * 60_000

    def return_home(self) -> None:
        """Go back to the present."""
        self.offset = 0

    @property
    def away(self) -> str:
        """Say how far from the present this clock is; empty if it is not."""
        return f"+{timedelta(milliseconds=self.offset)}" if self.offset else ""
