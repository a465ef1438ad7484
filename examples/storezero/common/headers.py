"""Headers that every response carries: what a browser may load, who may frame us, what we tell others."""

from collections.abc import Iterable
from typing import Final

from starlette.datastructures import MutableHeaders

from sessioncore_io.asgi import Application, Message, Receive, Scope, Send

from .sites import PARTS, Sites

_STRICT: Final = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}


def policy_for(part: str, sites: Sites, also: Iterable[str] = ()) -> str:
    """Write the Content-Security-Policy of a part's pages.

    Browsers hold a form to ``form-action`` over all redirects that follow it, and a login leads through every part,
    and from a login service to whatever application is registered (``also``).
    The orders app alone may frame the authorization server, whose login pages refuse to be framed.
    """
    everywhere = " ".join(dict.fromkeys([*(sites.url(other) for other in PARTS if other != part), *also]))
    directives = _STRICT | {"form-action": f"'self' {everywhere}"}
    if part == "orders":
        auth = sites.url("auth")
        directives |= {"connect-src": f"'self' {auth}", "frame-src": auth}
    return "; ".join(f"{name} {value}" for name, value in directives.items())


class SafeHeaders:
    """Add them outside everything else, so that error pages have them too."""

    def __init__(self, app: Application, part: str, sites: Sites, also: Iterable[str] = ()) -> None:
        self.app = app
        self.policy = policy_for(part, sites, also)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add(MutableHeaders(scope=message), scope["path"])
            await send(message)

        await self.app(scope, receive, send_safely)

    def _add(self, headers: MutableHeaders, path: str) -> None:
        # A page that is meant to be framed, or to run one script, says so itself.
        headers.setdefault("content-security-policy", self.policy)
        headers.setdefault("referrer-policy", "same-origin")
        headers["x-content-type-options"] = "nosniff"
        if not path.startswith("/static/"):
            # Pages speak of whoever is signed in: the Back button after a logout must ask us again.
            headers.setdefault("cache-control", "no-store")
