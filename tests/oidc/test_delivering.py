"""How logout notices are delivered: what an answer means, what a failure does to others, and when the next try is."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import parse_qsl

import httpx2
import pytest

from sessioncore.testing import Clock
from sessioncore_io.oidc import LogoutNotice, Outcome
from sessioncore_io.oidc.notices import AT_ONCE

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


@asynccontextmanager
async def running(told: Told) -> AsyncIterator[Callable[[int], Awaitable[None]]]:
    """Run it, and give what waits until that much was heard; what hangs is found out soon."""
    task = asyncio.create_task(told.notices.run())

    async def until(heard: int) -> None:
        while len(told.heard) < heard:
            assert not task.done(), task.exception()
            await asyncio.sleep(0)

    try:
        async with asyncio.timeout(20):
            yield until
    finally:
        task.cancel()


async def test_what_is_due_later_is_sent_then(clock: Clock) -> None:
    """Time passes while the client answers: its next turn has come when that is settled."""

    class Slow(Told):
        def listen(self, notice: LogoutNotice, outcome: Outcome) -> None:
            super().listen(notice, outcome)
            self.clock.advance(1_000)

    told = Slow(clock, Clients(503, 200))
    told.notices.queue.add(notice(clock))
    async with running(told) as until:
        await until(2)

    assert told.heard == [("a", Outcome.AGAIN), ("a", Outcome.DELIVERED)]


async def test_an_end_is_told_while_it_runs(clock: Clock) -> None:
    told = Told(clock, Clients())
    handle = await told.signed_in("a")
    async with running(told) as until:
        await asyncio.sleep(0)
        handle.log_out()
        await handle.commit()
        await until(1)

    assert told.heard == [("a", Outcome.DELIVERED)]


# -- each client by itself ---------------------------------------------------------------------------------------


class Stuck(Clients):
    """Answer for all applications but one, which never does."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, str]] = []
        self.answered = 0
        self.first = asyncio.Event()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        form = dict(parse_qsl((await request.aread()).decode()))
        sid = (KEYS.verified(form["logout_token"]) or {})["sid"]
        self.asked.append((request.url.host, f"{sid} after {self.answered} answers"))
        if request.url.host == "a.example":
            self.first.set()
            await asyncio.Event().wait()
        await asyncio.sleep(0)
        self.answered += 1
        return await super().handle_async_request(request)


async def test_a_client_that_does_not_answer_keeps_no_other_one_waiting(clock: Clock) -> None:
    """Neither for what ends while that client is asked, nor because of how much that one is owed."""
    clients = Stuck()
    told = Told(clock, clients)
    for sid in range(100):
        told.notices.queue.add(notice(clock, sid=str(sid)))
    handle = await told.signed_in("b")
    async with running(told) as until:
        await clients.first.wait()
        handle.log_out()
        await handle.commit()
        await until(1)

    assert told.heard == [("b", Outcome.DELIVERED)]
    assert [name for name, _ in clients.asked] == ["a.example"] * AT_ONCE + ["b.example"], "so many are asked of each"


async def test_one_client_is_told_a_few_things_at_once_in_the_order_in_which_they_are_due(clock: Clock) -> None:
    clients = Stuck()
    told = Told(clock, clients)
    for since in (2, 1, 6, 3, 5, 4):
        told.notices.queue.add(notice(clock, "b", sid=str(since), due_at=clock() - since))
    await told.notices.deliver()

    assert clients.asked == [
        *(("b.example", f"{since} after 0 answers") for since in (6, 5, 4, 3)),
        ("b.example", "2 after 1 answers"),
        ("b.example", "1 after 2 answers"),
    ]


async def test_what_is_being_told_when_it_is_stopped_waits_again(clock: Clock) -> None:
    clients = Stuck()
    told = Told(clock, clients)
    for sid in ("0", "1"):
        told.notices.queue.add(notice(clock, sid=sid))
    task = asyncio.create_task(told.notices.run())
    await clients.first.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert sorted(waits.sid for waits in told.notices.queue.waiting) == ["0", "1"]


async def test_a_stop_that_comes_with_news_is_a_stop(clock: Clock) -> None:
    told = Told(clock, Clients(503))
    told.notices.queue.add(notice(clock))
    task = asyncio.create_task(told.notices.run())
    while not told.heard:
        await asyncio.sleep(0)
    for _ in range(9):  # until it waits for the next turn
        await asyncio.sleep(0)
    told.notices.queue.add(notice(clock, "b"))
    told.notices._news.set()
    task.cancel()
    stopped, _ = await asyncio.wait([task], timeout=5)
    task.cancel()

    assert stopped == {task}


async def test_a_listener_that_fails_stops_no_deliveries(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    class Failing(Told):
        def listen(self, notice: LogoutNotice, outcome: Outcome) -> None:
            super().listen(notice, outcome)
            raise LookupError("the listener's own")

    told = Failing(clock, Clients())
    told.notices.queue.add(notice(clock))
    told.notices.queue.add(notice(clock, "b"))
    async with running(told) as until:
        await until(2)

    assert sorted(told.heard) == [("a", Outcome.DELIVERED), ("b", Outcome.DELIVERED)]
    assert [text for _, text in ours(caplog)] == ["a listener of logout notices failed"] * 2


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
