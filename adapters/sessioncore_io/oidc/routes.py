"""The server as one ASGI application: its paths, and the application's own pages where a user is needed."""

from collections.abc import Awaitable, Callable
from typing import Any

from .server import AuthorizationServer
from .web import PAGE_HEADERS, Call, Reply

# Draw what a value asks for: any ASGI application, such as a response of Starlette's or a Reply.
Show = Callable[[Call, Any], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


class ServerApp:
    """Serve a server's endpoints; mount it below the issuer's path, inside of the session middleware."""

    def __init__(self, server: AuthorizationServer, show: Show) -> None:
        self.server = server
        self.show = show

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request; there are no websockets here."""
        if scope["type"] != "http":
            return
        path = scope["path"].removeprefix(scope.get("root_path", "").rstrip("/"))
        verb = self.server.endpoints.get(path)
        if verb is None:
            answer: Any = Reply(status=404, headers=(("content-type", "text/plain"),), body=b"Not found\n")
        else:
            call = await Call.read(scope, receive)
            answer = await verb(call)
            if not isinstance(answer, Reply):
                answer, send = await self.show(call, answer), _unframed(send)
        await answer(scope, receive, send)


def _unframed(send: Send) -> Send:
    """Let no other page frame one on which something is decided, whatever the application has thought of."""

    async def sending(message: Any) -> None:
        if message["type"] == "http.response.start":
            given = {name.lower() for name, _ in message.get("headers", ())}
            more = [(n.encode(), v.encode()) for n, v in PAGE_HEADERS if n.encode() not in given]
            message = {**message, "headers": [*message.get("headers", ()), *more]}
        await send(message)

    return sending
