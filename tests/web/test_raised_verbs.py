"""A verb that raises is answered 503 or 409, also where a framework makes a plain 500 of it; late looks are refused."""

import logging
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from flask import Flask
from flask import request as flask_request
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from sessioncore import Refused, TooLate
from sessioncore.testing import Clock, log_in_as
from sessioncore_io import Cookie, Sessions, asgi, wsgi
from sessioncore_io.memory import MemoryStore

from .driver import Browser, Reply, Site, call_asgi, call_wsgi, done, http_scope
from .pages import log_in, log_out, satisfy_mfa, then, write
from .stores import Outage

pytestmark = pytest.mark.anyio

VERBS: dict[str, Callable[[Any], Any]] = {
    "commit": lambda session: session.commit(),
    "refresh": lambda session: session.refresh(),
    "attempt": lambda session: session.attempt("alice"),
    "password_changed": lambda session: session.password_changed(),
    "end_others": lambda session: session.end_others(),
}
# A second factor of the first one's kind: no row of the table will ever allow that, whoever else does what.
MISUSED: dict[str, Callable[[Any], Any]] = {"satisfy_mfa": lambda session: session.satisfy_mfa("pin")}
Fate = Callable[[], None]


def flask_status(store: Outage, clock: Clock, verb: str, fate: Fate) -> int:
    """Ask a Flask application, which answers 500 for what a view raises."""
    app = Flask(__name__)
    served = wsgi.SessionMiddleware(app.wsgi_app, store, clock=clock, cookie=Cookie.for_plain_http())
    app.wsgi_app = served  # type: ignore[method-assign]

    @app.get("/")
    def page() -> str:
        session = flask_request.environ[wsgi.KEY]
        session["seen"] = True
        fate()
        (VERBS | MISUSED)[verb](session)
        return "done"

    client = app.test_client()
    log_in_as(client, "alice", app)
    return client.get("/").status_code


def starlette_status(store: Outage, clock: Clock, verb: str, fate: Fate) -> int:
    """Ask a Starlette application, wrapped from outside: its own 500 comes first."""

    async def page(request: Request) -> Response:
        session: Any = request.session
        session["seen"] = True
        fate()
        await (VERBS | MISUSED)[verb](session)
        return PlainTextResponse("done")

    app = asgi.SessionMiddleware(Starlette(routes=[Route("/", page)]), store, clock=clock)
    client = TestClient(app, base_url="https://testserver", raise_server_exceptions=False)
    log_in_as(client, "alice", app)
    return client.get("/").status_code


STATUS = {"flask": flask_status, "starlette": starlette_status}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("framework", STATUS)
def test_a_verb_without_a_store_is_503(framework: str, verb: str, clock: Clock) -> None:
    store = Outage(MemoryStore())

    assert STATUS[framework](store, clock, verb, store.fail) == 503


@pytest.mark.parametrize("verb", ["password_changed", "end_others"])
@pytest.mark.parametrize("framework", STATUS)
def test_a_refused_verb_is_409(framework: str, verb: str, clock: Clock) -> None:
    store = Outage(MemoryStore())

    def reset() -> None:
        Sessions(store, clock=clock).reset_password("alice")

    assert STATUS[framework](store, clock, verb, reset) == 409


@pytest.mark.parametrize("framework", STATUS)
def test_a_verb_that_the_program_should_not_have_called_is_its_own_500(framework: str, clock: Clock) -> None:
    """To reload would not help: the framework shows and logs it as any mistake of the program."""
    assert STATUS[framework](Outage(MemoryStore()), clock, "satisfy_mfa", lambda: None) == 500


async def test_a_refusal_that_nobody_else_has_caused_goes_on_to_the_server(site: Site, browser: Browser) -> None:
    """No other request changed anything, so nobody may be told that one did."""
    await browser.ask(log_in())

    with pytest.raises(Refused, match="same kind as the first"):
        await browser.ask(satisfy_mfa("pin"))
    with pytest.raises(Refused, match="same kind as the first"):
        await browser.ask(then(write(tries=1), satisfy_mfa("pin")))
    assert await browser.sees("subject") == "alice"


@pytest.mark.parametrize(("kind", "status"), [("pin", 500), ("otp", 409)])
async def test_a_plain_500_after_a_refusal_stays_what_it_is_if_nobody_else_has_caused_it(
    site: Site, browser: Browser, kind: str, status: int
) -> None:
    """Whether the application made it on purpose nobody can tell: after the time ran out, it is taken for nobody's."""
    await browser.ask(log_in())

    async def page(session: Any) -> Reply:
        site.clock.advance(0 if kind == "pin" else site.policy.login.lifetime)
        with pytest.raises(Refused):
            session.satisfy_mfa(kind)
        return Reply(500)

    assert (await browser.ask(page)).status == status


async def test_a_refusal_because_the_time_ran_out_meanwhile_is_409(site: Site, browser: Browser) -> None:
    """It was live when the request began."""
    await browser.ask(log_in())

    async def slowly(session: Any) -> None:
        assert session.signed_in
        site.clock.advance(site.policy.login.lifetime)
        session.satisfy_mfa("otp")

    assert (await browser.ask(slowly)).status == 409


