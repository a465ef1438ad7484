"""One request and its answer, as they pass: what the recorder reads of them on the way."""

import json
import re
from contextvars import ContextVar
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from attrs import define, field
from starlette.datastructures import Headers

from sessioncore import Notice
from sessioncore_io.asgi import Message, Receive, Scope, Send

from .hops import Hop

MOST_BODY: Final = 16_384  # bytes
CALLER: Final = b"x-storezero-caller"

_TITLE: Final = re.compile(r"<title>([^<]*)</title>")
_HANDED_OVER: Final = re.compile(r'"(code|access_token)":\s*"([^"]+)"')

# Who is being served in this task: the journal hangs what happens to sessions on it, and our own client its calls.
CURRENT: ContextVar["Exchange | None"] = ContextVar("exchange", default=None)


@define(eq=False)
class Exchange:
    """Hold what passed; ``part`` is who was asked."""

    part: str
    scope: Scope
    status: int = 0
    answered: Headers = field(factory=Headers)
    body: bytearray = field(factory=bytearray)
    answer: bytearray = field(factory=bytearray)
    notices: list[Notice] = field(factory=list)
    inner: list[Hop] = field(factory=list)
    closed: bool = False

    def receiving(self, receive: Receive) -> Receive:
        """Read along."""

        async def received() -> Message:
            message = await receive()
            if message["type"] == "http.request":
                _keep(self.body, message)
            return message

        return received

    def sending(self, send: Send) -> Send:
        """Read along the other way."""

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.status = message["status"]
                self.answered = Headers(raw=list(message.get("headers", ())))
            elif message["type"] == "http.response.body":
                _keep(self.answer, message)
            await send(message)

        return sent

    @property
    def asked(self) -> Headers:
        """Give the request's headers."""
        return Headers(scope=self.scope)

    @property
    def method(self) -> str:
        """Give the request's method."""
        return str(self.scope["method"])

    @property
    def path(self) -> str:
        """Give the request's path."""
        return str(self.scope["path"])

    @property
    def parameters(self) -> dict[str, str]:
        """Give what the request says, in its address or its form; what people type into our own forms is theirs."""
        is_form = self.asked.get("content-type", "").startswith("application/x-www-form-urlencoded")
        form = dict(parse_qsl(bytes(self.body).decode(errors="replace"))) if is_form else {}
        return dict(parse_qsl(self.scope["query_string"].decode())) | ({} if "csrf" in form else form)

    @property
    def location(self) -> str:
        """Give where the answer sends the browser; empty if nowhere."""
        return str(self.answered.get("location", ""))

    @property
    def fragment(self) -> dict[str, str]:
        """Give what a redirect says behind the ``#``: the browser keeps it, no request brings it along."""
        return dict(parse_qsl(urlsplit(self.location).fragment))

    @property
    def answers(self) -> dict[str, str]:
        """Give what the answer says: the parameters of a redirect, in the query or the fragment, or those of JSON."""
        where = urlsplit(self.location)
        said = dict([*parse_qsl(where.query), *parse_qsl(where.fragment)])
        if self.answered.get("content-type", "").startswith("application/json"):
            said |= _strings(bytes(self.answer))
        return said

    @property
    def bearer(self) -> str:
        """Give the access token that the request brings; empty if it brings none."""
        scheme, _, token = self.asked.get("authorization", "").partition(" ")
        return token if scheme.lower() == "bearer" else ""

    @property
    def title(self) -> str:
        """Give the title of the page that was sent; empty if it was none."""
        found = _TITLE.search(bytes(self.answer).decode(errors="replace"))
        return found[1] if found else ""

    @property
    def handed_over(self) -> list[tuple[str, str]]:
        """Give what a page hands over by a message: a code, or a token."""
        return _HANDED_OVER.findall(bytes(self.answer).decode(errors="replace"))


def _keep(kept: bytearray, message: Message) -> None:
    kept.extend(message.get("body", b"")[: MOST_BODY - len(kept)])


def _strings(text: bytes) -> dict[str, str]:
    try:
        said: Any = json.loads(text)
    except ValueError:
        return {}
    return {name: str(value) for name, value in said.items()} if isinstance(said, dict) else {}
