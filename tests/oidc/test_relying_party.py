"""What the application believes, and whom: every way in which a provider's answer can be wrong, and every good one."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest
from attrs import evolve

from sessioncore import InvalidSetting, Limits, Policy, Reason, State
from sessioncore_io.oidc import LoginFailed, ProviderUnavailable, RelyingParty
from sessioncore_io.oidc.keeping import MOST
from sessioncore_io.oidc.logins import own_path
from sessioncore_io.oidc.notices import EVENT

from .browser import Browser, Page
from .forger import Forger, by_secret, by_stranger, by_unknown, unsigned
from .test_backchannel_receiving import good, shop_session, signed, told
from .town import AUTH, GOLD, KEYS, SHOP, Town, authorize_url, claims_of

pytestmark = pytest.mark.anyio

HELLO = f"hello {AUTH}#alice"


async def begun(browser: Browser, **options: str) -> dict[str, str]:
    """Begin a login at the shop, and give what the server is asked."""
    page = await browser.get(f"{SHOP}/login", follow=False, **options)
    return dict(parse_qsl(urlsplit(page.url).query))


async def back(browser: Browser, asked: dict[str, str], **params: str) -> Page:
    """Come back with an answer."""
    answer = {"code": "the code", "state": asked["state"], "iss": AUTH, **params}
    return await browser.get(str(httpx2.URL(f"{SHOP}/callback", params={k: v for k, v in answer.items() if v})))


@pytest.fixture
def forger(town: Town) -> Forger:
    """Give a provider in the server's place, as far as the shop's calls go."""
    forger = Forger(town.clock, town.internet)
    town.shop.provider.provider.transport = forger
    return forger


async def landed(browser: Browser, forger: Forger, **options: str) -> Page:
    """Go through a login at the forger's."""
    asked = await begun(browser, **options)
    forger.nonce = asked["nonce"]
    return await back(browser, asked)


async def test_what_a_login_asks_for(town: Town) -> None:
    asked = await begun(town.browser())

    assert {name: asked[name] for name in asked if name not in ("state", "nonce", "code_challenge")} == {
        "response_type": "code",
        "client_id": "shop",
        "redirect_uri": f"{SHOP}/callback",
        "scope": "openid profile email",
        "max_age": str(12 * 3600),
        "code_challenge_method": "S256",
    }
    assert min(len(asked["state"]), len(asked["nonce"])) >= 22
    assert len(asked["code_challenge"]) == 43


async def test_a_good_answer_signs_in(town: Town, forger: Forger) -> None:
    browser = town.browser()

    page = await landed(browser, forger, next="/app")

    row = shop_session(town)
    assert (page.url, page.text) == (f"{SHOP}/app", HELLO)
    assert (row.upstream, row.methods, row.state) == ((AUTH, "the provider's sid"), ("pwd",), State.AUTHENTICATED)


# -- the negative list ----------------------------------------------------------------------------------------


async def nobody_is_in(town: Town, browser: Browser) -> None:
    """See that the failed login signed nobody in."""
    assert (await browser.get(f"{SHOP}/")).text == "hello None"
    assert [row for row in town.shop_store._rows.values() if row.subject and row.live] == []


Fault = Callable[[dict[str, Any]], dict[str, Any] | None]

