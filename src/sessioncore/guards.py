"""The conditions of the table: each one expression that runs on integers and on z3 terms alike.

The grammar (a test enforces it): one ``return`` of bracketed comparisons joined by ``&`` and ``|``, ``+`` and
``-``, and calls of other guards. No ``and or not in if``, no chained comparison: on z3 terms those silently
answer for the wrong question. The opposite of a guard has a name of its own, and the pair is proved.

``s`` is the session, ``e`` the event, ``m`` the moment. One boundary rule: dead when now >= deadline.
"""

from .events import LogIn, LogOut, Reauthenticate, Restamp, SatisfyMfa, Tick, Touch, Write
from .records import Kind, Moment, Reason, Session, State

# -- the clocks, in pairs ---------------------------------------------------------------------------------


def within_idle(s: Session, m: Moment) -> bool:
    """The session was used lately enough, by the limit at sign-in and by today's."""
    return (m.at - s.seen_at < s.idle) & (m.at - s.seen_at < m.idle)


def past_idle(s: Session, m: Moment) -> bool:
    """The opposite of ``within_idle``."""
    return (m.at - s.seen_at >= s.idle) | (m.at - s.seen_at >= m.idle)


def within_lifetime(s: Session, m: Moment) -> bool:
    """The session is young enough, by the limit at sign-in and by today's."""
    return (m.at - s.since < s.lifetime) & (m.at - s.since < m.lifetime)


def past_lifetime(s: Session, m: Moment) -> bool:
    """The opposite of ``within_lifetime``."""
    return (m.at - s.since >= s.lifetime) | (m.at - s.since >= m.lifetime)


def within_upstream(s: Session, m: Moment) -> bool:
    """The identity provider's own bound has not come."""
    return m.at < s.not_after


def past_upstream(s: Session, m: Moment) -> bool:
    """The opposite of ``within_upstream``."""
    return m.at >= s.not_after


def within_mfa(s: Session, m: Moment) -> bool:
    """The second factor was proved lately enough."""
    return m.at - s.mfa_at < m.mfa_lifetime


def past_mfa(s: Session, m: Moment) -> bool:
    """The opposite of ``within_mfa``."""
    return m.at - s.mfa_at >= m.mfa_lifetime


def current(s: Session, m: Moment) -> bool:
    """Nobody ended all sessions of the subject since this one's login."""
    return s.epoch == m.epoch


def superseded(s: Session, m: Moment) -> bool:
    """The opposite of ``current``."""
    return s.epoch != m.epoch


# -- how alive a session is --------------------------------------------------------------------------------


def fresh(s: Session, m: Moment) -> bool:
    """All clocks are still running."""
    return within_idle(s, m) & within_lifetime(s, m) & within_upstream(s, m)


def live(s: Session, m: Moment) -> bool:
    """All clocks are still running and nobody ended the subject's sessions."""
    return fresh(s, m) & current(s, m)


def strong(s: Session, m: Moment) -> bool:
    """The session is live and its second factor still counts."""
    return live(s, m) & within_mfa(s, m)


def guest_quiet(s: Session, m: Moment) -> bool:
    """A guest session has nothing due."""
    return (s.state == State.CREATED) & fresh(s, m)


def user_quiet(s: Session, m: Moment) -> bool:
    """A signed-in session has nothing due."""
    return (s.state == State.AUTHENTICATED) & live(s, m)


def strong_user_quiet(s: Session, m: Moment) -> bool:
    """A session with a second factor has nothing due."""
    return (s.state == State.MFA_SATISFIED) & strong(s, m)


def quiet(s: Session, m: Moment) -> bool:
    """No ``Tick`` row is enabled: what licenses a request to store nothing."""
    return guest_quiet(s, m) | user_quiet(s, m) | strong_user_quiet(s, m)


# -- what an event brings ----------------------------------------------------------------------------------


def admitted(e: LogIn | Reauthenticate | Restamp, m: Moment) -> bool:
    """Nobody ended the subject's sessions since the credential check began."""
    return e.epoch == m.epoch


def one_factor(e: LogIn) -> bool:
    """The login proved one factor."""
    return (e.first != Kind.NONE) & (e.second == Kind.NONE)


def two_factors(e: LogIn) -> bool:
    """The login proved two factors of different kinds."""
    return (e.first != Kind.NONE) & (e.second != Kind.NONE) & (e.first != e.second)


def same(s: Session, e: LogIn | SatisfyMfa | Reauthenticate | Restamp) -> bool:
    """The event is about this subject and was proved for this session."""
    return (e.subject == s.subject) & (e.sid == s.sid)


# -- LogIn -------------------------------------------------------------------------------------------------


def may_begin(s: Session, e: LogIn, m: Moment) -> bool:
    """A guest logs in with one factor."""
    return fresh(s, m) & admitted(e, m) & one_factor(e)


def may_begin_strongly(s: Session, e: LogIn, m: Moment) -> bool:
    """A guest logs in with two factors at once."""
    return fresh(s, m) & admitted(e, m) & two_factors(e)


