"""The server tells its clients that a session is over: whatever ended it, once or several times, and nobody else."""

import asyncio
from typing import Any

import httpx2
import pytest
from tests.stores.awaiting import AwaitingStore

from sessioncore import Reason, State
from sessioncore.sso import client_sid
from sessioncore_io.oidc import Keys, LogoutNotice, Outcome
from sessioncore_io.oidc.notices import EVENT
from sessioncore_io.oidc.queue import BACKOFF, NoticeQueue
from sessioncore_io.oidc.transport import client_options

from .browser import Browser
from .forger import by_unknown
from .test_backchannel_receiving import good, shop_session, told
from .test_rp_initiated_logout import BYE, asked, hint
from .town import AUTH, KEYS, SHOP, Town, authorize_url

pytestmark = pytest.mark.anyio


async def deliver(town: Town) -> None:
    """Let the server send what is due."""
    await town.auth.server.notices.deliver()


def waiting(town: Town) -> tuple[LogoutNotice, ...]:
    """List what waits."""
    return town.auth.server.notices.queue.waiting


async def other_device(town: Town) -> Browser:
    """Give another browser in which the same user is signed in."""
    return await town.signed_in()


async def test_oidcc_backchannel_rp_initiated_logout(town: Town) -> None:
    """A logout from one application ends another's session, over the back."""
    browser = await town.signed_in()
    await asked(browser, id_token_hint=hint(town), post_logout_redirect_uri=BYE)
    (notice,) = waiting(town)
    token = town.auth.server.notices.token(notice)

    await deliver(town)

    claims, at = KEYS.verified(token, typ="logout+jwt"), town.clock.at // 1_000
    assert claims is not None
    assert {name: claims[name] for name in claims if name != "jti"} == {
        "iss": AUTH,
        "aud": "shop",
        "sub": "alice",
        "sid": shop_session(town).upstream[1],
        "iat": at,
        "toe": at,
        "exp": at + 120,
        "events": {EVENT: {}},
    }
    assert town.auth.told == [("shop", Outcome.DELIVERED)]
    assert (shop_session(town).state, shop_session(town).reason) == (State.LOGGED_OUT, Reason.IDP)


async def test_oidcc_backchannel_logout_discovery_endpoint_verification(town: Town) -> None:
    page = await town.browser().get(f"{AUTH}.well-known/openid-configuration")

    found = page.response.json()
    assert found["backchannel_logout_supported"] is True
    assert found["backchannel_logout_session_supported"] is True


async def test_a_sid_is_not_the_sessions_own_and_another_for_each_client(town: Town) -> None:
    browser = await town.signed_in()
    (row,) = town.auth_store._rows.values()

    assert shop_session(town).upstream == (AUTH, client_sid(row.sid, "shop"))
    assert client_sid(row.sid, "spa") != client_sid(row.sid, "shop")
    assert row.sid not in str([*browser.visited, *town.internet.log])


async def test_only_clients_that_hang_on_the_session_are_told(town: Town) -> None:
    """Bob's session never met the shop: the shop does not learn that it is over."""
    browser = town.browser()
    page = await browser.get(authorize_url())
    await browser.submit(page, user="bob")

    await asked(browser)
    await town.auth.middleware.sessions.end_all("bob", Reason.ADMIN)
    await town.auth.server.notices.settle(town.auth.middleware.sessions, "bob")

    assert waiting(town) == ()


@pytest.mark.parametrize("how", ["expiry", "admin", "observed", "evicted"])
async def test_every_end_is_told_whoever_ended_it(town: Town, how: str) -> None:
    browser = await town.signed_in()
    (row,) = town.auth_store._rows.values()
    sessions = town.auth.middleware.sessions
    if how == "admin":
        await sessions.end(row.sid, Reason.ADMIN, subject="alice")
    elif how == "evicted":
        await sessions.end(row.sid, Reason.EVICTED, subject="alice")
    else:
        town.clock.advance(31 * 60_000)
        await (sessions.sweep() if how == "expiry" else asked(browser))

    await deliver(town)

    assert not shop_session(town).live
    assert town.auth.told == [("shop", Outcome.DELIVERED)]


