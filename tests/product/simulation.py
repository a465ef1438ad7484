"""Stores taken apart into atomic steps, and a scheduler that lets clients run between them.

Each operation is a generator that yields wherever another client may come in between, so the order is the test's
to choose, and the instants of a history are the numbers of the steps.
"""

from collections.abc import Callable, Generator
from random import Random
from typing import Any

from attrs import define, evolve, field

from sessioncore import Reason, Session
from sessioncore import effects as fx
from sessioncore.testing.clock import START
from sessioncore.testing.history import History, apply_to_row
from sessioncore.testing.linear import Operation
from sessioncore.testing.rows import SID, ended, guest, touched

Steps = Generator[None, None, Any]


@define
class Row:
    """Hold one row, and what it was before."""

    now: Session | None = None
    before: list[Session | None] = field(factory=list)

    def put(self, row: Session | None) -> None:
        """Put a row."""
        self.before.append(self.now)
        self.now = row


def atomic(row: Row, call: Any) -> Steps:
    """Do each call in one step."""
    yield
    after, answer = apply_to_row(row.now, call)
    if after != row.now:
        row.put(after)
    yield
    return answer


def get_then_set(row: Row, call: Any) -> Steps:
    """Compare in one step and write in another."""
    yield
    if not isinstance(call, fx.Swap):
        return (yield from atomic(row, call))
    if row.now != call.old or (row.now is not None and not row.now.live):
        return False
    yield
    row.put(call.new)
    return True


def upsert(row: Row, call: Any) -> Steps:
    """Write without comparing."""
    yield
    if not isinstance(call, fx.Swap):
        return (yield from atomic(row, call))
    row.put(call.new)
    return True


def resurrecting(row: Row, call: Any) -> Steps:
    """Compare versions, but take a row that has ended, or is gone, for one that was not changed."""
    yield
    if isinstance(call, fx.Swap) and call.old is not None and (row.now is None or not row.now.live):
        row.put(call.new)
        return True
    return (yield from atomic(row, call))


def stale(row: Row, call: Any) -> Steps:
    """Read from a copy that lags behind."""
    yield
    if isinstance(call, fx.Load) and row.before:
        return row.before[-1]
    return (yield from atomic(row, call))


def forgetful(row: Row, call: Any) -> Steps:
    """Say yes to every fifth swap and do nothing."""
    yield
    answer = yield from atomic(evolve(row), call) if _unlucky(call) else atomic(row, call)
    return answer


def _unlucky(call: Any) -> bool:
    return isinstance(call, fx.Swap) and call.new.version % 3 == 0


BROKEN = {
    "a blind upsert": upsert,
    "get, then set": get_then_set,
    "resurrection": resurrecting,
    "stale reads": stale,
    "lost writes": forgetful,
}


def client(random: Random, ask: Callable[[Any], Steps], calls: int = 4) -> Steps:
    """Load, and swap in what follows from what was loaded; now and then end the session."""
    known: Session | None = None
    for number in range(calls):
        choice = random.random()
        if choice < 0.4:
            known = yield from ask(fx.Load(SID))
        elif known is None:
            fresh = guest(secret=str(random.random()))
            known = fresh if (yield from ask(fx.Swap(None, fresh))) else known
        else:
            new = ended(known, START, Reason.USER) if choice > 0.9 else touched(known, START + number)
            new = evolve(new, data=(("by", str(random.random())),) if new.live else ())
            known = new if (yield from ask(fx.Swap(known, new))) else known


def simulate(store: Callable[[Row, Any], Steps], seed: int, clients: int = 3, lost: float = 0.15) -> list[Operation]:
    """Run clients in a random order of steps and return the history; some answers are lost on their way."""
    random, row, step = Random(seed), Row(), iter(range(10**6))
    history = History(clock=lambda: next(step))

    def ask(who: str) -> Callable[[Any], Steps]:
        def asked(call: Any) -> Steps:
            index = history.begin(who, call)
            answer = yield from store(row, call)
            if random.random() > lost:
                history.end(index, (answer, None) if isinstance(call, fx.Load) else answer)
            return answer

        return asked

    running = {who: client(random, ask(who)) for who in ("ann", "ben", "cat", "dan")[:clients]}
    while running:
        who = random.choice(sorted(running))
        if next(running[who], "done") == "done":
            del running[who]
    return history.operations
