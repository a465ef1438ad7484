"""Two browser SDKs of others, unmodified, as clients of the login service: whatever they refuse, we had better not do.

The files come from npm (see ``fetch_sdks``) and are served from this machine; nothing leaves it.
"""

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from attrs import frozen
from examples.storezero.common.sites import Sites
from playwright.sync_api import Browser, Page, expect

from sessioncore_io.oidc import Client

from .conftest import opened
from .fetch_sdks import ADVICE, AUTH0_JS, SPA_JS, fetched
from .people import Town, fill_in_password

HOST: Final = "sdk.storezero.localhost"

# How each SDK is made, with what a test wants otherwise; auth0-js expects https of an issuer, unless it is told one.
MAKE_AUTH0: Final = """([domain, clientID, redirectUri, settings]) => {
  window.sdk = new auth0.WebAuth({ domain, clientID, redirectUri, responseType: "token id_token",
                                   scope: "openid profile",
                                   overrides: { __token_issuer: settings.issuer ?? `${domain}/` } });
}"""
MAKE_SPA: Final = """async ([domain, clientId, redirect_uri, settings]) => {
  window.sdk = new auth0.Auth0Client({ domain, clientId, cacheLocation: "memory",
                                       authorizationParams: { redirect_uri, scope: "openid profile" }, ...settings });
}"""
# A promise's value, or the error that it was rejected with.
SETTLED: Final = """(work) => work.then((value) => ({ value }), (e) => ({
  error: e.error || e.code || String(e),
  why: e.errorDescription || e.error_description || e.description || e.message,
}))"""


class _Silent(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@frozen
class Desk:
    """Sit in front of pages that use the SDKs."""

    page: Page
    town: Town
    base: str

    def make(self, sdk: str, client: str = "outside", **settings: Any) -> None:
        """Go to a page that has loaded an SDK, and make a client of it."""
        if not self.page.url.startswith(f"{self.base}/{sdk}.html"):
            self.page.goto(f"{self.base}/{sdk}.html")
        self.remake(sdk, client, **settings)

    def remake(self, sdk: str, client: str = "outside", **settings: Any) -> None:
        """Make a client of the SDK that this page has loaded."""
        made = {"auth0": MAKE_AUTH0, "spa": MAKE_SPA}[sdk]
        self.page.evaluate(made, [self.town.sites.url("auth"), client, f"{self.base}/{sdk}.html", settings])

    def settled(self, work: str) -> Any:
        """Let the SDK work, and give ``value`` or ``error`` and ``why``."""
        return self.page.evaluate(f"() => ({SETTLED})({work})")

    def log_in(self, sdk: str, work: str, name: str = "alice") -> None:
        """Let the SDK send the browser to the login service, and come back from there."""
        self.page.evaluate(f"() => {{ {work} }}")
        expect(self.page.get_by_role("heading", name="Log in")).to_be_visible()
        fill_in_password(self.page, name)
        self.page.wait_for_url(f"{self.base}/{sdk}.html*")


@pytest.fixture
def desk(chromium: Browser, data: Path, tmp_path: Path) -> Iterator[Desk]:
    """Run the demo, with a page for each SDK beside it, and a browser in front."""
    assert fetched(), ADVICE
    pages = tmp_path / "pages"
    pages.mkdir()
    for name, script in (("auth0", AUTH0_JS), ("spa", SPA_JS)):
        (pages / f"{name}.js").write_bytes(script.read_bytes())
        (pages / f"{name}.html").write_text(f"<!doctype html><title>{name}</title><script src=/{name}.js></script>")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Silent, directory=str(pages))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        base = f"http://{HOST}:{server.server_address[1]}"
        with opened(data, lambda port: Sites(port=port), lambda sites: _registered(base)) as town:
            context = chromium.new_context()
            context.set_default_timeout(20_000)
            yield Desk(context.new_page(), town, base)
            context.close()
        server.shutdown()
        thread.join()


def _registered(base: str) -> tuple[Client, ...]:
    """Register the pages, and another client whose tokens are not theirs."""
    uris = (f"{base}/auth0.html", f"{base}/spa.html")
    return tuple(
        Client(
            client_id=name,
            redirect_uris=uris,
            response_types=("code", "id_token token"),
            scopes=("openid", "profile"),
            origins=base,
        )
        for name in ("outside", "another")
    )


# -- auth0-js: the implicit grant and checkSession -------------------------------------------------------------------

PARSE: Final = "new Promise((yes, no) => sdk.parseHash((e, found) => e ? no(e) : yes(found)))"
CHECK: Final = "new Promise((yes, no) => sdk.checkSession({}, (e, found) => e ? no(e) : yes(found)))"


def test_auth0_js_logs_in_by_the_implicit_grant(desk: Desk) -> None:
    desk.make("auth0")
    desk.log_in("auth0", "sdk.authorize()")
    desk.remake("auth0")
    found = desk.settled(PARSE)["value"]

    assert found["idTokenPayload"]["sub"] == "customer-alice"
    assert found["idTokenPayload"]["iss"] == desk.town.sites.url("auth", "/")
    assert found["accessToken"]


