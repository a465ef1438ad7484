"""How sessions end, and which others end with them: the cascade, seen in the panels of real browsers."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from .people import Person, Town

HALF_HOUR, HOURS, DAYS = timedelta(minutes=31), timedelta(hours=2, minutes=1), timedelta(days=3, minutes=1)


def everywhere(person: Person) -> None:
    """Log in with Friendbook, and at both applications."""
    person.log_in_with_friendbook()
    person.visit("/login", "reviews")
    expect(person.page.locator(".name")).to_have_text("Frida")


def states(person: Person, **expected: str) -> None:
    """See each layer's state in the panel, as soon as it has heard of it."""
    for part, state in expected.items():
        expect(person.at(part).badge).to_have_text(state)


# -- logging out ---------------------------------------------------------------------------------------------------


def test_a_local_logout_ends_one_session_and_the_next_login_is_silent(person: Person) -> None:
    everywhere(person)
    person.visit("/").leave("Log out here only")

    states(person, shop="LOGGED_OUT", reviews="AUTHENTICATED", auth="AUTHENTICATED", idp="AUTHENTICATED")
    person.visit("/login")
    expect(person.menu).to_have_text("Frida")


def test_a_logout_at_the_shop_ends_the_other_application_too_and_not_friendbook(person: Person) -> None:
    everywhere(person)
    person.log_out()

    states(person, shop="LOGGED_OUT", reviews="LOGGED_OUT", auth="LOGGED_OUT", idp="AUTHENTICATED")
    expect(person.at("shop").why).to_contain_text("you ended it")
    expect(person.at("reviews").why).to_contain_text("the layer above ended its own")
    expect(person.visit("/orders").heading("Log in")).to_be_visible()
    expect(person.visit("/", "reviews").page.locator(".login-link")).to_be_visible()


def test_a_federated_logout_ends_friendbooks_session_too(person: Person) -> None:
    everywhere(person)
    person.visit("/").leave("Log out, and at Friendbook")
    expect(person.page).to_have_url(f"{person.sites.url('shop')}/")

    states(person, shop="LOGGED_OUT", reviews="LOGGED_OUT", auth="LOGGED_OUT", idp="LOGGED_OUT")
    person.visit("/login?idp=friendbook")
    expect(person.heading("Log in")).to_be_visible()


def test_a_logout_at_friendbook_travels_down_through_every_layer(person: Person) -> None:
    everywhere(person)
    person.visit("/", "idp").leave()

    states(person, shop="LOGGED_OUT", reviews="LOGGED_OUT", auth="LOGGED_OUT", idp="LOGGED_OUT")
    for part in ("shop", "reviews", "auth"):
        expect(person.at(part).why).to_contain_text("the layer above ended its own")


def test_a_logout_that_nobody_can_be_held_to_asks_first(person: Person) -> None:
    person.log_in("alice")
    person.visit("/oidc/logout?client_id=shop", "auth")
    expect(person.heading("Log out?")).to_be_visible()
    states(person, shop="AUTHENTICATED", auth="AUTHENTICATED")
    person.press("Log out")

    expect(person.heading("Logged out")).to_be_visible()
    states(person, shop="LOGGED_OUT", auth="LOGGED_OUT")


# -- a password reset ------------------------------------------------------------------------------------------------


def test_a_reset_ends_every_session_in_every_browser_and_application(
    person: Person, newcomer: Callable[[], Person]
) -> None:
    elsewhere, owner = newcomer(), newcomer()
    for one in (person, elsewhere):
        one.log_in("alice")
        one.visit("/login", "reviews")
        expect(one.page.locator(".name")).to_have_text("Alice")
    owner.visit("/forgotten").page.get_by_label("Name").fill("alice")
    owner.press("Send me a link")
    owner.visit("/demo/outbox").page.get_by_role("link", name="Choose a new password").first.click()
    owner.page.get_by_label("New password").fill("a golden afternoon")
    owner.page.get_by_label("Once more").fill("a golden afternoon")
    owner.press("Set the password")
    expect(owner.heading("Password changed")).to_be_visible()

    for one in (person, elsewhere):
        states(one, shop="LOGGED_OUT", reviews="LOGGED_OUT", auth="RESET")
    expect(person.visit("/orders").heading("Log in")).to_be_visible()
    person.fill_in_password("alice")
    expect(person.page.get_by_role("alert")).to_be_visible()


