"""A relying party over a handle of ``AsyncSessions``: no middleware, and no framework."""

import httpx2
import pytest

from sessioncore.flows import Token
from sessioncore.testing import Clock
from sessioncore_io import AsyncSessions
from sessioncore_io.memory import MemoryStore
from sessioncore_io.oidc import Call, Params

from .town import AUTH, Town

pytestmark = pytest.mark.anyio


async def test_a_login_by_handles_alone(town: Town, clock: Clock) -> None:
    sessions = AsyncSessions(MemoryStore(), clock=clock)
    server, browser = town.auth, await town.signed_in()

    handle = await sessions.open(None)
    url = await town.shop.provider.begin(handle, next="/orders")
    await handle.commit()
    assert isinstance(handle.order, Token)
    town.internet.hosts.pop("shop.example")
    back = await browser.get(url)
    handle = await sessions.open(handle.order.text)
    query = Params.read(httpx2.URL(back.url).query.decode())
    landed = await town.shop.provider.finish(Call(method="GET", path="/callback", query=query, handle=handle))

    assert (landed.next, landed.subject, handle.subject) == ("/orders", f"{AUTH}#alice", f"{AUTH}#alice")
    assert isinstance(handle.order, Token)
    assert (await sessions.open(handle.order.text)).signed_in
    assert server.shown
