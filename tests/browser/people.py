"""Somebody in front of a browser, and the shop that they visit."""

from typing import Any, Final

from argon2 import PasswordHasher
from attrs import frozen
from examples.storezero.auth.accounts import DEMO
from examples.storezero.stage.time_machine import TimeMachine
from playwright.sync_api import BrowserContext, Locator, Page, expect

# What Argon2 costs is its authors' affair; that the shop runs it at full cost has its own test.
QUICK: Final = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)

COOKIE: Final = "__Host-session"
PASSWORDS: Final = {user.name: user.password for user in DEMO}


@frozen
class OpenShop:
    """Hold a running shop."""

    url: str
    clock: TimeMachine


class Person:
    """Sit in front of one browser."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.page: Page = context.new_page()

    def visit(self, path: str) -> "Person":
        """Go to a page of the shop."""
        self.page.goto(path)
        return self

    def put_into_cart(self, slug: str) -> None:
        """Buy, nearly."""
        self.visit(f"/product/{slug}").page.get_by_role("button", name="Put into the cart").click()
        expect(self.page.get_by_role("heading", name="Your cart")).to_be_visible()

    def give_password(self, name: str, password: str | None = None, *, remember: bool = False) -> None:
        """Fill the login form in and send it."""
        self.visit("/login").page.get_by_label("Name").fill(name)
        self.page.get_by_label("Password").fill(PASSWORDS[name] if password is None else password)
        if remember:
            self.page.get_by_label("Remember me").check()
        self.press("Log in")

    def log_in(self, name: str, *, remember: bool = False) -> None:
        """Log in and see that it worked."""
        self.give_password(name, remember=remember)
        expect(self.menu).to_be_visible()

    def give_code(self, code: str | None = None) -> None:
        """Type the code that the phone shows."""
        self.page.get_by_label("Six digits").fill(code or self.code())
        self.press("Continue")

    def code(self) -> str:
        """Look at the phone."""
        phone = self.context.new_page()
        phone.goto("/demo/phone")
        shown = phone.locator("[data-code=carol]").inner_text()
        phone.close()
        return shown

    def press(self, name: str) -> None:
        """Press a button of the page."""
        self.page.get_by_role("main").get_by_role("button", name=name, exact=True).click()

    def press_time(self, name: str) -> None:
        """Press a button of the time machine."""
        self.page.locator(".time-machine").get_by_role("button", name=name, exact=True).click()

    def log_out(self) -> None:
        """Log out by the menu."""
        self.menu.click()
        self.page.locator(".menu").get_by_role("button", name="Log out").click()
        expect(self.page.locator(".login-link")).to_be_visible()

    @property
    def menu(self) -> Locator:
        """Give the account menu, which only signed-in customers have."""
        return self.page.locator(".menu > summary")

    @property
    def badge(self) -> Locator:
        """Give the state that the panel names."""
        return self.page.locator("[data-badge]")

    @property
    def lit(self) -> Locator:
        """Give the states that are lit in the panel's diagram."""
        return self.page.locator(".diagram .lit")

    @property
    def cookie(self) -> dict[str, Any] | None:
        """Give the session's cookie as the browser keeps it."""
        return next((dict(one) for one in self.context.cookies() if one.get("name") == COOKIE), None)

    @property
    def kept_cookie(self) -> dict[str, Any]:
        """Give the session's cookie, which has to be there."""
        cookie = self.cookie
        assert cookie is not None, "this browser holds a session's cookie"
        return cookie

    def plant(self, cookie: dict[str, Any]) -> None:
        """Replay a cookie, as somebody does who copied it; a __Host- cookie is planted by address."""
        self.context.add_cookies([{"name": COOKIE, "value": cookie["value"], "url": f"https://{cookie['domain']}/"}])
