"""What operators ask of a store, beside what requests do: set it up, look it over, count what it holds."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from attrs import frozen

from sessioncore import State


@frozen(kw_only=True)
class Finding:
    """Hold one thing that a look at the store brought up; with ``advice``, it is a warning."""

    what: str
    value: str
    advice: str = ""


@frozen(kw_only=True)
class Census:
    """Count what a store holds; ``size`` is in bytes, as the store itself accounts for it, indexes included."""

    by_state: Mapping[State, int]
    unreadable: int
    subjects: int
    size: int


class Operable(Protocol):
    """Serve the command line ``sessioncore store``. Every method raises ``StoreUnavailable``."""

    def prepare(self) -> Sequence[str]:
        """Create or migrate what the store needs, and say each thing that was done; again, and nothing is."""
        ...

    def inspect(self) -> Sequence[Finding]:
        """Tell version, settings and latency, and warn of what weakens a promise."""
        ...

    def census(self, progress: Callable[[int], object]) -> Census:
        """Count all rows; ``progress`` is called with how many were counted so far."""
        ...

    def close(self) -> None:
        """Close the connections of this process."""
        ...
