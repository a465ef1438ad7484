"""The application asks the server to log out: the assertions of the conformance suite's modules of the same names."""

from urllib.parse import urlencode

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from sessioncore import Reason, State
from sessioncore_io.oidc import ConfirmLogout, LoggedOut

from .browser import Browser, Page
from .town import AUTH, KEYS, SHOP, Town, claims_of

pytestmark = pytest.mark.anyio

LOGOUT = f"{AUTH}oidc/logout"
BYE = f"{SHOP}/bye"


def hint(town: Town) -> str:
    """Give the ID token that the shop holds."""
    (row,) = (row for row in town.shop_store._rows.values() if dict(row.data).get("oidc.id_token"))
    return str(dict(row.data)["oidc.id_token"]).strip('"')


def server_state(town: Town) -> tuple[State, Reason | None]:
    """Say where the server's session stands."""
    (row,) = town.auth_store._rows.values()
    return row.state, row.reason


SIGNED_IN = (State.AUTHENTICATED, None)
OUT = (State.LOGGED_OUT, Reason.RP)


async def asked(browser: Browser, **params: str) -> Page:
    """Go to the server's logout endpoint."""
    return await browser.get(f"{LOGOUT}?{urlencode(params)}")


async def confirmed(town: Town, browser: Browser, page: Page) -> Page:
    """Say yes on the confirmation page, which has to be there, and before which nothing may have changed."""
    assert isinstance(town.auth.shown[-1], ConfirmLogout)
    assert server_state(town) == SIGNED_IN
    return await browser.submit(page)


async def test_oidcc_rp_initiated_logout(town: Town) -> None:
    browser = await town.signed_in()

    page = await asked(browser, id_token_hint=hint(town), post_logout_redirect_uri=BYE, state="a b&c")

    assert (page.url.partition("?")[0], page.query) == (BYE, {"state": "a b&c"})
    assert server_state(town) == OUT


async def test_the_application_ends_its_own_session_first(town: Town) -> None:
    browser = await town.signed_in()
    town.internet.down.add("auth.example")

    with pytest.raises(httpx2.ConnectError):
        await browser.post(f"{SHOP}/logout")

    town.internet.down.clear()
    assert (await browser.get(f"{SHOP}/")).text == "hello None"
    assert server_state(town) == SIGNED_IN


async def test_oidcc_client_test_rp_init_logout(town: Town) -> None:
    """From the shop to the server and back."""
    browser = await town.signed_in()

    page = await browser.post(f"{SHOP}/logout")

    assert (page.url, page.text) == (f"{BYE}?state=so+long", "hello None")
    assert server_state(town) == OUT
    assert [*browser.cookies] == []


async def test_oidcc_rp_initiated_logout_by_post(town: Town) -> None:
    browser = await town.signed_in()

    page = await browser.post(LOGOUT, id_token_hint=hint(town), post_logout_redirect_uri=BYE)

    assert page.url == BYE
    assert server_state(town) == OUT


async def test_oidcc_rp_initiated_logout_no_state(town: Town) -> None:
    browser = await town.signed_in()

    page = await asked(browser, id_token_hint=hint(town), post_logout_redirect_uri=BYE)

    assert (page.url, server_state(town)) == (BYE, OUT)


async def test_oidcc_rp_initiated_logout_no_id_token_hint(town: Town) -> None:
    """Without a hint the user is asked; the client is known by its name, so the way back is open."""
    browser = await town.signed_in()

    page = await asked(browser, client_id="shop", post_logout_redirect_uri=BYE, state="s")
    page = await confirmed(town, browser, page)

    assert (page.url, server_state(town)) == (f"{BYE}?state=s", OUT)


@pytest.mark.parametrize("params", [{}, {"state": "s"}], ids=["no-params", "only-state"])
async def test_oidcc_rp_initiated_logout_no_params(town: Town, params: dict[str, str]) -> None:
    browser = await town.signed_in()

    page = await confirmed(town, browser, await asked(browser, **params))

    assert (page.text, server_state(town)) == ("logged out", OUT)
    assert isinstance(town.auth.shown[-1], LoggedOut)


async def test_oidcc_rp_initiated_logout_no_post_logout_redirect_uri(town: Town) -> None:
    browser = await town.signed_in()

    page = await asked(browser, id_token_hint=hint(town), state="s")

    assert (page.text, server_state(town)) == ("logged out", OUT)


async def refused(town: Town, browser: Browser, **params: str) -> Page:
    """Be shown an error: no redirect, and nothing changed."""
    page = await asked(browser, **params)
    assert page.status == 400
    assert page.url.startswith(LOGOUT)
    assert "content-security-policy" in page.response.headers
    assert server_state(town) == SIGNED_IN
    return page


async def test_oidcc_rp_initiated_logout_bad_post_logout_redirect_uri(town: Town) -> None:
    browser = await town.signed_in()

    await refused(town, browser, id_token_hint=hint(town), post_logout_redirect_uri="https://evil.example/bye")


