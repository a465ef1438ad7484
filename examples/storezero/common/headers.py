"""Headers that every response carries: what a browser may load, who may frame us, what we tell others."""

from typing import Final

from starlette.datastructures import MutableHeaders

from sessioncore_io.asgi import Application, Message, Receive, Scope, Send

POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)


class SafeHeaders:
    """Add them outside everything else, so that error pages have them too."""

    def __init__(self, app: Application) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add(MutableHeaders(scope=message), scope["path"])
            await send(message)

        await self.app(scope, receive, send_safely)


def _add(headers: MutableHeaders, path: str) -> None:
    headers["content-security-policy"] = POLICY
    headers["referrer-policy"] = "same-origin"
    headers["x-content-type-options"] = "nosniff"
    if not path.startswith("/static/"):
        # Pages speak of whoever is signed in: the Back button after a logout must ask us again.
        headers["cache-control"] = "no-store"
