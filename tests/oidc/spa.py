"""What the single-page application does: send requests, read answers, exchange codes."""

from collections.abc import Mapping
from typing import Any

import httpx2

from .browser import Browser, Page
from .town import AUTH, SHOP, VERIFIER, Town, authorize_url


async def asked(browser: Browser, **params: str) -> Page:
    """Send an authentication request and stop where the application would read the answer."""
    return await browser.get(authorize_url(**params))


def answer(page: Page) -> Mapping[str, str]:
    """Give what came back in the address."""
    return page.fragment or page.query


async def exchanged(town: Town, code: str, **fields: str) -> httpx2.Response:
    """Send a code to the token endpoint, as a script does."""
    form = {
        "grant_type": "authorization_code",
        "client_id": "spa",
        "redirect_uri": f"{SHOP}/app",
        "code_verifier": VERIFIER,
        "code": code,
        **fields,
    }
    async with httpx2.AsyncClient(transport=town.internet, trust_env=False) as client:
        return await client.post(f"{AUTH}oauth/token", data=form, headers={"origin": SHOP})


async def tokens(town: Town, browser: Browser, **params: str) -> Mapping[str, Any]:
    """Log in silently and give the tokens."""
    page = await asked(browser, prompt="none", **params)
    response = await exchanged(town, answer(page)["code"])
    assert response.status_code == 200, response.text
    return response.json()  # type: ignore[no-any-return]