def test_auth0_js_renews_by_check_session_until_the_servers_session_ends(desk: Desk) -> None:
    desk.make("auth0")
    assert desk.settled(CHECK)["error"] == "login_required"
    desk.log_in("auth0", "sdk.authorize()")
    desk.remake("auth0")
    first = desk.settled(PARSE)["value"]["idTokenPayload"]
    renewed = desk.settled(CHECK)["value"]["idTokenPayload"]

    assert (renewed["sub"], renewed["auth_time"]) == (first["sub"], first["auth_time"])
    assert renewed["nonce"] != first["nonce"]
    desk.page.context.clear_cookies(name="__Host-auth")
    assert desk.settled(CHECK)["error"] == "login_required"


@pytest.mark.parametrize(
    ("client", "settings", "parse", "expected"),
    [
        ("outside", {"issuer": "http://evil.localhost/"}, "sdk.parseHash({}, heard)", "Issuer"),
        ("another", {}, "sdk.parseHash({}, heard)", "Audience"),
        ("outside", {}, "sdk.parseHash({ nonce: 'another', state: window.state }, heard)", "Nonce"),
    ],
)
def test_auth0_js_refuses_a_token_of_another_issuer_audience_or_nonce(
    desk: Desk, client: str, settings: dict[str, Any], parse: str, expected: str
) -> None:
    desk.make("auth0")
    desk.log_in("auth0", "sdk.authorize()")
    desk.remake("auth0", client, **settings)
    desk.page.evaluate("() => { window.state = new URLSearchParams(location.hash.slice(1)).get('state') }")
    refused = desk.settled(
        f"new Promise((yes, no) => {{ const heard = (e, found) => e ? no(e) : yes(found); {parse} }})"
    )

    assert refused["error"] == "invalid_token"
    assert expected in refused["why"]


# -- auth0-spa-js: code and PKCE, and getTokenSilently ---------------------------------------------------------------

LAND: Final = "sdk.handleRedirectCallback().then(() => sdk.getIdTokenClaims())"
RENEW: Final = "sdk.getTokenSilently({ cacheMode: 'off' }).then(() => sdk.getIdTokenClaims())"


def test_auth0_spa_js_logs_in_by_code_and_pkce(desk: Desk) -> None:
    desk.make("spa")
    desk.log_in("spa", "sdk.loginWithRedirect()")
    desk.remake("spa")
    claims = desk.settled(LAND)["value"]

    assert claims["sub"] == "customer-alice"
    assert claims["iss"] == desk.town.sites.url("auth", "/")
    assert claims["aud"] == "outside"


def test_auth0_spa_js_renews_silently_until_the_servers_session_ends(desk: Desk) -> None:
    desk.make("spa")
    assert desk.settled(RENEW)["error"] == "login_required"
    desk.log_in("spa", "sdk.loginWithRedirect()")
    desk.remake("spa")
    first = desk.settled(LAND)["value"]
    renewed = desk.settled(RENEW)["value"]

    assert (renewed["sub"], renewed["auth_time"]) == (first["sub"], first["auth_time"])
    assert renewed["nonce"] != first["nonce"]
    desk.page.context.clear_cookies(name="__Host-auth")
    assert desk.settled(RENEW)["error"] == "login_required"


def test_auth0_spa_js_refuses_a_token_of_another_issuer(desk: Desk) -> None:
    desk.make("spa")
    desk.log_in("spa", "sdk.loginWithRedirect()")
    desk.remake("spa", issuer="evil.localhost")

    assert "Issuer (iss) claim mismatch" in desk.settled(LAND)["why"]


@pytest.mark.parametrize(("client", "expected"), [("another", "Audience (aud)"), ("outside", "Nonce (nonce)")])
def test_auth0_spa_js_refuses_a_token_of_another_audience_or_nonce(desk: Desk, client: str, expected: str) -> None:
    # A good token, of another client or of another login, comes in the place of the one that was issued.
    desk.make("spa", client)
    desk.log_in("spa", "sdk.loginWithRedirect()")
    desk.remake("spa", client)
    other = desk.settled("sdk.handleRedirectCallback().then(() => sdk.getIdTokenClaims())")["value"]["__raw"]
    desk.make("spa", "outside")

    def exchange(route: Any) -> None:
        # Browsers know where this host is, Playwright's own client does not.
        where = urlsplit(route.request.url)
        here = where._replace(netloc=f"127.0.0.1:{where.port}").geturl()
        answer = route.fetch(url=here, headers={**route.request.headers, "host": where.netloc})
        route.fulfill(response=answer, json={**answer.json(), "id_token": other})

    desk.page.route("**/oauth/token", exchange)

    assert expected in desk.settled(RENEW)["why"]