async def test_a_password_reset_is_told_at_once_and_names_the_subject_alone(town: Town) -> None:
    await town.signed_in()
    await other_device(town)
    stored: list[str] = []

    await town.auth.server.reset_password(town.auth.middleware.sessions, "alice", lambda: stored.append("the hash"))

    assert stored == ["the hash"]
    assert [(notice.subject, notice.sid) for notice in waiting(town)] == [("alice", "")]
    await deliver(town)
    assert [row.live for row in town.shop_store._rows.values() if row.subject] == [False, False]
    assert {row.reason for row in town.auth_store._rows.values() if row.subject} == {Reason.PASSWORD_RESET}


async def test_a_local_logout_tells_nobody_and_leaves_the_server_alone(town: Town) -> None:
    browser = await town.signed_in()
    town.shop.landed.clear()

    await town.shop.middleware.sessions.end(shop_session(town).sid, Reason.USER, subject=shop_session(town).subject)

    assert waiting(town) == ()
    assert (await browser.get(f"{SHOP}/login")).text == f"hello {AUTH}#alice"


async def test_what_fails_is_tried_again_later_and_later(town: Town) -> None:
    await town.signed_in()
    town.internet.down.add("shop.example")
    await town.auth.middleware.sessions.end_all("alice", Reason.ADMIN)
    await town.auth.server.notices.settle(town.auth.middleware.sessions, "alice")

    await deliver(town)
    seen = []
    for pause in BACKOFF:
        town.clock.advance(pause - 1)
        await deliver(town)
        too_early = len(town.auth.told)
        town.clock.advance(1)
        await deliver(town)
        seen.append((too_early, len(town.auth.told)))

    assert seen == [(1, 2), (2, 3), (3, 4), (4, 5), (5, 6), (6, 7)]
    assert town.auth.told[-1] == ("shop", Outcome.GIVEN_UP)
    assert waiting(town) == ()


async def test_what_comes_back_is_told(town: Town) -> None:
    await town.signed_in()
    town.internet.down.add("shop.example")
    (row,) = town.auth_store._rows.values()
    await town.auth.middleware.sessions.end(row.sid, Reason.ADMIN, subject="alice")
    await deliver(town)
    town.internet.down.clear()

    town.clock.advance(BACKOFF[0])
    await deliver(town)

    assert [outcome for _, outcome in town.auth.told] == [Outcome.AGAIN, Outcome.DELIVERED]
    assert not shop_session(town).live


async def test_a_reset_that_is_told_late_spares_who_came_back_since(town: Town) -> None:
    await town.signed_in()
    town.internet.down.add("shop.example")
    await town.auth.server.reset_password(town.auth.middleware.sessions, "alice", lambda: None)
    await deliver(town)
    town.internet.down.clear()
    town.clock.advance(20 * 60_000)
    back = await town.signed_in()

    await deliver(town)

    assert town.auth.told[-1] == ("shop", Outcome.DELIVERED)
    assert [row.live for row in town.shop_store._rows.values() if row.subject] == [False, True]
    assert (await back.get(f"{SHOP}/")).text == f"hello {AUTH}#alice"
    await town.signed_in()  # in the second in which it was told: what counts is when it happened
    assert sum(row.live for row in town.shop_store._rows.values() if row.subject) == 2


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome.DELIVERED),
        (204, Outcome.DELIVERED),
        (302, Outcome.REFUSED),
        (400, Outcome.REFUSED),
        (404, Outcome.REFUSED),
        (429, Outcome.AGAIN),
        (500, Outcome.AGAIN),
        (503, Outcome.AGAIN),
    ],
)
async def test_what_a_client_answers_is_understood(town: Town, status: int, outcome: Outcome) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"location", b"https://auth.example/oidc/logout")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"x" * 100})

    await _ended_session(town)
    town.internet.hosts["shop.example"] = app
    town.internet.log.clear()

    await deliver(town)

    assert town.auth.told == [("shop", outcome)]
    assert town.internet.log == [f"POST {SHOP}/backchannel"], "no redirect is followed"


