"""Replay stored changes through the core: each new record is what events of the table make of the old one.

Nothing is taken from the flows but the two records: the events are read off their difference, the moments off the
instants in them and the epochs that the history shows.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import product
from typing import Any

from attrs import evolve

from sessioncore import Epoch, Policy, Refused, Session, begin, moment_for
from sessioncore import effects as fx
from sessioncore import events as ev
from sessioncore.machine import MACHINE
from sessioncore.records import NEVER, Kind
from sessioncore.testing.linear import Operation
from sessioncore.testing.step_invariants import Step, check_step
from sessioncore.testing.telling import say


def check_replay(operations: Iterable[Operation], policy: Policy) -> int:
    """Replay each change that was acknowledged, or may have been stored; return how many.

    Raises ``AssertionError`` for one that nothing explains.
    """
    calls = list(operations)
    epochs = _epochs(calls)
    swaps = [each.call for each in calls if isinstance(each.call, fx.Swap) and each.answer is not False]
    for swap in swaps:
        known = epochs.get(swap.new.subject, set()) | {None}
        assert explained(swap.old, swap.new, known, policy), (
            f"no events of the table lead from {say(swap.old)} to {say(swap.new)}:\n{swap.old}\n{swap.new}"
        )
    return len(swaps)


def _epochs(calls: list[Operation]) -> dict[str, set[Epoch | None]]:
    """Give the epochs that each subject is known to have had."""
    epochs: dict[str, set[Epoch | None]] = {}
    for each in calls:
        if isinstance(each.call, fx.Mint | fx.Supersede | fx.ReadEpoch):
            epochs.setdefault(each.call.subject, set()).add(each.answer)
        elif isinstance(each.call, fx.Load) and each.known and each.answer[0] is not None:
            epochs.setdefault(each.answer[0].subject, set()).add(each.answer[1])
    return epochs


def explained(old: Session | None, new: Session, epochs: set[Epoch | None], policy: Policy) -> bool:
    """Search for events that lead from the old record to the new one; each step of them must keep every invariant."""
    began = [old] if old else _guests(new, policy)
    reached, steps = deque(began), dict[Session, Step | None].fromkeys(began)
    events, instants = list(_events(old, new, policy)), _instants(new)
    while reached:
        session = reached.popleft()
        if session == new:
            _check(steps, session)
            return True
        for step in _steps(session, product(events, instants, epochs), policy):
            if step.after not in steps and _may_lead(step.after, new):
                steps[step.after] = step
                reached.append(step.after)
    return False


Choices = Iterable[tuple[ev.Event, int, Epoch | None]]


def _steps(session: Session, choices: Choices, policy: Policy) -> Iterator[Step]:
    for event, at, epoch in choices:
        moment = moment_for(session, epoch, at, policy)
        with suppress(Refused):
            yield Step(session, event, event, moment, MACHINE.step(session, event, moment))


def _may_lead(after: Session, new: Session) -> bool:
    """Tell whether more events could make the new record of this one: each raises the version, and uses go forth."""
    return after == new or (after.live and after.version < new.version and after.seen_at <= new.seen_at)


def _check(steps: dict[Session, Step | None], session: Session) -> None:
    while (step := steps[session]) is not None:
        check_step(step)
        session = step.before


def _guests(new: Session, policy: Policy) -> list[Session]:
    """Give the guests' sessions that this one may have begun as."""
    proofs = {new.proof, new.former_proof}
    limits = policy.guest
    return [begin(new.sid, proof, new.created_at, idle=limits.idle, lifetime=limits.lifetime) for proof in proofs]


def _instants(new: Session) -> list[int]:
    found = {new.created_at, new.seen_at, new.since, new.authenticated_at, new.mfa_at, new.ended_at}
    return sorted(found - {NEVER})


def _events(old: Session | None, new: Session, policy: Policy) -> Iterator[ev.Event]:
    """Read off the difference what may have happened."""
    yield ev.Tick()
    yield ev.Touch()
    data = dict(old.data) if old else {}
    if new.live and (changed := {key: text for key, text in new.data if data.get(key) != text}):
        yield ev.Write(changes=tuple(changed.items()))
    if new.reason in ev.SINGLE_ENDS:
        yield ev.LogOut(new.reason)
    if new.subject:
        yield from _credentials(old, new, policy)


def _credentials(old: Session | None, new: Session, policy: Policy) -> Iterator[ev.Event]:
    proofs: dict[str, Any] = {"proof": new.proof, "former_proof": new.former_proof}
    limits = policy.remembered if new.remembered else policy.login
    own: dict[str, Any] = {"subject": new.subject, "sid": new.sid}
    login = ev.LogIn(
        **own,
        epoch=new.epoch,
        methods=new.methods,
        first=new.first,
        needs=new.needs,
        remembered=new.remembered,
        idle=limits.idle,
        lifetime=limits.lifetime,
        not_after=new.not_after,
        upstream=new.upstream,
        label=new.label,
        **proofs,
    )
    yield login
    yield ev.Reauthenticate(**own, epoch=new.epoch, **proofs)
    if new.second != Kind.NONE:
        yield evolve(login, mfa_methods=new.mfa_methods, second=new.second)
        yield ev.SatisfyMfa(**own, methods=new.mfa_methods, kind=new.second, **proofs)
    if old is not None and old.epoch != new.epoch:
        yield ev.Restamp(**own, was=old.epoch, epoch=new.epoch, **proofs)
