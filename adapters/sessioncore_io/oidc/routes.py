"""The server as one ASGI application: its paths, and the application's own pages where a user is needed."""

from collections.abc import Awaitable, Callable
from typing import Any

from .pending import Pending
from .server import AuthorizationServer
from .web import Call, Reply

# Draw what a value asks for: any ASGI application, such as a response of Starlette's or a Reply.
Show = Callable[[Call, Any], Awaitable[Any]]


class ServerApp:
    """Serve a server's endpoints; mount it below the issuer's path, inside of the session middleware."""

    def __init__(self, server: AuthorizationServer, show: Show) -> None:
        self.server = server
        self.show = show

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request."""
        path = scope["path"].removeprefix(scope.get("root_path", "").rstrip("/"))
        verb = self.server.endpoints.get(path)
        if scope["type"] != "http" or verb is None:
            answer: Any = Reply(status=404, headers=(("content-type", "text/plain"),), body=b"Not found\n")
        else:
            call = await Call.read(scope, receive)
            answer = await verb(call)
            answer = answer if isinstance(answer, Reply) else await self.show(call, answer)
        await answer(scope, receive, send)


__all__ = ["Pending", "ServerApp", "Show"]
