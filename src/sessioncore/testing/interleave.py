"""Run several flows over one store in every order in which their effects can fall, with a crash or a fault anywhere.

A flow is a generator, so it can be stopped at each effect and begun again from the answers that it got. An
**actor** is a flow with a name and a clock of its own. Effects that touch nothing shared (the time, fresh
secrets, notices) are answered at once; each of the others is one atomic move. Two orders that lead to the same
store and the same answers have the same future, so it is explored once and counted for both.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

from attrs import evolve, field, frozen

from sessioncore import Notice, Session, SessionError, StoreUnavailable
from sessioncore import effects as fx
from sessioncore.effects import Effect, Flow

from .clock import START
from .model import ModelStore


@frozen
class Ask(Effect[Any]):
    """Read one fact of the application, such as the password."""

    name: str


@frozen
class Actor:
    """Name a flow, and say what its clock shows."""

    name: str
    flow: Callable[[], Flow[Any]] = field(repr=False)
    at: int = START


@frozen
class Answer:
    """Hold what an effect was answered: a value, or an error that was thrown into the flow."""

    value: Any = None
    error: SessionError | None = None

    def __str__(self) -> str:
        return f"!{type(self.error).__name__}" if self.error else _said(self.value)


@frozen(eq=False)
class Point:
    """Hold where an actor stands: what it asks next, or what it came to."""

    actor: Actor
    answers: tuple[Answer, ...] = ()
    told: tuple[Notice, ...] = ()
    asks: Effect[Any] | None = None
    result: Any = None
    error: Exception | None = None
    further: dict[Answer, "Point"] = field(factory=dict, repr=False)

    @property
    def done(self) -> bool:
        """Tell whether the flow has returned or raised."""
        return self.asks is None

    @property
    def acknowledged(self) -> bool:
        """Tell whether the flow has returned: what it did is promised to somebody."""
        return self.done and self.error is None

    def after(self, answer: Answer) -> "Point":
        """Give the point that this answer leads to."""
        if answer not in self.further:
            self.further[answer] = replayed(self.actor, (*self.answers, answer))
        return self.further[answer]


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
class Explored:
    """Count the orders that were covered and the scenes that they share."""

    schedules: int
    scenes: int


class Broken(AssertionError):
    """A property failed: the message tells the schedule as a story."""


@frozen
class Step:
    """Hold one line of a story."""

    point: Point
    answer: Answer | None = None

    def __str__(self) -> str:
        name = self.point.actor.name
        if self.answer is None:
            return f"  {name} crashes"
        after = self.point.after(self.answer)
        ending = f"\n  {name} is done: {after.error or _said(after.result)}" if after.done else ""
        return f"  {name}: {_said(self.point.asks)} -> {self.answer}{ending}"


def _said(value: object) -> str:
    """Say a value in few words: a story is read for its order, not for its records."""
    if isinstance(value, Session):
        return f"<{value.sid.rstrip('-_')} version {value.version}, {value.state} {value.subject}>"
    if isinstance(value, tuple):
        return ", ".join(map(_said, value))
    if isinstance(value, Effect):
        said = (_said(getattr(value, name)) for name in getattr(value, "__match_args__", ()))
        return f"{type(value).__name__}({', '.join(said)})"
    return str(value)


Check = Callable[[Scene], None]
Move = tuple[Step, Scene]


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
            _hold(scene, checks, story)
            futures = (visit(after, (*story, step)) for step, after in _moves(scene, crashes=crashes))
            seen[key] = sum(futures) or 1
        return seen[key]

    start = Scene(store=store, points=tuple(replayed(actor, ()) for actor in actors), faults=faults)
    return Explored(visit(start, ()), len(seen))


def _hold(scene: Scene, checks: tuple[Check, ...], story: tuple[Step, ...]) -> None:
    for check in checks:
        try:
            check(scene)
        except AssertionError as error:
            raise Broken("\n".join((str(error), "The story:", *map(str, story)))) from None


def _moves(scene: Scene, *, crashes: bool) -> Iterator[Move]:
    for index, point in enumerate(scene.points):
        if point.done or index in scene.gone:
            continue
        yield _answered(scene, index)
        if scene.faults:
            yield _failed(scene, index, performed=False)
            yield _failed(scene, index, performed=True)
        if crashes and not scene.gone:
            yield Step(point), evolve(scene, gone=frozenset({index}))


def _answered(scene: Scene, index: int) -> Move:
    store = scene.store.copy()
    point = scene.points[index]
    assert point.asks is not None
    return _moved(scene, index, store, Answer(perform(store, point.asks)))


def _failed(scene: Scene, index: int, *, performed: bool) -> Move:
    """Let the store fail, before it did what it was asked or after."""
    store = scene.store.copy()
    asks = scene.points[index].asks
    assert asks is not None
    if performed:
        perform(store, asks)
    return _moved(evolve(scene, faults=scene.faults - 1), index, store, AFTER if performed else BEFORE)


BEFORE: Final = Answer(error=StoreUnavailable("the connection broke before the request arrived"))
AFTER: Final = Answer(error=StoreUnavailable("the connection broke before the answer arrived"))


def _moved(scene: Scene, index: int, store: ModelStore, answer: Answer) -> Move:
    point = scene.points[index]
    points = (*scene.points[:index], point.after(answer), *scene.points[index + 1 :])
    return Step(point, answer), evolve(scene, store=store, points=points)


_SHARED: Final[dict[type, Callable[[ModelStore, Any], Any]]] = {
    fx.Load: lambda store, e: store.load(e.sid),
    fx.Swap: lambda store, e: store.swap(e.old, e.new),
    fx.ReadEpoch: lambda store, e: store.epoch(e.subject),
    fx.Mint: lambda store, e: store.mint(e.subject, e.at),
    fx.Supersede: lambda store, e: store.supersede(e.subject, e.at, e.cause, e.expected),
    fx.OfSubject: lambda store, e: tuple(store.of_subject(e.subject)),
    fx.Due: lambda store, e: tuple(store.due(e.before, e.limit)),
    fx.Purge: lambda store, e: store.purge(e.before, e.limit),
    fx.Call: lambda store, e: store.facts.update(e.function() or {}),
    Ask: lambda store, e: store.facts.get(e.name),
}


def perform(store: ModelStore, effect: Effect[Any]) -> Any:
    """Perform an effect that others can see; what a ``Call`` returns is written to the application's facts."""
    return _SHARED[type(effect)](store, effect)


