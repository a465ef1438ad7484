"""Record what concurrent callers asked of one store and what they were answered, to be checked afterwards.

    history = History()
    store = history.witness("worker 1", real_store)        # in each thread, task or process
    ...
    check_row(history.operations, sid)
    check_epoch(history.operations, subject)

The calls are kept as the effects of ``sessioncore.effects``. Processes record a ``History`` each and send its
``operations`` home, where they are added together: ``time.monotonic_ns`` is one clock for all processes of a
machine.
"""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from inspect import isawaitable
from typing import Any, Final

from attrs import define, evolve, field

from sessioncore import Epoch, Session
from sessioncore import effects as fx

from .linear import Operation, Specification, check_linearizable
from .passing import PassingStore

CALLS: Final = {
    "load": fx.Load,
    "swap": fx.Swap,
    "epoch": fx.ReadEpoch,
    "mint": fx.Mint,
    "supersede": fx.Supersede,
    "purge": fx.Purge,
}


@define
class History:
    """Collect operations from many callers at once; ``clock`` must never go back."""

    clock: Callable[[], int] = time.monotonic_ns
    operations: list[Operation] = field(factory=list)
    _lock: Any = field(factory=threading.Lock, init=False, repr=False, eq=False)

    def begin(self, who: str, call: Any) -> int:
        """Record that a call was made; its outcome is unknown until ``end``."""
        with self._lock:
            self.operations.append(Operation(who, call, self.clock()))
            return len(self.operations) - 1

    def end(self, index: int, answer: Any) -> None:
        """Record what a call answered."""
        returned = self.clock()
        with self._lock:
            self.operations[index] = evolve(self.operations[index], returned=returned, answer=answer)

    def witness(self, who: str, store: Any) -> "WitnessedStore":
        """Give the store as this caller sees it: each call is recorded."""
        return WitnessedStore(store, self, who)


class WitnessedStore(PassingStore):
    """Record each call of one caller, and what it answered; a call that raises has an unknown outcome."""

    def __init__(self, store: Any, history: History, who: str) -> None:
        super().__init__(store)
        self.history = history
        self.who = who

    def call(self, name: str, *args: Any, **named: Any) -> Any:
        """Pass a call on and record it."""
        if name not in CALLS:
            return super().call(name, *args, **named)
        index = self.history.begin(self.who, CALLS[name](*args, **named))
        answer = super().call(name, *args, **named)
        if isawaitable(answer):
            return self._awaited(index, answer)
        self.history.end(index, answer)
        return answer

    async def _awaited(self, index: int, promised: Any) -> Any:
        answer = await promised
        self.history.end(index, answer)
        return answer


# -- what one row and one epoch do ---------------------------------------------------------------------------


def apply_to_row(row: Session | None, call: fx.Effect[Any]) -> tuple[Session | None, Any]:
    """Do one call on one row: an ended one absorbs, and only a purge makes room for another."""
    if isinstance(call, fx.Swap):
        swapped = row == call.old and (row is None or row.live)
        return (call.new, True) if swapped else (row, False)
    if isinstance(call, fx.Purge):
        gone = row is not None and not row.live and row.ended_at < call.before and call.limit > 0
        return (None, 1) if gone else (row, 0)
    return row, row


def apply_to_epoch(epoch: Epoch | None, call: fx.Effect[Any]) -> tuple[Epoch | None, Any]:
    """Do one call on one subject's epoch."""
    if isinstance(call, fx.Mint):
        standing = epoch or Epoch(value=call.at)
        return standing, standing
    if isinstance(call, fx.Supersede):
        if call.expected is not None and (epoch is None or epoch.value != call.expected):
            return epoch, None
        moved = Epoch(value=max(epoch.value + 1, call.at) if epoch else call.at, cause=call.cause)
        return moved, moved
    return epoch, epoch


def _silent(operation: Operation) -> bool:
    return operation.known and (isinstance(operation.call, fx.Load | fx.ReadEpoch) or not operation.answer)


ROW: Final = Specification("one row", apply_to_row, silent=_silent)
EPOCH: Final = Specification("one epoch", apply_to_epoch, silent=_silent)


def of_row(operations: Iterable[Operation], sid: str) -> list[Operation]:
    """Give what concerns one row; of a load, the row. A purge counts if the store held no other row."""
    mine = [each for each in operations if _sid(each.call) in (sid, ANY)]
    return [_first(each) if isinstance(each.call, fx.Load) else each for each in mine]


def of_epoch(operations: Iterable[Operation], subject: str) -> list[Operation]:
    """Give what concerns one subject's epoch: a load of a row of theirs has read it too."""
    asked = [each for each in operations if getattr(each.call, "subject", None) == subject]
    return asked + [_read(each, subject) for each in operations if _loaded(each) == subject]


ANY: Final = object()


def _sid(call: fx.Effect[Any]) -> object:
    if isinstance(call, fx.Swap):
        return call.new.sid
    return ANY if isinstance(call, fx.Purge) else getattr(call, "sid", None)


def _first(load: Operation) -> Operation:
    return evolve(load, answer=load.answer[0]) if load.known else load


def _loaded(operation: Operation) -> str | None:
    loaded = operation.known and isinstance(operation.call, fx.Load) and operation.answer[0]
    return loaded.subject if loaded else None


def _read(load: Operation, subject: str) -> Operation:
    return evolve(load, call=fx.ReadEpoch(subject), answer=load.answer[1])


def check_row(operations: Sequence[Operation], sid: str, initial: Session | None = None) -> None:
    """Raise ``NotLinearizable`` if no order explains what was answered about this row."""
    check_linearizable(of_row(operations, sid), evolve(ROW, name=f"the row {sid}", initial=initial))


def check_epoch(operations: Sequence[Operation], subject: str, initial: Epoch | None = None) -> None:
    """Raise ``NotLinearizable`` if no order explains what was answered about this subject's epoch."""
    check_linearizable(of_epoch(operations, subject), evolve(EPOCH, name=f"{subject}'s epoch", initial=initial))