async def _ended_session(town: Town) -> None:
    await town.signed_in()
    (row,) = town.auth_store._rows.values()
    await town.auth.middleware.sessions.end(row.sid, Reason.ADMIN, subject="alice")


async def test_the_queue_is_bounded_and_says_what_it_drops() -> None:
    heard: list[tuple[str, Outcome]] = []
    queue = NoticeQueue(lambda notice, outcome: heard.append((notice.sid, outcome)), most=2)

    for sid in ("a", "b", "b", "c"):
        queue.add(LogoutNotice(client_id="shop", subject="alice", sid=sid))

    assert [notice.sid for notice in queue.waiting] == ["a", "b"]
    assert heard == [("c", Outcome.DROPPED)]


async def test_a_second_reset_while_the_first_waits_is_told_with_it() -> None:
    """Whichever came to the queue first, the message says the later event, and comes at once."""
    again = LogoutNotice(client_id="shop", subject="alice", tries=3, due_at=9_000, happened_at=1_000)
    news = LogoutNotice(client_id="shop", subject="alice", due_at=2_000, happened_at=2_000)

    for order in ((again, news), (news, again)):
        queue = NoticeQueue()
        for notice in order:
            queue.add(notice)

        assert queue.waiting == (news,)


async def test_a_running_sender_hears_of_news(town: Town) -> None:
    """Nothing is polled: the task sleeps until there is something to tell."""
    delivered = asyncio.Event()
    town.auth.server.notices.queue._listener = lambda *_: delivered.set()
    task = asyncio.create_task(town.auth.server.notices.run())
    await asyncio.sleep(0)

    await _ended_session(town)
    await asyncio.wait_for(delivered.wait(), 10)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not shop_session(town).live


async def test_an_awaited_store_is_watched_too(town: Town) -> None:
    town = Town(town.clock, auth_store=AwaitingStore())
    browser = await town.signed_in()

    await asked(browser, id_token_hint=hint(town))

    assert [notice.client_id for notice in waiting(town)] == ["shop"]


async def test_an_ear_that_fails_keeps_nobody_in(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    browser = await town.signed_in()
    town.auth.server.notices._clients = None  # type: ignore[assignment]

    page = await asked(browser, id_token_hint=hint(town))

    assert page.text == "logged out"
    assert "nobody was told" in caplog.text


async def test_a_message_that_never_ends_is_given_up(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that keeps the line open costs one try, not the queue."""
    monkeypatch.setattr("sessioncore_io.oidc.notices.PATIENCE", 0.05)
    stuck = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await stuck.wait()

    await _ended_session(town)
    town.internet.hosts["shop.example"] = app

    await deliver(town)

    assert town.auth.told == [("shop", Outcome.AGAIN)]


def test_httpx_follows_no_redirects_of_its_own() -> None:
    options = client_options(httpx2.AsyncHTTPTransport())

    assert (options["follow_redirects"], options["trust_env"]) == (False, False)


@pytest.mark.parametrize("is_poked", [False, True])
async def test_a_logout_that_is_signed_by_a_key_of_a_moment_ago_arrives_all_the_same(
    town: Town, is_poked: bool
) -> None:
    """The client looks for keys once a minute, and any stranger can make it look: until then it asks for a retry."""
    await town.signed_in()
    if is_poked:
        town.clock.advance(1_000_000)
        assert (await told(town, by_unknown(good(town)))).status_code == 400
    town.clock.advance(30_000)
    server = town.auth.server
    new = Keys([*Keys.generate()._signing, *server.keys._signing])
    server.keys = server._protocol.keys = server.notices._keys = new
    await server.reset_password(town.auth.middleware.sessions, "alice")
    for _ in range(4):
        await deliver(town)
        town.clock.advance(40_000)

    assert {outcome for _, outcome in town.auth.told} == {Outcome.AGAIN, Outcome.DELIVERED}
    assert not any(row.live for row in town.shop_store._rows.values() if row.subject)
