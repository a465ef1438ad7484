"""How a listener of ends goes about it, over connections that do as they are told: no server is needed."""

import asyncio
import logging
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from tests.servers.valkey import until

from sessioncore import StoreUnavailable
from sessioncore.values import Ending
from sessioncore_io.valkey import ear as valkey_ear
from sessioncore_io.valkey.ear import AwaitedEar, ThreadedEar, ending_of

ANY = Ending()
SUBSCRIBED = [b"subscribe", b"sc:ends", 1]
PONG = [b"pong", b""]
CHANNEL = "sc:ends"


def news(text: bytes) -> list[Any]:
    """Make what a server pushes."""
    return [b"message", b"sc:ends", text]


@pytest.mark.parametrize(
    ("message", "ending"),
    [
        (news(b"sabc"), Ending(sid="abc")),
        (news(b"ualice"), Ending(subject="alice")),
        (news(b"s\xff"), Ending(sid="\ufffd")),
        (SUBSCRIBED, None),
        (PONG, None),
        (b"PONG", None),
        (b"", None),
        (1, None),
        (None, None),
    ],
)
def test_an_end_is_read_and_all_else_is_no_news(message: Any, ending: Ending | None) -> None:
    assert ending_of(message) == ending


class Radio:
    """Be a connection that pushes by turns what it is given; None is silence."""

    def __init__(self, *messages: Any) -> None:
        self.messages: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for message in messages:
            self.messages.put(message)
        self.log: list[str] = []
        self.closed = threading.Event()
        self._next: Any = None

    def push(self, message: Any) -> None:
        """Push it as soon as somebody listens."""
        self.messages.put(message)

    def can_read(self, timeout: float) -> bool:
        """Tell whether something comes within this time."""
        try:
            self._next = self.messages.get(timeout=timeout)
        except queue.Empty:
            return False
        if callable(self._next):
            self._next = self._next()
        self.log.append("-" if self._next is None else "+")
        return self._next is not None

    def read_response(self) -> Any:
        """Give what came."""
        return self._next

    def send_command(self, *words: str) -> None:
        """Note what is sent."""
        self.log.append(" ".join(words))

    def disconnect(self) -> None:
        """Close it."""
        self.closed.set()


def threaded(*radios: Radio) -> ThreadedEar:
    """Make an ear whose connections are these, one after another."""
    return ThreadedEar(CHANNEL, iter(radios).__next__)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look often."""
    monkeypatch.setattr(valkey_ear, "AGAIN", 0.01)


@pytest.fixture
def _seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every look for a second, and two seconds for a silence."""
    monkeypatch.setattr(valkey_ear, "AGAIN", 1.0)
    monkeypatch.setattr(valkey_ear, "QUIET", 2.0)


@pytest.mark.usefixtures("_seconds")
def test_who_is_silent_is_asked_whether_it_is_there_and_then_given_up() -> None:
    radio = Radio(None, None, None, None, None, None, None)
    with pytest.raises(StoreUnavailable, match="it is silent"):
        threaded()._hear(radio, threading.Event())

    assert radio.log == ["-", "-", "PING", "-", "-"]


@pytest.mark.usefixtures("_seconds")
def test_who_answers_is_asked_again_after_the_next_silence_and_is_not_given_up() -> None:
    stopped = threading.Event()
    radio = Radio(None, None, None, PONG, None, None, 1, None, stopped.set)
    threaded()._hear(radio, stopped)

    assert radio.log == ["-", "-", "PING", "-", "+", "-", "-", "PING", "+", "-", "-", "PING"]


class Waits(threading.Event):
    """Be told to stop by the first wait."""

    def __init__(self) -> None:
        super().__init__()
        self.waited: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        """Note it, and stop."""
        self.waited.append(timeout)
        self.set()
        return True


