"""An application's own tests start signed in, whatever client and adapter they use."""

import asyncio
import importlib
import json
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import django.test
import falcon.testing
import httpx2
import pytest
import werkzeug.test
from starlette.testclient import TestClient

from sessioncore import InvalidSetting, State
from sessioncore.testing import Clock, log_in_as, log_in_as_async
from sessioncore_io import Cookie, asgi, wsgi
from sessioncore_io.memory import MemoryStore


def said(handle: Any) -> bytes:
    """Say who is signed in."""
    return json.dumps([handle.subject, handle.signed_in, handle.get("cart")]).encode()


def flat(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer by WSGI."""
    body = said(environ[wsgi.KEY])
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


async def waiting(scope: Any, receive: Any, send: Any) -> None:
    """Answer by ASGI."""
    body = said(scope[asgi.KEY])
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": body})


def webtest_client(app: Any) -> Any:
    """Build WebTest's client; WebOb still imports the module ``cgi``, which Python 3.13 dropped."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        webtest = importlib.import_module("webtest")

    return webtest.TestApp(app, extra_environ={"wsgi.url_scheme": "https"})


def plain_webtest(app: Any) -> Any:
    """Build WebTest's client as it is by default: on plain http."""
    client = webtest_client(app)
    client.extra_environ.pop("wsgi.url_scheme")
    return client


@pytest.fixture
def wsgi_app(clock: Clock) -> wsgi.SessionMiddleware:
    """Wrap the WSGI application."""
    return wsgi.SessionMiddleware(flat, MemoryStore(), clock=clock)


@pytest.fixture
def asgi_app(clock: Clock) -> asgi.SessionMiddleware:
    """Wrap the ASGI application."""
    return asgi.SessionMiddleware(waiting, MemoryStore(), clock=clock)


def test_starlettes_client_starts_signed_in(asgi_app: asgi.SessionMiddleware) -> None:
    """Starlette and FastAPI."""
    client = TestClient(asgi_app, base_url="https://testserver")
    log_in_as(client, "alice", asgi_app, data={"cart": [1]})

    assert client.get("/").json() == ["alice", True, [1]]


async def _asked(app: asgi.SessionMiddleware) -> Any:
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="https://testserver") as client:
        await log_in_as_async(client, "alice", app)
        return (await client.get("/")).json()


def test_an_async_client_starts_signed_in(asgi_app: asgi.SessionMiddleware) -> None:
    """httpx2 over ASGI, for stores that have to be awaited too."""
    assert asyncio.run(_asked(asgi_app)) == ["alice", True, None]


def test_webtest_starts_signed_in(wsgi_app: wsgi.SessionMiddleware) -> None:
    """Pyramid and Bottle."""
    client = webtest_client(wsgi_app)
    log_in_as(client, "alice", wsgi_app)

    assert client.get("/").json == ["alice", True, None]


def test_werkzeugs_client_starts_signed_in(wsgi_app: wsgi.SessionMiddleware) -> None:
    """Flask."""
    client = werkzeug.test.Client(wsgi_app)
    log_in_as(client, "alice", wsgi_app)

    assert client.get("/", base_url="https://localhost").get_json() == ["alice", True, None]


def test_djangos_own_client_is_refused_for_it_passes_the_middleware_by(wsgi_app: wsgi.SessionMiddleware) -> None:
    """The error says what to use instead."""
    if not django.conf.settings.configured:
        django.conf.settings.configure()

    with pytest.raises(InvalidSetting, match=r"session_client.*WSGITransport"):
        log_in_as(django.test.Client(), "alice", wsgi_app)


def test_a_login_that_owes_a_factor_is_not_signed_in(asgi_app: asgi.SessionMiddleware) -> None:
    """The session begins where the application's own login leaves it."""
    client = TestClient(asgi_app, base_url="https://testserver")
    log_in_as(client, "alice", asgi_app, needs=State.MFA_SATISFIED)

    assert client.get("/").json() == ["alice", False, None]


def test_a_login_with_two_factors_is(asgi_app: asgi.SessionMiddleware) -> None:
    """Two factors at once."""
    client = TestClient(asgi_app, base_url="https://testserver")
    log_in_as(client, "alice", asgi_app, method=("pwd", "otp"), needs=State.MFA_SATISFIED)

    assert client.get("/").json() == ["alice", True, None]


def test_the_middleware_is_found_inside_a_framework(asgi_app: asgi.SessionMiddleware) -> None:
    """Whatever wraps the middleware, the session goes to its store."""

    class Framework:
        app = asgi_app

    client = TestClient(asgi_app, base_url="https://testserver")
    log_in_as(client, "alice", Framework())

    assert client.get("/").json()[0] == "alice"


ROTATIONS = {
    "/reauthenticate": lambda handle: handle.reauthenticate("pwd"),
    "/mfa": lambda handle: handle.satisfy_mfa("otp"),
    "/password": lambda handle: handle.password_changed(lambda: None),
}


