"""A verb that nobody awaits does nothing: no response says that it was done."""

from asyncio import create_task
from collections.abc import Coroutine
from contextlib import closing
from typing import Any

import pytest

from sessioncore import InvalidSetting, Store
from sessioncore.testing import Clock

from .driver import AsgiSite, Browser, Reply
from .pages import log_in

pytestmark = pytest.mark.anyio

VERBS = ["end_others", "password_changed"]


@pytest.fixture
async def browser(store: Store, clock: Clock) -> Browser:
    """Give a browser where alice is signed in."""
    signed_in = Browser(AsgiSite(store=store, clock=clock))
    await signed_in.ask(log_in())
    return signed_in


def ask(session: Any, verb: str) -> Coroutine[Any, Any, None]:
    """Call a verb, and forget to await it."""
    asked: Coroutine[Any, Any, None] = getattr(session, verb)()
    return asked


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("looks", [True, False])
async def test_a_verb_that_nobody_awaits_is_named_before_the_response_starts(
    browser: Browser, verb: str, looks: bool
) -> None:
    forgotten: list[Coroutine[Any, Any, None]] = []

    async def page(session: Any) -> None:
        assert not looks or session.signed_in
        forgotten.append(ask(session, verb))

    with pytest.raises(InvalidSetting, match=f"write: await session.{verb}"):
        await browser.ask(page)
    forgotten[0].close()


@pytest.mark.parametrize("verb", VERBS)
async def test_a_verb_that_is_awaited_later_or_given_up_is_owed_no_more(browser: Browser, verb: str) -> None:
    async def page(session: Any) -> None:
        await ask(session, verb)
        await create_task(ask(session, verb))
        with closing(ask(session, verb)):
            pass

    assert (await browser.ask(page)).status == 200


async def test_who_tells_of_a_failure_is_not_asked_for_more(browser: Browser) -> None:
    forgotten: list[Coroutine[Any, Any, None]] = []

    async def page(session: Any) -> Reply:
        forgotten.append(ask(session, "end_others"))
        return Reply(500)

    assert (await browser.ask(page)).status == 500
    forgotten[0].close()
