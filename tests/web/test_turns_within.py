"""Who stores the new hash may use the session meanwhile, in whatever tasks and threads that takes."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, cast

import pytest
import uvloop

from sessioncore import Store
from sessioncore.testing import Clock
from sessioncore_io import AsyncHandle, AsyncSessions
from sessioncore_io.memory import MemoryStore
from sessioncore_io.turns import Turns

from .stores import Slow

pytestmark = pytest.mark.anyio

LOOPS: dict[str, dict[str, Any]] = {"asyncio": {}, "uvloop": {"loop_factory": uvloop.new_event_loop}}


@pytest.fixture(params=list(LOOPS.values()), ids=list(LOOPS))
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """Run under each event loop: a context has to come along from a thread in both."""
    return "asyncio", request.param


@pytest.fixture
async def handle(clock: Clock) -> AsyncHandle:
    """Sign alice in, on a store whose every call gives way to other tasks."""
    signed_in = await AsyncSessions(cast(Store, Slow(MemoryStore())), clock=clock).open(None)
    signed_in.log_in(await signed_in.attempt("alice"), "pwd")
    await signed_in.commit()
    signed_in.loop = asyncio.get_running_loop()
    return signed_in


WAYS: dict[str, Callable[[AsyncHandle], Awaitable[object]]] = {
    "itself": lambda handle: handle.commit(),
    "in time": lambda handle: asyncio.wait_for(handle.commit(), 20),
    "in a task": lambda handle: asyncio.create_task(handle.commit()),
    "in tasks at once": lambda handle: asyncio.gather(handle.commit(), handle.commit()),
    "in a thread": lambda handle: asyncio.to_thread(lambda: handle.from_thread.commit()),
}


@pytest.mark.parametrize("way", list(WAYS.values()), ids=list(WAYS))
async def test_whoever_writes_may_commit_meanwhile(handle: AsyncHandle, way: Any) -> None:
    """Whoever waits for a turn that is their own would wait for ever."""

    async def write() -> None:
        await way(handle)

    await asyncio.wait({changing := asyncio.ensure_future(handle.password_changed(write))}, timeout=20)

    assert changing.done(), "nobody else could go on either"
    await changing
    await handle.refresh()
    assert handle.signed_in


@pytest.fixture
def turns() -> Turns:
    """Let tasks take turns."""
    return Turns()


@pytest.fixture
def said() -> list[str]:
    """Collect what was done, in order."""
    return []


async def take(turns: Turns, said: list[str], name: str, during: Awaitable[object] | None = None) -> None:
    """Take a turn, and say when it begins and when it ends."""
    async with turns.one():
        said.append(name)
        await asyncio.sleep(0)
        if during is not None:
            await during
        said.append(f"/{name}")


async def test_those_called_within_a_turn_take_turns_themselves(turns: Turns, said: list[str]) -> None:
    async def both() -> None:
        await asyncio.gather(take(turns, said, "b"), take(turns, said, "c", take(turns, said, "d")))

    await asyncio.gather(take(turns, said, "a", both()), take(turns, said, "e"))

    assert said == ["a", "b", "/b", "c", "d", "/d", "/c", "/a", "e", "/e"]


async def test_a_task_that_outlives_the_turn_it_was_begun_in_waits_for_one(turns: Turns, said: list[str]) -> None:
    late = asyncio.Event()
    begun: list[asyncio.Task[None]] = []

    async def later() -> None:
        await late.wait()
        await take(turns, said, "late")

    async def begin() -> None:
        begun.append(asyncio.create_task(later()))

    await take(turns, said, "first", begin())

    async def during() -> None:
        late.set()
        await asyncio.sleep(0.01)

    await take(turns, said, "second", during())
    await asyncio.gather(*begun)

    assert said == ["first", "/first", "second", "/second", "late", "/late"]


async def test_a_turn_lasts_until_those_within_it_are_done(turns: Turns, said: list[str]) -> None:
    """Also if who called them does not wait for them."""
    begun: list[asyncio.Task[None]] = []

    async def begin() -> None:
        begun.append(asyncio.create_task(take(turns, said, "within", asyncio.sleep(0.01))))
        await asyncio.sleep(0)

    await take(turns, said, "first", begin())
    await take(turns, said, "second")
    await asyncio.gather(*begun)

    assert said == ["first", "within", "/first", "/within", "second", "/second"]


@pytest.mark.parametrize("nested", [False, True])
async def test_a_turn_that_was_given_up_before_it_came_keeps_nobody_waiting(
    turns: Turns, said: list[str], nested: bool
) -> None:
    async def give_up() -> None:
        holding = asyncio.create_task(take(turns, said, "holding", asyncio.sleep(0.01)))
        await asyncio.sleep(0)
        waiting = asyncio.create_task(take(turns, said, "given up"))
        await asyncio.sleep(0)
        waiting.cancel()
        with suppress(asyncio.CancelledError):
            await waiting
        await holding

    await (take(turns, said, "outer", give_up()) if nested else give_up())
    await asyncio.wait_for(take(turns, said, "next"), 20)

    assert "given up" not in said
    assert said[-2:] == ["next", "/next"]


async def test_two_handles_do_not_share_their_turns(turns: Turns, said: list[str]) -> None:
    other = Turns()
    await take(turns, said, "a", take(other, said, "b", take(turns, said, "c")))

    assert said == ["a", "b", "c", "/c", "/b", "/a"]
