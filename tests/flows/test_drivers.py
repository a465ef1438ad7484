"""The two drivers do the same: send answers in, throw failures in, and close a flow that is not finished."""

import asyncio
from collections.abc import Awaitable, Callable
from inspect import CORO_CLOSED, GEN_CLOSED, getcoroutinestate, getgeneratorstate
from typing import Any

import pytest

from sessioncore import Contention, InvalidSetting, NotYours, Policy, Reason, StoreUnavailable
from sessioncore import effects as fx
from sessioncore import flows as core
from sessioncore.effects import Effect, Flow, arun, run
from sessioncore.testing.clock import START
from sessioncore.testing.explore import perform, play
from sessioncore.testing.explore.requests import POLICY, Stage, logging_in, request
from sessioncore.testing.model import ModelStore

Perform = Callable[[Effect[Any]], Any]


def world(store: ModelStore, heard: list[str]) -> Perform:
    """Perform effects on a store, and write down which."""

    def answer(effect: Effect[Any]) -> Any:
        heard.append(type(effect).__name__)
        if isinstance(effect, fx.Now):
            return START
        if isinstance(effect, fx.Tell):
            return heard.append(effect.notice.what)
        return 50 if isinstance(effect, fx.Pause) else perform(store, effect)

    return answer


def awaited(answer: Perform) -> Callable[[Effect[Any]], Awaitable[Any]]:
    """Give the same answers, to be awaited."""

    async def later(effect: Effect[Any]) -> Any:
        await asyncio.sleep(0)
        return answer(effect)

    return later


FLOWS: dict[str, Callable[[str], Flow[Any]]] = {
    "attempt": lambda sid: core.attempt("alice"),
    "sessions_of": lambda sid: core.sessions_of("alice", POLICY),
    "end": lambda sid: core.end(sid, Reason.ADMIN, "alice", POLICY),
    "end_all": lambda sid: core.end_all("alice", Reason.ADMIN),
    "reset": lambda sid: core.reset_password("alice", lambda: {"password": "new"}),
    "sweep": lambda sid: core.sweep(POLICY),
    "purge": lambda sid: core.purge(0),
}


@pytest.mark.parametrize("flow", FLOWS.values(), ids=FLOWS)
def test_both_drivers_do_the_same(stage: Stage, flow: Callable[[str], Flow[Any]]) -> None:
    token = stage.signed_in()
    plain, waiting, mixed = (stage.store.copy() for _ in range(3))
    heard: list[list[str]] = [[], [], []]

    one = run(flow(token.sid), world(plain, heard[0]))
    two = asyncio.run(arun(flow(token.sid), awaited(world(waiting, heard[1]))))
    three = asyncio.run(arun(flow(token.sid), world(mixed, heard[2])))

    assert one == two == three
    assert heard[0] == heard[1] == heard[2] != []
    assert plain == waiting == mixed


@pytest.mark.parametrize("drive", [run, lambda flow, answer: asyncio.run(arun(flow, awaited(answer)))])
def test_a_failure_is_thrown_into_the_flow_which_may_go_on(drive: Callable[[Flow[Any], Perform], Any]) -> None:
    def careful() -> Flow[str]:
        try:
            yield from fx.Load("sid").ask()
        except StoreUnavailable:
            at = yield from fx.Now().ask()
            return f"failed at {at}"
        return "loaded"

    def answer(effect: Effect[Any]) -> Any:
        if isinstance(effect, fx.Load):
            raise StoreUnavailable("down")
        return 7

    assert drive(careful(), answer) == "failed at 7"


def test_a_failure_that_the_flow_does_not_know_comes_out_unchanged(stage: Stage) -> None:
    def answer(effect: Effect[Any]) -> Any:
        raise ZeroDivisionError("a bug of a store")

    with pytest.raises(ZeroDivisionError, match="a bug of a store"):
        run(core.attempt("alice"), answer)


def test_a_cancelled_flow_is_closed() -> None:
    def patient() -> Flow[None]:
        yield from fx.Load("sid").ask()

    flow = patient()

    async def cancelled() -> None:
        started = asyncio.Event()

        async def never(effect: Effect[Any]) -> Any:
            started.set()
            await asyncio.Event().wait()

        task = asyncio.create_task(arun(flow, never))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())

    assert getgeneratorstate(flow) == GEN_CLOSED


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupted_flow_is_closed(error: type[BaseException]) -> None:
    def patient() -> Flow[None]:
        yield from fx.Now().ask()

    flow = patient()

    def answer(effect: Effect[Any]) -> Any:
        raise error

    with pytest.raises(error):
        run(flow, answer)

    assert getgeneratorstate(flow) == GEN_CLOSED


@pytest.mark.parametrize("drive", [run, lambda flow, answer: asyncio.run(arun(flow, awaited(answer)))])
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
def test_an_interruption_is_thrown_into_the_flow_which_may_go_on(
    drive: Callable[[Flow[Any], Perform], Any], error: type[BaseException]
) -> None:
    def tidy() -> Flow[str]:
        try:
            yield from fx.Load("sid").ask()
        except error:
            at = yield from fx.Now().ask()
        return f"interrupted at {at}"

    def answer(effect: Effect[Any]) -> Any:
        if isinstance(effect, fx.Load):
            raise error
        return 7

    assert drive(tidy(), answer) == "interrupted at 7"


