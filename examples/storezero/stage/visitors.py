"""Which sessions are one browser's: the layers cannot know, their cookies are apart. The demo follows the ``state``.

A redirect from one layer to the next carries a ``state``; who sends it and who arrives with it are one visitor.
Demo only: somebody who opens another person's link to a login page shares a stage with them, but no session.
"""

import secrets
from collections import deque
from collections.abc import Iterable
from typing import Final

from attrs import define, field

from .hops import NAMES, Hop

MOST_VISITORS: Final = 500
MOST_HOPS: Final = 160


@define(eq=False)
class Visitor:
    """Hold what the demo knows of one browser: the newest session of each layer, and the newest messages.

    ``page`` is what its pages call themselves afterwards, when no session of theirs is left; nobody else knows it.
    """

    page: str = field(factory=lambda: secrets.token_urlsafe(24))
    keys: set[str] = field(factory=set)
    sids: dict[str, str] = field(factory=dict)
    hops: deque[Hop] = field(factory=lambda: deque(maxlen=MOST_HOPS))


@define
class Visitors:
    """Find visitors by their keys: ``shop:<sid>``, ``state:<its hash>``, ``page:<a name that only its pages know>``."""

    _of: dict[str, Visitor] = field(factory=dict)

    def find(self, keys: Iterable[str]) -> Visitor | None:
        """Give the visitor whom one of these keys names."""
        return next((self._of[key] for key in keys if key in self._of), None)

    def everybody(self) -> list[Visitor]:
        """List all visitors."""
        return list({id(one): one for one in self._of.values()}.values())

    def meet(self, keys: Iterable[str]) -> Visitor:
        """Give the visitor of these keys, which are one browser's: two visitors become one."""
        keys = list(keys)
        known = list({id(self._of[key]): self._of[key] for key in keys if key in self._of}.values())
        visitor = known[0] if known else self._newcomer()
        for other in known[1:]:
            self._merge(visitor, other)
        self._name(visitor, keys)
        return visitor

    def _newcomer(self) -> Visitor:
        visitor = Visitor()
        self._name(visitor, [f"page:{visitor.page}"])
        return visitor

    def _merge(self, visitor: Visitor, other: Visitor) -> None:
        hops = sorted([*visitor.hops, *other.hops], key=lambda hop: hop.order)
        visitor.hops.clear()
        visitor.hops.extend(hops)
        visitor.sids = other.sids | visitor.sids
        self._name(visitor, other.keys)

    def _name(self, visitor: Visitor, keys: Iterable[str]) -> None:
        for key in keys:
            visitor.keys.add(key)
            self._of[key] = visitor
            part, _, sid = key.partition(":")
            if part in NAMES:
                visitor.sids[part] = sid
        while len(self._of) > MOST_VISITORS * 20:
            del self._of[next(iter(self._of))]