async def test_oidcc_rp_initiated_logout_query_added_to_post_logout_redirect_uri(town: Town) -> None:
    browser = await town.signed_in()

    await refused(town, browser, id_token_hint=hint(town), post_logout_redirect_uri=f"{BYE}?foo=bar")


async def test_a_redirect_that_is_anothers_is_refused(town: Town) -> None:
    browser = await town.signed_in()

    await refused(town, browser, client_id="spa", post_logout_redirect_uri=BYE)


async def test_oidcc_rp_initiated_logout_modified_id_token_hint(town: Town) -> None:
    browser = await town.signed_in()
    head, body, signature = hint(town).split(".")

    modified = f"{head}.{body[:-4]}AAAA.{signature}"

    await refused(town, browser, id_token_hint=modified, post_logout_redirect_uri=BYE)


async def test_oidcc_rp_initiated_logout_bad_id_token_hint(town: Town) -> None:
    """The same claims, signed by another's key."""
    browser = await town.signed_in()

    forged = jwt.encode({"alg": "RS256"}, dict(claims_of(hint(town))), RSAKey.generate_key(2048))

    await refused(town, browser, id_token_hint=forged, post_logout_redirect_uri=BYE)


@pytest.mark.parametrize("junk", ["x", "a.b.c", "e30.e30.", "\u2028", "." * 2000])
async def test_a_hint_that_is_no_token_is_refused(town: Town, junk: str) -> None:
    browser = await town.signed_in()

    await refused(town, browser, id_token_hint=junk)


async def test_a_hint_of_another_issuer_is_refused(town: Town) -> None:
    browser = await town.signed_in()

    other = KEYS.sign({**claims_of(hint(town)), "iss": "https://other.example/"}, typ="JWT")

    await refused(town, browser, id_token_hint=other, post_logout_redirect_uri=BYE)


async def test_a_hint_for_another_client_is_refused(town: Town) -> None:
    browser = await town.signed_in()

    await refused(town, browser, id_token_hint=hint(town), client_id="spa")


@pytest.mark.parametrize("typ", ["at+jwt", "logout+jwt"])
async def test_a_token_signed_for_another_use_is_no_hint(town: Town, typ: str) -> None:
    browser = await town.signed_in()

    await refused(town, browser, id_token_hint=KEYS.sign(dict(claims_of(hint(town))), typ=typ))


async def test_a_parameter_that_comes_twice_is_refused(town: Town) -> None:
    browser = await town.signed_in()

    page = await browser.get(f"{LOGOUT}?state=1&state=2")

    assert (page.status, server_state(town)) == (400, SIGNED_IN)


async def test_an_expired_hint_still_says_who_is_meant(town: Town) -> None:
    browser = await town.signed_in()
    town.clock.advance(20 * 60_000)

    page = await asked(browser, id_token_hint=hint(town), post_logout_redirect_uri=BYE)

    assert (page.url, server_state(town)) == (BYE, OUT)


async def test_a_hint_of_another_session_asks_first(town: Town) -> None:
    """The ID token of a session on another device: somebody may have sent the browser here with it."""
    first = await town.signed_in()
    old = hint(town)
    town.shop_store._rows.clear()
    await first.post(f"{SHOP}/logout")
    town.auth_store._rows.clear()
    browser = await town.signed_in()

    page = await asked(browser, id_token_hint=old, post_logout_redirect_uri=BYE)
    page = await confirmed(town, browser, page)

    assert (page.url, server_state(town)) == (BYE, OUT)


async def test_a_confirmation_without_the_forms_token_changes_nothing(town: Town) -> None:
    browser = await town.signed_in()

    await browser.post(LOGOUT, confirm="0" * 64)

    assert isinstance(town.auth.shown[-1], ConfirmLogout)
    assert server_state(town) == SIGNED_IN


async def test_nobody_is_told_to_be_out_by_another_sites_form(town: Town) -> None:
    """Such a form comes without a Lax cookie: by itself it would seem that nobody is signed in."""
    page = await town.browser().post(LOGOUT, follow=False, confirm="0" * 64, post_logout_redirect_uri=BYE)

    assert (page.status, page.text) == (303, "")
    assert page.query == {"post_logout_redirect_uri": BYE}


async def test_a_browser_that_is_out_already_is_sent_back_all_the_same(town: Town) -> None:
    browser = await town.signed_in()
    old = hint(town)
    await asked(browser, id_token_hint=old)

    page = await asked(browser, id_token_hint=old, post_logout_redirect_uri=BYE, state="s")

    assert page.url == f"{BYE}?state=s"


async def test_a_stranger_may_log_out_too(town: Town) -> None:
    page = await asked(town.browser())

    assert page.text == "logged out"
    assert dict(town.auth_store._rows) == {}


async def test_oidcc_rp_initiated_logout_discovery_endpoint_verification(town: Town) -> None:
    page = await town.browser().get(f"{AUTH}.well-known/openid-configuration")

    assert page.response.json()["end_session_endpoint"] == LOGOUT