def test_an_operator_ends_the_servers_sessions_and_what_hangs_on_them(
    person: Person, newcomer: Callable[[], Person]
) -> None:
    operator = newcomer()
    person.log_in("alice")
    operator.visit("/demo/operator").press("End all sessions of alice")

    states(person, shop="LOGGED_OUT", auth="LOGGED_OUT")
    expect(person.at("auth").why).to_contain_text("an operator ended it")
    expect(person.at("shop").why).to_contain_text("the layer above ended its own")
    expect(person.visit("/orders").heading("Log in")).to_be_visible()


# -- time ------------------------------------------------------------------------------------------------------------


def test_an_idle_shop_session_comes_back_by_the_servers(person: Person, town: Town) -> None:
    person.log_in("alice")
    town.wait(HALF_HOUR)
    states(person, shop="EXPIRED", auth="AUTHENTICATED")
    person.visit("/orders")

    expect(person.heading("Your orders")).to_be_visible()
    states(person, shop="AUTHENTICATED", auth="AUTHENTICATED")


def test_an_idle_server_session_comes_back_by_friendbooks(person: Person, town: Town) -> None:
    person.log_in_with_friendbook()
    town.wait(HOURS)
    states(person, shop="EXPIRED", auth="EXPIRED", idp="AUTHENTICATED")
    person.visit("/login?idp=friendbook")

    expect(person.menu).to_have_text("Frida")


def test_when_all_have_run_out_a_password_is_needed(person: Person, town: Town) -> None:
    person.log_in_with_friendbook()
    town.wait(DAYS)
    states(person, shop="EXPIRED", auth="EXPIRED", idp="EXPIRED")
    person.visit("/login?idp=friendbook")

    expect(person.heading("Log in")).to_be_visible()


@pytest.mark.parametrize(
    ("part", "step", "steps"),
    [
        ("shop", timedelta(minutes=20), 36),  # 12 h
        ("auth", timedelta(minutes=110), 14),  # 24 h
        ("idp", timedelta(hours=70), 5),  # 14 d
    ],
)
def test_a_session_in_use_still_ends_with_its_lifetime(
    person: Person, town: Town, part: str, step: timedelta, steps: int
) -> None:
    person.log_in_with_friendbook()
    used = {"shop": "/orders", "auth": "/account", "idp": "/account"}[part]
    person.visit(used, part)
    for _ in range(steps - 1):
        town.wait(step, part)
        # No page is drawn, but the session is used: that is what a fetch of a page of one's own does.
        person.page.evaluate("address => fetch(address, {redirect: 'manual'})", used)
    town.wait(step, part)

    states(person, **{part: "EXPIRED"})
    expect(person.at(part).why).to_contain_text("its lifetime is over")


def test_the_sweep_tells_the_applications_that_the_servers_session_ran_out(person: Person, town: Town) -> None:
    person.log_in("alice")
    # The shop is used all the time, so its own limits are not why it ends.
    for _ in range(6):
        town.wait(timedelta(minutes=20))
        person.page.evaluate("fetch('/orders')")
    states(person, shop="AUTHENTICATED")
    person.press_time("+1 min")

    states(person, auth="EXPIRED", shop="LOGGED_OUT")
    expect(person.at("shop").why).to_contain_text("the layer above ended its own")


def test_one_layers_clock_can_be_moved_alone(person: Person) -> None:
    person.log_in("alice")
    person.press_time("+30 min", "shop")

    states(person, shop="EXPIRED", auth="AUTHENTICATED")
    expect(person.at("auth").card.locator(".away")).to_have_count(0)
    expect(person.at("shop").card.locator(".away")).to_have_text("+0:30:00")
