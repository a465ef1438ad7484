"""The sessions as the panel shows them: read from the stores, judged by the pure core, and never touched."""

import json
from typing import Any, Final

from attrs import evolve, field, frozen

from sessioncore import NEVER, Reason, Session, State, What, moment_for, settle

from ..common.times import span
from . import picture
from .journal import Trail
from .layer import Layer

MOST_EVENTS: Final = 6

_TOLD: Final = {
    What.BEGAN: "session began",
    What.SIGNED_IN: "signed in",
    What.REAUTHENTICATED: "proved again",
    What.STEPPED_UP: "second factor proved",
    What.MFA_LAPSED: "second factor lapsed",
    What.ENDED: "session ended",
    What.DROPPED: "a late write was dropped",
    What.CONTENDED: "stored at a second attempt",
    What.GAVE_UP: "not stored: too many others at once",
    What.UNAVAILABLE: "store unavailable",
}

_WHY: Final[dict[str, str]] = {
    Reason.IDLE: "not used for too long",
    Reason.LIFETIME: "its lifetime is over",
    Reason.UPSTREAM: "the layer above gave it no longer",
    Reason.PASSWORD_RESET: "the password was reset",
    Reason.PASSWORD_CHANGE: "the password was changed elsewhere",
    Reason.USER: "you ended it",
    Reason.USER_ALL: "you ended all other sessions",
    Reason.RP: "you logged out at an application",
    Reason.IDP: "the layer above ended its own",
    Reason.ADMIN: "an operator ended it",
    Reason.REPLACED: "somebody else logged in here",
    Reason.EVICTED: "too many newer sessions",
}


def why(reason: str) -> str:
    """Say in plain words why a session ended."""
    return _WHY.get(reason, reason)


@frozen
class Deadline:
    """Hold one countdown."""

    name: str
    span: int
    left: int

    @property
    def text(self) -> str:
        """Write what is left."""
        return span(self.left)


@frozen
class Happening:
    """Hold one line of the list of events."""

    at: int
    text: str


@frozen(kw_only=True)
class Panel:
    """Hold what the panel shows."""

    layer: Layer
    now: int
    picture: str
    here: bool = False
    sid: str = ""
    state: State | None = None
    why: str = ""
    facts: list[tuple[str, str]] = field(factory=list)
    deadlines: list[Deadline] = field(factory=list)
    events: list[Happening] = field(factory=list)

    @property
    def away(self) -> str:
        """Say how far from the present this layer's clock is."""
        return self.layer.clock.away

    @property
    def tone(self) -> str:
        """Say whether the session lives, has ended, or is none."""
        return "none" if self.state is None else "live" if self.state.live else "end"

    @property
    def badge(self) -> str:
        """Name the state as the table does."""
        return self.state.name if self.state else "NO SESSION"


def look(layer: Layer, sid: str | None, *, own: bool) -> Panel:
    """Look at a session by its selector, through the store's port: no use is recorded.

    Of a session that is not the request's own, such as the one that ended a moment ago, only the end is told.
    """
    row, epoch = _load(layer, sid) if sid else (None, None)
    now = layer.clock()
    blank = Panel(layer=layer, now=now, picture=picture.draw(None, None, None, layer.part))
    if row is None or sid is None:
        return blank
    session = settle(row, moment_for(row, epoch, now, layer.sessions.policy))
    if not own and session.live:
        return blank
    panel = _panel(session, layer.journal.trail(sid), blank)
    return evolve(panel, facts=_facts(session), deadlines=_deadlines(layer, session, now)) if own else panel


def _load(layer: Layer, sid: str) -> Any:
    # The SQLite store answers at once; for one that has to be awaited, this would be a coroutine.
    return layer.sessions.store.load(sid)


def _panel(session: Session, trail: Trail, blank: Panel) -> Panel:
    return evolve(
        blank,
        picture=picture.draw(session.state, trail.former, _reached(session, trail), blank.layer.part),
        sid=session.sid,
        state=session.state,
        why=why(session.reason or ""),
        events=_events(session, trail),
    )


def _reached(session: Session, trail: Trail) -> State | None:
    """Give the state that the last arrow led to: a login with two factors at once is told like any other."""
    at_once = session.mfa_at != NEVER and session.mfa_at == session.authenticated_at
    return State.MFA_SATISFIED if at_once and trail.state is State.AUTHENTICATED else trail.state


def _facts(session: Session) -> list[tuple[str, str]]:
    owing = session.live and bool(session.subject) and not session.signed_in
    return [
        ("sid", session.sid),
        ("subject", session.subject or "nobody yet"),
        ("hangs on", upstream_name(session.upstream)),
        ("methods", " + ".join(session.methods + session.mfa_methods) or "none"),
        ("signed in", "not before a code" if owing else ("yes" if session.signed_in else "no")),
        ("epoch", str(session.epoch) if session.subject else "none"),
        ("kept", "remembered" if session.remembered else "until the browser closes"),
    ]


def upstream_name(upstream: tuple[str, str]) -> str:
    """Name the session of the layer above as this one knows it: a name of its own, not a cookie."""
    issuer, sid = upstream
    return f"{sid[:12]}… of {issuer.partition('://')[2].rstrip('/')}" if sid else "nothing above"


def _deadlines(layer: Layer, session: Session, now: int) -> list[Deadline]:
    if not session.live:
        return []
    policy = layer.sessions.policy
    limits = policy.limits_of(session)
    idle, lifetime = min(session.idle, limits.idle), min(session.lifetime, limits.lifetime)
    found = [
        Deadline("idle", idle, session.seen_at + idle - now),
        Deadline("lifetime", lifetime, min(session.since + lifetime, session.not_after) - now),
    ]
    if session.mfa_at != NEVER:
        found.append(Deadline("second factor", policy.mfa_lifetime, session.mfa_at + policy.mfa_lifetime - now))
    return found


def _events(session: Session, trail: Trail) -> list[Happening]:
    """Merge what the application recorded with what the middleware told, the newest first."""
    recorded = [_recorded(json.loads(text)) for text in session.activities]
    told = [Happening(notice.at, _TOLD.get(notice.what, notice.what)) for notice in trail.notices]
    return sorted(recorded + told, key=lambda one: one.at, reverse=True)[:MOST_EVENTS]


def _recorded(activity: dict[str, Any]) -> Happening:
    details = ", ".join(str(value) for value in activity.get("details", {}).values())
    return Happening(activity["at"], f"{activity['what']}: {details}" if details else activity["what"])
