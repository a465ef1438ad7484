"""When the user proved to the provider who they are: a login that it gave silently can be much younger than that."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sessioncore import LoginRequired, State, StepUpRequired

from ..handle import AsyncHandle

AUTH_TIME: Final = "oidc.auth_time"  # seconds; absent if the provider does not say it

_SECOND: Final = timedelta(seconds=1)
_JUST_NOW: Final = timedelta(minutes=1)  # what a user and two redirects may take


def remember(session: AsyncHandle, claims: Mapping[str, Any]) -> None:
    """Keep the instant of the proof, in place of an older one."""
    session._row_data.pop(AUTH_TIME, None)
    if "auth_time" in claims:
        session._row_data[AUTH_TIME] = claims["auth_time"]


def bounded(
    session: AsyncHandle, claims: Mapping[str, Any], not_after: datetime | None, *, remembered: bool
) -> datetime | None:
    """Count the lifetime of a login here from an older proof: or the provider's lifetime would be added to it."""
    now = datetime.fromtimestamp(session.at / 1_000, UTC)
    proved_at = datetime.fromtimestamp(claims["auth_time"], UTC) if "auth_time" in claims else now
    if now - proved_at < _JUST_NOW:
        return not_after
    policy = session.policy
    lifetime = timedelta(milliseconds=(policy.remembered if remembered else policy.login).lifetime)
    over = max(proved_at + lifetime, now + _SECOND)
    return over if not_after is None else min(over, not_after)


def require(session: AsyncHandle, state: State | None, max_age: timedelta | None) -> None:
    """Insist as the session does, and on the provider's proof being no older. See ``RelyingParty.require``."""
    session.require(state, max_age)
    proved_at = session._row_data.get(AUTH_TIME)
    if max_age is None or proved_at is None:
        return
    age = timedelta(milliseconds=session.at) - timedelta(seconds=proved_at)
    if age > max_age:
        missing = StepUpRequired if state is State.MFA_SATISFIED else LoginRequired
        raise missing(f"the provider's proof is {age // _SECOND} s old and may be {max_age // _SECOND} s: ask it anew")
