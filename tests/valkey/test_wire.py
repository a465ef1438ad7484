"""What a wire does with a connection on which something went wrong: it is closed, and nobody gets its next reply."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
from valkey.exceptions import ConnectionError as Refused
from valkey.exceptions import ReadOnlyError, ResponseError
from valkey.exceptions import TimeoutError as Slow

from sessioncore import StoreUnavailable
from sessioncore_io.valkey import cluster as valkey_cluster
from sessioncore_io.valkey.cluster import AsyncClusterWire, ClusterWire
from sessioncore_io.valkey.place import place_of
from sessioncore_io.valkey.route import PAUSE
from sessioncore_io.valkey.scripts import Reads
from sessioncore_io.valkey.wire import AsyncWire, Wire

PING = ("PING",)
HERE = ("localhost", 7_000)


class Line:
    """Be a connection that answers by turns, awaited or not; an answer may be an exception."""

    def __init__(self, *answers: Any, refusal: Exception | None = None) -> None:
        self.answers = list(answers)
        self.refusal = refusal
        self.awaited = False
        self.state = "new"
        self.sent: list[Any] = []

    def _do(self, act: Callable[[], Any]) -> Any:
        async def later() -> Any:
            return act()

        return later() if self.awaited else act()

    def connect(self) -> Any:
        """Open it, or refuse."""

        def act() -> None:
            if self.refusal is not None:
                raise self.refusal
            self.state = "open"

        return self._do(act)

    def disconnect(self, nowait: bool = False) -> Any:
        """Close it; unless told otherwise, an awaited one waits for the other side to close it too."""

        def act() -> None:
            self.state = "closed" if nowait or not self.awaited else "closing"

        return self._do(act)

    def pack_command(self, *command: Any) -> Any:
        """Leave it as it is."""
        return [command]

    def pack_commands(self, commands: Any) -> Any:
        """Leave them as they are."""
        return list(commands)

    def send_packed_command(self, packed: Any) -> Any:
        """Note what is sent."""

        def act() -> None:
            assert self.state == "open"
            self.sent += packed

        return self._do(act)

    def read_response(self) -> Any:
        """Give the next answer."""
        if self.awaited and self.answers and self.answers[0] is ...:
            return asyncio.Event().wait()  # for ever

        def act() -> Any:
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        return self._do(act)


class Driven:
    """Hold a wire whose connections are these, one after another, and await it if it is to be awaited."""

    def __init__(self, wire: Any, run: Callable[[Any], Any], *, awaited: bool) -> None:
        self.wire, self.run, self.awaited = wire, run, awaited
        self.opened: list[Line] = []
        self.lines: Iterator[Line] = iter(())
        self.wire._pool = SimpleNamespace(make_connection=self._make)

    def over(self, *lines: Line) -> "Driven":
        """Open these connections from now on."""
        self.lines = iter(lines)
        return self

    def _make(self) -> Line:
        line = next(self.lines)
        line.awaited = self.awaited
        self.opened.append(line)
        return line

    def send(self, *commands: Any, kind: Callable[[Any], Any] = list) -> Any:
        """Send a batch."""
        return self.run(self.wire.send(kind(commands)))

    def leave_idle(self, line: Line) -> Line:
        """Have another connection open that nobody uses."""
        line.awaited, line.state = self.awaited, "open"
        self.wire._idle.insert(0, line)
        return line

    def close(self) -> None:
        """Close the wire."""
        self.run(self.wire.close())


@pytest.fixture(params=["threads", "an event loop"])
def driven(request: pytest.FixtureRequest) -> Iterator[Driven]:
    """Give either wire."""
    place = place_of("valkey://localhost", 2.0, 2, {})
    if request.param == "threads":
        yield Driven(Wire(place, None), lambda done: done, awaited=False)
        return
    with asyncio.Runner() as runner:

        async def finish(coroutine: Any) -> Any:
            return await coroutine

        yield Driven(AsyncWire(place, None), lambda started: runner.run(finish(started)), awaited=True)


def test_a_connection_is_used_again_when_all_went_well(driven: Driven) -> None:
    driven.over(line := Line("PONG", ResponseError("no"), 2))

    assert driven.send(PING) == ["PONG"]
    refusal, two = driven.send(PING, PING)
    assert (str(refusal), two) == ("no", 2)
    assert (line.state, driven.opened) == ("open", [line])


def test_a_server_that_cannot_be_reached_was_sent_nothing(driven: Driven) -> None:
    driven.over(line := Line(refusal=Refused("connection refused")))

    with pytest.raises(StoreUnavailable, match=r"cannot be reached \(connection refused\); nothing was sent"):
        driven.send(PING)
    assert (line.state, line.sent) == ("closed", [])


def test_what_is_no_failure_of_the_connection_is_passed_on_and_the_connection_closed(driven: Driven) -> None:
    driven.over(line := Line(refusal=LookupError("a mistake of somebody's")))

    with pytest.raises(LookupError, match="a mistake"):
        driven.send(PING)
    assert line.state == "closed"


def test_a_connection_that_failed_is_closed_and_so_are_all_that_nobody_uses(driven: Driven) -> None:
    driven.over(first := Line("PONG", Refused("reset by peer")), second := Line("PONG"))
    driven.send(PING)
    other = driven.leave_idle(Line())

    with pytest.raises(StoreUnavailable, match=r"did not answer \(reset by peer\); whether it was done is unknown"):
        driven.send(PING)
    assert (first.state, other.state) == ("closed", "closed")
    assert driven.send(PING) == ["PONG"]
    assert driven.opened == [first, second]


def test_a_connection_on_which_a_mistake_was_made_is_closed(driven: Driven) -> None:
    """Whoever it was: the reply that is still to come would be the next one's."""
    driven.over(first := Line(LookupError("a mistake of somebody's"), "late"), second := Line("PONG"))
    with pytest.raises(LookupError):
        driven.send(PING)

    assert first.state == "closed"
    assert driven.send(PING) == ["PONG"]
    assert driven.opened == [first, second]


