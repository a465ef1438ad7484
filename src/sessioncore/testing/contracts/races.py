"""Let clients race for one row and one epoch of a real store, and ask whether some order explains what they saw."""

import asyncio
import sys
import threading
import time
from collections.abc import Callable
from random import Random
from types import FrameType
from typing import Any, Final

from attrs import evolve

from sessioncore import AsyncStore, Reason, Session, Store
from sessioncore import effects as fx
from sessioncore.effects import Flow, arun, run

from ..clock import START
from ..history import CALLS, History, check_epoch, check_row
from ..passing import PassingStore
from ..rows import ended, guest, touched, user

CLIENTS: Final = ("ann", "ben", "cat", "dan")
_VERBS: Final = {effect: name for name, effect in CALLS.items()}


def racer(random: Random, sid: str, subject: str) -> Flow[None]:
    """Load and swap; end the session now and then; mint, read and supersede the subject's epoch."""
    known: Session | None = None
    for number in range(5):
        choice = random.random()
        if known is None or choice < 0.3:
            loaded = yield from fx.Load(sid).ask()
            known = loaded[0] or known
        if known is None:
            first = user(sid, subject) if choice < 0.5 else guest(sid, secret=str(choice))
            known = first if (yield from fx.Swap(None, first).ask()) else None
        else:
            new = ended(known, START) if choice > 0.9 else evolve(touched(known, START), data=(("n", f"{choice:.3f}"),))
            known = new if (yield from fx.Swap(known, new).ask()) else known
        yield from _epochs(random, subject, number)


def _epochs(random: Random, subject: str, number: int) -> Flow[None]:
    standing = yield from fx.Mint(subject, START + number).ask()
    choice = random.random()
    if choice < 0.4:
        yield from fx.Supersede(subject, START, Reason.PASSWORD_RESET).ask()
    elif choice < 0.8:
        yield from fx.Supersede(subject, START, Reason.PASSWORD_CHANGE, standing.value).ask()
    else:
        yield from fx.ReadEpoch(subject).ask()


def duellist(start: Session, number: int) -> Flow[None]:
    """Change a row that all others change too."""
    yield from fx.Swap(start, evolve(touched(start, START), data=(("n", str(number)),))).ask()
    yield from fx.Load(start.sid).ask()


def performing(store: Any) -> Callable[[fx.Effect[Any]], Any]:
    """Let a store perform the effects of a flow."""

    def perform(effect: fx.Effect[Any]) -> Any:
        args = (getattr(effect, name) for name in type(effect).__match_args__)  # type: ignore[attr-defined]
        return getattr(store, _VERBS[type(effect)])(*args)

    return perform


def names_of(number: int) -> tuple[str, str]:
    """Give each round a row and a subject of its own."""
    return f"race{number:018d}", f"racer-{number}"


def check(history: History, number: int) -> None:
    """Ask whether some order explains what was answered."""
    sid, subject = names_of(number)
    check_row(history.operations, sid)
    check_epoch(history.operations, subject)


# -- threads -------------------------------------------------------------------------------------------------


class StumblingStore(PassingStore):
    """Let another thread come in between any two lines of the store, now and then."""

    def __init__(self, store: Store, random: Random) -> None:
        super().__init__(store)
        self.random = random

    def call(self, name: str, *args: Any, **named: Any) -> Any:
        """Pass a call on, and watch its lines."""
        former = sys.gettrace()
        sys.settrace(self.trace)
        try:
            return super().call(name, *args, **named)
        finally:
            sys.settrace(former)

    def trace(self, _frame: FrameType, event: str, _arg: Any) -> Any:
        """Give way between two lines."""
        if event == "line" and self.random.random() < 0.5:
            time.sleep(0)  # waits for nothing
        return self.trace


def in_threads(store: Store, history: History, flows: dict[str, Flow[None]], seed: int) -> None:
    """Run each client's flow in a thread of its own; what one raises is raised."""
    ready, failures = threading.Barrier(len(flows)), list[BaseException]()

    def work(who: str, flow: Flow[None]) -> None:
        stumbling = StumblingStore(store, Random(f"{seed} {who}"))
        try:
            ready.wait()
            run(flow, performing(history.witness(who, stumbling)))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=client) for client in flows.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


class ThreadRaces:
    """Race threads against each other."""

    rounds = 25

    def test_threads_that_race_for_one_session_see_calls_happen_one_at_a_time(self, store: Store) -> None:
        for number in range(self.rounds):
            history = History()
            flows = {who: racer(Random(f"{number} {who}"), *names_of(number)) for who in CLIENTS}
            in_threads(store, history, flows, number)
            check(history, number)

    def test_of_threads_that_swap_one_row_at_once_one_wins(self, store: Store) -> None:
        for number in range(self.rounds, self.rounds * 2):
            history, start = History(), guest(names_of(number)[0])
            history.witness("first", store).swap(None, start)
            in_threads(store, history, {who: duellist(start, n) for n, who in enumerate(CLIENTS)}, number)
            check(history, number)


# -- tasks ---------------------------------------------------------------------------------------------------


async def in_tasks(store: AsyncStore, history: History, flows: dict[str, Flow[None]]) -> None:
    """Run each client's flow in a task of its own; what one raises is raised."""
    await asyncio.gather(*(arun(flow, performing(history.witness(who, store))) for who, flow in flows.items()))


async def interrupted(store: AsyncStore, history: History, flow: Flow[None], after: int) -> None:
    """Cancel a client after so many turns of the event loop, as a server does whose client has gone."""
    task = asyncio.ensure_future(arun(flow, performing(history.witness("gone", store))))
    for _ in range(after):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


class TaskRaces:
    """Race tasks of one event loop against each other."""

    rounds = 25

    def test_tasks_that_race_for_one_session_see_calls_happen_one_at_a_time(
        self, store: AsyncStore, runner: asyncio.Runner
    ) -> None:
        for number in range(self.rounds):
            history = History()
            flows = {who: racer(Random(f"{number} {who}"), *names_of(number)) for who in CLIENTS}
            runner.run(in_tasks(store, history, flows))
            check(history, number)

    def test_of_tasks_that_swap_one_row_at_once_one_wins(self, store: AsyncStore, runner: asyncio.Runner) -> None:
        for number in range(self.rounds, self.rounds * 2):
            history, start = History(), guest(names_of(number)[0])
            runner.run(history.witness("first", store).swap(None, start))
            runner.run(in_tasks(store, history, {who: duellist(start, n) for n, who in enumerate(CLIENTS)}))
            check(history, number)

    def test_a_client_that_is_cancelled_at_any_await_leaves_the_others_right_answers(
        self, store: AsyncStore, runner: asyncio.Runner
    ) -> None:
        for number in range(self.rounds * 2, self.rounds * 3):
            history = History()
            runner.run(interrupted(store, history, racer(Random(number), *names_of(number)), number % 25))
            runner.run(in_tasks(store, history, {"next": racer(Random(0), *names_of(number))}))
            check(history, number)
