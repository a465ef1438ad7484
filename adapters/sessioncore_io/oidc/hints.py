"""The ID token that a client sends back: whom, and which session, it means."""

from collections.abc import Mapping
from typing import Any, Final

from sessioncore.sso import INVALID_HINT, NO_HINT, Hint

from .protocol import Protocol

ID_TOKEN: Final = "JWT"  # the type that joserfc writes; access and logout tokens have others


def hint_of(protocol: Protocol, token: str) -> Hint:
    """Verify an ``id_token_hint``; one that has expired still says whom the client means (Core 1.0, 3.1.2.1)."""
    if not token:
        return NO_HINT
    claims = hint_claims(protocol, token)
    sub, iss = claims.get("sub"), claims.get("iss")
    return Hint.valid(sub, iss) if isinstance(sub, str) and isinstance(iss, str) else INVALID_HINT


def hint_claims(protocol: Protocol, token: str) -> Mapping[str, Any]:
    """Give the claims of an ID token of ours; none of any other token, one that was signed for another use included."""
    return protocol.keys.verified(token, typ=ID_TOKEN) or {}
