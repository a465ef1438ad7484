"""Logins that an application has begun: kept in the browser's session, several at once, a few at most.

What the provider sends back counts only in the browser whose session holds its ``state``: so nobody can be logged in
as somebody else by a link (RFC 9700, section 4.7).
"""

import secrets
from typing import Any, Final

from attrs import asdict, frozen

from sessioncore import InvalidSetting

from ..handle import AsyncHandle
from .keeping import make_room
from .pending import KEY as WAITING

LIFE: Final = 3_600_000  # milliseconds; as long as the server's own pages may take
_KEY: Final = "oidc.login."


@frozen(kw_only=True, repr=False)
class Login:
    """Hold what only this browser's answer may match."""

    state: str
    nonce: str
    verifier: str
    next: str
    max_age: int | None
    renew: bool
    at: int
    issuer: str
    acr: tuple[str, ...] = ()  # one of these is essential; empty: none is
    renews: tuple[str, int] = ("", 0)  # the session that is to go on, and its login
    silent: bool = False  # asked with prompt=none


def begin(
    session: AsyncHandle,
    *,
    next: str,
    max_age: int | None,
    renew: bool,
    at: int,
    issuer: str,
    acr: tuple[str, ...] = (),
    silent: bool = False,
) -> Login:
    """Draw what has to come back, and keep it; the oldest login beyond the cap is forgotten."""
    login = Login(
        state=secrets.token_urlsafe(16),
        nonce=secrets.token_urlsafe(16),
        verifier=secrets.token_urlsafe(48),
        next=own_path(next),
        max_age=max_age,
        renew=renew,
        at=at,
        issuer=issuer,
        acr=acr,
        renews=login_of(session) if renew else ("", 0),
        silent=silent,
    )
    kept = asdict(login, filter=lambda attribute, _: attribute.name != "state")
    session._row_data[_KEY + login.state] = kept
    make_room(session, _KEY, _KEY + login.state, life=LIFE)
    return login


def take(session: AsyncHandle, state: str, at: int, issuer: str) -> Login | None:
    """Give the login that this answer belongs to, once."""
    is_state = state.isprintable() and 0 < len(state) <= 64
    kept: dict[str, Any] | None = session._row_data.get(_KEY + state) if is_state else None
    if kept is None or kept["issuer"] != issuer:
        return None
    del session._row_data[_KEY + state]
    pairs = {name: tuple(value) for name, value in kept.items() if isinstance(value, list)}  # as JSON gives them back
    return Login(**(kept | pairs | {"state": state})) if at - kept["at"] <= LIFE else None


def login_of(session: AsyncHandle) -> tuple[str, int]:
    """Name the login that a session is on; nothing for somebody who is not signed in."""
    row = session.stored if session.subject else None
    return (row.sid, row.authenticated_at) if row is not None else ("", 0)


def carried(session: AsyncHandle) -> dict[str, Any]:
    """Give what other tabs of this browser wait for: it is nobody's data, and outlasts a login as somebody else."""
    waits = (_KEY, WAITING)
    return {key: value for key, value in session._row_data.items() if key.startswith(waits)}


def own_path(path: str) -> str:
    """Give a path of the application's own. Raises ``InvalidSetting`` for what browsers take for another site."""
    own = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and "\\" not in path
    if not own or len(path) > 2_048:
        raise InvalidSetting("next", path, "pass a path of this application, beginning with one /")
    return path
