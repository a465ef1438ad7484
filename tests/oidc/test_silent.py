"""Silent authentication: prompt=none, and a message to the window that asked."""

import pytest

from .spa import answer, asked, tokens
from .town import AUTH, SHOP, Town, claims_of

pytestmark = pytest.mark.anyio


async def test_oidcc_prompt_none_logged_in(town: Town) -> None:
    browser = await town.signed_in()

    issued = await tokens(town, browser)

    claims = claims_of(issued["id_token"])
    assert (claims["sub"], claims["nonce"], claims["aud"], claims["iss"]) == ("alice", "the nonce", "spa", AUTH)
    assert claims["auth_time"] == town.clock.at // 1_000


async def test_oidcc_prompt_none_not_logged_in(town: Town) -> None:
    browser = town.browser()

    page = await asked(browser, prompt="none")

    assert answer(page) == {
        "error": "login_required",
        "error_description": "There is no live session with somebody signed in.",
        "state": "the state",
        "iss": AUTH,
    }
    assert [*browser.cookies] == []


async def test_a_message_goes_to_the_windows_origin_only(town: Town) -> None:
    browser = await town.signed_in()

    page = await asked(browser, prompt="none", response_mode="web_message")

    policy = page.response.headers["content-security-policy"]
    assert page.status == 200
    assert f"frame-ancestors {SHOP}" in policy
    assert f'"{SHOP}"' in page.text
    assert '"state": "the state"' in page.text
