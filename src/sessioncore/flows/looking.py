"""Look whether a session is still there, for somebody who waits for its end: an open websocket, a stream."""

from attrs import frozen

from ..effects import Flow, Load, Now, Swap
from ..errors import StoreUnavailable
from ..machine import settle
from ..policy import Policy, moment_for
from ..records import KEEPING, Session
from .telling import Turn, tell_change


@frozen
class Sight:
    """Hold a session as it is now, None if it is gone; ``certain`` unless it may yet be the one that is kept."""

    session: Session | None
    certain: bool = True


def look(sid: str, policy: Policy) -> Flow[Sight]:
    """Load and judge a session by its selector: looking is no use of it. An end that shows is stored, and told.

    But not the end by an epoch that somebody moved on to keep one session: this may be that one, about to get the new
    epoch, and to record its end now would take it from its owner. Raises ``StoreUnavailable`` and ``Contention``.
    """
    turn = Turn()
    while True:
        row, epoch = yield from Load(sid).ask()
        at = yield from Now().ask()
        if row is None:
            return Sight(None)
        settled = settle(row, moment_for(row, epoch, at, policy))
        if settled.live or not row.live:
            return Sight(settled)
        if settled.reason in KEEPING:
            return Sight(settled, certain=False)
        try:
            stored = yield from Swap(row, settled).ask()
        except StoreUnavailable:
            return Sight(settled)  # dead all the same, but its end is not on record yet
        if stored:
            yield from turn.won(settled, at)
            yield from tell_change(row, settled, at)
            return Sight(settled)
        turn = yield from turn.again(sid)
