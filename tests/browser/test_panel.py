"""The panel tells the truth, by itself, and keeps nobody signed in."""

from collections.abc import Callable
from datetime import timedelta

from playwright.sync_api import expect

from .people import Person, Town


def test_the_panel_lights_the_state_and_the_arrow_that_led_to_it(person: Person) -> None:
    shop, auth = person.at("shop"), person.at("auth")
    person.put_into_cart("lamp")
    expect(shop.lit).to_have_attribute("data-state", "CREATED")
    expect(shop.fired).to_have_text("nothing to CREATED: begin")

    person.give_password("carol")
    expect(auth.lit).to_have_attribute("data-state", "AUTHENTICATED")
    expect(auth.fired).to_have_text("CREATED to AUTHENTICATED: LogIn")
    expect(shop.lit).to_have_attribute("data-state", "CREATED")
    person.give_code()
    expect(person.menu).to_be_visible()
    expect(auth.lit).to_have_attribute("data-state", "MFA_SATISFIED")
    expect(auth.fired).to_have_text("AUTHENTICATED to MFA_SATISFIED: LogIn, SatisfyMfa")
    # The token says that both factors were proved, so the shop's session takes both steps at once.
    expect(shop.lit).to_have_attribute("data-state", "MFA_SATISFIED")
    expect(shop.fired).to_have_text("CREATED to MFA_SATISFIED: LogIn")
    expect(shop.card.locator("[data-deadline='second factor']")).to_be_visible()
    expect(shop.card.locator(".events")).to_contain_text("put into the cart: Reading lamp")


def test_the_panel_shows_where_a_session_went_that_was_logged_out(person: Person) -> None:
    person.log_in("alice")
    person.log_out()

    for part, why in (("shop", "you ended it"), ("auth", "you logged out at an application")):
        expect(person.at(part).lit).to_have_attribute("data-state", "LOGGED_OUT")
        expect(person.at(part).fired).to_have_text("AUTHENTICATED to LOGGED_OUT: LogOut, Tick")
        expect(person.at(part).why).to_contain_text(why)


def test_an_idle_session_expires_while_one_watches(person: Person) -> None:
    person.log_in("alice")
    person.press_time("+30 min")

    expect(person.badge).to_have_text("EXPIRED")
    expect(person.at("shop").why).to_contain_text("not used for too long")
    expect(person.at("shop").fired).to_have_text("AUTHENTICATED to EXPIRED: Tick")
    person.lose_cookie_of("auth")
    person.visit("/orders")
    expect(person.page.get_by_role("heading", name="Log in")).to_be_visible()


def test_what_expired_stays_expired_when_the_clock_goes_back(person: Person) -> None:
    person.log_in("alice")
    person.press_time("+30 min")
    expect(person.badge).to_have_text("EXPIRED")
    person.press_time("now")
    expect(person.page.locator(".away")).to_have_count(0)

    expect(person.badge).to_have_text("EXPIRED")
    person.lose_cookie_of("auth")
    expect(person.visit("/orders").page.get_by_role("heading", name="Log in")).to_be_visible()


def test_a_second_factor_lapses_and_is_asked_for_again(person: Person, town: Town) -> None:
    person.give_password("carol", remember=True)
    person.give_code()
    expect(person.menu).to_be_visible()
    person.press_time("+12 h")

    expect(person.at("auth").badge).to_have_text("AUTHENTICATED")
    person.visit("/account")
    expect(person.heading("One-time code")).to_be_visible()
    expect(person.at("auth").fired).to_have_text("MFA_SATISFIED to AUTHENTICATED: LogIn, Tick")
    person.visit("/orders")
    expect(person.page.get_by_role("heading", name="One-time code")).to_be_visible()


def test_polling_keeps_nobody_signed_in(person: Person, town: Town) -> None:
    person.log_in("alice")
    idle = person.at("shop").idle

    # Twice fifteen minutes, and the panel asks in between: were asking a use, the second would be forgiven.
    town.wait(timedelta(minutes=15))
    expect(idle).to_contain_text("14:")
    town.wait(timedelta(minutes=15))
    expect(person.badge).to_have_text("EXPIRED")


def test_a_click_does_keep_somebody_signed_in(person: Person, town: Town) -> None:
    person.log_in("alice")
    idle = person.at("shop").idle

    town.wait(timedelta(minutes=15))
    expect(idle).to_contain_text("14:")
    person.visit("/orders")
    expect(idle).to_contain_text("29:")
    town.wait(timedelta(minutes=15))
    expect(idle).to_contain_text("14:")
    expect(person.visit("/orders").menu).to_have_text("Alice")


def test_the_checkout_asks_for_a_code_once_the_last_is_five_minutes_old(person: Person, town: Town) -> None:
    person.put_into_cart("key")
    person.give_password("carol")
    person.give_code()
    expect(person.menu).to_be_visible()
    expect(person.visit("/checkout").page.get_by_role("heading", name="Check out")).to_be_visible()
    town.wait(timedelta(minutes=6))
    person.visit("/checkout")
    # No request can ask for a code alone: it is a login anew, with both.
    person.fill_in_password("carol")
    expect(person.page.get_by_role("heading", name="One-time code")).to_be_visible()
    person.give_code()
    person.press("Buy for € 9.00")

    expect(person.page.get_by_text("1 x Brass key ring")).to_be_visible()
    expect(person.page.locator(".count")).to_have_count(0)


def test_the_checkout_asks_for_the_password_of_who_has_no_code(person: Person, town: Town) -> None:
    person.put_into_cart("key")
    person.log_in("bob")
    town.wait(timedelta(minutes=6))
    person.visit("/checkout")
    person.page.get_by_label("Password").fill("not his at all")
    person.press("Continue")
    expect(person.page.get_by_role("alert")).to_have_text("That is not your password.")
    person.page.get_by_label("Password").fill("a very merry supper")
    person.press("Continue")

    expect(person.page.get_by_role("heading", name="Check out")).to_be_visible()


def test_a_stranger_learns_nothing_of_a_live_session_by_its_sid(person: Person, newcomer: Callable[[], Person]) -> None:
    person.log_in("alice")
    sid = person.page.locator("#panel-sid").get_attribute("data-sid")
    stranger = newcomer()
    stranger.visit(f"/panel?sid={sid}")

    expect(stranger.at("shop").badge).to_have_text("NO SESSION")
    expect(stranger.at("auth").badge).to_have_text("NO SESSION")
    expect(stranger.page.locator("body")).not_to_contain_text("alice")
