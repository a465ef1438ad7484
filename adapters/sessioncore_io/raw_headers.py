"""Headers as ASGI carries them: pairs of bytes, in a message that stays the application's own."""

from collections.abc import Iterable, MutableMapping
from typing import Any

from .answers import Headers, varying

RawHeaders = list[tuple[bytes, bytes]]


def decoded(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Read raw headers as text; every byte is a character."""
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]


def encoded(headers: Headers) -> RawHeaders:
    """Write headers as bytes."""
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]


def varying_message(message: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Say in a copy that it depends on the cookie: the application may send the same message to the next browser."""
    answered = {**message}
    headers = answered["headers"] = [*message.get("headers", ())]
    for name, _ in headers:
        if name == b"vary":
            answered["headers"] = encoded(varying(decoded(headers)))
            return answered
    headers.append((b"vary", b"Cookie"))  # as nearly always: there is no need to decode them all
    return answered
