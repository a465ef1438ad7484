"""Logging in, in a real browser: what stays, what changes, what is refused."""

from collections.abc import Callable

from playwright.sync_api import expect

from .people import Person, Town


def test_a_visitor_who_only_looks_gets_no_cookie(person: Person) -> None:
    person.visit("/")

    expect(person.badge).to_have_text("NO SESSION")
    expect(person.lit).to_have_count(0)
    assert person.context.cookies() == []


def test_a_guests_cart_survives_the_login(person: Person) -> None:
    person.put_into_cart("teapot")
    person.log_in("alice")
    person.visit("/cart")

    expect(person.page.locator(".cart .name")).to_have_text("Short teapot")


def test_a_login_sets_another_cookie_and_the_former_one_is_dead(person: Person, newcomer: Callable[[], Person]) -> None:
    person.put_into_cart("mug")
    before = person.kept_cookie
    person.log_in("alice")
    after = person.kept_cookie

    assert after["value"] != before["value"]
    assert (after["secure"], after["httpOnly"], after["sameSite"]) == (True, True, "Lax")
    thief = newcomer()
    thief.plant(before)
    thief.visit("/")
    expect(thief.page.locator(".login-link")).to_be_visible()
    expect(thief.badge).to_have_text("NO SESSION")


def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(person: Person) -> None:
    alert = person.page.get_by_role("alert")

    person.give_password("alice", "not hers at all")
    expect(alert).to_have_text("That name and password do not belong together.")
    person.give_password("nobody", "anything at all")
    expect(alert).to_have_text("That name and password do not belong together.")
    expect(person.at("auth").badge).to_have_text("CREATED")
    expect(person.badge).to_have_text("CREATED")


def test_somebody_who_owes_a_code_is_not_signed_in_before_it(person: Person) -> None:
    person.give_password("carol")

    expect(person.page.get_by_role("heading", name="One-time code")).to_be_visible()
    expect(person.at("auth").badge).to_have_text("AUTHENTICATED")
    expect(person.at("auth").facts).to_contain_text("not before a code")
    expect(person.badge).to_have_text("CREATED")
    for path in ("/orders", "/sessions", "/password", "/checkout"):
        person.visit(path)
        expect(person.page.get_by_role("heading", name="One-time code")).to_be_visible()
    person.give_code("000000")
    expect(person.page.get_by_role("alert")).to_contain_text("That code is wrong")
    person.give_code()
    expect(person.menu).to_have_text("Carol")
    expect(person.badge).to_have_text("MFA_SATISFIED")


def test_a_code_is_good_once(person: Person, newcomer: Callable[[], Person]) -> None:
    code = person.visit("/").code()
    person.give_password("carol")
    person.give_code(code)
    expect(person.menu).to_be_visible()
    onlooker = newcomer()
    onlooker.give_password("carol")
    onlooker.give_code(code)

    expect(onlooker.page.get_by_role("alert")).to_contain_text("was used before")
    expect(onlooker.menu).to_have_count(0)


def test_being_remembered_is_a_cookie_with_a_date(person: Person, newcomer: Callable[[], Person]) -> None:
    person.log_in("alice", remember=True)
    other = newcomer()
    other.log_in("alice")

    assert person.kept_cookie_of("auth")["expires"] > 0
    assert other.kept_cookie_of("auth")["expires"] == -1


def test_whoever_is_remembered_comes_back_to_a_closed_browser_without_a_question(person: Person) -> None:
    person.log_in("alice", remember=True)
    # A browser that closes forgets the cookies without a date: the shop's.
    assert person.kept_cookie["expires"] == -1
    person.lose_cookie_of("shop")
    person.visit("/orders")

    expect(person.heading("Your orders")).to_be_visible()
    expect(person.menu).to_have_text("Alice")


def test_the_login_goes_on_to_the_page_that_asked_for_it(person: Person) -> None:
    person.visit("/orders").fill_in_password("bob")

    expect(person.page.get_by_role("heading", name="Your orders")).to_be_visible()


def test_a_login_never_goes_on_to_another_site(person: Person, town: Town) -> None:
    person.visit("/login?next=//evil.example/").fill_in_password("bob")

    expect(person.page).to_have_url(f"{town.url}/")


def test_after_logging_out_neither_the_back_button_nor_the_cookie_shows_anything(person: Person) -> None:
    person.log_in("alice")
    person.visit("/orders")
    replayed = person.kept_cookie
    person.leave()
    expect(person.page.locator(".login-link")).to_be_visible()
    assert person.cookie is None
    assert person.cookie_of("auth") is None

    # Back to the page that only a signed-in customer sees.
    person.page.go_back()
    expect(person.page.get_by_role("heading", name="Log in")).to_be_visible()
    person.plant(replayed)
    person.visit("/orders")
    expect(person.page.get_by_role("heading", name="Log in")).to_be_visible()


def test_a_forged_form_is_refused(person: Person) -> None:
    person.log_in("alice")
    status = person.page.evaluate(
        "fetch('/logout', {method: 'POST', body: new URLSearchParams({csrf: '0'.repeat(64)})}).then(a => a.status)"
    )

    assert status == 403
    expect(person.visit("/").menu).to_have_text("Alice")
