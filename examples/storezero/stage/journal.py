"""What happened to each session, as the middleware's ``listener`` hears it."""

from typing import Final

from attrs import define, evolve, field, frozen

from sessioncore import Notice, Reason, State, What
from sessioncore.records import EXPIRING, RESETTING

from .trace import Trace

MOST_SESSIONS: Final = 1_000
MOST_NOTICES: Final = 20

_REACHED: Final = {
    What.BEGAN: State.CREATED,
    What.SIGNED_IN: State.AUTHENTICATED,
    What.MFA_LAPSED: State.AUTHENTICATED,
    What.STEPPED_UP: State.MFA_SATISFIED,
}


@frozen
class Trail:
    """Hold one session's way through the diagram: the last two states and the newest notices."""

    former: State | None = None
    state: State | None = None
    notices: tuple[Notice, ...] = ()


@define
class Journal:
    """Remember the trails of the sessions of one layer heard of last, and let the trace know."""

    part: str
    trace: Trace
    _trails: dict[str, Trail] = field(factory=dict)

    def __call__(self, notice: Notice) -> None:
        """Hear of one thing that happened."""
        if not notice.sid:
            return
        self.trace.hear(self.part, notice)
        trail = self._trails.pop(notice.sid, Trail())
        self._trails[notice.sid] = _longer(trail, notice)
        if len(self._trails) > MOST_SESSIONS:
            del self._trails[next(iter(self._trails))]

    def trail(self, sid: str) -> Trail:
        """Give a session's trail; an empty one if nothing was heard since the shop opened."""
        return self._trails.get(sid, Trail())


def _longer(trail: Trail, notice: Notice) -> Trail:
    trail = evolve(trail, notices=(*trail.notices, notice)[-MOST_NOTICES:])
    reached = _ended_as(notice.reason) if notice.what is What.ENDED else _REACHED.get(notice.what)
    return evolve(trail, former=trail.state, state=reached) if reached else trail


def _ended_as(reason: str) -> State:
    if Reason(reason) in EXPIRING:
        return State.EXPIRED
    return State.RESET if Reason(reason) in RESETTING else State.LOGGED_OUT