async def test_a_refusal_because_the_login_was_another_by_the_commit_is_409(site: Site, browser: Browser) -> None:
    """The code is a second factor after a password, and none after a login by a code."""
    await browser.ask(log_in())
    elsewhere = Browser(site, browser.token)

    async def raced(session: Any) -> None:
        session.satisfy_mfa("otp")
        await elsewhere.ask(log_in("alice", "otp"))
        await done(session.commit())

    assert (await browser.ask(raced)).status == 409


async def test_a_factor_that_was_proved_for_a_former_login_is_409(site: Site, browser: Browser) -> None:
    """The user has logged in anew, in another tab, since it was asked for."""
    await browser.ask(log_in())
    challenges: list[Any] = []

    async def ask(session: Any) -> None:
        challenges.append(session.challenge())

    async def proved(session: Any) -> None:
        session.satisfy_mfa("otp", challenges[0])

    await browser.ask(ask)
    await browser.ask(log_out)
    await browser.ask(log_in())

    assert (await browser.ask(proved)).status == 409
    assert await browser.sees("subject") == "alice"


async def test_an_application_that_answers_for_itself_is_not_replaced(site: Site, browser: Browser) -> None:
    """What it caught it has dealt with."""
    await browser.ask(log_in())

    async def careful(session: Any) -> str:
        try:
            session.satisfy_mfa("pin")
        except Exception:
            await done(session.commit())
        return "another kind, please"

    assert (await browser.ask(careful)).status == 200


def streaming(
    look: Callable[[Any], object], first: Callable[[Any], object]
) -> tuple[wsgi.Application, asgi.Application]:
    """Start the response, and only then look at the session."""

    def plain(environ: wsgi.Environ, start_response: wsgi.StartResponse) -> Iterable[bytes]:
        first(environ[wsgi.KEY])
        start_response("200 OK", [("cache-control", "public")])

        def body() -> Iterable[bytes]:
            look(environ[wsgi.KEY])
            yield b"hello"

        return body()

    async def awaited(scope: Any, receive: Any, send: Any) -> None:
        first(scope[asgi.KEY])
        await send({"type": "http.response.start", "status": 200, "headers": [(b"cache-control", b"public")]})
        look(scope[asgi.KEY])
        await send({"type": "http.response.body", "body": b"hello"})

    return plain, awaited


async def ask_both(site: Site, look: Callable[[Any], object], first: Callable[[Any], object], token: str) -> None:
    """Serve one request by each adapter."""
    plain, awaited = streaming(look, first)
    crumb = f"{site.cookie.name}={token}"
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_COOKIE": crumb}
    call_wsgi(wsgi.SessionMiddleware(plain, **site.options), environ)
    await call_asgi(asgi.SessionMiddleware(awaited, **site.options), http_scope([(b"cookie", crumb.encode())]))


async def test_a_first_look_after_the_response_started_is_too_late(site: Site, browser: Browser) -> None:
    """The response went out without Vary: a cache would show one user's page to all."""
    await browser.ask(log_in())
    looks: list[Callable[[Any], object]] = [
        lambda s: s.subject,
        lambda s: s.get("cart"),
        lambda s: s.csrf_matches("x"),
        lambda s: s.csrf_token,
    ]
    refused = []

    def late(session: Any) -> None:
        for look in looks:
            with pytest.raises(TooLate):
                look(session)
        refused.append(repr(session))

    await ask_both(site, late, lambda session: None, str(browser.token))
    await ask_both(site, lambda session: refused.append(session.subject), lambda s: s.subject, str(browser.token))

    assert len(refused) == 4
    assert refused[2:] == ["alice", "alice"]


async def test_a_change_in_place_after_the_response_started_is_told(
    site: Site, browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    """It is lost, and not silently: the log names the key, once a request."""

    async def fill(session: Any) -> None:
        session["cart"] = ["lamp"]

    await browser.ask(fill)
    with caplog.at_level(logging.WARNING, "sessioncore"):
        await ask_both(site, lambda s: s["cart"].append("trap"), lambda s: s["cart"], str(browser.token))
        await ask_both(site, lambda s: s["cart"], lambda s: s["cart"], str(browser.token))

    told = [record.getMessage() for record in caplog.records if record.name == "sessioncore"]
    assert [message[:15] for message in told] == ["session['cart']"] * 2


async def test_a_change_that_could_not_even_be_written_is_told_by_its_key(
    site: Site, browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    """And so is one beside it that could."""

    async def fill(session: Any) -> None:
        session.update(cart=["lamp"], seen=["lamp"])

    def spoil(session: Any) -> None:
        session["seen"].append("trap")
        session["cart"].append(object())

    await browser.ask(fill)
    with caplog.at_level(logging.WARNING, "sessioncore"):
        await ask_both(site, spoil, lambda s: (s["cart"], s["seen"]), str(browser.token))

    told = [record.getMessage() for record in caplog.records if record.name == "sessioncore"]
    assert [message.partition(" was")[0] for message in told] == ["session['cart']", "session['seen']"] * 2
