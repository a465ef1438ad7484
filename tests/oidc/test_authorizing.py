"""What the server's session answers: the assertions of the conformance suite's modules of the same names."""

import json
from typing import Any

import pytest

from sessioncore import Reason, State
from sessioncore.sso import Interaction, ServerPolicy, subject_of
from sessioncore_io.oidc import Pending

from .browser import Browser, Page
from .spa import answer, asked, exchanged, tokens
from .town import AUTH, GOLD, KEYS, SHOP, Town, authorize_url, claims_of

pytestmark = pytest.mark.anyio

SECOND = 1_000


def kinds(town: Town) -> list[Interaction]:
    """Name the pages that were shown since the login."""
    return [value.kind for value in town.auth.shown if isinstance(value, Pending)]


async def answered(town: Town, browser: Browser, page: Page, user: str = "alice") -> Page:
    """Answer pages until the browser is back at the application."""
    for _ in range(6):
        if not page.url.startswith(f"{AUTH}login"):
            return page
        page = await browser.submit(page, user=user)
    raise AssertionError("asked for ever")


async def after_pages(town: Town, browser: Browser, **params: str) -> tuple[dict[str, object], list[Interaction]]:
    """Ask, answer every page, and give the ID token's claims and the pages."""
    town.auth.shown.clear()
    page = await answered(town, browser, await asked(browser, **params))
    response = await exchanged(town, answer(page)["code"])
    return dict(claims_of(response.json()["id_token"])), kinds(town)


async def signed_in(town: Town) -> Browser:
    """Give a browser whose user logged in a minute ago."""
    browser = await town.signed_in()
    town.clock.advance(60 * SECOND)
    return browser


LOGGED_IN_AT = 1_735_689_600


async def test_oidcc_max_age_1(town: Town) -> None:
    """The login is older: the user is asked again, and auth_time is that of the second login."""
    browser = await signed_in(town)

    claims, pages = await after_pages(town, browser, max_age="1")

    assert pages == [Interaction.REAUTHENTICATE]
    assert claims["auth_time"] == LOGGED_IN_AT + 60


async def test_oidcc_max_age_1_silently(town: Town) -> None:
    browser = await signed_in(town)

    page = await asked(browser, max_age="1", prompt="none")

    assert answer(page)["error"] == "login_required"


async def test_oidcc_max_age_10000(town: Town) -> None:
    """The login is recent enough: nobody is asked, and auth_time says when it was."""
    browser = await signed_in(town)

    claims, pages = await after_pages(town, browser, max_age="10000")

    assert (pages, claims["auth_time"]) == ([], LOGGED_IN_AT)


async def test_a_login_exactly_as_old_as_max_age_counts(town: Town) -> None:
    browser = await signed_in(town)

    _, at_the_limit = await after_pages(town, browser, max_age="60")
    town.clock.advance(1)
    _, beyond = await after_pages(town, browser, max_age="60")

    assert (at_the_limit, beyond) == ([], [Interaction.REAUTHENTICATE])


async def test_a_page_that_takes_longer_than_max_age_is_not_asked_again(town: Town) -> None:
    browser = await signed_in(town)
    page = await asked(browser, max_age="1")
    page = await browser.submit(page, follow=False)
    town.clock.advance(60 * SECOND)

    page = await browser.get(page.url)

    assert "code" in answer(page)


async def test_oidcc_prompt_login(town: Town) -> None:
    browser = await signed_in(town)

    claims, pages = await after_pages(town, browser, prompt="login")

    assert (pages, claims["auth_time"]) == ([Interaction.LOG_IN], LOGGED_IN_AT + 60)


async def test_silent_renewal_leaves_auth_time_alone(town: Town) -> None:
    browser = await signed_in(town)

    first = claims_of((await tokens(town, browser))["id_token"])
    town.clock.advance(60 * SECOND)
    second = claims_of((await tokens(town, browser))["id_token"])

    assert first["auth_time"] == second["auth_time"] == LOGGED_IN_AT
    assert second["iat"] == LOGGED_IN_AT + 120
    assert first["sid"] == second["sid"]


async def test_oidcc_id_token_hint(town: Town) -> None:
    browser = await signed_in(town)
    hint = (await tokens(town, browser))["id_token"]

    claims = claims_of((await tokens(town, browser, id_token_hint=hint))["id_token"])

    assert claims["sub"] == "alice"