def replayed(actor: Actor, answers: tuple[Answer, ...]) -> Point:
    """Run the actor's flow from its beginning until it asks for something shared that it has no answer to."""
    flow, alone, left = actor.flow(), _Alone(actor), iter(answers)
    try:
        asks = next(flow)
        while True:
            if type(asks) not in _SHARED:
                asks = flow.send(alone.answer(asks))
            elif (answer := next(left, None)) is None:
                return Point(actor, answers, tuple(alone.told), asks)
            else:
                asks = flow.throw(answer.error) if answer.error else flow.send(answer.value)
    except StopIteration as done:
        return Point(actor, answers, tuple(alone.told), result=done.value)
    except SessionError as error:
        return Point(actor, answers, tuple(alone.told), error=error)
    finally:
        flow.close()


class _Alone:
    """Answer the effects that concern nobody else; what is drawn is fresh, and the same in every replay."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self.told: list[Notice] = []
        self._drawn = 0

    def answer(self, effect: Effect[Any]) -> Any:
        if isinstance(effect, fx.Tell):
            return self.told.append(effect.notice)
        if isinstance(effect, fx.NewSid | fx.NewSecret):
            self._drawn += 1
            return f"{self.actor.name}{self._drawn}".ljust(22 if isinstance(effect, fx.NewSid) else 43, "_")
        return {fx.Now: self.actor.at, fx.Pause: 100}[type(effect)]


def play(store: ModelStore, actor: Actor) -> Any:
    """Let one actor act alone, on this store itself, and return what its flow returns."""
    point = replayed(actor, ())
    while point.asks is not None:
        point = point.after(Answer(perform(store, point.asks)))
    if point.error is not None:
        raise point.error
    return point.result