FAULTS: dict[str, Fault] = {
    "wrong-issuer": lambda c: {**c, "iss": "https://other.example/"},
    "issuer-without-slash": lambda c: {**c, "iss": AUTH.rstrip("/")},
    "no-issuer": lambda c: _without(c, "iss"),
    "wrong-audience": lambda c: {**c, "aud": "spa"},
    "several-audiences-without-azp": lambda c: {**c, "aud": ["shop", "other"]},
    "several-audiences-other-azp": lambda c: {**c, "aud": ["shop", "other"], "azp": "other"},
    "other-azp": lambda c: {**c, "azp": "other"},
    "no-audience": lambda c: _without(c, "aud"),
    "wrong-nonce": lambda c: {**c, "nonce": "another"},
    "no-nonce": lambda c: _without(c, "nonce"),
    "nonce-is-a-list": lambda c: {**c, "nonce": [c["nonce"]]},
    "expired": lambda c: {**c, "exp": c["iat"] - 10},
    "no-exp": lambda c: _without(c, "exp"),
    "issued-in-the-future": lambda c: {**c, "iat": c["iat"] + 60},
    "issued-long-ago": lambda c: {**c, "iat": c["iat"] - 3600},
    "no-iat": lambda c: _without(c, "iat"),
    "no-sub": lambda c: _without(c, "sub"),
    "sub-is-a-number": lambda c: {**c, "sub": 7},
    "wrong-at-hash": lambda c: {**c, "at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    "sid-is-a-number": lambda c: {**c, "sid": 7},
    "long-sid": lambda c: {**c, "sid": "x" * 300},
    "no-id-token": lambda c: None,
}


def _without(claims: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in claims.items() if key != name}


@pytest.mark.parametrize("fault", FAULTS)
async def test_an_id_token_with_a_fault_signs_nobody_in(town: Town, forger: Forger, fault: str) -> None:
    forger.change = FAULTS[fault]
    browser = town.browser()

    page = await landed(browser, forger)

    assert (page.status, page.text) == (400, "failed bad_token")
    await nobody_is_in(town, browser)
    forger.change = lambda claims: claims
    assert (await landed(browser, forger)).text == HELLO, "the one fault was what counted"


@pytest.mark.parametrize("sign", [unsigned, by_secret, by_stranger, by_unknown, lambda _: "junk", lambda _: "a.b.c"])
async def test_an_id_token_that_the_provider_did_not_sign_signs_nobody_in(
    town: Town, forger: Forger, sign: Callable[[dict[str, Any]], str]
) -> None:
    forger.sign = sign
    browser = town.browser()

    page = await landed(browser, forger)

    assert (page.status, page.text) == (400, "failed bad_token")
    await nobody_is_in(town, browser)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda c: _without(c, "auth_time"), "auth_time_missing"),
        (lambda c: {**c, "auth_time": c["iat"] - 13 * 3600}, "login_too_old"),
        (lambda c: {**c, "auth_time": c["iat"] + 3600}, "auth_time_ahead"),
        (lambda c: {**c, "sub": ""}, "bad_token"),
    ],
)
async def test_a_login_that_is_not_what_was_asked_for_is_named_and_not_tried_again(
    town: Town, forger: Forger, change: Fault, error: str
) -> None:
    forger.change = change
    browser = town.browser()

    page = await landed(browser, forger)

    assert (page.status, page.text, page.url.startswith(f"{SHOP}/callback")) == (400, f"failed {error}", True)
    await nobody_is_in(town, browser)


async def test_a_callback_in_another_browser_is_refused(town: Town, forger: Forger) -> None:
    """Login CSRF: the link would sign the victim in as the attacker."""
    attacker, victim = town.browser(), town.browser()
    asked = await begun(attacker)
    forger.nonce = asked["nonce"]

    page = await back(victim, asked)

    assert (page.status, page.text) == (400, "failed unknown_state")
    assert [*victim.cookies] == []
    assert (await back(attacker, asked)).text == HELLO


@pytest.mark.parametrize("state", ["", "x", "\u2028", "x" * 100, "oidc.login."])
async def test_a_state_that_nobody_sent_is_refused(town: Town, forger: Forger, state: str) -> None:
    browser = town.browser()
    asked = await begun(browser)

    page = await back(browser, asked, state=state)

    assert page.text == "failed unknown_state"


async def test_an_answer_counts_once(town: Town, forger: Forger) -> None:
    browser = town.browser()
    asked = await begun(browser)
    forger.nonce = asked["nonce"]
    await back(browser, asked)

    page = await back(browser, asked)

    assert page.text == "failed unknown_state"


async def test_a_login_that_took_too_long_is_refused(town: Town, forger: Forger) -> None:
    browser = town.browser()
    asked = await begun(browser)
    town.clock.advance(timedelta(hours=1, seconds=1))

    page = await back(browser, asked)

    assert page.text == "failed unknown_state"


@pytest.mark.parametrize("iss", ["https://other.example/", AUTH.rstrip("/"), ""])
async def test_an_answer_of_another_server_is_refused(town: Town, forger: Forger, iss: str) -> None:
    """Mix-up (RFC 9207): the code is not sent anywhere."""
    browser = town.browser()
    asked = await begun(browser)

    page = await back(browser, asked, iss=iss)

    assert page.text == "failed other_issuer"


