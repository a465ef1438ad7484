"""Somebody in front of a browser, and the town that they visit: a shop, its login service, an identity provider."""

from datetime import timedelta
from typing import Any, Final

from argon2 import PasswordHasher
from attrs import frozen
from examples.storezero.app import Clocks, KeyRing
from examples.storezero.auth.accounts import DEMO
from examples.storezero.common.sites import Sites
from examples.storezero.friendbook import FRIENDS
from examples.storezero.stage.layer import Stage
from playwright.sync_api import BrowserContext, Locator, Page, expect

from sessioncore.policy import milliseconds

# What Argon2 costs is its authors' affair; that the shop runs it at full cost has its own test.
QUICK: Final = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
# Drawing RSA keys takes as long as a page; nobody here tells one key from another.
KEYS: Final = KeyRing()

COOKIE: Final = "__Host-shop"
PASSWORDS: Final = {user.name: user.password for user in (*DEMO, *FRIENDS)}

# What moved from the shop to the login service when it got one.
AT_THE_SERVICE: Final = ("/account", "/code", "/confirm", "/demo/", "/forgotten", "/password", "/phone", "/reset/")


@frozen
class Town:
    """Hold a running demo: where its parts are, and one clock a layer."""

    sites: Sites
    clocks: Clocks
    stage: Stage

    @property
    def url(self) -> str:
        """Give the shop's address."""
        return self.sites.url("shop")

    def wait(self, span: timedelta, *parts: str) -> None:
        """Let time pass, everywhere or only in some layers."""
        for part in parts or ("shop", "auth", "idp"):
            getattr(self.clocks, part).offset += milliseconds(span)


def fill_in_password(page: Page, name: str, password: str | None = None) -> None:
    """Fill the login form in that is on the page, and send it."""
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORDS[name] if password is None else password)
    page.get_by_role("main").get_by_role("button", name="Log in", exact=True).click()


class Sight:
    """Look at one layer in the panel."""

    def __init__(self, page: Page, part: str) -> None:
        self.card = page.locator(f"[data-layer={part}]")

    @property
    def badge(self) -> Locator:
        """Give the state that the panel names."""
        return self.card.locator("[data-badge]")

    @property
    def lit(self) -> Locator:
        """Give the states that are lit in the diagram."""
        return self.card.locator(".diagram .lit")

    @property
    def fired(self) -> Locator:
        """Give the title of the arrow that led there."""
        return self.card.locator(".diagram .fired title")

    @property
    def why(self) -> Locator:
        """Give what the panel says about an end."""
        return self.card.locator(".why")

    @property
    def facts(self) -> Locator:
        """Give the list of facts."""
        return self.card.locator(".facts")

    @property
    def idle(self) -> Locator:
        """Give the countdown of the idle limit."""
        return self.card.locator("[data-deadline=idle]")