async def test_a_hint_of_somebody_else_is_not_answered(town: Town) -> None:
    """Silently it is refused; otherwise the other may log in, and only the other."""
    browser = await signed_in(town)
    hint = KEYS.sign({"iss": AUTH, "sub": "bob", "aud": "spa"}, typ="JWT")

    silent = answer(await asked(browser, prompt="none", id_token_hint=hint))
    page = await asked(browser, id_token_hint=hint)
    assert "<h1>log_in for bob</h1>" in page.text
    wrong = answer(await answered(town, browser, page, "alice"))
    right = answer(await answered(town, browser, await asked(browser, id_token_hint=hint), "bob"))

    assert silent["error"] == "login_required"
    assert town.auth.shown[-1].subject == "bob"
    assert wrong["error"] == "login_required"
    assert "code" in right


@pytest.mark.parametrize("hint", ["junk", "e30.e30.e30"])
async def test_a_hint_that_is_not_ours_is_an_invalid_request(town: Town, hint: str) -> None:
    browser = await signed_in(town)

    page = await asked(browser, id_token_hint=hint)

    assert answer(page)["error"] == "invalid_request"


async def test_a_hint_of_another_issuer_is_an_invalid_request(town: Town) -> None:
    browser = await signed_in(town)
    hint = KEYS.sign({"iss": "https://other.example/", "sub": "alice", "aud": "spa"}, typ="JWT")

    page = await asked(browser, id_token_hint=hint)

    assert answer(page)["error"] == "invalid_request"


async def test_oidcc_ensure_request_with_acr_values_succeeds(town: Town) -> None:
    """They are wishes: one that nobody knows, or that is not met, is no error."""
    browser = await signed_in(town)

    page = await asked(browser, acr_values=f"{GOLD} 1 2")

    assert "code" in answer(page)


async def test_an_essential_acr_is_stepped_up_to(town: Town) -> None:
    browser = await signed_in(town)
    wish = json.dumps({"id_token": {"acr": {"essential": True, "values": [GOLD]}}})

    claims, pages = await after_pages(town, browser, claims=wish)

    assert (pages, claims["acr"], claims["amr"]) == ([Interaction.STEP_UP], GOLD, ["pwd", "otp"])
    assert claims["auth_time"] == LOGGED_IN_AT


async def test_an_essential_acr_that_nobody_meets_is_an_error(town: Town) -> None:
    browser = await signed_in(town)
    wish = json.dumps({"id_token": {"acr": {"essential": True, "value": "urn:example:platinum"}}})

    page = await asked(browser, claims=wish)

    assert answer(page)["error"] == "unmet_authentication_requirements"


async def test_mfa_done_once_is_remembered(town: Town) -> None:
    """The second arrival sees neither a login page nor an MFA prompt."""
    town.auth.rules = ServerPolicy(mfa=True)
    browser = town.browser()
    await town.log_in(browser)
    first = kinds(town)

    _, pages = await after_pages(town, browser)

    assert (first, pages) == ([Interaction.LOG_IN, Interaction.SATISFY_MFA], [])


async def test_mfa_that_is_owed_is_no_silent_answer(town: Town) -> None:
    browser = await signed_in(town)
    town.auth.rules = ServerPolicy(mfa=True)

    page = await asked(browser, prompt="none")

    assert answer(page)["error"] == "interaction_required"


async def test_consent_is_asked_for_and_may_be_denied(town: Town) -> None:
    browser = await signed_in(town)
    town.auth.rules = ServerPolicy(consented=False)

    silent = answer(await asked(browser, prompt="none"))
    page = await asked(browser)
    denied = answer(await browser.submit(page, deny="1"))
    granted = answer(await answered(town, browser, await asked(browser)))

    assert silent["error"] == "consent_required"
    assert (denied["error"], denied["state"]) == ("access_denied", "the state")
    assert "code" in granted


async def test_a_page_that_is_sent_again_answers_only_itself(town: Town) -> None:
    """The user goes back from the question of consent and chooses the account once more: that is no consent."""
    browser = await signed_in(town)
    town.auth.rules = ServerPolicy(consented=False)
    chooser = await asked(browser, prompt="select_account")

    consent = await browser.submit(chooser)
    again = await browser.submit(chooser)

    assert "consent for alice" in consent.text
    assert "consent for alice" in again.text


@pytest.mark.parametrize("page", ["", ".", ".nothing", ".LOG_IN", ".log_in.consent"])
async def test_a_page_that_there_is_not_answers_nothing(town: Town, page: str) -> None:
    browser = town.browser()
    await asked(browser)

    shown = await browser.get(f"{AUTH}login?transaction={town.auth.shown[-1].id}{page}")

    assert (shown.status, shown.text) == (400, "gone")


