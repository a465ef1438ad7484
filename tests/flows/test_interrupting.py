"""A write that is interrupted may have happened all the same: what was checked against the old password still ends."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from tests.flows.conversing import POLICY, PROOF, Talk, chapter, guest, login, signed_in

from sessioncore import Attempt, Reason, Refused, flows
from sessioncore import effects as fx
from sessioncore.effects import Effect, Flow, arun


class Timeout(BaseException):
    """Come from outside, as a greenlet's timeout does."""


INTERRUPTIONS = [ZeroDivisionError(), Timeout(), KeyboardInterrupt(), SystemExit(), asyncio.CancelledError()]
interruptions = pytest.mark.parametrize("interruption", INTERRUPTIONS, ids=lambda one: type(one).__name__)


def outdated(talk: Talk) -> Attempt:
    """Begin a login against the old password, which is still there."""
    attempt = talk.run(flows.attempt("alice"))
    assert isinstance(attempt, Attempt)
    return attempt


def logged_in(talk: Talk, attempt: Attempt) -> Any:
    """Log in with what was checked meanwhile."""
    begun = guest("t" * 22)
    return talk.run(flows.commit(chapter(login(begun.sid, epoch=attempt.epoch), begun=begun), POLICY))


def interrupted(talk: Talk, begun: list[Attempt], interruption: BaseException) -> Callable[[], None]:
    """Give a write that stores the new password, and never gets to say so."""

    def write() -> None:
        begun.append(outdated(talk))
        talk.store.facts["password"] = "new"
        raise interruption

    return write


@interruptions
def test_a_reset_that_is_interrupted_lets_nobody_in_by_the_old_password(interruption: BaseException) -> None:
    talk, begun = Talk(), list[Attempt]()
    signed_in(talk.store)

    with pytest.raises(type(interruption)) as raised:
        fx.run(flows.reset_password("alice", interrupted(talk, begun, interruption)), talk.answer)

    assert raised.value is interruption
    assert isinstance(logged_in(talk, begun[0]), Refused)


@interruptions
def test_a_change_that_is_interrupted_keeps_its_own_session_alone(interruption: BaseException) -> None:
    talk, begun = Talk(), list[Attempt]()
    own = signed_in(talk.store)
    write = interrupted(talk, begun, interruption)

    kept = fx.run(flows.keep_only(own, PROOF, Reason.PASSWORD_CHANGE, write, POLICY), talk.answer)

    assert kept.failure is interruption
    assert kept.session == talk.store.rows[own.sid]
    assert kept.session.live
    assert isinstance(logged_in(talk, begun[0]), Refused)


def test_a_reset_that_is_cancelled_ends_by_its_cancellation_and_lets_nobody_in_by_the_old_password() -> None:
    talk = Talk()
    signed_in(talk.store)

    async def cancelled() -> Attempt:
        written = asyncio.Event()

        async def write() -> None:
            written.set()
            await asyncio.Event().wait()

        async def answered(effect: Effect[Any]) -> Any:
            await asyncio.sleep(0)
            return await write() if isinstance(effect, fx.Call) else talk.answer(effect)

        task = asyncio.create_task(arun(flows.reset_password("alice", write), answered))
        await written.wait()
        attempt = outdated(talk)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return attempt

    assert isinstance(logged_in(talk, asyncio.run(cancelled())), Refused)


def changing(talk: Talk) -> Flow[Any]:
    """Change the password."""
    return flows.keep_only(signed_in(talk.store), PROOF, Reason.PASSWORD_CHANGE, print, POLICY)


@pytest.mark.parametrize("flow", [lambda _: flows.reset_password("alice", print), changing], ids=["reset", "change"])
def test_a_flow_that_is_closed_while_the_application_writes_asks_for_nothing_more(
    flow: Callable[[Talk], Flow[Any]],
) -> None:
    talk = Talk()
    writing = flow(talk)
    effect = next(writing)
    while not isinstance(effect, fx.Call):
        effect = writing.send(talk.answer(effect))

    writing.close()

    assert len(talk.told) == 1
