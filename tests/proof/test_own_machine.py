"""A machine of one's own is run, refused and proved by the same calls: an invitation that can be accepted once."""

from enum import StrEnum
from typing import Any

import pytest
import z3
from attrs import evolve, frozen

from sessioncore import Machine, Refused, Row, Tick
from sessioncore.proof import Claim, Machinery, Step, prove


class Stage(StrEnum):
    """Name where an invitation stands."""

    OPEN = "open"
    ACCEPTED = "accepted"
    LAPSED = "lapsed"


@frozen
class Invitation:
    """Hold one invitation."""

    email: str
    state: Stage
    version: int
    valid_until: int
    accepted_at: int = 0


@frozen
class Accept:
    """Somebody followed the link."""

    email: str


@frozen
class Now:
    """Hold the time."""

    at: int


def in_time(s: Invitation, e: Accept, m: Now) -> bool:
    """The right person came before the deadline."""
    return (m.at < s.valid_until) & (e.email == s.email)


def late(s: Invitation, e: Tick, m: Now) -> bool:
    """The deadline has come."""
    return m.at >= s.valid_until


def accept(s: Invitation, e: Accept, m: Now) -> Invitation:
    """Record the instant."""
    return evolve(s, accepted_at=m.at)


def lapse(s: Invitation, e: Tick, m: Now) -> Invitation:
    """Record nothing else."""
    return s


ROWS = (
    Row(Accept, Stage.OPEN, in_time, Stage.ACCEPTED, accept),
    Row(Tick, Stage.OPEN, late, Stage.LAPSED, lapse),
)


def accepted_in_time(step: Step) -> Any:
    """Claim that nobody gets in after the deadline."""
    return step.after.accepted_at < step.before.valid_until if step.row.on is Accept else None


INVITATIONS = Machinery(
    rows=ROWS,
    record=Invitation,
    moment=Now,
    invariant=lambda s: z3.And(s.version >= 1, s.valid_until > 0),
    possible=lambda s, e, m: m.at > 0,
    claims=(Claim("AcceptedInTime", accepted_in_time),),
)


def test_a_machine_of_ones_own_runs() -> None:
    machine: Machine[Invitation] = Machine(Stage, ROWS)
    invitation = Invitation("ann@example.org", Stage.OPEN, 1, valid_until=100)

    accepted = machine.step(invitation, Accept("ann@example.org"), Now(99))
    assert (accepted.state, accepted.version, accepted.accepted_at) == (Stage.ACCEPTED, 2, 99)

    with pytest.raises(Refused) as refused:
        machine.step(invitation, Accept("ann@example.org"), Now(100))
    assert refused.value.settled.state is Stage.LAPSED


def test_a_machine_of_ones_own_is_proved() -> None:
    assert [result.obligation for result in prove(INVITATIONS) if not result.proved] == []


def test_a_bug_in_a_machine_of_ones_own_is_refuted() -> None:
    def an_hour_late(s: Invitation, e: Accept, m: Now) -> bool:
        return (m.at < s.valid_until + 3_600_000) & (e.email == s.email)

    rows = (evolve(ROWS[0], guard=an_hour_late), ROWS[1])
    refuted = {result.obligation.name for result in prove(evolve(INVITATIONS, rows=rows)) if not result.proved}
    assert refuted == {"AcceptedInTime"}
