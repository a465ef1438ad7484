"""How long sessions last: numbers with their reasons, checked when they are written down."""

from datetime import timedelta
from typing import Final

from attrs import field, frozen

from .errors import InvalidSetting
from .records import NEVER, Epoch, Moment, Reason, Session, State

SECOND: Final = 1_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
LONGEST: Final = 36_525 * DAY
KIB: Final = 1024

# A session in use is touched at least so often before its idle limit could fire.
TOUCHES: Final = 20

_CREATED: Final = State.CREATED  # asked for at every request, and Python 3.11 is slow to look a member up


def milliseconds(span: int | timedelta) -> int:
    """Turn a ``timedelta`` into whole milliseconds; an integer is milliseconds already."""
    return span // timedelta(milliseconds=1) if isinstance(span, timedelta) else span


def _span(name: str, value: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= LONGEST:
        raise InvalidSetting(name, value, "write a span above 0 ms and at most 100 years; there is no infinite one")


def _count(name: str, value: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < NEVER:
        raise InvalidSetting(name, value, "write a whole number of at least 1")


def _limits(name: str, value: object) -> None:
    if not isinstance(value, Limits):
        raise InvalidSetting(name, value, "write Limits(idle=..., lifetime=...)")


@frozen
class Limits:
    """Bound one class of sessions: by inactivity (``idle``) and overall (``lifetime``), in milliseconds.

    Spans may be given as ``timedelta``. Raises ``InvalidSetting`` for a span that is zero, negative or infinite
    and for an idle limit longer than the lifetime. Source: OWASP ASVS 5.0, 7.3.1 and 7.3.2.
    """

    idle: int = field(converter=milliseconds)
    lifetime: int = field(converter=milliseconds)

    def __attrs_post_init__(self) -> None:
        _span("Limits.idle", self.idle)
        _span("Limits.lifetime", self.lifetime)
        if self.idle > self.lifetime:
            raise InvalidSetting("Limits.idle", self.idle, f"make it at most the lifetime, {self.lifetime} ms")


@frozen(kw_only=True)
class Policy:
    """Say how long sessions last and how much they may hold.

    Lowering a limit acts on live sessions at once; raising it acts at their next login. Raises
    ``InvalidSetting`` for values that are zero, negative, overflowing or contradictory.
    """

    # A cart is worth keeping over a holiday, and a guest session opens nothing.
    guest: Limits = Limits(idle=14 * DAY, lifetime=30 * DAY)
    # A working day; half an hour of absence ends it (OWASP: 15 to 30 minutes for ordinary risk).
    login: Limits = Limits(idle=30 * MINUTE, lifetime=12 * HOUR)
    # "Remember me": NIST SP 800-63B-4 AAL1 asks for a login at least every 30 days.
    remembered: Limits = Limits(idle=14 * DAY, lifetime=30 * DAY)
    # A second factor counts for a working day, also in a remembered session.
    mfa_lifetime: int = field(default=12 * HOUR, converter=milliseconds)
    # The price of an exact idle limit is a write a request; a minute is exact enough.
    touch_every: int = field(default=MINUTE, converter=milliseconds)
    # More browsers than anybody owns; a stolen password cannot fill the store.
    max_sessions: int = 20
    # Sessions are read at every request: keep them small.
    max_data: int = 64 * KIB
    max_activities: int = 50

    def __attrs_post_init__(self) -> None:
        for name in ("guest", "login", "remembered"):
            _limits(f"Policy.{name}", getattr(self, name))
        _span("Policy.mfa_lifetime", self.mfa_lifetime)
        _span("Policy.touch_every", self.touch_every)
        for name in ("max_sessions", "max_data", "max_activities"):
            _count(f"Policy.{name}", getattr(self, name))
        shortest = min(self.guest.idle, self.login.idle, self.remembered.idle)
        if self.touch_every * 2 >= shortest:
            advice = f"pass touch_every= as well, of less than half the shortest idle limit, {shortest} ms"
            raise InvalidSetting("Policy.touch_every", self.touch_every, advice)
        if self.remembered.lifetime < self.login.lifetime or self.remembered.idle < self.login.idle:
            advice = "being remembered must not end a session sooner than not: pass remembered= as well"
            raise InvalidSetting("Policy.remembered", self.remembered, advice)

    def limits_of(self, session: Session) -> Limits:
        """Give the limits of this session's class: guest, login or remembered."""
        if session.state is _CREATED:
            return self.guest
        return self.remembered if session.remembered else self.login


def deadline_of(session: Session, policy: Policy) -> int:
    """Give the instant at which this session is dead by its own limits and by today's."""
    limits = policy.limits_of(session)
    idle, lifetime = min(session.idle, limits.idle), min(session.lifetime, limits.lifetime)
    return min(session.seen_at + idle, session.since + lifetime, session.not_after)


def _aal(idle: int, lifetime: int) -> Policy:
    limits = Limits(idle=idle, lifetime=lifetime)
    return Policy(login=limits, remembered=limits, mfa_lifetime=lifetime)


# NIST SP 800-63B-4, sections 2.1.3, 2.2.3 and 2.3.3: reauthentication at the three assurance levels.
NIST_AAL1: Final = _aal(30 * DAY, 30 * DAY)
NIST_AAL2: Final = _aal(1 * HOUR, 24 * HOUR)
NIST_AAL3: Final = _aal(15 * MINUTE, 12 * HOUR)


def moment_for(session: Session, epoch: Epoch | None, at: int, policy: Policy) -> Moment:
    """Build the moment of one step from the time, the subject's epoch and today's policy.

    ``at`` is clamped to at least ``seen_at``: a clock that goes back moves nothing. A signed-in session whose
    subject has no epoch is dead: -1 is nobody's stamp.
    """
    limits = policy.limits_of(session)
    stamp = _no_stamp(session) if epoch is None else epoch.value
    cause = _UNRECORDED if epoch is None or epoch.cause is None else epoch.cause
    return Moment(max(at, session.seen_at), stamp, cause, limits.idle, limits.lifetime, policy.mfa_lifetime)


def _no_stamp(session: Session) -> int:
    return 0 if session.state is _CREATED else -1


# A stamp that differs without a recorded cause means that somebody replaced the subject's epoch by hand.
_UNRECORDED: Final = Reason.ADMIN


def touch_due(session: Session, at: int, policy: Policy) -> bool:
    """Tell whether the use at this instant is worth a write.

    The idle limit may fire that much early, a twentieth at most, and never late.
    """
    unseen = at - session.seen_at
    if unseen >= policy.touch_every or unseen >= session.idle // TOUCHES:
        return True
    return unseen >= policy.limits_of(session).idle // TOUCHES
