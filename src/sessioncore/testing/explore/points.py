"""A flow that is stopped at each effect that others can see, and begun again from the answers that it got."""

from collections.abc import Callable
from typing import Any, Final

from attrs import field, frozen

from sessioncore import InvalidSetting, Notice, SessionError
from sessioncore import effects as fx
from sessioncore.effects import Effect, Flow

from ..clock import START
from ..model import ModelStore
from .words import MARKS, said


@frozen
class Ask(Effect[Any]):
    """Read one fact of the application, such as the password."""

    name: str


def _one_word(_: object, attribute: Any, name: str) -> None:
    if name.split() != [name] or name.endswith(MARKS):
        raise InvalidSetting("Actor.name", name, f"use one word that ends with none of {' '.join(MARKS)}")


@frozen
class Actor:
    """Name a flow, and say what its clock shows. ``flow`` is called anew for each replay and has to do the same."""

    name: str = field(validator=_one_word)
    flow: Callable[[], Flow[Any]] = field(repr=False)
    at: int = START


@frozen
class Answer:
    """Hold what an effect was answered: a value, or an error that was thrown into the flow."""

    value: Any = None
    error: SessionError | None = None

    def __str__(self) -> str:
        return f"!{type(self.error).__name__}" if self.error else said(self.value)


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


_SHARED: Final[dict[type, Callable[[ModelStore, Any], Any]]] = {
    fx.Load: lambda store, e: store.load(e.sid),
    fx.Swap: lambda store, e: store.swap(e.old, e.new),
    fx.ReadEpoch: lambda store, e: store.epoch(e.subject),
    fx.Mint: lambda store, e: store.mint(e.subject, e.at),
    fx.Supersede: lambda store, e: store.supersede(e.subject, e.at, e.cause, e.expected),
    fx.OfSubject: lambda store, e: tuple(store.of_subject(e.subject, live=e.live)),
    fx.OfUpstream: lambda store, e: tuple(store.of_upstream(e.issuer, e.sid)),
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