async def test_select_account_is_asked_for_once(town: Town) -> None:
    browser = await signed_in(town)

    _, pages = await after_pages(town, browser, prompt="select_account")

    assert pages == [Interaction.SELECT_ACCOUNT]


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"prompt": "none login"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"claims": "{"}, "invalid_request"),
        ({"response_mode": "carrier_pigeon"}, "invalid_request"),
        ({"response_type": "id_token", "response_mode": "query"}, "invalid_request"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": ""}, "unsupported_response_type"),
        ({"response_type": "id_token", "nonce": ""}, "invalid_request"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"scope": ""}, "invalid_scope"),
        ({"code_challenge": "", "code_challenge_method": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": ""}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"request": "a.b.c"}, "request_not_supported"),
        ({"request_uri": "https://evil.example/"}, "request_uri_not_supported"),
        ({"registration": "{}"}, "registration_not_supported"),
    ],
)
async def test_a_request_that_cannot_be_answered_is_an_error(town: Town, params: dict[str, str], error: str) -> None:
    browser = await signed_in(town)
    town.auth.shown.clear()

    page = await asked(browser, **params)

    assert (answer(page).get("error"), answer(page).get("state")) == (error, "the state")
    assert "code" not in answer(page)
    assert town.auth.shown == []


async def test_a_parameter_that_comes_twice_is_an_error(town: Town) -> None:
    browser = await signed_in(town)

    page = await browser.get(f"{authorize_url()}&nonce=another")

    assert answer(page)["error"] == "invalid_request"


@pytest.mark.parametrize(
    "params",
    [
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": f"{SHOP}/app?x=1"},
        {"redirect_uri": f"{SHOP}/app/"},
        {"redirect_uri": f"{SHOP}/callback"},
        {"redirect_uri": ""},
        {"client_id": "nobody", "redirect_uri": f"{SHOP}/app"},
        {"state": "x" * 5_000},
    ],
)
async def test_oidcc_ensure_registered_redirect_uri(town: Town, params: dict[str, str]) -> None:
    """Whoever is not known is not redirected to: there is a page, and no open redirect."""
    browser = await signed_in(town)

    page = await browser.get(authorize_url(**params))

    assert page.status in (400, 414)
    assert page.url.startswith(AUTH)
    assert "evil" not in page.text
    assert page.response.headers["content-security-policy"] == "frame-ancestors 'none'"


async def test_a_redirect_uri_that_comes_twice_is_nobodys(town: Town) -> None:
    browser = await signed_in(town)

    page = await browser.get(f"{authorize_url()}&redirect_uri=https://evil.example/")

    assert (page.status, page.url.startswith(AUTH)) == (400, True)


async def test_oidcc_ensure_post_request_succeeds(town: Town) -> None:
    browser = await signed_in(town)
    fields: dict[str, Any] = dict(browser.client.build_request("GET", authorize_url()).url.params)

    page = await browser.post(f"{AUTH}authorize", **fields)

    assert "code" in answer(page)


async def test_a_post_from_another_site_begins_no_session_over_a_live_one(town: Town) -> None:
    """It comes without a Lax cookie: the page that would follow would set another."""
    browser = town.browser()
    fields: dict[str, Any] = dict(browser.client.build_request("GET", authorize_url()).url.params)

    page = await browser.post(f"{AUTH}authorize", follow=False, **fields)

    assert page.response.headers.get("set-cookie") is None
    assert page.url.startswith(f"{AUTH}authorize?")


async def test_oidcc_ensure_request_with_unknown_parameter_succeeds(town: Town) -> None:
    browser = await signed_in(town)

    assert "code" in answer(await asked(browser, extra="foobar", ui_locales="fr", display="page", login_hint="x"))


async def test_oidcc_ensure_request_without_nonce_succeeds_for_code_flow(town: Town) -> None:
    browser = await signed_in(town)

    issued = await tokens(town, browser, nonce="")

    assert "nonce" not in claims_of(issued["id_token"])


async def test_the_implicit_answer_comes_in_the_fragment(town: Town) -> None:
    browser = await signed_in(town)

    page = await asked(browser, response_type="id_token token")

    back = page.fragment
    claims = claims_of(back["id_token"])
    assert page.query == {}
    assert (back["state"], back["iss"], back["token_type"]) == ("the state", AUTH, "Bearer")
    assert (claims["auth_time"], claims["sub"]) == (LOGGED_IN_AT, "alice")
    assert claims["at_hash"]
    assert claims_of(back["access_token"])["aud"] == "https://api.example"


async def test_an_id_token_alone_says_who_the_user_is(town: Town) -> None:
    browser = await signed_in(town)

    claims = claims_of((await asked(browser, response_type="id_token")).fragment["id_token"])

    assert claims["name"] == "Alice"


async def test_a_form_is_posted_by_the_browser(town: Town) -> None:
    browser = await signed_in(town)

    page = await asked(browser, response_mode="form_post", state='"><script>')

    action, fields = page.form
    assert (action, fields["state"]) == (f"{SHOP}/app", '"><script>')
    assert (await exchanged(town, fields["code"])).status_code == 200


