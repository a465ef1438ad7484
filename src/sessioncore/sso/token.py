"""What an ID token says to an application, what the application had asked for, and what comes of it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from attrs import frozen

from ..records import NEVER

UNSAID: Final = -1
CLOCKS_DISAGREE: Final = 5_000  # milliseconds


@frozen(kw_only=True)
class Claims:
    """Hold what a verified ID token says. ``auth_time`` is in seconds, ``UNSAID`` if the token does not say."""

    issuer: str
    sub: str
    auth_time: int = UNSAID
    acr: str = ""
    sid: str = ""

    @classmethod
    def read(cls, token: Mapping[str, Any]) -> "Claims":
        """Read the claims of a verified token; one of a wrong type counts as not said."""
        return cls(
            issuer=_text(token.get("iss")),
            sub=_text(token.get("sub")),
            auth_time=_seconds(token.get("auth_time")),
            acr=_text(token.get("acr")),
            sid=_text(token.get("sid")),
        )


def _seconds(value: object) -> int:
    """Take a JSON number; a provider may send one with a fraction."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < NEVER:
        return UNSAID
    return int(value)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


@frozen(kw_only=True)
class Expected:
    """Hold what the application asked for.

    ``max_age`` is in milliseconds, NEVER if none was asked. Ask for the application's own lifetime: a session on an
    older login would be over as it begins. ``renewal`` says that a session is to go on, not to begin. ``subject`` is
    how the application names the token's subject; if empty, ``subject_of`` does. ``leeway`` is how far two clocks may
    disagree, in milliseconds.
    """

    issuer: str
    max_age: int = NEVER
    acr_values: tuple[str, ...] = ()
    acr_essential: bool = False
    renewal: bool = False
    subject: str = ""
    leeway: int = CLOCKS_DISAGREE


class Verdict(StrEnum):
    """Name what the application does with a token; only the first two are acceptances.

    The others are ends of the story, not reasons to ask the provider again: it would answer the same.
    """

    SIGN_IN = "sign_in"
    RENEW = "renew"
    SUBJECT_MISSING = "subject_missing"
    OTHER_ISSUER = "other_issuer"
    AUTH_TIME_MISSING = "auth_time_missing"
    AUTH_TIME_AHEAD = "auth_time_ahead"
    LOGIN_TOO_OLD = "login_too_old"
    ACR_UNMET = "acr_unmet"
    NOTHING_TO_RENEW = "nothing_to_renew"
    OTHER_SUBJECT = "other_subject"
    OTHER_SESSION = "other_session"


@frozen(kw_only=True)
class Acceptance:
    """Say what comes of a token.

    ``subject`` and ``upstream`` are what ``log_in`` records of an accepted one. ``ends`` says that the application's
    session has to end, with ``Reason.IDP``. ``why`` says in words what was the matter.
    """

    verdict: Verdict
    subject: str = ""
    upstream: tuple[str, str] = ("", "")
    ends: bool = False
    why: str = ""

    @property
    def accepted(self) -> bool:
        """Tell whether somebody is signed in by it, or stays so."""
        return self.verdict in (Verdict.SIGN_IN, Verdict.RENEW)
