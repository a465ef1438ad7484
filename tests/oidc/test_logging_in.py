"""A login by code and PKCE, from the shop to the server and back."""

import pytest

from .town import AUTH, SHOP, Town

pytestmark = pytest.mark.anyio


async def test_a_login_makes_two_sessions(town: Town) -> None:
    browser = town.browser()

    page = await town.log_in(browser, next="/app")

    assert (page.url, page.text) == (f"{SHOP}/app", f"hello {AUTH}#alice")
    assert sorted(browser.cookies) == ["auth.example __Host-auth", "shop.example __Host-shop"]


async def test_who_is_known_to_the_server_sees_no_page(town: Town) -> None:
    browser = await town.signed_in()
    town.auth.shown.clear()

    page = await browser.get(f"{SHOP}/login")

    assert (page.text, town.auth.shown) == (f"hello {AUTH}#alice", [])
