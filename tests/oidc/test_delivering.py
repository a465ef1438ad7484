"""How logout notices are delivered: what an answer means, what a failure does to others, and when the next try is."""

import asyncio
import logging
from typing import Final

import httpx2
import pytest

from sessioncore.testing import Clock
from sessioncore_io.oidc import LogoutNotice, Outcome

from .test_notices import KEYS, Clients, Told, notice

pytestmark = pytest.mark.anyio

STATUSES: Final[dict[Outcome, tuple[int, ...]]] = {
    Outcome.DELIVERED: (200, 204),
    Outcome.AGAIN: (408, 425, 429, 500, 502, 503, 599),
    Outcome.REFUSED: (201, 202, 301, 302, 400, 401, 404, 407, 409, 424, 426, 428, 430, 499),
}


def ours(caplog: pytest.LogCaptureFixture) -> list[tuple[int, str]]:
    """Give what the library logged: the one that sends may log each request besides."""
    return [(level, text) for name, level, text in caplog.record_tuples if name == "sessioncore"]


@pytest.mark.parametrize(
    ("status", "outcome"), [(status, outcome) for outcome in STATUSES for status in STATUSES[outcome]]
)
async def test_a_status_says_whether_to_try_again(clock: Clock, status: int, outcome: Outcome) -> None:
    clients = Clients(status)
    told = Told(clock, clients)
    told.notices.queue.add(notice(clock))
    await told.notices.deliver()
    ((url, form),) = clients.posted

    assert told.heard == [("a", outcome)]
    assert url == "https://a.example/out"
    assert (KEYS.verified(form["logout_token"]) or {})["sub"] == "alice"
    assert [each.due_at - clock() for each in told.notices.queue.waiting] == ([1_000] if outcome == "again" else [])


@pytest.mark.parametrize(
    "error",
    [httpx2.ConnectError("down"), httpx2.ReadTimeout("slow"), httpx2.InvalidURL("?"), TimeoutError(), OSError()],
)
async def test_a_client_that_cannot_be_reached_is_tried_again_and_nothing_is_amiss(
    clock: Clock, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    told = Told(clock, Clients(raising=error))
    told.notices.queue.add(notice(clock))
    await told.notices.deliver()

    assert told.heard == [("a", Outcome.AGAIN)]
    assert ours(caplog) == []


async def test_a_notice_that_cannot_be_sent_keeps_no_other_one_waiting(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    told = Told(clock, Clients())
    told.notices.queue.add(notice(clock, "gone"))
    told.notices.queue.add(notice(clock, "b"))
    await told.notices.deliver()

    assert sorted(told.heard) == [("b", Outcome.DELIVERED), ("gone", Outcome.AGAIN)]
    assert ours(caplog) == [(logging.ERROR, "a logout notice to gone could not be sent")]


async def until(told: Told, heard: int) -> None:
    """Run it until that much was heard; what hangs is found out soon."""
    running = asyncio.create_task(told.notices.run())
    try:
        async with asyncio.timeout(20):
            while len(told.heard) < heard:
                assert not running.done(), running.exception()
                await asyncio.sleep(0)
    finally:
        running.cancel()


async def test_what_is_due_later_is_sent_then(clock: Clock) -> None:
    """Time passes while the client answers: its next turn has come when that is settled."""

    class Slow(Told):
        def listen(self, notice: LogoutNotice, outcome: Outcome) -> None:
            super().listen(notice, outcome)
            self.clock.advance(1_000)

    told = Slow(clock, Clients(503, 200))
    told.notices.queue.add(notice(clock))
    await until(told, 2)

    assert told.heard == [("a", Outcome.AGAIN), ("a", Outcome.DELIVERED)]


async def test_an_end_is_told_while_it_runs(clock: Clock) -> None:
    told = Told(clock, Clients())
    handle = await told.signed_in("a")
    running = asyncio.create_task(told.notices.run())
    await asyncio.sleep(0)
    handle.log_out()
    await handle.commit()
    async with asyncio.timeout(20):
        while not told.heard:
            await asyncio.sleep(0)
    running.cancel()

    assert told.heard == [("a", Outcome.DELIVERED)]


@pytest.mark.parametrize(("local", "outcome"), [(True, Outcome.DELIVERED), (False, Outcome.AGAIN)])
async def test_this_machine_is_told_only_if_that_was_said(clock: Clock, local: bool, outcome: Outcome) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        uri = f"http://rp.localhost:{server.sockets[0].getsockname()[1]}/out"
        told = Told(clock, uri=uri, local=True) if local else Told(clock, uri=uri)
        told.notices.queue.add(notice(clock))
        await told.notices.deliver()
        await told.notices.aclose()

    assert told.heard == [("a", outcome)]


async def test_the_connections_are_closed_with_it(clock: Clock) -> None:
    clients = Clients()
    await Told(clock, clients).notices.aclose()

    assert clients.closed