async def test_a_provider_that_does_not_say_who_it_is_need_not(town: Town, forger: Forger) -> None:
    forger.metadata = {"authorization_response_iss_parameter_supported": False}
    browser = town.browser()
    asked = await begun(browser)
    forger.nonce = asked["nonce"]

    assert (await back(browser, asked, iss="")).text == HELLO


async def test_documents_of_another_issuer_are_not_believed(town: Town, forger: Forger) -> None:
    forger.metadata = {"issuer": "https://other.example/"}

    with pytest.raises(ProviderUnavailable, match="another issuer"):
        await town.shop.provider.provider.metadata()


async def test_an_error_of_the_providers_comes_by_name(town: Town) -> None:
    browser = town.browser()
    asked = await begun(browser)

    page = await back(browser, asked, code="", error="access_denied")

    assert page.text == "failed access_denied"
    await nobody_is_in(town, browser)


async def test_a_provider_that_is_away_signs_nobody_in(town: Town) -> None:
    browser = town.browser()
    asked = await begun(browser)
    town.internet.down.add("auth.example")

    page = await back(browser, asked)

    assert page.status == 503
    await nobody_is_in(town, browser)


# -- several tabs -----------------------------------------------------------------------------------------------


async def test_two_tabs_that_log_in_at_once_both_succeed(town: Town) -> None:
    browser = town.browser()
    one = await browser.get(f"{SHOP}/login", next="/app")
    two = await browser.get(f"{SHOP}/login", next="/bye")

    second = await browser.submit(two)
    first = await browser.submit(one)

    assert (second.url, second.text) == (f"{SHOP}/bye", HELLO)
    assert (first.url, first.text) == (f"{SHOP}/app", HELLO)


async def test_logins_that_nobody_finishes_do_not_pile_up(town: Town, forger: Forger) -> None:
    browser = town.browser()
    asked = []
    for _ in range(MOST + 2):
        asked.append(await begun(browser))
        town.clock.advance(1)
    (row,) = town.shop_store._rows.values()

    oldest = await back(browser, asked[0])
    forger.nonce = asked[-1]["nonce"]
    newest = await back(browser, asked[-1])

    assert len([key for key, _ in row.data if key.startswith("oidc.login.")]) == MOST
    assert (oldest.text, newest.text) == ("failed unknown_state", HELLO)


async def test_frames_that_ask_silently_take_no_room_from_a_login_that_its_user_is_at(
    town: Town, forger: Forger
) -> None:
    """Any page may have hidden frames, and as many as it likes."""
    browser = town.browser()
    users = await begun(browser)
    frames = []
    for _ in range(MOST + 2):
        town.clock.advance(1)
        frames.append(await begun(browser, prompt="none"))

    oldest = await back(browser, frames[0])
    forger.nonce = users["nonce"]
    page = await back(browser, users)

    assert (oldest.text, page.text) == ("failed unknown_state", HELLO)


async def test_pages_that_wait_at_the_server_do_not_pile_up(town: Town) -> None:
    browser = town.browser()
    pages = []
    for _ in range(10):
        pages.append(await browser.get(f"{SHOP}/login"))
        town.clock.advance(1)

    (row,) = town.auth_store._rows.values()
    oldest = await browser.get(pages[0].url)

    assert len([key for key, _ in row.data if key.startswith("oidc.request.")]) == 8
    assert (oldest.status, oldest.text) == (400, "gone")
    assert (await browser.submit(pages[-1])).text == HELLO


async def test_requests_that_any_page_makes_do_not_fill_the_session(town: Town) -> None:
    """Of the longest that are taken; the user logs in all the same."""
    browser = town.browser()
    for _ in range(10):
        await browser.get(authorize_url(nonce='"' * 1_800))

    (row,) = town.auth_store._rows.values()
    page = await town.log_in(browser)

    assert page.text == HELLO
    assert sum(len(key) + len(value) for key, value in row.data) < town.policy.max_data / 3


@pytest.mark.parametrize(
    "path", ["//evil.example", "https://evil.example", "/\\evil.example", "", "x", "/\n/e", "/a\\b"]
)
async def test_nobody_is_sent_to_another_site(path: str) -> None:
    with pytest.raises(InvalidSetting):
        own_path(path)


