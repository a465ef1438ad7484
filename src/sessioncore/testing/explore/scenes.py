"""A scene: the store and where every actor stands; and the moves that lead from one scene to the next."""

from collections.abc import Iterator
from typing import Final

from attrs import evolve, frozen

from sessioncore import Notice, StoreUnavailable

from ..model import ModelStore
from .points import Actor, Answer, Point, perform, replayed
from .words import Turn, said


@frozen
class Scene:
    """Hold the store and where every actor stands; those in ``gone`` crashed."""

    store: ModelStore
    points: tuple[Point, ...]
    gone: frozenset[int] = frozenset()
    faults: int = 0

    def __getitem__(self, name: str) -> Point:
        return next(point for point in self.points if point.actor.name == name)

    @property
    def finished(self) -> bool:
        """Tell whether every actor is done or gone."""
        return all(point.done or index in self.gone for index, point in enumerate(self.points))

    @property
    def told(self) -> tuple[Notice, ...]:
        """Give every notice that was told."""
        return tuple(notice for point in self.points for notice in point.told)


@frozen
class Step:
    """Hold one line of a story: where the actor stood, what happened, and what it was answered."""

    point: Point
    turn: Turn
    answer: Answer | None = None

    @property
    def token(self) -> str:
        """Give this move as a word of the schedule."""
        return self.point.actor.name + self.turn

    def __str__(self) -> str:
        name = self.point.actor.name
        if self.answer is None:
            return f"  {name} crashes"
        after = self.point.after(self.answer)
        ending = f"\n  {name} is done: {after.error or said(after.result)}" if after.done else ""
        return f"  {name}: {said(self.point.asks)} -> {self.answer}{ending}"


class Broken(AssertionError):
    """A property failed: the message tells the schedule as a story, and ``schedule`` is what replays it."""

    def __init__(self, what: str, story: tuple[Step, ...]) -> None:
        self.schedule = " ".join(step.token for step in story)
        lines = (what, "The story:", *map(str, story), f"The schedule: {self.schedule or '(nothing has happened yet)'}")
        super().__init__("\n".join(lines))


Move = tuple[Step, Scene]


def beginning(store: ModelStore, actors: tuple[Actor, ...], faults: int) -> Scene:
    """Let every actor stand before its first effect."""
    return Scene(store=store, points=tuple(replayed(actor, ()) for actor in actors), faults=faults)


def moves(scene: Scene, *, crashes: bool) -> Iterator[Move]:
    """Give every move that can come next."""
    for index, point in enumerate(scene.points):
        if point.done or index in scene.gone:
            continue
        yield move(scene, index, Turn.ANSWERED)
        if scene.faults:
            yield move(scene, index, Turn.BEFORE)
            yield move(scene, index, Turn.AFTER)
        if crashes and not scene.gone:
            yield move(scene, index, Turn.CRASH)


_FAILURES: Final = {
    Turn.BEFORE: Answer(error=StoreUnavailable("the connection broke before the request arrived")),
    Turn.AFTER: Answer(error=StoreUnavailable("the connection broke before the answer arrived")),
}


def move(scene: Scene, index: int, turn: Turn) -> Move:
    """Let one actor take its turn: be answered, crash, or have the store fail before or after it did its part."""
    point = scene.points[index]
    if turn is Turn.CRASH:
        return Step(point, turn), evolve(scene, gone=scene.gone | {index})
    assert point.asks is not None
    store = scene.store.copy()
    value = None if turn is Turn.BEFORE else perform(store, point.asks)
    answer = _FAILURES.get(turn) or Answer(value)
    points = (*scene.points[:index], point.after(answer), *scene.points[index + 1 :])
    faults = scene.faults - (turn in _FAILURES)
    return Step(point, turn, answer), evolve(scene, store=store, points=points, faults=faults)
