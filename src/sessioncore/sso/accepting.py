"""What an application makes of a verified ID token: ordered rows, the first that matches wins.

Signature, audience, nonce and expiry are checked by the library that read the token. What is left: whether the
provider did what it was asked, and what the token means for the session at hand.
"""

from collections.abc import Callable
from typing import Final

from attrs import frozen

from ..guards import live
from ..records import NEVER, Moment, Session, State
from .naming import subject_of
from .token import UNSAID, Acceptance, Claims, Expected, Verdict


@frozen(kw_only=True)
class Arrival:
    """Hold what the conditions look at; ``subject`` is the token's, as the application names it."""

    session: Session | None
    claims: Claims
    expected: Expected
    moment: Moment
    subject: str


def subject_missing(a: Arrival) -> bool:
    """The token names no subject."""
    return not a.claims.sub


def other_issuer(a: Arrival) -> bool:
    """The token is of another issuer than the one that was asked."""
    return a.claims.issuer != a.expected.issuer


def auth_time_missing(a: Arrival) -> bool:
    """A max_age was asked for, and the token does not say when the login was."""
    return a.expected.max_age != NEVER and a.claims.auth_time == UNSAID


def auth_time_ahead(a: Arrival) -> bool:
    """The login is said to come later than now."""
    return a.claims.auth_time * 1_000 > a.moment.at + a.expected.leeway


def login_too_old(a: Arrival) -> bool:
    """The login is older than the max_age that was asked for: the provider did not do it again."""
    # Cut to whole seconds on the wire, the login was within the second that follows: the strict comparison is with its
    # end, else a login that the provider rightly found fresh would be refused here.
    latest = a.claims.auth_time * 1_000 + 999
    return a.expected.max_age != NEVER and a.moment.at - latest > a.expected.max_age + a.expected.leeway


def acr_unmet(a: Arrival) -> bool:
    """An essential acr was asked for, and the token has none of those."""
    return a.expected.acr_essential and a.claims.acr not in a.expected.acr_values


def nothing_to_renew(a: Arrival) -> bool:
    """The session that was to go on has ended meanwhile: what ended does not come back."""
    return a.expected.renewal and not _signed_in(a)


def other_subject(a: Arrival) -> bool:
    """The session that was to go on is another subject's: it ends, and never changes hands."""
    return a.expected.renewal and a.session is not None and a.session.subject != a.subject


def other_session(a: Arrival) -> bool:
    """The session that was to go on hangs on another login than the token's, whose end would not reach it."""
    s, c = a.session, a.claims
    if not a.expected.renewal or s is None or not any(s.upstream):
        return False
    issuer, sid = s.upstream
    return issuer != c.issuer or (bool(c.sid) and sid != c.sid)


def renewal(a: Arrival) -> bool:
    """The session goes on."""
    return a.expected.renewal


def login(a: Arrival) -> bool:
    """Somebody logs in."""
    return True


def _signed_in(a: Arrival) -> bool:
    s = a.session
    return s is not None and s.state in (State.AUTHENTICATED, State.MFA_SATISFIED) and live(s, a.moment)


@frozen
class Accepting:
    """Hold one row: if the condition holds, this verdict, and whether the session at hand ends."""

    condition: Callable[[Arrival], bool]
    verdict: Verdict
    clause: str
    ends: bool = False


# fmt: off
ACCEPTING: Final[tuple[Accepting, ...]] = (
    #         if                 verdict                    clause
    Accepting(subject_missing,   Verdict.SUBJECT_MISSING,   "Core 1.0, 2"),
    Accepting(other_issuer,      Verdict.OTHER_ISSUER,      "Core 1.0, 3.1.3.7"),
    Accepting(auth_time_missing, Verdict.AUTH_TIME_MISSING, "Core 1.0, 2"),
    Accepting(auth_time_ahead,   Verdict.AUTH_TIME_AHEAD,   "Core 1.0, 3.1.3.7"),
    Accepting(login_too_old,     Verdict.LOGIN_TOO_OLD,     "Core 1.0, 3.1.3.7"),
    Accepting(acr_unmet,         Verdict.ACR_UNMET,         "Core 1.0, 3.1.3.7"),
    Accepting(nothing_to_renew,  Verdict.NOTHING_TO_RENEW,  "Core 1.0, 3.1.2.2"),
    Accepting(other_subject,     Verdict.OTHER_SUBJECT,     "Core 1.0, 12.2", ends=True),
    Accepting(other_session,     Verdict.OTHER_SESSION,     "Back-Channel Logout 1.0, 2.1"),
    Accepting(renewal,           Verdict.RENEW,             "Core 1.0, 3.1.3.7"),
    Accepting(login,             Verdict.SIGN_IN,           "Core 1.0, 3.1.3.7"),
)
# fmt: on


def accept(session: Session | None, claims: Claims, expected: Expected, moment: Moment) -> Acceptance:
    """Judge a verified ID token for the application's session: total, and changing nothing.

    ``session`` is the one that the browser holds, or None. A renewal leaves its ``authenticated_at`` as it is.
    Source: OpenID Connect Core 1.0, 3.1.3.7 and 12.2.
    """
    subject = expected.subject or (subject_of(claims.issuer, claims.sub) if claims.issuer and claims.sub else "")
    arrival = Arrival(session=session, claims=claims, expected=expected, moment=moment, subject=subject)
    row = next(row for row in ACCEPTING if row.condition(arrival))
    if row.verdict not in (Verdict.SIGN_IN, Verdict.RENEW):
        return Acceptance(verdict=row.verdict, ends=row.ends, why=(row.condition.__doc__ or "").strip())
    return Acceptance(verdict=row.verdict, subject=subject, upstream=(claims.issuer, claims.sid))