def test_a_lost_connection_is_closed_and_opened_anew_only_after_a_pause(caplog: pytest.LogCaptureFixture) -> None:
    radio, stopped = Radio(), Waits()
    radio.can_read = _lost  # type: ignore[method-assign]
    threaded(radio)._listen(stopped)

    assert stopped.waited == [valkey_ear.AGAIN]
    assert radio.log == ["SUBSCRIBE sc:ends"]
    assert radio.closed.is_set()
    assert [record.getMessage() for record in caplog.records] == [
        "no news of ended sessions (reset by peer); connecting again and again"
    ]


def _lost(timeout: float) -> bool:
    raise ConnectionError("reset by peer")


def test_a_connection_is_closed_when_nobody_listens_any_more() -> None:
    stopped = threading.Event()
    radio = Radio(stopped.set)
    threaded(radio)._listen(stopped)

    assert radio.closed.is_set()


def test_the_thread_that_listens_keeps_no_process_from_ending() -> None:
    with closing(threaded(Radio())) as ear:
        ear.subscribe(lambda _: None)
        (daemon,) = [thread.daemon for thread in threading.enumerate() if thread.name == "sessioncore"]

    assert daemon


def soon(true: Callable[[], object], what: str) -> None:
    until(true, what, patience=5)


def test_who_stays_goes_on_hearing_when_another_leaves() -> None:
    radio = Radio()
    left: list[Ending] = []
    stayed: list[Ending] = []
    with closing(threaded(radio)) as ear:
        leaving, staying = ear.subscribe(left.append), ear.subscribe(stayed.append)
        radio.push(SUBSCRIBED)
        soon(lambda: stayed, "both listen")
        leaving.close()
        leaving.close()
        left.clear()
        radio.push(None)  # after which the thread looks whether it is to end
        radio.push(news(b"sabc"))
        soon(lambda: len(stayed) == 2, "the other has heard")
        staying.close()
        soon(radio.closed.is_set, "nobody listens")

    assert (left, stayed) == ([], [ANY, Ending(sid="abc")])


def test_who_comes_as_the_last_one_leaves_is_not_left_to_a_thread_that_is_about_to_end() -> None:
    held = threading.Event()
    heard: list[Ending] = []
    first = Radio(held.wait)
    with closing(threaded(first, Radio(SUBSCRIBED))) as ear:
        ear.subscribe(lambda _: None).close()
        ear.subscribe(heard.append)
        try:
            soon(lambda: heard, "the new one listens")
        finally:
            held.set()

    assert heard == [ANY]


def test_a_thread_that_does_not_run_is_replaced() -> None:
    """As in the child of a fork, which has the object and not the thread."""
    heard: list[Ending] = []
    with closing(threaded(Radio(SUBSCRIBED))) as ear:
        ear._thread = threading.Thread(name="the parent's")
        ear.subscribe(heard.append)
        soon(lambda: heard, "it listens")


def test_an_ear_that_was_closed_hears_nothing_when_another_comes_later() -> None:
    before: list[Ending] = []
    after: list[Ending] = []
    ear = threaded(Radio(SUBSCRIBED), Radio(SUBSCRIBED))
    ear.subscribe(before.append)
    soon(lambda: before, "it listens")
    ear.close()
    with closing(ear):
        ear.subscribe(after.append)
        soon(lambda: after, "the other listens")

    assert (before, after) == ([ANY], [ANY])


def test_a_listener_may_close_the_store_itself(caplog: pytest.LogCaptureFixture) -> None:
    radio = Radio(SUBSCRIBED)
    ear = threaded(radio)
    ear.subscribe(lambda _: ear.close())
    soon(radio.closed.is_set, "it has ended")

    assert caplog.records == []


# -- in an event loop ------------------------------------------------------------------------------------------


class Wave:
    """Be the same for an event loop; when all is said, it is waited for in vain."""

    def __init__(self, *messages: Any) -> None:
        self.messages: asyncio.Queue[Any] = asyncio.Queue()
        for message in messages:
            self.messages.put_nowait(message)
        self.log: list[str] = []
        self.state = "open"

    def push(self, message: Any) -> None:
        """Push it."""
        self.messages.put_nowait(message)

    async def read_response(self, *, timeout: float, disconnect_on_error: bool) -> Any:
        """Give what comes."""
        return await self.messages.get()

    async def send_command(self, *words: str) -> None:
        """Note what is sent."""
        self.log.append(" ".join(words))

    async def disconnect(self, nowait: bool = False) -> None:
        """Close it; unless told otherwise, when the other side has done so."""
        self.state = "closed" if nowait else "closing"


