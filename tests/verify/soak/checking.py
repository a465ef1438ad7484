"""What has to be true of a round afterwards."""

from collections.abc import Iterable, Sequence
from typing import Any

from attrs import evolve, frozen

from sessioncore import Session
from sessioncore import effects as fx
from sessioncore.testing.history import ROW, apply_to_row, check_epoch, of_row
from sessioncore.testing.linear import Operation, check_linearizable


@frozen
class Crash:
    """Say when a server was told to die, and when it was dead: what it did in between may be lost too."""

    began: int
    over: int


@frozen
class Lose(fx.Effect[bool]):
    """Stand for the loss, in a crash, of a change that its store did not promise to keep."""

    old: Session
    new: Session


def apply(row: Session | None, call: Any) -> tuple[Session | None, Any]:
    """Do one call, or one loss, on one row."""
    if isinstance(call, Lose):
        return (call.old, True) if row == call.new else (row, False)
    return apply_to_row(row, call)


def sids_of(operations: Iterable[Operation]) -> set[str]:
    """Name the sessions of a history."""
    return {each.call.new.sid for each in operations if isinstance(each.call, fx.Swap)}


def subjects_of(operations: Iterable[Operation]) -> set[str]:
    """Name the subjects of a history."""
    return {subject for each in operations if (subject := getattr(each.call, "subject", ""))}


def check_orders(operations: Sequence[Operation], crashes: Sequence[Crash], *, lossy: bool) -> None:
    """Raise ``NotLinearizable`` if a row or an epoch was not one thing that does one call at a time."""
    for sid in sids_of(operations):
        mine = of_row(operations, sid)
        losses = list(_losses(mine, crashes)) if lossy else []
        check_linearizable([*mine, *losses], evolve(ROW, name=f"the row {sid}", apply=apply))
    for subject in subjects_of(operations):
        check_epoch(operations, subject)


def _losses(operations: Sequence[Operation], crashes: Sequence[Crash]) -> Iterable[Operation]:
    """Say which Touches and Writes a crash may have lost: those that began before it was over."""
    for crash in crashes:
        for each in operations:
            if isinstance(each.call, fx.Swap) and each.invoked < crash.over and (lost := _light(each.call)):
                yield Operation("the crash", lost, crash.began)


def _light(swap: fx.Swap) -> Lose | None:
    """Give the loss of a swap that grants nothing and takes nothing."""
    old, new = swap.old, swap.new
    if old is None or not new.live:
        return None
    same = (old.state, old.proof, old.epoch) == (new.state, new.proof, new.epoch)
    return Lose(old, new) if same else None


def check_ends(operations: Sequence[Operation]) -> int:
    """Raise ``AssertionError`` if a session that was seen to have ended is alive later; return how many ended."""
    ended: dict[str, int] = {}
    for each in operations:
        row = _seen(each)
        if row is not None and not row.live:
            ended[row.sid] = min(each.returned, ended.get(row.sid, each.returned))
    for each in operations:
        row = _seen(each)
        alive = row is not None and row.live and each.invoked > ended.get(row.sid, each.invoked)
        assert not alive, f"{each.who}: a session that had ended is alive again: {each.call} -> {each.answer}"
    return len(ended)


def _seen(operation: Operation) -> Session | None:
    """Give the row that a call's answer shows."""
    if isinstance(operation.call, fx.Swap) and operation.answer is True:
        return operation.call.new
    if isinstance(operation.call, fx.Load) and operation.known:
        row: Session | None = operation.answer[0]
        return row
    return None
