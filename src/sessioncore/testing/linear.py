"""Ask of a recorded history whether some order of its calls, one at a time, explains every answer.

A history is **linearizable** if its calls can be put in an order in which each takes effect between its
invocation and its return and answers what a store that does one thing at a time would answer (Herlihy and Wing
1990). The search is Wing and Gong's (1993) with Lowe's memory (2017): two orders of the same calls that lead to
the same state have the same future. A call whose outcome nobody saw may have taken effect at any time after its
invocation, or never.
"""

import sys
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Any, Final

from attrs import evolve, frozen

from .telling import LATER, story_of

PENDING: Final = sys.maxsize


@frozen
class Operation:
    """Hold one call: who made it, when it began and returned (any one clock), and what it answered."""

    who: str
    call: Any
    invoked: int
    returned: int = PENDING
    answer: Any = None

    @property
    def known(self) -> bool:
        """Tell whether the caller saw an answer."""
        return self.returned != PENDING


def _never(_: Operation) -> bool:
    return False


@frozen
class Specification:
    """Say what one thing does that does one call at a time: ``apply(state, call) -> (next state, answer)``.

    States have to be hashable. ``silent`` may name answered calls that changed nothing whatever the state was;
    a failing story then leaves out those that it does not need.
    """

    name: str
    apply: Callable[[Any, Any], tuple[Any, Any]]
    initial: Any = None
    silent: Callable[[Operation], bool] = _never


@frozen
class Found:
    """Hold the longest order that explains its answers, and the state it leads to."""

    order: tuple[Operation, ...]
    state: Any
    linearizable: bool


class NotLinearizable(AssertionError):
    """No order explains the answers; the message tells the shortest part of the history that shows it."""


Path = tuple[Operation, "Path | None"]


def linearize(operations: Iterable[Operation], specification: Specification) -> Found:
    """Search for an order of these calls that explains every answer."""
    calls = sorted(operations, key=lambda call: call.invoked)
    wanted = sum(1 << index for index, call in enumerate(calls) if call.known)
    longest: tuple[int, Path | None, Any] = (0, None, specification.initial)
    stack: list[tuple[int, Any, Path | None]] = [(0, specification.initial, None)]
    seen: set[tuple[int, Any]] = set()
    while stack:
        done, state, path = stack.pop()
        if (done, state) in seen:
            continue
        seen.add((done, state))
        if (explained := (done & wanted).bit_count()) > longest[0]:
            longest = (explained, path, state)
        if done & wanted == wanted:
            return Found(_order(path), state, linearizable=True)
        for index, after in _steps(calls, done, state, specification):
            stack.append((done | 1 << index, after, (calls[index], path)))
    return Found(_order(longest[1]), longest[2], linearizable=False)


def _steps(calls: list[Operation], done: int, state: Any, specification: Specification) -> list[tuple[int, Any]]:
    """Give the calls whose answer this state explains, with the state that each leads to.

    A silent one, which changes nothing in any state, is taken at once and alone: whatever may come later may come
    after it as well. One that only happens to change nothing here is not: its effect may be wanted later.
    """
    steps = []
    for index in _next(calls, done):
        call = calls[index]
        after, answer = specification.apply(state, call.call)
        if call.known and answer == call.answer and specification.silent(call):
            return [(index, after)]
        if answer == call.answer if call.known else after != state:
            steps.append((index, after))
    return steps


def _next(calls: list[Operation], done: int) -> Iterator[int]:
    """Give the calls that may come next: those that no other one, still to come, had returned before."""
    first_return = PENDING
    for index in range((~done & (done + 1)).bit_length() - 1, len(calls)):
        if calls[index].invoked > first_return:
            return
        if not done >> index & 1:
            first_return = min(first_return, calls[index].returned)
            yield index


def _order(path: Path | None) -> tuple[Operation, ...]:
    order: list[Operation] = []
    while path is not None:
        call, path = path
        order.append(call)
    return tuple(reversed(order))


def check_linearizable(operations: Iterable[Operation], specification: Specification) -> None:
    """Raise ``NotLinearizable``, with a story, if no order of these calls explains their answers."""
    calls = list(operations)
    if not linearize(calls, specification).linearizable:
        shown = shortest_failure(calls, specification)
        raise NotLinearizable(story_of(shown, linearize(shown, specification), specification))


def shortest_failure(operations: Iterable[Operation], specification: Specification) -> list[Operation]:
    """Cut a failing history at the first answer that nothing explains, and drop the reads that do not matter.

    What a prefix of a linearizable history answers is linearizable too, so the cut is found by bisection.
    """
    calls = sorted(operations, key=lambda call: call.invoked)
    returns = [at for at, _ in groupby(sorted(call.returned for call in calls if call.known))]
    cut = bisect_left(returns, True, key=lambda at: not linearize(_until(calls, at), specification).linearizable)
    shown = _until(calls, returns[cut])
    for call in filter(specification.silent, list(shown)):
        rest = [other for other in shown if other is not call]
        if not linearize(rest, specification).linearizable:
            shown = rest
    return shown


def _until(calls: list[Operation], at: int) -> list[Operation]:
    """Give the history as it was known at this instant."""
    begun = [call for call in calls if call.invoked <= at]
    return [call if call.returned <= at else evolve(call, returned=PENDING, answer=LATER) for call in begun]
