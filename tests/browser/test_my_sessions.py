"""Sessions end from afar: by their owner, by another password, by a reset; the panel of each browser tells why."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Locator, expect

from .people import Person, Town

NEW: str = "a golden afternoon"


@pytest.fixture
def other(newcomer: Callable[[], Person]) -> Person:
    """Give another browser of Alice's, in which she is signed in."""
    browser = newcomer()
    browser.log_in("alice")
    return browser


def change_password(person: Person) -> None:
    """Fill the login service's form in and send it."""
    person.visit("/password").page.get_by_label("Present password").fill("down the rabbit hole")
    set_new_password(person, "Change it")


def set_new_password(person: Person, button: str) -> None:
    """Choose the new password."""
    person.page.get_by_label("New password").fill(NEW)
    person.page.get_by_label("Once more").fill(NEW)
    person.press(button)


def ask_for_link(person: Person) -> str:
    """Forget Alice's password and find the mail."""
    person.visit("/forgotten").page.get_by_label("Name").fill("alice")
    person.press("Send me a link")
    expect(person.page.get_by_text("a mail is on its way")).to_be_visible()
    person.visit("/demo/outbox")
    return person.page.get_by_role("link", name="Choose a new password").first.get_attribute("href") or ""


def test_a_session_ended_from_another_browser_is_out_and_its_panel_says_so(person: Person, other: Person) -> None:
    person.log_in("alice")
    person.visit("/sessions", "auth")
    expect(person.page.locator("#live-sessions li")).to_have_count(2)
    person.press("End it")
    expect(person.page.locator("#live-sessions li")).to_have_count(1)
    expect(person.page.locator("#ended-sessions")).to_contain_text("LOGGED_OUT · user")

    # Nobody clicks in the other browser: its panel asks by itself. The shop was told by the login service.
    expect(other.at("auth").badge).to_have_text("LOGGED_OUT")
    expect(other.at("auth").why).to_contain_text("you ended it")
    expect(other.badge).to_have_text("LOGGED_OUT")
    expect(other.at("shop").why).to_contain_text("the layer above ended its own")
    other.visit("/orders")
    expect(other.page.get_by_role("heading", name="Log in")).to_be_visible()


def test_a_session_ended_at_the_shop_alone_is_out_there_and_comes_back_by_the_login_service(
    person: Person, other: Person
) -> None:
    person.log_in("alice")
    person.visit("/sessions")
    expect(person.page.locator("#live-sessions li")).to_have_count(2)
    person.press("End it")
    expect(person.page.locator("#live-sessions li")).to_have_count(1)

    expect(other.badge).to_have_text("LOGGED_OUT")
    expect(other.at("shop").why).to_contain_text("you ended it")
    expect(other.at("auth").badge).to_have_text("AUTHENTICATED")
    other.lose_cookie_of("auth")
    expect(other.visit("/orders").heading("Log in")).to_be_visible()


def signed_out(person: Person) -> Locator:
    """Give what a page says whose session has ended while it was open."""
    return person.page.get_by_role("alert").filter(has_text="You are signed out here")


def test_a_logout_from_another_browser_closes_the_socket_and_the_page_says_so(person: Person, other: Person) -> None:
    """Nobody clicks in the other browser; its panel may be asleep: the socket tells."""
    other.visit("/orders")
    person.log_in("alice")
    person.visit("/sessions").press("End it")

    expect(signed_out(other)).to_contain_text("you ended it")
    expect(other.menu).to_have_count(0)
    expect(other.badge).to_have_text("LOGGED_OUT")
    expect(signed_out(person)).to_have_count(0)
    other.lose_cookie_of("auth")
    signed_out(other).get_by_role("link", name="Log in again").click()
    expect(other.page.get_by_role("heading", name="Log in")).to_be_visible()


@pytest.mark.parametrize("part", ["shop", "auth"])
def test_a_logout_at_the_login_service_closes_the_open_pages_of_both_layers(
    person: Person, other: Person, part: str
) -> None:
    other.visit("/sessions", part)
    person.log_in("alice")
    person.visit("/sessions", "auth").press("End it")

    expect(signed_out(other)).to_contain_text({"shop": "the layer above", "auth": "you ended it"}[part])
    expect(other.menu).to_have_count(0)


