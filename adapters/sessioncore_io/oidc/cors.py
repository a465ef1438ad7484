"""Which scripts of other origins may read an answer: those that a client has registered, and for keys everybody's."""

from collections.abc import Collection
from typing import Final

from .web import Call, Pairs, Reply

ANYBODY: Final = (("access-control-allow-origin", "*"),)
# Auth0-Client is what that company's libraries, which others use as well, say of themselves.
_ALLOWED: Final = (
    ("access-control-allow-methods", "GET, POST, OPTIONS"),
    ("access-control-allow-headers", "Authorization, Content-Type, Auth0-Client"),
    ("access-control-max-age", "600"),
)


def for_origins(call: Call, origins: Collection[str]) -> Pairs:
    """Allow the call's origin to read the answer if it is registered. No cookie counts here, so none is allowed."""
    origin = call.headers.get("origin", "")
    named = (("access-control-allow-origin", origin),) if origin in origins else ()
    return (*named, ("vary", "Origin"))


def answered_preflight(cors: Pairs) -> Reply:
    """Answer the question that a browser asks first."""
    allowed = _ALLOWED if len(cors) > 1 else ()
    return Reply(status=204, headers=(*cors, *allowed))
