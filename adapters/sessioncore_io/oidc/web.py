"""A request and its answer as plain values: what the endpoints need of the web, without any framework."""

import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from html import escape
from typing import Any, Final
from urllib.parse import parse_qsl

from attrs import field, frozen

from sessioncore import InvalidSetting

from ..asgi import KEY
from ..handle import AsyncHandle

Pairs = tuple[tuple[str, str], ...]

# Whoever asks for more than this is no client of ours.
LARGEST_BODY: Final = 64 * 1024

# A page on which something is decided is nobody's frame, and leaves no trace of its address.
PAGE_HEADERS: Final = (
    ("cache-control", "no-store"),
    ("referrer-policy", "no-referrer"),
    ("content-security-policy", "frame-ancestors 'none'"),
    ("x-frame-options", "DENY"),
)


@frozen
class Params:
    """Hold the parameters of a request in their order; each may be looked up if it came once."""

    pairs: Pairs = field(default=(), repr=False)

    @classmethod
    def read(cls, text: str) -> "Params":
        """Read ``application/x-www-form-urlencoded``; an empty value counts as left out (RFC 6749, section 3.1)."""
        return cls(tuple((name, value) for name, value in parse_qsl(text, keep_blank_values=True) if value))

    def get(self, name: str) -> str:
        """Give the parameter's value, or an empty text."""
        return self.once.get(name, "")

    @property
    def once(self) -> dict[str, str]:
        """Give the parameters by name, each with its first value."""
        return dict(reversed(self.pairs))

    @property
    def repeated(self) -> tuple[str, ...]:
        """Name the parameters that came more than once: no endpoint accepts that (RFC 6749, section 3.1)."""
        times = Counter(name for name, _ in self.pairs)
        return tuple(sorted(name for name, count in times.items() if count > 1))


@frozen(kw_only=True)
class Call:
    """Hold one request to an endpoint: ``query`` and ``form`` as they came, ``session`` as the middleware opened it."""

    method: str
    path: str
    query: Params = Params()
    form: Params = field(default=Params(), repr=False)
    headers: Mapping[str, str] = field(factory=dict, repr=False)
    handle: AsyncHandle | None = None

    @classmethod
    async def read(cls, scope: Mapping[str, Any], receive: Callable[[], Awaitable[Any]]) -> "Call":
        """Read an ASGI request to its end; of Starlette: ``await Call.read(request.scope, request.receive)``.

        A form of more than 64 KiB is cut off, so that it says nothing.
        """
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        is_form = headers.get("content-type", "").partition(";")[0].strip() == "application/x-www-form-urlencoded"
        body = await _body(receive) if scope["method"] == "POST" and is_form else b""
        return cls(
            method=scope["method"],
            path=scope["path"],
            query=Params.read(scope["query_string"].decode("latin-1")),
            form=Params.read(body.decode("utf-8", "replace")),
            headers=headers,
            handle=scope.get(KEY),
        )

    @property
    def session(self) -> AsyncHandle:
        """Give the browser's session. Raises ``InvalidSetting`` without the session middleware around."""
        if not isinstance(self.handle, AsyncHandle):
            raise InvalidSetting("scope['session']", self.handle, "put sessioncore_io.asgi.SessionMiddleware around")
        return self.handle

    @property
    def params(self) -> Params:
        """Give the parameters of an endpoint that takes GET and POST alike."""
        return self.form if self.method == "POST" else self.query

    @property
    def bearer(self) -> str:
        """Give the access token of the Authorization header, or an empty text."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""


async def _body(receive: Callable[[], Awaitable[Any]]) -> bytes:
    body, more = bytearray(), True  # chunks of one byte each are put together in linear time
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > LARGEST_BODY:
            return b""
    return bytes(body)


@frozen(kw_only=True)
class Reply:
    """Hold a response. It is an ASGI application too, so that Starlette and FastAPI routes may return it."""

    status: int = 200
    headers: Pairs = ()
    body: bytes = field(default=b"", repr=False)

    async def __call__(self, _scope: Any, _receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
        """Send it."""
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in self.headers]
        if self.status != 204:  # which has no length to tell (RFC 9110, 8.6)
            headers.append((b"content-length", str(len(self.body)).encode()))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})

    def with_headers(self, *headers: tuple[str, str]) -> "Reply":
        """Give the same response with more headers."""
        return Reply(status=self.status, headers=(*self.headers, *headers), body=self.body)


def html(body: str, *, title: str, status: int = 200, headers: Iterable[tuple[str, str]] = PAGE_HEADERS) -> Reply:
    """Give a small page of our own, for what no application draws."""
    page = (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title></head>{body}</html>'
    )
    return Reply(status=status, headers=(("content-type", "text/html; charset=utf-8"), *headers), body=page.encode())


def refusal(why: str, *, status: int = 400) -> Reply:
    """Give a page for a request that can be answered nowhere else; ``why`` is ours, never the stranger's text."""
    return html(
        f"<body><h1>This request cannot be answered</h1><p>{escape(why)}</p></body>", title="Error", status=status
    )


def not_allowed(*methods: str) -> Reply:
    """Refuse a method."""
    return Reply(status=405, headers=(("allow", ", ".join(methods)), ("cache-control", "no-store")))


def redirect(location: str) -> Reply:
    """Send the browser on, by GET (RFC 9700, section 4.12), and keep our address to ourselves."""
    headers = (("location", location), ("cache-control", "no-store"), ("referrer-policy", "no-referrer"))
    return Reply(status=303, headers=headers)


def new_nonce() -> str:
    """Draw what only this response's script carries."""
    return secrets.token_urlsafe(16)
