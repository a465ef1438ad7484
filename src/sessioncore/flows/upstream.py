"""End what hangs on an identity provider's session, also what has not been written yet.

A logout can arrive before the login that it is about is stored. So it is remembered first, then the sessions are
ended; a login is stored first, then looks whether it was ended meanwhile. One of the two sees the other.

- **Of a session** ``(issuer, sid)`` the memory is a tombstone: a row that was ended before anybody lived in it, under a
  selector that only this pair gives. ``purge`` forgets it with the others.
- **Of the message itself** it is a tombstone too, written when all is done: a replay ends nobody who came later.
- **Of a subject** it is an epoch under a name of its own: the instant of the newest such logout by the provider's
  clock, which stamped the ID token as well. So a login is told apart from one that came after a password reset.

A message that names the subject alone may be late, and the user have come back since. How late, the provider says, by
one clock; who signed in since then, we know by ours: so no two of them have to agree.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from ..effects import Flow, Load, Now, OfSubject, OfUpstream, ReadEpoch, Supersede
from ..errors import InvalidSetting
from ..policy import Policy
from ..records import NEVER, Reason, Session
from ..values import ANY_SUBJECT
from .ending import CLOCKS_DISAGREE, bury, end
from .tokens import SID_LENGTH

# Milliseconds from the issue of an ID token to the session that it begins, at most.
TAKEN_FOR: Final = 600_000


def end_upstream(
    issuer: str, sid: str, subject: str, issued_at: int, policy: Policy, jti: str = "", happened_at: int = NEVER
) -> Flow[int]:
    """End the sessions that hang on this session of the provider, or without ``sid`` on any of the subject.

    ``subject`` is as the sessions name it; with both, only sessions of both end. ``issued_at`` is when the provider
    said so, ``happened_at`` when it was so, if that was earlier. ``jti`` names the message: one that was obeyed before
    ends nothing. Returns how many ended. Raises ``InvalidSetting`` if neither is named, and ``Contention``.
    """
    if not issuer or not (sid or subject):
        raise InvalidSetting("sid", sid, "name the issuer, and its session or the subject, of a verified logout token")
    if jti and (yield from _is_remembered(_selector("message", issuer, jti))):
        return 0
    if sid:
        yield from bury(_selector("session", issuer, sid), Reason.IDP, policy)
        rows = yield from OfUpstream(issuer, sid).ask()
    else:
        late = max(0, issued_at - happened_at)
        yield from Supersede(_name("subject", issuer, subject), issued_at - late, Reason.IDP).ask()
        rows = yield from _signed_in_before(late, (yield from OfSubject(subject, live=True).ask()))
    ended = 0
    for row in rows:
        if row.live and row.upstream[0] == issuer and subject in ("", row.subject):
            ended += yield from end(row.sid, Reason.IDP, ANY_SUBJECT, policy)
    if jti:  # last: a message that was remembered before it was obeyed would be lost by the first failure
        yield from bury(_selector("message", issuer, jti), Reason.IDP, policy)
    return ended


def _signed_in_before(late: int, rows: Sequence[Session]) -> Flow[Sequence[Session]]:
    """Leave out who signed in since it happened, and not by a token from before."""
    if not late:
        return rows
    at = yield from Now().ask()
    return [row for row in rows if row.authenticated_at <= at - late + TAKEN_FOR + CLOCKS_DISAGREE]


def still_upstream(sid: str, issued_at: int, policy: Policy) -> Flow[bool]:
    """Look, once a login is stored, whether the provider ended it meanwhile; then it ends, and this is False.

    ``issued_at`` is when the provider issued the ID token of that login.
    """
    row, _ = yield from Load(sid).ask()
    if row is None or not row.live:
        return False
    if not (yield from was_ended(row, issued_at)):
        return True
    yield from end(sid, Reason.IDP, ANY_SUBJECT, policy)
    return False


def was_ended(row: Session, issued_at: int) -> Flow[bool]:
    """Tell whether the provider ended this session, or since then all of its subject."""
    issuer, sid = row.upstream
    if not issuer:
        return False
    if sid and (yield from _is_remembered(_selector("session", issuer, sid))):
        return True
    newest = yield from ReadEpoch(_name("subject", issuer, row.subject)).ask()
    return newest is not None and issued_at <= newest.value  # in one second: nobody can say which came first


def _is_remembered(selector: str) -> Flow[bool]:
    tombstone, _ = yield from Load(selector).ask()
    return tombstone is not None


def _selector(kind: str, issuer: str, name: str) -> str:
    """Give a selector that nobody draws: no token has a secret that is proved by hashing the selector itself."""
    return _name(kind, issuer, name)[-SID_LENGTH:]


def _name(kind: str, issuer: str, rest: str) -> str:
    text = f"{kind} {len(issuer)} {issuer}{rest}"
    return f"upstream:{sha256(text.encode(errors='surrogatepass')).hexdigest()}"
