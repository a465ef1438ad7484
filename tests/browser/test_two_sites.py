"""The shop and its login service on two sites: what works depends on the browser's third-party cookies."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Playwright, expect

from .app_user import AppUser
from .conftest import QUIET
from .find_chromium import find
from .people import Person, Town

# What a user chooses in the browser's settings (Chromium: profile.cookie_controls_mode).
BLOCKED, ALLOWED = 1, 2


@contextmanager
def browsing(playwright: Playwright, profile: Path, town: Town, mode: int) -> Iterator[AppUser]:
    """Use a browser whose owner has decided about third-party cookies."""
    preferences = profile / "Default" / "Preferences"
    preferences.parent.mkdir(parents=True)
    preferences.write_text(json.dumps({"profile": {"cookie_controls_mode": mode}}))
    # The whole browser: a headless shell has no settings.
    started = playwright.chromium.launch_persistent_context(
        profile, executable_path=find(), args=list(QUIET), base_url=town.url
    )
    started.set_default_timeout(20_000)
    yield AppUser(started, town.sites)
    started.close()


@pytest.fixture
def cautious(playwright: Playwright, tmp_path: Path, town_on_two_sites: Town) -> Iterator[AppUser]:
    """Give somebody whose browser keeps cookies from frames of other sites."""
    with browsing(playwright, tmp_path / "profile", town_on_two_sites, BLOCKED) as user:
        yield user


@pytest.fixture
def trusting(playwright: Playwright, tmp_path: Path, town_on_two_sites: Town) -> Iterator[AppUser]:
    """Give somebody whose browser sends them."""
    with browsing(playwright, tmp_path / "profile", town_on_two_sites, ALLOWED) as user:
        yield user


LOST: Final = "login_required"


def test_logging_in_by_redirect_needs_no_third_party_cookies(cautious: AppUser) -> None:
    Person.log_in(cautious, "alice")

    assert cautious.kept_cookie_of("auth")["sameSite"] == "None"
    assert cautious.kept_cookie_of("auth")["domain"] == "auth.localhost"
    assert cautious.kept_cookie["domain"] == "storezero.localhost"
    cautious.lose_cookie_of("shop")
    expect(cautious.visit("/orders").heading("Your orders")).to_be_visible()


def test_a_hidden_frame_sees_no_session_where_third_party_cookies_are_blocked_and_a_redirect_does(
    cautious: AppUser,
) -> None:
    cautious.log_in("alice", "code")
    cautious.renew()
    expect(cautious.said).to_contain_text(LOST)
    expect(cautious.tokens).to_have_text("NO TOKENS")
    # The way out that the page offers: the same question by redirect. Nobody is asked anything.
    cautious.press_log_in("code")

    expect(cautious.tokens).to_have_text("TOKENS · code")
    expect(cautious.who).to_have_text("Alice Liddell")


def test_a_hidden_frame_sees_the_session_where_third_party_cookies_are_allowed(trusting: AppUser) -> None:
    trusting.log_in("alice", "code")
    trusting.renew()

    expect(trusting.said).to_contain_text("Renewed, without a page")


def test_a_logout_reaches_the_other_application_on_two_sites_too(cautious: AppUser) -> None:
    Person.log_in(cautious, "alice")
    cautious.visit("/login", "reviews")
    expect(cautious.page.locator(".name")).to_have_text("Alice")
    cautious.log_out()

    expect(cautious.at("reviews").badge).to_have_text("LOGGED_OUT")
    expect(cautious.visit("/", "reviews").page.locator(".login-link")).to_be_visible()
