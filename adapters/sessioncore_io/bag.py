"""The data of a session as a handler sees it: decoded on demand, compared at commit."""

import json
from collections.abc import Iterator
from typing import Any

from sessioncore import InvalidSetting
from sessioncore.records import Pairs

Changes = tuple[tuple[str, str | None], ...]


def dump(key: object, value: object) -> str:
    """Turn a value into JSON text; raises ``InvalidSetting``, naming the key, for what JSON cannot hold."""
    try:
        return json.dumps(value, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidSetting(f"session[{key!r}]", type(value).__name__, f"store what JSON can hold ({error})") from None


def _checked(key: object) -> str:
    if not isinstance(key, str) or not key.isprintable() or len(key) > 256:
        raise InvalidSetting("session key", key, "use a printable string of at most 256 characters")
    return key


class Bag:
    """Hold the JSON texts by key, and the values that were handed out.

    A list or dict that was handed out may be changed in place; it is encoded again at commit and compared, so
    ``session["cart"].append(x)`` is seen.
    """

    __slots__ = ("_gone", "_texts", "_values")

    def __init__(self, data: Pairs = ()) -> None:
        self._texts = dict(data)
        self._values: dict[str, Any] = {}
        self._gone: set[str] = set()

    def __iter__(self) -> Iterator[str]:
        yield from self._values
        yield from (key for key in self._texts if key not in self._values and key not in self._gone)

    def get(self, key: str) -> Any:
        """Return the value; raises ``KeyError``."""
        if key in self._values:
            return self._values[key]
        if key in self._gone:
            raise KeyError(key)
        value = json.loads(self._texts[key])
        if isinstance(value, list | dict):
            self._values[key] = value
        return value

    def set(self, key: str, value: object) -> None:
        """Set the value; raises ``InvalidSetting`` for what JSON cannot hold."""
        dump(_checked(key), value)
        self._values[key] = value
        self._gone.discard(key)

    def drop(self, key: str) -> None:
        """Drop the key; raises ``KeyError``."""
        self.get(key)
        self._values.pop(key, None)
        if key in self._texts:
            self._gone.add(key)

    @property
    def touched(self) -> bool:
        """Tell whether anything could have changed."""
        return bool(self._values or self._gone)

    def take_changes(self) -> Changes:
        """Return what differs from the texts, and count it as written."""
        written = {key: dump(key, value) for key, value in self._values.items()}
        changed = {key: text for key, text in written.items() if self._texts.get(key) != text}
        dropped: dict[str, str | None] = dict.fromkeys(sorted(self._gone))
        self._texts = {key: text for key, text in {**self._texts, **changed}.items() if key not in self._gone}
        self._gone = set()
        return tuple({**dropped, **changed}.items())

    def size(self) -> int:
        """Give the length of keys and texts as they would be stored, in characters (ASCII, so in bytes)."""
        texts = {key: text for key, text in self._texts.items() if key not in self._gone}
        texts |= {key: dump(key, value) for key, value in self._values.items()}
        return sum(len(key) + len(text) for key, text in texts.items())

    def rebase(self, data: Pairs) -> None:
        """Take over what is stored now; values handed out stay the same objects unless another request changed them."""
        self._texts = dict(data)
        self._values = {key: value for key, value in self._values.items() if self._texts.get(key) == dump(key, value)}
        self._gone = set()
