"""Put a cookie into a test client's jar, exactly as it would come by a response of the application.

If a jar kept it under another domain or path, the application's next Set-Cookie would not take its place. Then
the client would send two cookies of one name, which count as none.
"""

from collections.abc import Callable
from email.message import Message
from functools import partial
from http.cookiejar import CookieJar
from http.cookies import BaseCookie
from typing import Any, Final, cast
from urllib.request import Request

from sessioncore import InvalidSetting

from .wrapping import middleware_of

Receive = Callable[[str, str], None]

_JARS: Final = ("cookiejar", "cookie_jar", "cookies")  # WebTest; Quart; httpx, and Starlette's and Litestar's with it

_BASE: Final = "give it base_url='https://...': its jar keeps a cookie for one host"
_HTTPS: Final = (
    "the application's cookie is Secure, so use https: base_url='https://testserver', or for WebTest "
    "extra_environ={'wsgi.url_scheme': 'https'}"
)
_DJANGO: Final = (
    "it calls the views past the SessionMiddleware: give it a handler that does not (session_client in "
    "docs/embedding.md), or use httpx.Client(transport=httpx.WSGITransport(app=application), base_url='https://...')"
)


def receiver_of(client: Any, cookie: Any) -> Receive:
    """Find what takes a cookie's value and its Set-Cookie header for this client. Raises ``InvalidSetting``."""
    jar = _jar_of(client)
    if jar is not None:
        return partial(_receive, jar, _url_of(client, cookie), cookie)
    if isinstance(getattr(client, "cookies", None), BaseCookie):
        return partial(_load, _djangos(client), cookie)
    if not hasattr(client, "set_cookie"):
        raise InvalidSetting("client", _kind(client), "pass a test client that keeps cookies, such as httpx.Client")
    return partial(_set, client, cookie)


def _kind(client: Any) -> str:
    return f"{type(client).__module__}.{type(client).__qualname__}"


def _jar_of(client: Any) -> CookieJar | None:
    for name in _JARS:
        jar = getattr(client, name, None)
        jar = getattr(jar, "jar", jar)
        if isinstance(jar, CookieJar):
            return jar
    return None


# -- a jar of the standard library ------------------------------------------------------------------------------


class _Answer:
    """Be a response, as far as a jar looks at one."""

    def __init__(self, header: str) -> None:
        self._headers = Message()
        self._headers["Set-Cookie"] = header

    def info(self) -> Message:
        return self._headers


def _receive(jar: CookieJar, url: str, cookie: Any, value: str, header: str) -> None:
    jar.extract_cookies(cast(Any, _Answer(header)), Request(url))
    crumbs = [crumb for crumb in jar if crumb.name == cookie.name]
    new = next((crumb for crumb in crumbs if crumb.value == value), None)
    if new is None:
        raise InvalidSetting("client", url, f"its jar takes no cookie for {cookie.domain or 'this host'}")
    for crumb in crumbs:  # what a test put there by hand has no domain, and goes to every host
        if crumb is not new and crumb.domain in ("", new.domain):
            jar.clear(crumb.domain, crumb.path, crumb.name)


def _url_of(client: Any, cookie: Any) -> str:
    """Say where the client's requests go: a jar keeps a cookie for the host that it came from."""
    if hasattr(client, "cookie_jar"):
        return f"https://{_server_of(client)}/"  # Quart's client sends what it has, whatever the scheme
    environ = getattr(client, "extra_environ", None)
    url = str(getattr(client, "base_url", "")) if environ is None else _webtests(environ)
    if not url:
        raise InvalidSetting("client", _kind(client), _BASE)
    if cookie.secure and not url.startswith("https:"):
        raise InvalidSetting("client", url, _HTTPS)
    return url


def _webtests(environ: dict[str, str]) -> str:
    return f"{environ.get('wsgi.url_scheme', 'http')}://{environ.get('HTTP_HOST', 'localhost')}/"


# -- Django's, which knows neither scheme nor host --------------------------------------------------------------


def _djangos(client: Any) -> BaseCookie[str]:
    try:
        middleware_of(client.handler)
    except InvalidSetting:
        raise InvalidSetting("client", _kind(client), _DJANGO) from None
    cookies: BaseCookie[str] = client.cookies
    return cookies


def _load(cookies: BaseCookie[str], cookie: Any, value: str, header: str) -> None:
    cookies.load(header)


# -- Werkzeug's own, which knows no scheme ----------------------------------------------------------------------


def _set(client: Any, cookie: Any, value: str, header: str) -> None:
    domain = cookie.domain or _server_of(client)
    client.set_cookie(cookie.name, value, domain=domain, origin_only=not cookie.domain, path=cookie.path)


def _server_of(client: Any) -> str:
    """Give the host that Flask's and Quart's clients call."""
    app = getattr(client, "application", None) or getattr(client, "app", None)
    name = getattr(app, "config", {}).get("SERVER_NAME") or "localhost"
    return str(name).partition(":")[0]


__all__ = ["Receive", "receiver_of"]
