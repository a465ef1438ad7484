"""The trace: who said what to whom, kept for each visitor, as the recorders hand it in."""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from itertools import count
from typing import Final

from attrs import define, field

from sessioncore import Notice, TooLate, What

from .exchange import CURRENT, Exchange
from .hops import Hop
from .visitors import Visitor, Visitors

TOLD: Final = {
    What.BEGAN: "session begins",
    What.SIGNED_IN: "signed in",
    What.REAUTHENTICATED: "proved again",
    What.STEPPED_UP: "second factor proved",
    What.MFA_LAPSED: "second factor lapsed",
    What.ENDED: "session ends",
}


@define(eq=False)
class Trace:
    """Keep the newest messages of each visitor."""

    visitors: Visitors = field(factory=Visitors)
    _numbers: "count[int]" = field(factory=count)
    _open: dict[int, Exchange] = field(factory=dict)

    def next(self) -> int:
        """Count on."""
        return next(self._numbers)

    def link(self, exchange: Exchange) -> Visitor | None:
        """Learn from an exchange which sessions and messages are one visitor's."""
        keys = list(_keys(exchange))
        return self.visitors.meet(keys) if keys else None

    def keep(self, exchange: Exchange, hops: Sequence[Hop], call: str = "") -> None:
        """Keep an exchange: as part of the one that called, if one of our own did, else with its visitor."""
        exchange.closed = True
        caller = self._open.get(int(call)) if call.isdigit() else None
        if caller is not None and not caller.closed:
            caller.inner.extend(hops)
            return
        visitor = self.link(exchange) or (self.link(caller) if caller else None)
        for each in [visitor] if visitor else self._concerned(exchange):
            each.hops.extend(hops)

    def opened(self, exchange: Exchange) -> int:
        """Number an exchange that calls another part, so that the two can be told together."""
        number = id(exchange)
        self._open[number] = exchange
        while len(self._open) > 200:
            del self._open[next(iter(self._open))]
        return number

    def hear(self, part: str, notice: Notice) -> None:
        """Hear what happened to a session: while somebody was served, or by itself, such as in a sweep."""
        exchange = CURRENT.get()
        if exchange is not None and exchange.part == part and not exchange.closed:
            exchange.notices.append(notice)
            if notice.what in TOLD:
                exchange.inner.append(self.note(part, notice))
            return
        visitor = self.visitors.find([f"{part}:{notice.sid}"])
        if visitor is not None and notice.what in TOLD:
            visitor.hops.append(self.note(part, notice))

    def note(self, part: str, notice: Notice) -> Hop:
        """Write down what happened to a session."""
        why = f" ({notice.reason.replace('_', ' ')})" if notice.reason else ""
        what = f"{TOLD[notice.what]}{why}"
        return Hop(order=self.next(), source=part, target=part, what=what, kind="note")

    def _concerned(self, exchange: Exchange) -> Iterable[Visitor]:
        """Find whose sessions an exchange without a browser ended."""
        keys = [f"{exchange.part}:{notice.sid}" for notice in exchange.notices]
        found = [self.visitors.find([key]) for key in keys]
        return {id(one): one for one in found if one is not None}.values()


def message_key(name: str, value: str) -> str:
    """Name a message by what passed, without keeping it."""
    return f"{name}:{sha256(value.encode()).hexdigest()[:32]}"


def _opened(exchange: Exchange) -> str | None:
    """Give the session that the request was served with; nobody looked at it, nobody need know."""
    session = exchange.scope.get("session")
    try:
        return session.sid if session is not None else None
    except TooLate:
        return None


def _keys(exchange: Exchange) -> Iterable[str]:
    """Name who this is by what can be trusted: the session as it was opened, the ``state``, a code, a token."""
    sid = _opened(exchange)
    if sid:
        yield f"{exchange.part}:{sid}"
    else:
        yield from (f"{exchange.part}:{one.sid}" for one in exchange.notices if one.what is What.ENDED)
    for name in ("state", "code", "access_token"):
        values = (exchange.parameters.get(name), exchange.answers.get(name))
        yield from (message_key(name, value) for value in values if value)
    yield from (message_key(name, value) for name, value in exchange.handed_over)
    if exchange.bearer:
        yield message_key("access_token", exchange.bearer)
    if page := exchange.asked.get("x-storezero-page"):
        yield f"page:{page}"