# -- who is meant -------------------------------------------------------------------------------------------------


async def test_an_account_of_ones_own_may_be_named(town: Town, forger: Forger) -> None:
    async def account(claims: Any) -> str:
        return f"user 7, who is {claims['sub']} there"

    town.shop.provider.party = evolve(town.shop.provider.party, account=account)
    browser = town.browser()

    page = await landed(browser, forger)

    assert page.text == "hello user 7, who is alice there"


@pytest.mark.parametrize(
    ("amr", "methods", "state"),
    [
        (["pwd", "otp"], ("pwd", "otp"), State.MFA_SATISFIED),
        (["mfa"], ("mfa", "mfa"), State.MFA_SATISFIED),
        (["user", "geo"], ("pwd",), State.AUTHENTICATED),
        (None, ("pwd",), State.AUTHENTICATED),
        ("pwd", ("pwd",), State.AUTHENTICATED),
        ([["otp"], {}, None], ("pwd",), State.AUTHENTICATED),
    ],
)
async def test_what_the_provider_proved_is_recorded(
    town: Town, forger: Forger, amr: object, methods: tuple[str, ...], state: State
) -> None:
    forger.change = lambda claims: {**claims, "amr": amr}

    await landed(town.browser(), forger)

    row = shop_session(town)
    assert (row.methods + row.mfa_methods, row.state) == (methods, state)


# -- silent renewal -----------------------------------------------------------------------------------------------


async def renewed(town: Town, browser: Browser) -> Page:
    """Renew silently, by way of the real server."""
    town.shop.options = {"renew": True, "prompt": "none"}
    return await browser.get(f"{SHOP}/login")


async def test_a_silent_renewal_changes_nothing_of_the_login(town: Town) -> None:
    browser = await town.signed_in()
    before = shop_session(town)
    town.clock.advance(60_000)

    page = await renewed(town, browser)

    after = shop_session(town)
    assert page.text == HELLO
    assert (after.sid, after.authenticated_at, after.proof) == (before.sid, before.authenticated_at, before.proof)


async def test_only_login_required_ends_the_session(town: Town, forger: Forger) -> None:
    """Consent or interaction needed, or a server in trouble, say nothing about who is signed in."""
    browser = town.browser()
    await landed(browser, forger)
    town.shop.options = {"renew": True, "prompt": "none"}

    seen = []
    for error in ("consent_required", "interaction_required", "temporarily_unavailable", "login_required"):
        await back(browser, await begun(browser), code="", error=error)
        seen.append((await browser.get(f"{SHOP}/")).text)

    assert seen == [HELLO, HELLO, HELLO, "hello None"]
    assert shop_session(town).reason is Reason.IDP


async def test_a_renewal_of_somebody_else_ends_the_session(town: Town, forger: Forger) -> None:
    """It never changes hands."""
    browser = town.browser()
    await landed(browser, forger)
    town.shop.options = {"renew": True}
    forger.change = lambda claims: {**claims, "sub": "bob"}

    page = await landed(browser, forger)

    assert page.text == "failed other_subject"
    await nobody_is_in(town, browser)


async def test_a_renewal_by_another_session_of_the_providers_is_refused(town: Town, forger: Forger) -> None:
    """Its end would be told by a sid that nothing here hangs on: the user would stay in after a logout there."""
    browser = town.browser()
    await landed(browser, forger)
    before = shop_session(town).upstream
    forger.change = lambda claims: {**claims, "sid": "a later session's"}

    page = await landed(browser, forger, prompt="none", renew="yes")
    again = await landed(browser, forger)

    assert page.text == "failed other_session"
    assert (again.text, before[1], shop_session(town).upstream[1]) == (HELLO, "the provider's sid", "a later session's")