def test_a_flow_that_nobody_awaits_any_more_is_not_asked_to_go_on() -> None:
    heard: list[str] = []
    reset = core.reset_password("alice", lambda: None)

    async def unanswered(effect: Effect[Any]) -> Any:
        if isinstance(effect, fx.Call):
            await Awaited()
        return world(ModelStore(), heard)(effect)

    driven = arun(reset, unanswered)
    driven.send(None)
    driven.close()

    assert heard == ["Now", "Supersede", "Tell", "superseded"]
    assert getgeneratorstate(reset) == GEN_CLOSED


def test_an_answer_that_would_have_to_be_awaited_is_refused_by_name_and_closed() -> None:
    async def later() -> int:
        return 1

    promised = later()

    with pytest.raises(InvalidSetting) as coroutine:
        run(fx.Now().ask(), lambda _: promised)
    with pytest.raises(InvalidSetting) as other:
        run(fx.Now().ask(), lambda _: Awaited())

    assert getcoroutinestate(promised) == CORO_CLOSED
    assert (coroutine.value.name, coroutine.value.value) == ("Now", "coroutine")
    assert (other.value.name, other.value.value) == ("Now", "Awaited")
    assert "arun" in other.value.advice


@pytest.mark.parametrize("kind", [fx.Now, fx.NewSid, fx.NewSecret])
def test_questions_without_a_part_are_one_question(kind: type[fx.Effect[Any]]) -> None:
    assert kind() == kind()
    assert not hasattr(kind(), "__dict__")


class Awaited:
    """Be awaitable, and no coroutine: there is nothing to close."""

    def __await__(self) -> Any:
        yield


# -- patience --------------------------------------------------------------------------------------------------


class Hopeless(ModelStore):
    """Lose every swap of a stored row, as if others were always faster."""

    def swap(self, old: Any, new: Any) -> bool:
        return False


@pytest.mark.parametrize(("delay", "attempts"), [(100, 21), (250, 9), (2_000, 2)])
def test_after_two_seconds_of_waiting_a_flow_gives_up(stage: Stage, delay: int, attempts: int) -> None:
    token = stage.signed_in()
    lost = Hopeless(stage.store.rows, stage.store.epochs)
    heard: list[str] = []
    answer = world(lost, heard)

    with pytest.raises(Contention, match=f"after {attempts} attempts"):
        run(
            core.end(token.sid, Reason.ADMIN, "alice", POLICY),
            lambda effect: delay if isinstance(effect, fx.Pause) else answer(effect),
        )
    assert heard.count("Swap") == attempts
    assert stage.store.rows[token.sid].live


# -- who may end what ------------------------------------------------------------------------------------------


def test_a_session_of_another_subject_is_not_yours_to_end(stage: Stage) -> None:
    token = stage.signed_in()

    with pytest.raises(NotYours, match="does not belong to 'mallory'; name its own subject, or ANY_SUBJECT"):
        run(core.end(token.sid, Reason.USER, "mallory", POLICY), world(stage.store, []))
    assert stage.store.rows[token.sid].live


def test_a_tombstone_of_another_subject_is_not_yours_either(stage: Stage) -> None:
    token = stage.signed_in()
    answer = world(stage.store, [])
    run(core.end(token.sid, Reason.USER, "alice", POLICY), answer)

    with pytest.raises(NotYours):
        run(core.end(token.sid, Reason.USER, "mallory", POLICY), answer)


def test_an_operator_says_that_anybodys_session_may_end(stage: Stage) -> None:
    token = stage.signed_in()
    answer = world(stage.store, [])

    assert run(core.end(token.sid, Reason.ADMIN, core.ANY_SUBJECT, POLICY), answer)
    assert not run(core.end(token.sid, Reason.USER, core.ANY_SUBJECT, POLICY), answer), "it had ended"
    assert not run(core.end("u" * 22, Reason.USER, core.ANY_SUBJECT, POLICY), answer), "there is none"
    assert stage.store.rows[token.sid].reason is Reason.ADMIN


@pytest.mark.parametrize("subject", ["", None, 7, b"alice"])
def test_an_attempt_names_an_account(subject: Any) -> None:
    with pytest.raises(ValueError, match="subject"):
        run(core.attempt(subject), world(ModelStore(), []))


def test_an_attempt_reads_the_epoch_before_the_credential_is_checked(stage: Stage) -> None:
    stage.signed_in()

    assert run(core.attempt("alice"), world(stage.store, [])).epoch == START
    assert run(core.attempt("bob"), world(stage.store, [])).epoch == 0


@pytest.mark.parametrize("reason", [Reason.IDLE, Reason.LIFETIME, Reason.UPSTREAM])
def test_nobody_ends_sessions_by_expiry(reason: Reason) -> None:
    with pytest.raises(ValueError, match="name who ended them"):
        run(core.end_all("alice", reason), world(ModelStore(), []))


def test_a_sweep_goes_on_over_many_batches_and_a_purge_too(stage: Stage) -> None:
    for number in range(core.ending.BATCH + 5):
        play(stage.store, request(f"visitor{number}", None, logging_in(f"user{number}")))
    late = START + 10**10
    heard: list[str] = []

    def answer(effect: Effect[Any]) -> Any:
        return late if isinstance(effect, fx.Now) else world(stage.store, heard)(effect)

    assert run(core.sweep(Policy()), answer) == 205
    assert heard.count("ended") == 205
    assert run(core.sweep(Policy()), answer) == 0
    assert run(core.purge(-1), answer) == 205
    assert stage.store.rows == {}
