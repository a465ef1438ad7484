"""The four flows of single sign-on, in a real browser: who is asked what, and which sessions there are afterwards."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from .app_user import AppUser
from .people import Person, Town

SESSIONS = ("shop", "auth", "idp")


def held(person: Person) -> list[str]:
    """Name the layers whose cookie this browser holds."""
    return [part for part in SESSIONS if person.cookie_of(part)]


# -- 1: password login -----------------------------------------------------------------------------------------


def test_a_password_login_makes_two_sessions_with_a_cookie_each(person: Person) -> None:
    person.visit("/login")
    expect(person.heading("Log in")).to_be_visible()
    for part in ("shop", "auth"):
        expect(person.at(part).badge).to_have_text("CREATED")
    before = person.kept_cookie_of("auth")
    person.fill_in_password("alice")
    expect(person.menu).to_have_text("Alice")

    assert held(person) == ["shop", "auth"]
    for part in ("shop", "auth"):
        expect(person.at(part).badge).to_have_text("AUTHENTICATED")
    assert person.kept_cookie_of("auth")["value"][:22] == before["value"][:22], "the same session was updated"
    assert person.kept_cookie_of("auth")["value"] != before["value"], "under another secret"
    assert len({person.kept_cookie_of(part)["domain"] for part in ("shop", "auth")}) == 2


def test_a_second_factor_is_remembered_by_the_servers_session(person: Person) -> None:
    person.give_password("carol")
    person.give_code()
    expect(person.menu).to_have_text("Carol")
    # A second application: neither a login page nor a question for a code, and it knows of both factors.
    person.visit("/login", "reviews")

    expect(person.page.locator(".name")).to_have_text("Carol")
    expect(person.at("reviews").badge).to_have_text("MFA_SATISFIED")


def test_whoever_lost_the_shops_session_comes_back_without_a_question(person: Person) -> None:
    person.log_in("alice")
    person.lose_cookie_of("shop")
    person.visit("/orders")

    expect(person.heading("Your orders")).to_be_visible()
    expect(person.menu).to_have_text("Alice")


# -- 2: login by the identity provider ---------------------------------------------------------------------------


def test_a_login_by_friendbook_makes_three_sessions_and_signs_in_the_farthest_first(person: Person) -> None:
    person.visit("/login?idp=friendbook")
    expect(person.page).to_have_url(re.compile(re.escape(person.sites.url("idp"))))
    for part in SESSIONS:
        expect(person.at(part).badge).to_have_text("CREATED")
    person.fill_in_password("frida")
    expect(person.menu).to_have_text("Frida")

    assert held(person) == ["shop", "auth", "idp"]
    for part in SESSIONS:
        expect(person.at(part).badge).to_have_text("AUTHENTICATED")
    expect(person.at("shop").facts).to_contain_text(f"of {person.sites.auth}")
    person.visit("/account")
    expect(person.at("auth").facts).to_contain_text(f"of {person.sites.idp}")
    notes = person.visit("/stage").page.locator("#messages .note:has-text('signed in') .who")
    expect(notes).to_have_text(["Friendbook", "Authorization server", "Shop"])


def test_whoever_friendbook_knows_already_is_not_asked_for_credentials(person: Person) -> None:
    person.log_in_with_friendbook()
    for part in ("shop", "auth"):
        person.lose_cookie_of(part)
    person.visit("/login")
    person.press("Continue with Friendbook")

    expect(person.menu).to_have_text("Frida")


# -- 3 and 4: the single-page application ------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["code", "implicit"])
def test_the_orders_app_logs_in_and_has_tokens_but_no_session(app_user: AppUser, way: str) -> None:
    app_user.log_in("alice", way)

    expect(app_user.who).to_have_text("Alice Liddell")
    expect(app_user.tokens).to_have_text(f"TOKENS · {way}")
    assert held(app_user) == ["auth"]
    assert "token" not in app_user.page.url, "nothing stays in the address"


def test_the_orders_app_shows_what_was_bought_in_the_shop(app_user: AppUser) -> None:
    app_user.put_into_cart("mug")
    Person.log_in(app_user, "alice")
    app_user.visit("/checkout").press("Buy for € 18.00")
    app_user.open().log_in_without_a_page()

    expect(app_user.page.locator("#orders")).to_contain_text("1 x Quiet mug")


@pytest.mark.parametrize("way", ["code", "implicit"])
def test_a_silent_renewal_brings_another_token_of_the_same_login(app_user: AppUser, town: Town, way: str) -> None:
    app_user.log_in("alice", way)
    before = app_user.claims()
    town.wait(timedelta(minutes=9))
    app_user.renew()
    expect(app_user.said).to_contain_text("Renewed, without a page")
    after = app_user.claims()

    assert after["iat"] > before["iat"]
    assert (after["auth_time"], after["sid"], after["sub"]) == (before["auth_time"], before["sid"], before["sub"])


def test_after_a_logout_elsewhere_a_silent_renewal_says_login_required(app_user: AppUser) -> None:
    app_user.log_in("alice", "code")
    shop = app_user.another_tab()
    shop.visit("/login")
    expect(shop.menu).to_be_visible()
    shop.log_out()
    app_user.renew()

    expect(app_user.said).to_contain_text("login_required")
    expect(app_user.tokens).to_have_text("NO TOKENS")


def test_asking_silently_before_any_login_leaves_no_cookie_and_shows_no_page(app_user: AppUser) -> None:
    app_user.open().try_silently()

    expect(app_user.said).to_contain_text("login_required")
    assert app_user.context.cookies() == []


def test_tokens_run_out_and_are_worth_nothing_afterwards(app_user: AppUser, town: Town) -> None:
    app_user.log_in("alice", "implicit")
    app_user.page.clock.install()
    app_user.page.clock.fast_forward("11:00")

    expect(app_user.tokens).to_have_text("NO TOKENS")
    expect(app_user.said).to_have_text("The tokens have run out.")


def test_an_access_token_opens_nothing_once_the_servers_session_is_over(app_user: AppUser) -> None:
    app_user.log_in("alice", "code")
    service = app_user.another_tab().visit("/account")
    service.press("Log out here, and everywhere below")
    expect(service.heading("Logged out")).to_be_visible()
    status = app_user.call_api()

    assert status == 401


# -- what an application may ask for -----------------------------------------------------------------------------


def test_a_login_that_is_too_old_is_proved_again(person: Person, town: Town) -> None:
    person.log_in("bob")
    town.wait(timedelta(minutes=6))
    person.visit("/login?fresh=1")
    expect(person.heading("Is it still you?")).to_be_visible()
    person.page.get_by_label("Password").fill("a very merry supper")
    person.press("Continue")

    expect(person.menu).to_have_text("Bob")


def test_a_login_that_is_young_enough_is_not(person: Person, town: Town) -> None:
    person.log_in("bob")
    town.wait(timedelta(minutes=4))
    person.visit("/login?fresh=1")

    expect(person.menu).to_have_text("Bob")


def test_prompt_login_asks_though_somebody_is_signed_in(person: Person) -> None:
    person.give_password("carol")
    person.give_code()
    expect(person.menu).to_be_visible()
    # The shop asks who uses codes to log in anew where a proof has to be fresh.
    person.visit("/login?fresh=1")
    expect(person.heading("Log in")).to_be_visible()
    person.fill_in_password("carol")
    expect(person.heading("One-time code")).to_be_visible()


def test_whoever_says_no_to_an_application_is_sent_back_with_nothing(app_user: AppUser) -> None:
    app_user.open().press_log_in("code")
    app_user.fill_in_password("alice")
    app_user.press("No")

    expect(app_user.said).to_contain_text("access_denied")
    expect(app_user.tokens).to_have_text("NO TOKENS")


# -- what must not work ------------------------------------------------------------------------------------------


def test_two_tabs_that_log_in_at_once_both_arrive(person: Person) -> None:
    second = person.another_tab()
    person.visit("/orders")
    second.visit("/sessions")
    for tab in (person, second):
        expect(tab.heading("Log in")).to_be_visible()
    person.fill_in_password("alice")
    expect(person.heading("Your orders")).to_be_visible()
    second.fill_in_password("alice")

    expect(second.heading("My sessions")).to_be_visible()
    expect(person.visit("/").menu).to_have_text("Alice")


def test_a_callback_in_another_browser_logs_nobody_in(person: Person, newcomer: Callable[[], Person]) -> None:
    person.visit("/login")
    # The code is issued, and not redeemed: without the session that asked, the shop does not even look at it.
    person.lose_cookie_of("shop")
    person.fill_in_password("bob")
    expect(person.heading("Not logged in")).to_be_visible()
    assert "code=" in person.page.url
    victim = newcomer()
    victim.page.goto(person.page.url)

    expect(victim.heading("Not logged in")).to_be_visible()
    expect(victim.page.get_by_text("unknown_state")).to_be_visible()
    expect(victim.visit("/").page.locator(".login-link")).to_be_visible()


@pytest.mark.parametrize("path", ["/login", "/forgotten", "/authorize?client_id=shop"])
def test_no_page_of_the_login_service_lets_itself_be_framed(person: Person, path: str) -> None:
    address = person.sites.url("auth", path)
    person.page.route(
        "**/trap",
        lambda route: route.fulfill(body=f"<iframe src='{address}'></iframe>", content_type="text/html"),
    )
    person.page.goto(person.sites.url("reviews", "/trap"))
    framed = next(frame for frame in person.page.frames if frame is not person.page.main_frame)

    expect(framed.locator("body")).not_to_contain_text("Log in")
    assert framed.url.startswith("chrome-error:")