def rotating(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Do what the path names, then say who is signed in."""
    ROTATIONS.get(environ["PATH_INFO"], bool)(environ[wsgi.KEY])
    return flat(environ, start_response)


def over_httpx(app: Any, base_url: str = "https://testserver") -> httpx2.Client:
    """Call a WSGI application by httpx2."""
    return httpx2.Client(transport=httpx2.WSGITransport(app=app), base_url=base_url)


@pytest.mark.parametrize("path", ROTATIONS)
@pytest.mark.parametrize("made", [over_httpx, webtest_client, werkzeug.test.Client])
def test_a_rotation_leaves_one_cookie(clock: Clock, made: Callable[[Any], Any], path: str) -> None:
    """The next Set-Cookie takes the place of the one that was put there."""
    app = wsgi.SessionMiddleware(rotating, MemoryStore(), clock=clock)
    client = made(app)
    log_in_as(client, "alice", app)
    client.get(path)

    assert json.loads(client.get("/").text)[:2] == ["alice", True]


def crumbs(client: httpx2.Client) -> list[tuple[Any, ...]]:
    """Tell all that a jar knows of its cookies, but their values."""
    return [
        (crumb.name, crumb.domain, crumb.domain_specified, crumb.path, crumb.secure, crumb.expires is None)
        for crumb in client.cookies.jar
    ]


@pytest.mark.parametrize("remember", [True, False])
@pytest.mark.parametrize(
    "cookie",
    [
        Cookie(),
        Cookie(name="__Secure-session", domain="example.com"),
        Cookie(name="__Secure-session", path="/shop"),
    ],
)
def test_the_jar_holds_what_the_applications_own_login_puts_there(cookie: Cookie, remember: bool) -> None:
    """Name, domain, path, Secure, and whether it outlives the browser."""

    def logging_in(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        handle = environ[wsgi.KEY]
        handle.log_in(handle.attempt("alice"), "pwd", remember=remember)
        return flat(environ, start_response)

    app = wsgi.SessionMiddleware(logging_in, MemoryStore(), cookie=cookie)
    put, real = (over_httpx(app, "https://shop.example.com") for _ in range(2))
    log_in_as(put, "alice", app, remember=remember)
    real.get("/shop/")

    assert crumbs(put) == crumbs(real)
    assert len(crumbs(put)) == 1


def test_what_a_test_put_there_by_hand_is_replaced(wsgi_app: wsgi.SessionMiddleware) -> None:
    """Two cookies of one name count as none."""
    client = over_httpx(wsgi_app)
    client.cookies.set("__Host-session", "by hand")
    log_in_as(client, "alice", wsgi_app)

    assert client.get("/").json()[0] == "alice"


def test_another_hosts_cookie_of_the_same_name_stays(wsgi_app: wsgi.SessionMiddleware) -> None:
    """One browser is signed in at two applications."""
    client = over_httpx(wsgi_app)
    client.cookies.set("__Host-session", "theirs", domain="elsewhere.example")
    log_in_as(client, "alice", wsgi_app)

    assert client.cookies.get("__Host-session", domain="elsewhere.example") == "theirs"
    assert client.get("/").json()[0] == "alice"


@pytest.mark.parametrize("made", [lambda app: over_httpx(app, "http://testserver"), plain_webtest])
def test_a_client_on_plain_http_is_refused(wsgi_app: wsgi.SessionMiddleware, made: Callable[[Any], Any]) -> None:
    """It would send the cookie that was put there, and none that the application sets."""
    with pytest.raises(InvalidSetting, match="https"):
        log_in_as(made(wsgi_app), "alice", wsgi_app)


@pytest.mark.parametrize("made", [lambda app: over_httpx(app, "http://localhost:8000"), plain_webtest])
def test_a_cookie_for_plain_http_goes_there(clock: Clock, made: Callable[[Any], Any]) -> None:
    """It has no Secure."""
    app = wsgi.SessionMiddleware(flat, MemoryStore(), cookie=Cookie.for_plain_http(), clock=clock)
    client = made(app)
    log_in_as(client, "alice", app)

    assert json.loads(client.get("/").text)[0] == "alice"


def test_a_client_without_a_host_is_refused(wsgi_app: wsgi.SessionMiddleware) -> None:
    """Its cookie would go to every host, beside that of the application's next answer."""
    with pytest.raises(InvalidSetting, match="base_url"):
        log_in_as(over_httpx(wsgi_app, ""), "alice", wsgi_app)


def test_a_host_outside_the_cookies_domain_is_refused() -> None:
    """The jar would not take the application's own either."""
    app = wsgi.SessionMiddleware(flat, MemoryStore(), cookie=Cookie(name="__Secure-session", domain="example.com"))

    with pytest.raises(InvalidSetting, match=r"example\.com"):
        log_in_as(over_httpx(app), "alice", app)


def test_a_refused_client_leaves_no_session_behind(wsgi_app: wsgi.SessionMiddleware) -> None:
    """The client is looked at first."""
    with pytest.raises(InvalidSetting):
        log_in_as(object(), "alice", wsgi_app)

    assert list(wsgi_app.sessions.sessions_of("alice")) == []


def test_an_application_without_the_middleware_is_refused() -> None:
    """The error says what to pass."""
    with pytest.raises(InvalidSetting, match="SessionMiddleware"):
        log_in_as(TestClient(waiting), "alice", waiting)


@pytest.mark.parametrize("made", [lambda app: object(), falcon.testing.TestClient])
def test_a_client_without_a_jar_is_refused(wsgi_app: wsgi.SessionMiddleware, made: Callable[[Any], Any]) -> None:
    """The error says what to pass; Falcon's client keeps no cookies."""
    with pytest.raises(InvalidSetting, match="client that keeps cookies"):
        log_in_as(made(wsgi_app), "alice", wsgi_app)


def test_starting_signed_in_needs_no_hypothesis() -> None:
    """The names at the top of the package import neither Hypothesis nor a server."""
    code = "import sys, sessioncore.testing; print({'hypothesis', 'uvicorn', 'sessioncore_io'} & set(sys.modules))"
    answered = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert answered.stdout.strip() == "set()"
