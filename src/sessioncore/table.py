"""The one table: every way in which a session can change, one row an arrow.

A login session is not a bag of data to save. It is a machine with six states, and each bug that brings a
logged-out session back, lets a reset leave a thief signed in, or keeps an id alive across a login, is an arrow
that nobody drew. So all arrows are drawn here, and nowhere else: what is not on this page does not happen.

How to read it. A row fires when its event meets a session in its ``source`` state and its guard holds; then the
act says what the row writes, and the machine adds the state and the version. No two rows of one event and one
source are ever enabled together, so their order means nothing. When no row is enabled the machine lets the
clock speak (the ``Tick`` rows, until none is due) and tries once more; when there is still none, the event
is ``Refused`` by name. There are no wildcards and no lists of sources: what a row does not say it does not do.

Three things carry the weight:

- **Ends absorb.** ``EXPIRED``, ``LOGGED_OUT`` and ``RESET`` are the source of no row. A request that loaded the
  session before it ended finds nothing to fire, however late it comes.
- **The clock is data.** Every guard compares the moment with the session's own limits and with today's policy.
  A session is dead when now >= deadline, whether or not anybody has written that down yet; ``Tick`` writes it.
- **A login is stamped.** Every subject has one number, the epoch. A session carries the epoch read before its
  credential was checked, and it is live only while the two are equal. A password reset changes that one
  number, and every session of the subject, on every worker, is dead at its next use.

The guards stand in ``guards`` and the acts in ``acts``; ``machine`` runs this table, ``diagram`` draws it.
"""

from collections.abc import Callable
from typing import Any, Final

from attrs import frozen

from . import acts, guards
from .events import LogIn, LogOut, Reauthenticate, Restamp, SatisfyMfa, Tick, Touch, Write
from .records import State

Guard = Callable[[Any, Any, Any], bool]
Act = Callable[[Any, Any, Any], Any]


@frozen
class Row:
    """Draw one arrow: on this event, from this state, if the guard holds, to that state, doing this."""

    on: type
    source: Any
    guard: Guard
    to: Any
    act: Act


CREATED, AUTHENTICATED, MFA_SATISFIED = State.CREATED, State.AUTHENTICATED, State.MFA_SATISFIED
EXPIRED, LOGGED_OUT, RESET = State.EXPIRED, State.LOGGED_OUT, State.RESET

# The arrow out of nowhere: a session begins as a guest's.
INITIAL: Final = CREATED

# fmt: off
TABLE: Final[tuple[Row, ...]] = (
    #   on              from           if                                 to             does
    Row(LogIn,          CREATED,       guards.may_begin,                  AUTHENTICATED, acts.sign_in),
    Row(LogIn,          CREATED,       guards.may_begin_strongly,         MFA_SATISFIED, acts.sign_in_strongly),
    Row(LogIn,          AUTHENTICATED, guards.may_repeat,                 AUTHENTICATED, acts.sign_in),
    Row(LogIn,          AUTHENTICATED, guards.may_repeat_strongly,        MFA_SATISFIED, acts.sign_in_strongly),
    Row(LogIn,          MFA_SATISFIED, guards.strong_may_repeat,          AUTHENTICATED, acts.sign_in),
    Row(LogIn,          MFA_SATISFIED, guards.strong_may_repeat_strongly, MFA_SATISFIED, acts.sign_in_strongly),

    Row(SatisfyMfa,     AUTHENTICATED, guards.second_factor,              MFA_SATISFIED, acts.step_up),
    Row(SatisfyMfa,     MFA_SATISFIED, guards.strong_second_factor,       MFA_SATISFIED, acts.step_up),

    Row(Reauthenticate, AUTHENTICATED, guards.proved_again,               AUTHENTICATED, acts.prove_again),
    Row(Reauthenticate, MFA_SATISFIED, guards.strong_proved_again,        MFA_SATISFIED, acts.prove_again),

    Row(Restamp,        AUTHENTICATED, guards.may_stay,                   AUTHENTICATED, acts.restamp),
    Row(Restamp,        MFA_SATISFIED, guards.strong_may_stay,            MFA_SATISFIED, acts.restamp),

    Row(Touch,          CREATED,       guards.guest_acts,                 CREATED,       acts.touch),
    Row(Touch,          AUTHENTICATED, guards.user_acts,                  AUTHENTICATED, acts.touch),
    Row(Touch,          MFA_SATISFIED, guards.strong_user_acts,           MFA_SATISFIED, acts.touch),

    Row(Write,          CREATED,       guards.guest_acts,                 CREATED,       acts.write),
    Row(Write,          AUTHENTICATED, guards.user_acts,                  AUTHENTICATED, acts.write),
    Row(Write,          MFA_SATISFIED, guards.strong_user_acts,           MFA_SATISFIED, acts.write),

    Row(LogOut,         CREATED,       guards.always,                     LOGGED_OUT,    acts.log_out),
    Row(LogOut,         AUTHENTICATED, guards.always,                     LOGGED_OUT,    acts.log_out),
    Row(LogOut,         MFA_SATISFIED, guards.always,                     LOGGED_OUT,    acts.log_out),

    Row(Tick,           CREATED,       guards.guest_lifetime_out,         EXPIRED,       acts.end_by_lifetime),
    Row(Tick,           CREATED,       guards.guest_idle_out,             EXPIRED,       acts.end_by_idle),
    Row(Tick,           AUTHENTICATED, guards.upstream_out,               EXPIRED,       acts.end_by_upstream),
    Row(Tick,           AUTHENTICATED, guards.lifetime_out,               EXPIRED,       acts.end_by_lifetime),
    Row(Tick,           AUTHENTICATED, guards.idle_out,                   EXPIRED,       acts.end_by_idle),
    Row(Tick,           AUTHENTICATED, guards.was_reset,                  RESET,         acts.end_by_epoch),
    Row(Tick,           AUTHENTICATED, guards.was_revoked,                LOGGED_OUT,    acts.end_by_epoch),
    Row(Tick,           MFA_SATISFIED, guards.upstream_out,               EXPIRED,       acts.end_by_upstream),
    Row(Tick,           MFA_SATISFIED, guards.lifetime_out,               EXPIRED,       acts.end_by_lifetime),
    Row(Tick,           MFA_SATISFIED, guards.idle_out,                   EXPIRED,       acts.end_by_idle),
    Row(Tick,           MFA_SATISFIED, guards.was_reset,                  RESET,         acts.end_by_epoch),
    Row(Tick,           MFA_SATISFIED, guards.was_revoked,                LOGGED_OUT,    acts.end_by_epoch),
    Row(Tick,           MFA_SATISFIED, guards.mfa_out,                    AUTHENTICATED, acts.forget_mfa),
)
# fmt: on
