"""Run a table: ``step`` lets an event act, ``settle`` lets the clock speak.

The engine is ``transitions``. Its machine is built once, without a model; each step triggers it on a throw-away
cursor, so the frozen session is read and a new one is returned. ``auto_transitions`` is off: the default
would add a trigger that jumps to any state.
"""

from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any, Final, Generic, Protocol, TypeVar

import transitions
from attrs import define, evolve

from .errors import Refused
from .events import Event, Tick
from .records import Moment, Session, State
from .refusals import why_not
from .table import TABLE, Row

# What the engine's log lines begin with, so that a listener can tell them from those of an application's own machines.
ENGINE_NAME: Final = "sessioncore"


class Steppable(Protocol):
    """What a machine asks of a record: where it stands, and how many rows have fired."""

    @property
    def state(self) -> Any: ...

    @property
    def version(self) -> int: ...


Record = TypeVar("Record", bound=Steppable)


@define
class _Cursor:
    """Carry one session through one trigger."""

    state: Any
    session: Any
    event: Any
    moment: Any


class Machine(Generic[Record]):
    """Run rows over records that have a ``state`` and a ``version``.

    ``states`` is an enum; ``rows`` are the arrows between its members. Build one of your own to run another
    table in the same way: sessioncore's own is ``Machine(State, TABLE)``. A ``Tick`` row has to make its own guard
    false, or ``settle`` does not end; ``sessioncore.proof`` proves that of a table.
    """

    def __init__(
        self,
        states: type[Enum],
        rows: Iterable[Row],
        *,
        explain: Callable[[Any, Any, Any], str] = lambda *_: "no row of the table is enabled",
    ) -> None:
        self.states = states
        self.rows = tuple(rows)
        self._explain = explain
        # An event is its class, not the class's name: another class of the same name is another event.
        names = {kind: f"{kind.__name__}_{n}" for n, kind in enumerate(dict.fromkeys(row.on for row in self.rows))}
        self._engine = transitions.Machine(
            model=None,
            name=ENGINE_NAME,
            states=states,
            initial=next(iter(states)),
            auto_transitions=False,
            send_event=True,
            transitions=[_arrow(row, names[row.on]) for row in self.rows],
        )
        self._triggers = {kind: self._engine.events[name] for kind, name in names.items()}

    def fire(self, session: Record, event: object, moment: object) -> Record | None:
        """Fire the enabled row of this event and return what it makes of the session, or None if there is none."""
        trigger = self._triggers.get(type(event))
        cursor = _Cursor(session.state, session, event, moment)
        if trigger is None or cursor.state.name not in trigger.transitions:
            return None
        return cursor.session if trigger.trigger(cursor) else None

    def settle(self, session: Record, moment: object) -> Record:
        """Fire ``Tick`` until nothing is due."""
        while (ticked := self.fire(session, Tick(), moment)) is not None:
            session = ticked
        return session

    def step(self, session: Record, event: object, moment: object) -> Record:
        """Let the event act on the session; raises ``Refused`` if no row lets it, before or after settling."""
        if isinstance(event, Tick):
            return self.settle(session, moment)
        if (fired := self.fire(session, event, moment)) is not None:
            return fired
        settled = self.settle(session, moment)
        if settled is not session and (fired := self.fire(settled, event, moment)) is not None:
            return fired
        raise Refused(event, settled.state, self._explain(settled, event, moment), settled)


def _arrow(row: Row, trigger: str) -> dict[str, Any]:
    """Say a row in the engine's words."""

    def enabled(data: Any) -> bool:
        cursor = data.model
        return bool(row.guard(cursor.session, cursor.event, cursor.moment))

    def act(data: Any) -> None:
        cursor = data.model
        written = row.act(cursor.session, cursor.event, cursor.moment)
        cursor.session = evolve(written, state=row.to, version=cursor.session.version + 1)

    return {"trigger": trigger, "source": row.source, "dest": row.to, "conditions": enabled, "before": act}


MACHINE: Machine[Session] = Machine(State, TABLE, explain=why_not)


def step(session: Session, event: Event, moment: Moment) -> Session:
    """Let the event act on the session at this moment.

    Raises ``Refused`` if no row of the table lets it; its ``settled`` is the session as the clock leaves it.
    """
    return MACHINE.step(session, event, moment)


def settle(session: Session, moment: Moment) -> Session:
    """Let the clock speak: end what is due, and forget a second factor that is too old."""
    return MACHINE.settle(session, moment)


def begin(sid: str, proof: str, at: int, *, idle: int, lifetime: int) -> Session:
    """Draw the initial arrow: a guest's session, created now."""
    return Session(sid=sid, proof=proof, created_at=at, seen_at=at, since=at, idle=idle, lifetime=lifetime)