def awaited(*waves: Wave) -> AwaitedEar:
    """Make an ear whose connections are these, one after another."""
    left: Iterator[Wave] = iter(waves)

    async def connect() -> Wave:
        return next(left)

    return AwaitedEar(CHANNEL, connect)


async def _until(true: Callable[[], object]) -> None:
    """Let the others run, a few times: nothing here takes any time."""
    for _ in range(50):
        if true():
            return
        await asyncio.sleep(0)
    raise AssertionError("it does not come")


def test_an_event_loop_asks_whether_who_is_silent_is_there_and_gives_it_up() -> None:
    wave = Wave(None, PONG, None, 1, None, None)
    with pytest.raises(StoreUnavailable, match="it is silent"):
        asyncio.run(awaited()._hear(wave))

    assert wave.log == ["PING", "PING", "PING"]


def test_in_an_event_loop_who_stays_goes_on_hearing_when_another_leaves() -> None:
    async def story() -> None:
        wave = Wave(SUBSCRIBED)
        left: list[Ending] = []
        stayed: list[Ending] = []
        ear = awaited(wave)
        leaving, staying = ear.subscribe(left.append), ear.subscribe(stayed.append)
        await _until(lambda: stayed)
        leaving.close()
        wave.push(news(b"sabc"))
        await _until(lambda: len(stayed) == 2)
        staying.close()
        await _until(lambda: wave.state == "closed")

        assert (left, stayed) == ([ANY], [ANY, Ending(sid="abc")])
        assert wave.log == ["SUBSCRIBE sc:ends"]

    asyncio.run(story())


def test_in_an_event_loop_who_comes_as_the_last_one_leaves_is_heard() -> None:
    async def story() -> None:
        first, second = Wave(SUBSCRIBED), Wave(SUBSCRIBED)
        before: list[Ending] = []
        heard: list[Ending] = []
        ear = awaited(first, second)
        leaving = ear.subscribe(before.append)
        await _until(lambda: before)
        leaving.close()
        ear.subscribe(heard.append)
        await _until(lambda: heard)
        await ear.close()

        assert (before, heard, second.state) == ([ANY], [ANY], "closed")

    asyncio.run(story())


def test_a_task_that_somebody_cancelled_is_replaced() -> None:
    async def story() -> None:
        heard: list[Ending] = []
        ear = awaited(Wave(), Wave(SUBSCRIBED))
        ear.subscribe(lambda _: None)
        (task,) = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        ear.subscribe(heard.append)
        await _until(lambda: heard)
        await ear.close()

    asyncio.run(story())


def test_a_connection_of_an_event_loop_is_closed_when_its_ear_is() -> None:
    async def story() -> None:
        first, second = Wave(SUBSCRIBED), Wave(SUBSCRIBED)
        before: list[Ending] = []
        after: list[Ending] = []
        ear = awaited(first, second)
        ear.subscribe(before.append)
        await _until(lambda: before)
        await ear.close()

        assert first.state == "closed"

        ear.subscribe(after.append)
        await _until(lambda: after)
        await ear.close()

        assert (before, after) == ([ANY], [ANY])

    asyncio.run(story())


def test_a_loss_is_told_at_once_and_not_after_the_pause(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(valkey_ear, "AGAIN", 3_600)

    async def story() -> None:
        async def refused() -> None:
            raise StoreUnavailable("it is gone")

        ear = AwaitedEar(CHANNEL, refused)
        ear.subscribe(lambda _: None)
        await _until(lambda: caplog.records)
        await ear.close()

    with caplog.at_level(logging.WARNING):
        asyncio.run(story())

    assert "no news of ended sessions (it is gone)" in caplog.text