def test_a_session_that_expires_while_its_page_is_open_says_so(person: Person) -> None:
    person.log_in("alice")
    person.press_time("+30 min")

    expect(signed_out(person)).to_contain_text("not used for too long")


def test_a_password_change_says_so_in_the_other_browser_and_leaves_this_one_alone(
    person: Person, other: Person
) -> None:
    other.visit("/account")
    person.log_in("alice")
    change_password(person)

    expect(signed_out(other)).to_contain_text("the password was changed elsewhere")
    expect(signed_out(person)).to_have_count(0)
    expect(person.menu).to_be_visible()
    expect(person.visit("/").menu).to_be_visible()


@pytest.mark.parametrize("part", ["shop", "auth"])
def test_ending_all_others_keeps_this_one_with_another_cookie(person: Person, other: Person, part: str) -> None:
    person.log_in("alice")
    before = person.kept_cookie_of(part)
    person.visit("/sessions", part).press("End all others")

    expect(other.badge).to_have_text("LOGGED_OUT")
    expect(person.page.locator("#live-sessions li")).to_have_count(1)
    expect(person.at("auth").badge).to_have_text("AUTHENTICATED")
    expect(person.badge).to_have_text("AUTHENTICATED")
    assert person.kept_cookie_of(part)["value"] != before["value"]


@pytest.mark.parametrize("part", ["shop", "auth"])
def test_nobody_ends_the_session_of_somebody_else(person: Person, other: Person, part: str) -> None:
    other.visit("/sessions", part)
    sid = other.page.locator("#panel-sid").get_attribute("data-sid")
    person.log_in("bob")
    person.visit("/sessions", part)
    person.page.evaluate("sid => document.querySelector('[name=sid]').value = sid", sid)
    person.press("Log out")

    expect(person.page.get_by_text("You have no such session.")).to_be_visible()
    expect(other.visit("/").menu).to_have_text("Alice")


def test_another_password_keeps_this_browser_and_ends_the_others(person: Person, other: Person) -> None:
    person.log_in("alice")
    change_password(person)

    expect(person.page.get_by_role("status")).to_contain_text("Your password is changed")
    expect(person.at("auth").badge).to_have_text("AUTHENTICATED")
    expect(person.badge).to_have_text("AUTHENTICATED")
    expect(other.at("auth").badge).to_have_text("RESET")
    expect(other.at("auth").why).to_contain_text("the password was changed elsewhere")
    expect(other.badge).to_have_text("LOGGED_OUT")
    other.give_password("alice")
    expect(other.page.get_by_role("alert")).to_be_visible()
    other.give_password("alice", NEW)
    expect(other.menu).to_be_visible()


def test_a_reset_by_mail_ends_every_session(newcomer: Callable[[], Person], other: Person, town: Town) -> None:
    owner = newcomer()
    owner.visit(ask_for_link(owner))
    set_new_password(owner, "Set the password")

    expect(owner.page.get_by_role("heading", name="Password changed")).to_be_visible()
    expect(other.at("auth").badge).to_have_text("RESET")
    expect(other.at("auth").why).to_contain_text("the password was reset")
    expect(other.badge).to_have_text("LOGGED_OUT")
    # Somebody as quick as this test would be back in the second of the reset, and on a token that may be from before.
    town.wait(timedelta(minutes=11))
    expect(other.visit("/orders").page.get_by_role("heading", name="Log in")).to_be_visible()
    owner.give_password("alice", NEW)
    expect(owner.menu).to_be_visible()


def test_a_reset_link_works_once(person: Person) -> None:
    link = ask_for_link(person)
    person.visit(link)
    set_new_password(person, "Set the password")
    expect(person.page.get_by_role("heading", name="Password changed")).to_be_visible()

    person.visit(link)
    expect(person.page.get_by_role("heading", name="This link is used up")).to_be_visible()


def test_a_newer_link_or_half_an_hour_makes_a_link_useless(person: Person) -> None:
    former = ask_for_link(person)
    latter = ask_for_link(person)

    used_up = person.page.get_by_role("heading", name="This link is used up")
    expect(person.visit(former).page.get_by_role("heading", name="This link is used up")).to_be_visible()
    expect(person.visit(latter).page.get_by_role("heading", name="Choose a new password")).to_be_visible()
    person.press_time("+30 min")
    expect(person.at("auth").card.locator(".away")).to_have_text("+0:30:00")
    person.visit(latter)
    expect(used_up).to_be_visible()
