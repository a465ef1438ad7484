"""The data of a session as a handler sees it: decoded on demand, compared at commit."""

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from sessioncore import InvalidSetting
from sessioncore.records import Pairs

Changes = tuple[tuple[str, str | None], ...]

# Texts are always what ``dump`` wrote: ``json.loads`` would look for blanks around them, for most of its time.
_read: Final = json.JSONDecoder().raw_decode

_MUTABLE: Final = (list, dict)
_NESTING: Final = (*_MUTABLE, tuple)

# How deeply values may be nested: a decoder's stack is the page's, and what one page could write another has to read.
DEEPEST: Final = 100


def dump(key: object, value: object, of: str = "session") -> str:
    """Turn a value into JSON text; raises ``InvalidSetting``, naming the key, for what JSON cannot hold."""
    try:
        text = json.dumps(value, separators=(",", ":"), allow_nan=False)
        if text.count("[") + text.count("{") > DEEPEST and _depth(value) > DEEPEST:
            raise ValueError(f"at most {DEEPEST} levels, or it could not be read back everywhere")
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidSetting(f"{of}[{key!r}]", type(value).__name__, f"store what JSON can hold ({error})") from None
    return text


def _depth(value: object) -> int:
    """Count the levels of lists and dicts, one within the other."""
    depth, level = 0, [value]
    while level := [one for one in level if isinstance(one, _NESTING)]:
        depth += 1
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]
    return depth


def _dumped(key: str, value: object) -> str | None:
    try:
        return dump(key, value)
    except InvalidSetting:
        return None


def _checked(key: object) -> str:
    if not isinstance(key, str) or not key.isprintable() or not 0 < len(key) <= 256:
        raise InvalidSetting("session key", key, "use a printable string of 1 to 256 characters")
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
        value, _ = _read(self._texts[key])
        if isinstance(value, _MUTABLE):
            self._values[key] = value
        return value

    def set(self, key: str, value: object) -> None:
        """Set the value; raises ``InvalidSetting`` for what JSON cannot hold.

        The object itself is kept, so that ``session["cart"] = cart; cart.append(x)`` is seen too.
        """
        dump(_checked(key), value)
        self._values[key] = value
        self._gone.discard(key)

    def drop(self, key: str) -> None:
        """Drop the key; raises ``KeyError``."""
        if key not in self._values and (key in self._gone or key not in self._texts):
            raise KeyError(key)
        self._values.pop(key, None)
        if key in self._texts:
            self._gone.add(key)

    @property
    def touched(self) -> bool:
        """Tell whether anything could have changed."""
        return bool(self._values or self._gone)

    def changes(self) -> Changes:
        """Return what differs from the texts."""
        return self._differing(dump)

    def lost(self) -> Changes:
        """Return the same where nothing is stored any more: a value that JSON can no longer hold counts too."""
        return self._differing(_dumped)

    def _differing(self, text_of: Callable[[str, object], str | None]) -> Changes:
        written = {key: text_of(key, value) for key, value in self._values.items()}
        changed = {key: text for key, text in written.items() if self._texts.get(key) != text}
        return (*((key, None) for key in sorted(self._gone)), *changed.items())

    def take_changes(self) -> Changes:
        """Return what differs from the texts, and count it as written."""
        changes = self.changes()
        self._texts = {key: text for key, text in {**self._texts, **dict(changes)}.items() if text is not None}
        self._gone = set()
        return changes

    def size(self) -> int:
        """Give the length of keys and texts as they would be stored, in bytes."""
        texts = {key: text for key, text in self._texts.items() if key not in self._gone}
        texts |= {key: dump(key, value) for key, value in self._values.items()}
        return sum(len(key.encode()) + len(text) for key, text in texts.items())

    def forget(self, changes: Changes) -> None:
        """Give up what differs from the texts in just this way; what was changed since stays."""
        for key, _ in set(changes) & set(self.lost()):
            self._values.pop(key, None)
            self._gone.discard(key)

    def rebase(self, data: Pairs) -> None:
        """Take over what is stored now, but for what was changed since the changes were taken.

        Values handed out stay the same objects unless another request changed them.
        """
        stored, believed = dict(data), self._texts
        texts = {key: _dumped(key, value) for key, value in self._values.items()}
        kept = [key for key, text in texts.items() if text == stored.get(key) or text != believed.get(key)]
        self._texts, self._values = stored, {key: self._values[key] for key in kept}
        self._gone &= stored.keys()