class Person:
    """Sit in front of one browser."""

    def __init__(self, context: BrowserContext, sites: Sites) -> None:
        self.context = context
        self.sites = sites
        self.page: Page = context.new_page()

    def another_tab(self) -> "Person":
        """Open another tab of the same browser."""
        return Person(self.context, self.sites)

    def at(self, part: str) -> Sight:
        """Look at a layer's session in the panel of the present page."""
        return Sight(self.page, part)

    def url(self, path: str) -> str:
        """Give a page's address: the shop's, or the login service's if it is one of those."""
        return self.sites.url("auth" if path.startswith(AT_THE_SERVICE) else "shop", path)

    def visit(self, path: str, part: str = "") -> "Person":
        """Go to a page: of the part, or of whoever has it."""
        self.page.goto(self.sites.url(part, path) if part else self.url(path))
        return self

    def heading(self, name: str) -> Locator:
        """Give a heading of the page."""
        return self.page.get_by_role("heading", name=name, exact=True)

    def put_into_cart(self, slug: str) -> None:
        """Buy, nearly."""
        self.visit(f"/product/{slug}").page.get_by_role("button", name="Put into the cart").click()
        expect(self.page.get_by_role("heading", name="Your cart")).to_be_visible()

    def fill_in_password(self, name: str, password: str | None = None, *, remember: bool = False) -> None:
        """Fill the login form in that is on the page, and send it."""
        if remember:
            self.page.get_by_label("Remember me").check()
        fill_in_password(self.page, name, password)

    def give_password(self, name: str, password: str | None = None, *, remember: bool = False) -> None:
        """Go to the shop's login, which leads to the login service; fill the form in and send it."""
        self.visit("/login").fill_in_password(name, password, remember=remember)

    def log_in(self, name: str, *, remember: bool = False) -> None:
        """Log in and see that it worked, back at the shop."""
        self.give_password(name, remember=remember)
        expect(self.page.locator(".cart-link")).to_be_visible()
        expect(self.menu).to_be_visible()

    def log_in_with_friendbook(self, name: str = "frida") -> None:
        """Log in by the identity provider, whose own form asks for the password."""
        self.visit("/login?idp=friendbook").fill_in_password(name)
        expect(self.page.locator(".cart-link")).to_be_visible()
        expect(self.menu).to_be_visible()

    def give_code(self, code: str | None = None) -> None:
        """Type the code that the phone shows."""
        self.page.get_by_label("Six digits").fill(code or self.code())
        self.press("Continue")

    def code(self) -> str:
        """Look at the phone."""
        phone = self.context.new_page()
        phone.goto(self.url("/demo/phone"))
        shown = phone.locator("[data-code=carol]").inner_text()
        phone.close()
        return shown

    def press(self, name: str) -> None:
        """Press a button of the page."""
        self.page.get_by_role("main").get_by_role("button", name=name, exact=True).click()

    def press_time(self, name: str, which: str = "all") -> None:
        """Press a button of the time machine, for all layers or for one."""
        machine = self.page.locator(".time-machine")
        machine.get_by_label(which, exact=True).check()
        machine.get_by_role("button", name=name, exact=True).click()

    def leave(self, button: str = "Log out") -> None:
        """Log out by the menu of the shop or of a login service."""
        self.menu.click()
        self.page.locator(".menu").get_by_role("button", name=button, exact=True).click()

    def log_out(self) -> None:
        """Log out at the shop, which logs out at the login service."""
        self.visit("/").leave()
        expect(self.page.locator(".login-link")).to_be_visible()

    @property
    def menu(self) -> Locator:
        """Give the account menu, which only signed-in customers have."""
        return self.page.locator(".menu > summary")

    @property
    def badge(self) -> Locator:
        """Give the state of the shop's session that the panel names."""
        return self.at("shop").badge

    @property
    def lit(self) -> Locator:
        """Give the states that are lit in the diagram of the shop's session."""
        return self.at("shop").lit

    def cookie_of(self, part: str) -> dict[str, Any] | None:
        """Give a layer's cookie as the browser keeps it."""
        return next((dict(one) for one in self.context.cookies() if one.get("name") == f"__Host-{part}"), None)

    @property
    def cookie(self) -> dict[str, Any] | None:
        """Give the cookie of the shop's session as the browser keeps it."""
        return self.cookie_of("shop")

    @property
    def kept_cookie(self) -> dict[str, Any]:
        """Give the cookie of the shop's session, which has to be there."""
        return self.kept_cookie_of("shop")

    def kept_cookie_of(self, part: str) -> dict[str, Any]:
        """Give a layer's cookie, which has to be there."""
        cookie = self.cookie_of(part)
        assert cookie is not None, f"this browser holds the cookie of a session: {part}"
        return cookie

    def lose_cookie_of(self, part: str) -> None:
        """Forget a layer's cookie, as a browser does that is closed, or tidied up."""
        self.context.clear_cookies(name=f"__Host-{part}")

    def plant(self, cookie: dict[str, Any]) -> None:
        """Replay a cookie, as somebody does who copied it; a __Host- cookie is planted by address."""
        planted = {"name": cookie["name"], "value": cookie["value"], "url": f"https://{cookie['domain']}/"}
        self.context.add_cookies([planted])  # type: ignore[list-item]  # a plain dictionary will do