async def test_nothing_in_a_message_ends_the_script(town: Town) -> None:
    browser = await signed_in(town)

    page = await asked(browser, response_mode="web_message", prompt="none", state="</script><script>alert(1)//")

    assert page.text.count("<script") == 1
    assert page.text.count("</script") == 1


async def test_three_states_of_a_guest_are_three_answers(town: Town) -> None:
    """Nobody, a guest and somebody: only the last is answered silently."""
    nobody, guest, somebody = town.browser(), town.browser(), await signed_in(town)
    await asked(guest)

    errors = [answer(await asked(who, prompt="none")).get("error") for who in (nobody, guest, somebody)]

    assert errors == ["login_required", "login_required", None]


async def test_an_idle_session_is_nobodys(town: Town) -> None:
    browser = await signed_in(town)
    town.clock.advance(31 * 60 * SECOND)

    page = await asked(browser, prompt="none")

    assert answer(page)["error"] == "login_required"


async def test_a_silent_answer_counts_as_use_and_a_refusal_does_not(town: Town) -> None:
    browser = await signed_in(town)
    (before,) = town.auth_store._rows.values()

    await asked(browser, prompt="none", max_age="1")
    refused = next(iter(town.auth_store._rows.values()))
    await asked(browser, prompt="none")
    granted = next(iter(town.auth_store._rows.values()))

    assert refused == before
    assert granted.seen_at == town.clock.at


@pytest.mark.parametrize("guest", [False, True])
async def test_a_silent_request_begins_nothing_and_sets_no_cookie(town: Town, guest: bool) -> None:
    browser = town.browser()
    if guest:
        await asked(browser)
    before = dict(town.auth_store._rows)

    page = await browser.get(authorize_url(prompt="none"), follow=False)

    assert page.response.headers.get("set-cookie") is None
    assert dict(town.auth_store._rows) == before
    assert page.response.headers["vary"] == "Cookie"


async def test_an_ended_session_is_refused_and_its_cookie_left_alone(town: Town) -> None:
    browser = await signed_in(town)
    (row,) = town.auth_store._rows.values()
    await town.auth.middleware.sessions.end_all("alice", reason=Reason.ADMIN)

    page = await browser.get(authorize_url(prompt="none"), follow=False)

    assert answer(page)["error"] == "login_required"
    assert page.response.headers.get("set-cookie") is None
    assert town.auth_store.load(row.sid)[0].state is State.LOGGED_OUT


def test_two_issuers_equal_subs_are_two_subjects() -> None:
    assert subject_of(AUTH, "alice") != subject_of("https://other.example/", "alice")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "HEAD", "OPTIONS"])
@pytest.mark.parametrize("path", ["authorize", "oidc/logout"])
async def test_another_method_does_nothing(town: Town, method: str, path: str) -> None:
    browser = await signed_in(town)
    before = dict(town.auth_store._rows)

    response = await browser.client.request(method, f"{AUTH}{path}")

    assert (response.status_code, response.headers["allow"]) == (405, "GET, POST")
    assert dict(town.auth_store._rows) == before


async def test_a_parameter_that_has_the_name_of_ours_is_ignored_like_any_other(town: Town) -> None:
    """RFC 6749, 3.1: a request that names its client is no way back from a page."""
    browser = await signed_in(town)

    page = await asked(browser, transaction="x")

    assert "code" in answer(page)


async def test_what_waits_for_a_client_that_is_gone_is_gone(town: Town) -> None:
    browser = town.browser()
    page = await asked(browser)
    town.auth.server.clients.pop("spa")

    page = await browser.get(page.url)

    assert (page.status, page.text) == (400, "gone")


async def test_pages_of_decisions_are_nobodys_frames(town: Town) -> None:
    """The application has thought of no header for this one; the server has."""
    browser = await signed_in(town)

    page = await browser.get(f"{AUTH}oidc/logout")

    assert "log out?" in page.text
    assert page.response.headers["content-security-policy"] == "frame-ancestors 'none'"
    assert page.response.headers["x-frame-options"] == "DENY"


async def test_a_request_with_a_former_cookie_waits_for_nothing(town: Town) -> None:
    """Another tab has rotated the secret meanwhile: what this one would write is dropped, so it says so."""
    browser = town.browser()
    await asked(browser)
    jar = {cookie.name: str(cookie.value) for cookie in browser.client.cookies.jar}
    await browser.submit(await asked(browser))

    late = town.browser()
    late.client.cookies.set("__Host-auth", jar["__Host-auth"], domain="auth.example")
    page = await late.get(authorize_url())

    assert page.status == 409
