"""All data of a session's row: the application's, and what this package keeps beside it, out of its reach.

A login service may ``clear`` its data whenever it likes. Who has to be told that the session is over is not among it.
"""

from collections.abc import Iterator, MutableMapping
from typing import Any, Final

from sessioncore import Write

from .visit import Visit

RESERVED: Final = "oidc."


def is_reserved(key: object) -> bool:
    """Tell whether a name is this package's: to the application there is no such entry."""
    return isinstance(key, str) and key.startswith(RESERVED)


class RowData(MutableMapping[str, Any]):
    """Map all of it, by all names."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit

    def __getitem__(self, key: str) -> Any:
        return self._visit._bag.get(key)

    def __setitem__(self, key: str, value: Any) -> None:
        self._visit._refuse_late(Write())
        self._visit._bag.set(key, value)

    def __delitem__(self, key: str) -> None:
        self._visit._refuse_late(Write())
        self._visit._bag.drop(key)

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._visit._bag))

    def __len__(self) -> int:
        return sum(1 for _ in self._visit._bag)
