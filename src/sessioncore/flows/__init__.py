"""The logic around a step, as generators that ask for I/O by yielding effects.

``opening`` reads a session for a request, ``committing`` stores what the request did, ``ending`` and
``resetting`` end sessions from outside, ``upstream`` those that hang on an identity provider's; ``looking`` tells one
who waits whether a session is still there.
"""

from ..values import ANY_SUBJECT, AnySubject, Attempt, Summary
from .committing import Chapter, Outcome, commit, touch
from .ending import end, purge, sessions_of, settle_one, sweep
from .looking import Sight, look
from .opening import ABSENT, CURRENT, Opened, Standing, at_rest, glance, open_session
from .resetting import Kept, attempt, end_all, keep_only, reset_password
from .tokens import TOKEN, Token, parse_token, proof_of
from .upstream import end_upstream, still_upstream

__all__ = [
    "ABSENT",
    "ANY_SUBJECT",
    "CURRENT",
    "TOKEN",
    "AnySubject",
    "Attempt",
    "Chapter",
    "Kept",
    "Opened",
    "Outcome",
    "Sight",
    "Standing",
    "Summary",
    "Token",
    "at_rest",
    "attempt",
    "commit",
    "end",
    "end_all",
    "end_upstream",
    "glance",
    "keep_only",
    "look",
    "open_session",
    "parse_token",
    "proof_of",
    "purge",
    "reset_password",
    "sessions_of",
    "settle_one",
    "still_upstream",
    "sweep",
    "touch",
]