def test_a_read_over_a_connection_that_was_lost_is_sent_once_more(driven: Driven) -> None:
    driven.over(Line("PONG", Refused("closed")), second := Line("again"))
    driven.send(PING)

    assert driven.send(PING, kind=Reads) == ["again"]
    assert second.sent == [PING]


def test_a_write_over_a_connection_that_was_lost_is_not_sent_again(driven: Driven) -> None:
    driven.over(first := Line("PONG", Refused("closed")), Line("again"))
    driven.send(PING)

    with pytest.raises(StoreUnavailable, match="whether it was done is unknown"):
        driven.send(PING)
    assert driven.opened == [first]


class Late(TimeoutError):
    """Be a time-out by another name."""


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (TimeoutError(), "it took too long"),
        (Late(), "it took too long"),
        (Slow("Timeout reading from socket"), "Timeout reading from socket"),
        (Late("three seconds"), "three seconds"),
    ],
)
def test_a_read_that_was_slow_is_not_sent_again(driven: Driven, error: Exception, words: str) -> None:
    """It would take as long again."""
    driven.over(first := Line("PONG", error), Line("again"))
    driven.send(PING)

    with pytest.raises(StoreUnavailable, match=rf"did not answer \({words}\)"):
        driven.send(PING, kind=Reads)
    assert driven.opened == [first]


def test_a_server_that_has_become_a_replica_is_left(driven: Driven) -> None:
    driven.over(first := Line(1, ReadOnlyError("READONLY")), second := Line("PONG"))
    one, refusal = driven.send(PING, PING)

    assert (one, type(refusal)) == (1, ReadOnlyError)
    assert first.state == "closed"
    assert driven.send(PING) == ["PONG"]
    assert driven.opened == [first, second]


class Sentinel:
    """Be the client of a sentinel."""

    def __init__(self, error: Exception | None = None) -> None:
        self.closed = False
        self.error = error

    def close(self) -> None:
        """Close it."""
        self.closed = True
        if self.error is not None:
            raise self.error

    async def aclose(self) -> None:
        """Close it."""
        self.close()


def test_a_wire_that_is_closed_closes_what_nobody_uses_and_its_sentinels(driven: Driven) -> None:
    sentinels = [Sentinel(), Sentinel()]
    driven.wire._pool.sentinel_manager = SimpleNamespace(sentinels=sentinels)
    lines = [driven.leave_idle(Line()), driven.leave_idle(Line())]
    driven.close()

    assert [line.state for line in lines] == ["closed", "closed"]
    assert [sentinel.closed for sentinel in sentinels] == [True, True]


def test_connections_are_closed_though_a_sentinel_fails_to_close(driven: Driven) -> None:
    driven.wire._pool.sentinel_manager = SimpleNamespace(sentinels=[Sentinel(OSError("gone"))])
    line = driven.leave_idle(Line())
    with suppress(OSError):
        driven.close()

    assert line.state == "closed"


def awaiting(story: Callable[[Driven], Any], patience: float) -> Any:
    """Run a story of the wire for event loops."""

    async def run() -> Any:
        place = place_of("valkey://localhost", patience, 2, {})
        return await story(Driven(AsyncWire(place, None), lambda started: started, awaited=True))

    return asyncio.run(run())


def test_an_event_loop_that_has_waited_long_enough_closes_what_nobody_uses_too() -> None:
    async def story(driven: Driven) -> Sequence[str]:
        line, other = driven.leave_idle(Line(...)), driven.leave_idle(Line())
        with pytest.raises(StoreUnavailable, match=r"did not answer \(it took too long\)"):
            await driven.send(PING)
        return line.state, other.state

    assert awaiting(story, 0.01) == ("closed", "closed")


def test_a_request_that_is_cancelled_closes_its_connection_and_waits_for_nobody() -> None:
    async def story(driven: Driven) -> str:
        driven.over(line := Line(...))
        task = asyncio.ensure_future(driven.send(PING))
        while not line.sent:
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return line.state

    assert awaiting(story, 2.0) == "closed"


# -- clusters --------------------------------------------------------------------------------------------------


def test_a_cluster_that_puts_something_off_is_asked_again_a_little_later(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[tuple[str, float]] = []

    async def sleep(seconds: float) -> None:
        waits.append(("loop", seconds))

    monkeypatch.setattr(valkey_cluster, "asyncio", SimpleNamespace(sleep=sleep))
    monkeypatch.setattr(valkey_cluster, "time", SimpleNamespace(sleep=lambda span: waits.append(("thread", span))))
    place = place_of("cluster://localhost:7000", 2.0, 1, {})

    assert ClusterWire(place).step((None, [])) == []
    assert asyncio.run(AsyncClusterWire(place).step((None, []))) == []
    assert waits == [("thread", PAUSE), ("loop", PAUSE)]


def test_a_cluster_that_is_closed_closes_its_connections_to_every_server() -> None:
    wire = ClusterWire(place_of("cluster://localhost:7000", 2.0, 1, {}))
    lines = [Line(), Line()]
    for port, line in enumerate(lines):
        wire.at(("localhost", 7_000 + port))._idle.append(line)
    wire.close()

    assert [line.state for line in lines] == ["closed", "closed"]
