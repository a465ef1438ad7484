"""Somebody in front of the orders app."""

from typing import Any

from playwright.sync_api import Locator, expect

from .people import Person

READ_CLAIMS = """() => Object.fromEntries([...document.querySelectorAll("#claims div")].map(
    (line) => [line.firstChild.textContent, line.lastChild.textContent]))"""
BUTTONS = {"code": "Log in", "implicit": "Log in, the classic way"}


class AppUser(Person):
    """Use the single-page app."""

    def open(self) -> "AppUser":
        """Go there, and wait until its script has looked round."""
        self.page.goto(self.sites.url("orders", "/"))
        expect(self.page.locator("body[data-ready]")).to_be_attached()
        return self

    def press_log_in(self, way: str) -> None:
        """Leave for the login service."""
        self.press(BUTTONS[way])

    def log_in(self, name: str, way: str) -> None:  # type: ignore[override]  # another application, another way
        """Log in by redirect, and allow what the app asks for."""
        self.open().press_log_in(way)
        self.fill_in_password(name)
        self.press("Allow it")
        expect(self.page.locator("#in")).to_be_visible()

    def log_in_without_a_page(self) -> None:
        """Log in by redirect where only the consent is missing."""
        self.press_log_in("code")
        self.press("Allow it")
        expect(self.page.locator("#in")).to_be_visible()

    def try_silently(self) -> None:
        """Ask by a hidden frame, before there are any tokens."""
        self.press("Try silently")

    def renew(self) -> None:
        """Ask by a hidden frame for other tokens."""
        self.press("Renew silently")

    @property
    def who(self) -> Locator:
        """Give the name that is shown."""
        return self.page.locator("#who")

    @property
    def tokens(self) -> Locator:
        """Give what is shown of the tokens."""
        return self.page.locator("#token-badge")

    @property
    def said(self) -> Locator:
        """Give what the app says about its last try."""
        return self.page.locator("#said")

    def claims(self) -> dict[str, Any]:
        """Read what the ID token says."""
        found: dict[str, Any] = self.page.evaluate(READ_CLAIMS)
        return found

    def call_api(self) -> int:
        """Let the app ask for the orders once more; give the status."""
        with self.page.expect_response("**/api/orders") as answered:
            self.press("Read the orders again")
        return answered.value.status
