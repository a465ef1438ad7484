"""What a request sees of its session: a mapping of JSON values, and what is known about it."""

import hmac
import json
from collections.abc import Iterator, MutableMapping
from datetime import UTC, datetime
from typing import Any

from sessioncore import NEVER, InvalidSetting, State, StoreUnavailable, Write

from .responding import RespondingVisit
from .row_data import RESERVED, RowData, is_reserved


def _instant(at: int) -> datetime | None:
    return None if at == NEVER else datetime.fromtimestamp(at / 1000, UTC)


class SeenSession(RespondingVisit, MutableMapping[str, Any]):
    """Show a session; looking at any of it counts as use."""

    # -- data ----------------------------------------------------------------------------------------------

    def __getitem__(self, key: str) -> Any:
        if is_reserved(key):
            raise KeyError(key)
        return self._row_data[key]

    def __setitem__(self, key: str, value: Any) -> None:
        if is_reserved(key):
            raise InvalidSetting("session key", key, f"names that begin with {RESERVED!r} are this package's own")
        self._row_data[key] = value

    def __delitem__(self, key: str) -> None:
        if is_reserved(key):
            raise KeyError(key)
        del self._row_data[key]

    def __iter__(self) -> Iterator[str]:
        return (key for key in self._row_data if not is_reserved(key))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __bool__(self) -> bool:
        return len(self) > 0

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        if self._sealed != "all":
            self.accessed = True  # who prints it has looked
        view = self._view
        return f"<session {view.sid} {view.state}>" if view else "<session: none>"

    def clear(self) -> None:
        """Drop the keys that this request sees; one that another request adds meanwhile stays."""
        for key in list(self):
            del self[key]

    # -- what it is ----------------------------------------------------------------------------------------

    @property
    def state(self) -> State | None:
        """Give the state, or None without a session."""
        session = self._look()
        return session.state if session else None

    @property
    def subject(self) -> str | None:
        """Give the account that proved a factor; ask ``signed_in`` whether it proved all it owes."""
        session = self._look()
        return (session.subject or None) if session else None

    @property
    def signed_in(self) -> bool:
        """Tell whether the login proved every factor that it said it needs."""
        session = self._look()
        return session is not None and session.signed_in

    @property
    def sid(self) -> str | None:
        """Give the public selector: safe to log, to list and to put into a token; it opens nothing."""
        session = self._look()
        return session.sid if session else None

    @property
    def label(self) -> str:
        """Give the label written at login, such as the browser's name."""
        session = self._look()
        return session.label if session else ""

    @property
    def remembered(self) -> bool:
        """Tell whether the user asked to be remembered."""
        session = self._look()
        return session is not None and session.remembered

    @property
    def methods(self) -> tuple[str, ...]:
        """Give the methods proved, by their names in RFC 8176 (amr)."""
        session = self._look()
        return session.methods + session.mfa_methods if session else ()

    @property
    def authenticated_at(self) -> datetime | None:
        """Give the instant of the last login or reauthentication (OpenID Connect: auth_time)."""
        session = self._look()
        return _instant(session.authenticated_at) if session else None

    @property
    def mfa_at(self) -> datetime | None:
        """Give the instant at which the second factor was proved."""
        session = self._look()
        return _instant(session.mfa_at) if session else None

    @property
    def idle_at(self) -> datetime | None:
        """Give the instant at which the session ends if it is not used again."""
        session = self._look()
        if session is None:
            return None
        return _instant(session.seen_at + min(session.idle, self._shell.policy.limits_of(session).idle))

    @property
    def expires_at(self) -> datetime | None:
        """Give the instant at which the session ends however much it is used."""
        session = self._look()
        if session is None:
            return None
        lifetime = min(session.lifetime, self._shell.policy.limits_of(session).lifetime)
        return _instant(min(session.since + lifetime, session.not_after))

    @property
    def activities(self) -> list[dict[str, Any]]:
        """Give the recorded activities, the newest last."""
        session = self._look()
        return [json.loads(text) for text in session.activities] if session else []

    # -- forms ---------------------------------------------------------------------------------------------

    @property
    def csrf_token(self) -> str:
        """Give the token to put into forms; it changes when the session's secret does.

        It is an HMAC under that secret, so it needs a session: an anonymous visitor gets a guest's.
        """
        if self._look() is None and not self._current_secret:
            self._write(Write(keep=self._shell.policy.max_activities))
        return hmac.digest(self._current_secret.encode(), b"sessioncore csrf", "sha256").hex()

    def csrf_matches(self, presented: object) -> bool:
        """Tell whether a form brought this session's token, in constant time."""
        try:
            self._look()
        except StoreUnavailable:
            return False
        if not self._current_secret or not isinstance(presented, str) or not presented.isascii():
            return False
        return hmac.compare_digest(presented, self.csrf_token)

    # -- for the adapters ----------------------------------------------------------------------------------

    @property
    def _row_data(self) -> RowData:
        return RowData(self)
