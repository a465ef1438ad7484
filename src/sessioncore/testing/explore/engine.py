"""Visit every scene that some schedule leads to.

Effects that touch nothing shared (the time, fresh secrets, notices) are answered at once; each of the others is
one atomic move. Two orders that lead to the same store and the same answers have the same future, so that is
explored once and counted for both: this is the reduction that makes thousands of millions of schedules feasible.
"""

from collections.abc import Callable
from typing import Any

from attrs import frozen

from ..model import ModelStore
from .points import Actor, Answer, perform, replayed
from .scenes import Broken, Scene, Step, beginning, moves

Check = Callable[[Scene], None]


@frozen
class Explored:
    """Count the orders that were covered and the scenes that they share."""

    schedules: int
    scenes: int


def explore(
    store: ModelStore, actors: tuple[Actor, ...], *checks: Check, crashes: bool = False, faults: int = 0
) -> Explored:
    """Check every scene of every schedule, with one crash anywhere and up to ``faults`` failures of the store.

    Raises ``Broken``.
    """
    seen: dict[Any, int] = {}

    def visit(scene: Scene, story: tuple[Step, ...]) -> int:
        key = (scene.store.key, tuple(map(id, scene.points)), scene.gone, scene.faults)
        if key not in seen:
            hold(scene, checks, story)
            seen[key] = sum(visit(after, (*story, step)) for step, after in moves(scene, crashes=crashes)) or 1
        return seen[key]

    return Explored(visit(beginning(store, actors, faults), ()), len(seen))


def hold(scene: Scene, checks: tuple[Check, ...], story: tuple[Step, ...]) -> None:
    """Check one scene. Raises ``Broken``."""
    for check in checks:
        try:
            check(scene)
        except AssertionError as error:
            raise Broken(str(error), story) from None


def play(store: ModelStore, actor: Actor) -> Any:
    """Let one actor act alone, on this store itself, and return what its flow returns."""
    point = replayed(actor, ())
    while point.asks is not None:
        point = point.after(Answer(perform(store, point.asks)))
    if point.error is not None:
        raise point.error
    return point.result
