"""What was granted to a client: kept in the session's own row, so that it ends with the session.

A code is a key to such an entry, sealed: it holds the session's selector and a random word. Nothing of it opens the
session; the row has to be alive, and the entry in it, when the code comes back.
"""

import json
import secrets
from hashlib import sha256
from typing import Any, Final

from attrs import asdict, frozen

from sessioncore import Epoch, Session, State, moment_for, settle

from ..handle import AsyncHandle
from ..shell import AsyncSessions
from .keeping import make_room
from .keys import Keys
from .settings import settled

CODE_LIFE: Final = 60_000  # milliseconds; RFC 6749, section 4.1.2 allows ten minutes
_CODE: Final = "oidc.code."
_CLIENT: Final = "oidc.client."


@frozen(kw_only=True)
class Granted:
    """Hold what one code stands for; instants are in milliseconds, ``auth_time`` in seconds.

    Authlib asks the methods: it calls this an authorization code.
    """

    client_id: str
    redirect_uri: str
    scope: str
    subject: str
    auth_time: int
    at: int
    acr: str = ""
    amr: tuple[str, ...] = ()
    nonce: str = ""
    code_challenge: str = ""
    code_challenge_method: str = "S256"
    silent: bool = False  # asked with prompt=none

    @property
    def until(self) -> int:
        """Say when the code is good no longer."""
        return self.at + CODE_LIFE

    def get_redirect_uri(self) -> str:
        """Give the address that the code was sent to."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """Give what was granted."""
        return self.scope

    def get_nonce(self) -> str:
        """Give the client's nonce."""
        return self.nonce

    def get_auth_time(self) -> int:
        """Give the session's own instant of login, never the time of issue."""
        return self.auth_time

    def get_acr(self) -> str:
        """Give the class that the session met."""
        return self.acr

    def get_amr(self) -> list[str]:
        """Give the methods that were proved."""
        return list(self.amr)


@frozen
class Found:
    """Hold a code that is good: the session's row, the entry, and the name under which its use is remembered."""

    row: Session
    granted: Granted
    name: str


def keep_code(handle: AsyncHandle, granted: Granted, keys: Keys) -> tuple[str, str]:
    """Write the entry into the session, drop those that nobody will redeem, and give (code, the entry's key)."""
    word = secrets.token_urlsafe(32)
    key = _key_of(word)
    handle._row_data[key] = asdict(granted)
    make_room(handle, _CODE, key, life=CODE_LIFE - 1)
    return keys.seal(f"{handle.sid} {word}"), key


def keep_client(handle: AsyncHandle, client_id: str, at: int) -> str:
    """Remember in the session that this client hangs on it; give the entry's key.

    It is written anew with each grant: the swap that stores it proves that the session is alive.
    """
    key = f"{_CLIENT}{client_id}"
    handle._row_data[key] = {"at": at, "word": secrets.token_urlsafe(6)}
    return key


def clients_of(row: Session) -> tuple[str, ...]:
    """Name the clients that hang on a session."""
    return tuple(key.removeprefix(_CLIENT) for key, _ in row.data if key.startswith(_CLIENT))


async def find_code(code: str, keys: Keys, sessions: AsyncSessions) -> Found | None:
    """Find what a code stands for, in a session that is alive now."""
    sid, _, word = (keys.unseal(code) or "").partition(" ")
    row = await signed_in_row(sid, sessions) if sid and word else None
    entry = _entry(row, _key_of(word)) if row else None
    if row is None or entry is None:
        return None
    granted = Granted(**{**entry, "amr": tuple(entry["amr"])})
    alive = granted.until > sessions.clock() and granted.subject == row.subject
    return Found(row, granted, f"oidc {_key_of(word)}") if alive else None


async def redeem(found: Found, sessions: AsyncSessions) -> bool:
    """Use a code up; False if it was used before."""
    return await settled(sessions.store.mark(found.name, found.granted.until + CODE_LIFE))


async def signed_in_row(sid: str, sessions: AsyncSessions) -> Session | None:
    """Load a session by its selector, as the clock and the subject's epoch leave it, if somebody is signed in."""
    row, epoch = await settled(sessions.store.load(sid))
    return alive(row, epoch, sessions) if row else None


def alive(row: Session, epoch: Epoch | None, sessions: AsyncSessions) -> Session | None:
    """Settle a row without writing; None unless somebody is signed in."""
    now = settle(row, moment_for(row, epoch, sessions.clock(), sessions.policy))
    return now if now.state in (State.AUTHENTICATED, State.MFA_SATISFIED) else None


def _key_of(word: str) -> str:
    """Name an entry by the hash of its word: a dump of the store redeems nothing."""
    return _CODE + sha256(word.encode()).hexdigest()[:32]


def _entry(row: Session, key: str) -> dict[str, Any] | None:
    text = dict(row.data).get(key)
    return json.loads(text) if text else None