async def test_an_answer_about_a_login_that_another_tab_has_replaced_means_nothing(town: Town) -> None:
    """Whatever it says: here that nobody is signed in, and there that somebody else is."""
    browser = await town.signed_in()
    asked = await browser.get(f"{SHOP}/login", follow=False, prompt="none", renew="1")
    await town.auth.server.reset_password(town.auth.middleware.sessions, "alice")
    held_back = await browser.get(asked.url, follow=False)
    also_asked = await begun(browser, renew="1")
    town.clock.advance(1_000)
    await town.log_in(browser, "bob")

    late = await browser.get(held_back.url)
    other = await back(browser, also_asked, error="login_required", code="")

    assert "error=login_required" in held_back.url
    assert (late.text, other.text) == ("failed changed_meanwhile", "failed changed_meanwhile")
    assert (await browser.get(f"{SHOP}/")).text == f"hello {AUTH}#bob"


async def test_a_renewal_with_a_cookie_that_another_tab_has_replaced_ends_nothing(town: Town) -> None:
    browser = await town.signed_in()
    asked = await browser.get(f"{SHOP}/login", follow=False, prompt="none", renew="1")
    former = {"cookie": f"__Host-auth={browser.cookies['auth.example __Host-auth']}"}
    await town.log_in(browser, prompt="login")

    async with httpx2.AsyncClient(transport=town.internet, trust_env=False) as silent:
        answer = await silent.get(asked.url, headers=former)
        assert "error=interaction_required" in answer.headers["location"]
        await town.auth.server.reset_password(town.auth.middleware.sessions, "alice")
        answer = await silent.get(asked.url, headers=former)
    assert "error=login_required" in answer.headers["location"]


async def test_a_renewal_of_nothing_begins_nothing(town: Town, forger: Forger) -> None:
    browser = town.browser()
    town.shop.options = {"renew": True}

    page = await landed(browser, forger)

    assert page.text == "failed nothing_to_renew"
    await nobody_is_in(town, browser)


# -- a logout that overtakes the login ------------------------------------------------------------------------------


async def test_a_logout_reaches_an_account_that_is_named_by_more_than_the_sub(town: Town, forger: Forger) -> None:
    """A logout token says nothing of it; the sid is enough to know the session."""
    forger.change = lambda claims: {**claims, "email": "alice@shop.example"}
    town.shop.provider.party = evolve(town.shop.provider.party, account=lambda claims: claims.get("email", ""))
    browser = town.browser()
    page = await landed(browser, forger)

    answer = await told(town, signed(good(town)))

    assert page.text == "hello alice@shop.example"
    assert (answer.status_code, (await browser.get(f"{SHOP}/")).text) == (200, "hello None")


@pytest.mark.parametrize("names", ["sid", "sub"])
async def test_a_logout_that_comes_before_the_session_ends_it_all_the_same(
    town: Town, forger: Forger, names: str
) -> None:
    browser, at = town.browser(), town.clock.at // 1_000
    named = {"sid": "the provider's sid"} if names == "sid" else {"sub": "alice"}
    claims = {"iss": AUTH, "aud": "shop", "iat": at, "exp": at + 60, "jti": "j", "events": {EVENT: {}}, **named}
    assert (await told(town, KEYS.sign(claims, typ="logout+jwt"))).status_code == 200

    page = await landed(browser, forger)

    assert page.text == "failed ended_meanwhile"
    await nobody_is_in(town, browser)
    assert shop_session(town).reason is Reason.IDP


async def test_a_local_logout_leaves_the_way_back_open(town: Town, forger: Forger) -> None:
    """The look for an early logout must not itself look like one to the next login by the same session."""
    texts = []
    for _ in range(6):
        browser = town.browser()
        texts.append((await landed(browser, forger)).text)
        await town.shop.middleware.sessions.end_all(f"{AUTH}#alice", Reason.USER_ALL)

    assert texts == [HELLO] * 6


# -- keys and settings --------------------------------------------------------------------------------------------


async def test_a_new_key_of_the_providers_is_fetched_once(town: Town, forger: Forger) -> None:
    """Rotation is not an outage, and a token with a made-up key is not a way to make the shop call for ever."""
    await landed(town.browser(), forger)
    town.clock.advance(61_000)
    town.internet.log.clear()
    forger.sign = by_unknown

    texts = [(await landed(town.browser(), forger)).text for _ in range(3)]

    assert texts == ["failed bad_token", "unavailable", "unavailable"], "after a look nobody knows for a minute"
    assert len([line for line in town.internet.log if line.endswith("jwks.json")]) == 1


