"""Turn a predicate into a check that names the invariant it finds broken."""

from collections.abc import Callable
from typing import TypeVar

Seen = TypeVar("Seen")


class Broken(AssertionError):
    """An invariant does not hold; ``invariant`` is its name."""

    def __init__(self, name: str, claim: str, seen: object) -> None:
        super().__init__(f"{name}: {claim}\n  but: {seen}")
        self.invariant = name


def invariant(name: str) -> Callable[[Callable[[Seen], bool]], Callable[[Seen], None]]:
    """Turn a predicate into a check that raises ``Broken`` with the invariant's name and the predicate's claim."""

    def checked(holds: Callable[[Seen], bool]) -> Callable[[Seen], None]:
        def check(seen: Seen) -> None:
            if not holds(seen):
                raise Broken(name, str(holds.__doc__), seen)

        return check

    return checked
