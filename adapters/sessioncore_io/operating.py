"""What operators ask of a store, beside what requests do: set it up, look it over, count what it holds."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

from attrs import frozen

from sessioncore import State, Store

from .codec import readable

EVERY: Final = 2_000  # rows, between two words of progress


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


class Operable(Store, Protocol):
    """Be a store that ``sessioncore store`` can operate, too. Every method raises ``StoreUnavailable``."""

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


def tallied(rows: Iterable[tuple[str, Any]], progress: Callable[[int], object]) -> tuple[Mapping[State, int], int]:
    """Count rows, given as selector and record: by state, and those that cannot be read."""
    states, counted = Counter[State | None](), 0
    for counted, (sid, record) in enumerate(rows, 1):
        row = readable(sid, record, quiet=True)
        states[row.state if row is not None else None] += 1
        if counted % EVERY == 0:
            progress(counted)
    progress(counted)
    return {state: count for state, count in states.items() if state is not None}, states[None]
