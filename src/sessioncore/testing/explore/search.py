"""Search the machine itself: every record that it can reach from ``begin``, by small clocks and a small alphabet.

Limits are a few milliseconds, so a handful of clock steps hits every boundary from both sides. Records that differ
only by the hour, the version, the secrets or the name of their subject have the same future: they are one.
"""

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any, Final

from attrs import define, evolve, field, frozen

from sessioncore import NEVER, Event, Kind, Machine, Moment, Reason, Session, State, begin
from sessioncore.events import LogIn, LogOut, Reauthenticate, Restamp, SatisfyMfa, Tick, Touch, Write
from sessioncore.machine import MACHINE
from sessioncore_io.codec import decode, encode

from ..step_invariants import Step, check_step, taken

NOON: Final = 1_000
SID: Final = "s" * 22
OLD, NEW = "0" * 64, "1" * 64
LONGEST_STEP: Final = 4
IDLE, LIFETIME, MFA_LIFETIME = 2, 4, 3
# What the world may say at each instant: the epoch, why it was moved, and the limits of today, once lower ones.
WORLDS: Final = (
    (1, Reason.ADMIN, IDLE, LIFETIME),
    (1, Reason.ADMIN, IDLE - 1, LIFETIME - 2),
    (2, Reason.ADMIN, IDLE, LIFETIME),
    (2, Reason.PASSWORD_RESET, IDLE - 1, LIFETIME),
)
DEPTH: Final = 12  # more than there is: the search ends when nothing is new


@frozen
class Searched:
    """Count what was reached: distinct records, steps between them, and how many steps the farthest is away.

    ``complete`` says that no record is left beyond that depth; ``arrows`` are the (event, from, to) that were seen.
    """

    states: int
    edges: int
    depth: int
    complete: bool
    arrows: frozenset[tuple[type, State, State]]


class Unsound(AssertionError):
    """A step broke an invariant or wrote an unsound record: the message tells the way there from ``begin``."""


@define
class _Map:
    """Remember how each record was reached first."""

    machine: Machine[Session]
    ways: dict[Session, Step | None] = field(factory=dict)
    edges: int = 0
    arrows: set[tuple[type, State, State]] = field(factory=set)

    def neighbours(self, session: Session) -> Iterator[Session]:
        """Take every step from here and give the records that were not known."""
        for event, moment in product(alphabet(session), moments(session)):
            step = taken(session, event, moment, self.machine)
            self.edges += 1
            self._hold(step)
            self.arrows.add((type(step.event), step.before.state, step.after.state))
            if step.after is session or (after := canonical(step.after)) in self.ways:
                continue
            self.ways[after] = step
            yield after

    def _hold(self, step: Step) -> None:
        try:
            check_step(step)
            written = step.after is step.before or decode(SID, encode(step.after)) == step.after
            assert written, f"UnsoundRecord: no store would read what this step wrote: {step.after}"
        except AssertionError as error:
            raise Unsound("\n".join([str(error), "The way there:", *self._way(step)])) from None

    def _way(self, step: Step) -> list[str]:
        before = self.ways[step.before]
        return [*(self._way(before) if before else ["  begin"]), f"  {_said(step)}"]


def search(
    depth: int = DEPTH, machine: Machine[Session] = MACHINE, *, told: Callable[[str], object] = lambda _: None
) -> Searched:
    """Search breadth first, and check every step's invariants and the soundness of what it writes.

    Raises ``Unsound`` with a shortest way there.
    """
    first = canonical(begin(SID, OLD, NOON, idle=IDLE, lifetime=LIFETIME))
    reached, frontier, level = _Map(machine, {first: None}), [first], 0
    while frontier and level < depth:
        level += 1
        frontier = [after for session in frontier for after in reached.neighbours(session)]
        told(f"depth {level}: {len(reached.ways)} records, {reached.edges} steps")
    farthest = level - (not frontier)  # the last level found nothing new
    return Searched(len(reached.ways), reached.edges, farthest, not frontier, frozenset(reached.arrows))


def canonical(session: Session) -> Session:
    """Give the one record that stands for all that have the same future."""
    shift = NOON - session.seen_at
    instants = ("created_at", "authenticated_at", "mfa_at", "seen_at", "since", "not_after", "ended_at")
    moved = {name: at + shift for name in instants if (at := getattr(session, name)) != NEVER}
    if session.state is not State.CREATED:  # how long ago it began no longer matters, but that it came first
        earliest = min(moved.get("mfa_at", NOON), moved["since"], NOON)
        moved["created_at"] = max(moved["created_at"], earliest - 1)
    former = OLD if session.former_proof else ""
    return evolve(
        session, **moved, version=1, proof=OLD, former_proof=former, subject="alice" if session.subject else ""
    )


def moments(session: Session) -> Iterator[Moment]:
    """Give every moment that can follow: each clock step in each world."""
    for later, world in product(range(LONGEST_STEP + 1), WORLDS):
        yield Moment(session.seen_at + later, *world, MFA_LIFETIME)


def alphabet(session: Session) -> Iterator[Event]:
    """Give every event: two subjects, two epochs, one factor or two, of the same kind or of different ones."""
    yield from (Touch(), Write(changes=(("cart", "1"),)), LogOut(), Tick())
    pair: dict[str, Any] = {"sid": SID, "proof": NEW, "former_proof": session.proof}
    for subject, epoch in (("alice", 1), ("alice", 2), ("bob", 1)):
        about = {"subject": subject, **pair}
        yield Reauthenticate(**about, epoch=epoch)
        yield Restamp(**about, was=session.epoch, epoch=epoch)
        yield from _logins(about, epoch)
    yield Restamp(subject="alice", **pair, was=3 - session.epoch, epoch=2)
    for subject, sid, kind in (
        ("alice", SID, Kind.KNOWLEDGE),
        ("alice", SID, Kind.POSSESSION),
        ("alice", "t" * 22, Kind.POSSESSION),
        ("bob", SID, Kind.POSSESSION),
    ):
        yield SatisfyMfa(**{**pair, "sid": sid}, subject=subject, kind=kind, methods=("otp",))


def _logins(about: dict[str, Any], epoch: int) -> Iterator[LogIn]:
    common: dict[str, Any] = {**about, "epoch": epoch, "idle": IDLE, "lifetime": LIFETIME, "methods": ("pwd",)}
    yield LogIn(**common, first=Kind.KNOWLEDGE)
    yield LogIn(**common, first=Kind.KNOWLEDGE, second=Kind.POSSESSION, mfa_methods=("otp",))
    if about["subject"] == "alice":
        yield LogIn(**common, first=Kind.POSSESSION, not_after=NOON + 3)


def _said(step: Step) -> str:
    later, moment = step.moment.at - step.before.seen_at, step.moment
    rules = f"epoch {moment.epoch} ({moment.cause}), limits {moment.idle}/{moment.lifetime}"
    return f"{step.before.state}: {step.asked}, {later} ms after its last use, {rules} -> {step.after.state}"