async def test_a_made_up_key_takes_no_good_one_away(town: Town, forger: Forger) -> None:
    """Anybody may post a token with one; while the provider's keys cannot be fetched, those at hand go on."""
    await landed(town.browser(), forger)
    town.clock.advance(61_000)
    town.internet.log.clear()
    token = signed(good(town))
    town.internet.down.add("auth.example")

    made_up = [(await told(town, by_unknown(good(town)))).status_code for _ in range(3)]
    answer = await told(town, token)

    assert made_up == [503] * 3, "nobody knows whether the key is new"
    assert (answer.status_code, shop_session(town).live) == (200, False)
    assert len([line for line in town.internet.log if line.endswith("jwks.json")]) == 1


async def test_the_applications_own_lifetime_is_what_is_asked_for(town: Town) -> None:
    town = Town(town.clock, policy=Policy(login=Limits(idle=60_000 * 30, lifetime=3_600_000), touch_every=1_000))

    assert (await begun(town.browser()))["max_age"] == "3600"


async def test_a_provider_that_does_not_tell_ages_is_not_asked_for_them(town: Town, forger: Forger) -> None:
    town.shop.provider.party = evolve(town.shop.provider.party, says_auth_time=False)
    forger.change = lambda claims: _without(claims, "auth_time")
    browser = town.browser()

    page = await landed(browser, forger)

    assert page.text == HELLO
    assert "max_age" not in await begun(browser)


async def test_a_withdrawn_key_is_not_believed_for_ever(town: Town, forger: Forger) -> None:
    await landed(town.browser(), forger)
    town.internet.log.clear()
    town.clock.advance(timedelta(hours=1, seconds=1))

    await landed(town.browser(), forger)

    assert [line for line in town.internet.log if line.endswith("jwks.json")] == [f"GET {AUTH}.well-known/jwks.json"]


@pytest.mark.parametrize("error", ["<script>", "Not An Error", "x" * 100, ""])
async def test_an_error_that_is_none_is_not_repeated(town: Town, error: str) -> None:
    browser = town.browser()

    page = await back(browser, await begun(browser), code="", error=error)

    assert page.text == "failed invalid_response"


@pytest.mark.parametrize(
    "setting",
    [
        {"algorithms": ()},
        {"algorithms": ("none",)},
        {"algorithms": ("RS256", "HS256")},
        {"issuer": "http://auth.example/"},
        {"redirect_uri": "/callback"},
        {"post_logout_redirect_uri": "ftp://shop.example/"},
        {"scopes": ("profile",)},
        {"assumed_method": "magic"},
    ],
)
def test_a_setting_that_would_weaken_it_is_refused(setting: dict[str, Any]) -> None:
    good = {"issuer": AUTH, "client_id": "shop", "redirect_uri": f"{SHOP}/callback"}

    with pytest.raises(InvalidSetting):
        RelyingParty(**{**good, **setting})


def test_a_failure_says_where_the_user_wanted_to_go() -> None:
    failed = LoginFailed("access_denied", "the user said no", "/account")

    assert (failed.error, failed.next, str(failed)) == ("access_denied", "/account", "access_denied: the user said no")


async def test_the_id_token_is_kept_for_the_logout_and_the_instant_of_the_proof_for_require(town: Town) -> None:
    await town.signed_in()

    kept = dict(shop_session(town).data)
    assert kept.keys() == {"oidc.id_token", "oidc.auth_time"}
    assert claims_of(kept["oidc.id_token"].strip('"'))["sub"] == "alice"
    assert kept["oidc.auth_time"] == str(town.clock() // 1_000)


@pytest.mark.parametrize(("essential", "shown"), [(True, "failed acr_unmet"), (False, f"hello {AUTH}#alice")])
async def test_an_essential_acr_that_the_browser_took_out_of_the_request_is_missed(
    town: Town, essential: bool, shown: str
) -> None:
    browser = town.browser()
    town.shop.options = {"claims": json.dumps({"id_token": {"acr": {"essential": essential, "values": [GOLD]}}})}
    asked = await browser.get(f"{SHOP}/login", follow=False)
    stripped = str(httpx2.URL(asked.url).copy_remove_param("claims"))

    page = await browser.submit(await browser.get(stripped), user="alice")

    assert page.text == shown
    assert (await browser.get(f"{SHOP}/")).text == ("hello None" if essential else shown)
