"""What must hold of every standing row."""

from typing import Final

from attrs import evolve, frozen

from sessioncore import Epoch, Policy, Session, State, Tick, guards, machine, moment_for

from .claim import invariant

_RANK: Final = {State.CREATED: 0, State.AUTHENTICATED: 1, State.MFA_SATISFIED: 2}


@frozen
class Row:
    """Hold a row as it was stored and as the store returns it, at a moment."""

    stored: Session
    loaded: Session | None
    epoch: Epoch | None
    policy: Policy
    at: int

    @property
    def due(self) -> list[str]:
        """Name the acts of the Tick rows that are enabled."""
        moment = moment_for(self.stored, self.epoch, self.at, self.policy)
        rows = [row for row in machine.MACHINE.rows if row.on is Tick and row.source is self.stored.state]
        return [row.act.__name__ for row in rows if row.guard(self.stored, Tick(), moment)]

    @property
    def settled(self) -> Session:
        """Let the clock speak."""
        return machine.settle(self.stored, moment_for(self.stored, self.epoch, self.at, self.policy))


@invariant("EndsAreFrozen")
def tombstones_are_kept(row: Row) -> bool:
    """An ended row stays as it is until it is purged."""
    return row.stored.live or row.loaded == row.stored


@invariant("NoLostUpdate")
def rows_are_kept(row: Row) -> bool:
    """The store returns what it acknowledged."""
    return row.loaded == row.stored


@invariant("RowsDisjoint")
def rows_disjoint(row: Row) -> bool:
    """At most one Tick row is enabled at a time."""
    return len(row.due) <= 1


@invariant("QuietMeansQuiet")
def quiet_means_quiet(row: Row) -> bool:
    """A session that is quiet has nothing due, and a live one that is not quiet has."""
    if not row.stored.live:
        return row.due == []
    return guards.quiet(row.stored, moment_for(row.stored, row.epoch, row.at, row.policy)) is (row.due == [])


@invariant("TimeOnlyEnds")
def time_only_ends(row: Row) -> bool:
    """The clock never raises a state, and settling twice settles no more."""
    settled = row.settled
    return _RANK.get(settled.state, -1) <= _RANK.get(row.stored.state, -1) and evolve(row, stored=settled).due == []


ON_ROW: Final = (tombstones_are_kept, rows_are_kept, rows_disjoint, quiet_means_quiet, time_only_ends)