def may_repeat(s: Session, e: LogIn, m: Moment) -> bool:
    """The signed-in subject logs in again, with one factor."""
    return live(s, m) & same(s, e) & admitted(e, m) & one_factor(e)


def may_repeat_strongly(s: Session, e: LogIn, m: Moment) -> bool:
    """The signed-in subject logs in again, with two factors at once."""
    return live(s, m) & same(s, e) & admitted(e, m) & two_factors(e)


def strong_may_repeat(s: Session, e: LogIn, m: Moment) -> bool:
    """As ``may_repeat``, while a second factor counts."""
    return strong(s, m) & same(s, e) & admitted(e, m) & one_factor(e)


def strong_may_repeat_strongly(s: Session, e: LogIn, m: Moment) -> bool:
    """As ``may_repeat_strongly``, while a second factor counts."""
    return strong(s, m) & same(s, e) & admitted(e, m) & two_factors(e)


# -- SatisfyMfa, Reauthenticate, Restamp -------------------------------------------------------------------


def second_factor(s: Session, e: SatisfyMfa, m: Moment) -> bool:
    """A factor of another kind than the first was proved for this session."""
    return live(s, m) & same(s, e) & (e.kind != s.first) & (e.kind != Kind.NONE)


def strong_second_factor(s: Session, e: SatisfyMfa, m: Moment) -> bool:
    """As ``second_factor``, while an earlier one still counts."""
    return strong(s, m) & same(s, e) & (e.kind != s.first) & (e.kind != Kind.NONE)


def proved_again(s: Session, e: Reauthenticate, m: Moment) -> bool:
    """The subject proved the first factor again, for this session."""
    return live(s, m) & same(s, e) & admitted(e, m)


def strong_proved_again(s: Session, e: Reauthenticate, m: Moment) -> bool:
    """As ``proved_again``, while a second factor counts."""
    return strong(s, m) & same(s, e) & admitted(e, m)


def may_stay(s: Session, e: Restamp, m: Moment) -> bool:
    """This session ended all others of its subject, and nobody else did so meanwhile."""
    return fresh(s, m) & same(s, e) & (s.epoch == e.was) & admitted(e, m) & (e.epoch != e.was)


def strong_may_stay(s: Session, e: Restamp, m: Moment) -> bool:
    """As ``may_stay``, while a second factor counts."""
    return fresh(s, m) & within_mfa(s, m) & same(s, e) & (s.epoch == e.was) & admitted(e, m) & (e.epoch != e.was)


# -- Touch, Write, LogOut ----------------------------------------------------------------------------------


def guest_acts(s: Session, e: Touch | Write, m: Moment) -> bool:
    """A guest session is still fresh."""
    return fresh(s, m)


def user_acts(s: Session, e: Touch | Write, m: Moment) -> bool:
    """A signed-in session is still live."""
    return live(s, m)


def strong_user_acts(s: Session, e: Touch | Write, m: Moment) -> bool:
    """A session with a second factor is still live, and the factor counts."""
    return strong(s, m)


def always(s: Session, e: LogOut, m: Moment) -> bool:
    """Logging out needs nothing: no moment comes before the creation."""
    return m.at >= s.created_at


# -- Tick: in the order in which an end is named -----------------------------------------------------------


def guest_lifetime_out(s: Session, e: Tick, m: Moment) -> bool:
    """A guest session is too old."""
    return past_lifetime(s, m)


def guest_idle_out(s: Session, e: Tick, m: Moment) -> bool:
    """A guest session is young enough but was not used for too long."""
    return within_lifetime(s, m) & past_idle(s, m)


def upstream_out(s: Session, e: Tick, m: Moment) -> bool:
    """The identity provider's bound has come."""
    return current(s, m) & past_upstream(s, m)


def lifetime_out(s: Session, e: Tick, m: Moment) -> bool:
    """A signed-in session is too old."""
    return current(s, m) & within_upstream(s, m) & past_lifetime(s, m)


def idle_out(s: Session, e: Tick, m: Moment) -> bool:
    """A signed-in session was not used for too long."""
    return current(s, m) & within_upstream(s, m) & within_lifetime(s, m) & past_idle(s, m)


def resets(m: Moment) -> bool:
    """The subject's sessions were ended by a password reset or change."""
    return (m.cause == Reason.PASSWORD_RESET) | (m.cause == Reason.PASSWORD_CHANGE)


def revokes(m: Moment) -> bool:
    """The opposite of ``resets``."""
    return (m.cause != Reason.PASSWORD_RESET) & (m.cause != Reason.PASSWORD_CHANGE)


def was_reset(s: Session, e: Tick, m: Moment) -> bool:
    """A password reset or change of the subject ended this session."""
    return superseded(s, m) & resets(m)


def was_revoked(s: Session, e: Tick, m: Moment) -> bool:
    """All sessions of the subject were ended for another cause."""
    return superseded(s, m) & revokes(m)


def mfa_out(s: Session, e: Tick, m: Moment) -> bool:
    """The session is live but its second factor is too old."""
    return live(s, m) & past_mfa(s, m)
