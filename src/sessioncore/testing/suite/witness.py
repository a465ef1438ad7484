"""A store that writes down what it is asked to do, and can be told to fail: wrap your own in it."""

from collections.abc import Callable, Sequence
from typing import Any

from attrs import frozen

from sessioncore import Epoch, Reason, Session, Store, StoreUnavailable


@frozen(kw_only=True)
class Change:
    """Hold one acknowledged swap, and what the witness knew to stand under the key before it."""

    old: Session | None
    new: Session
    stood: Session | None
    epoch: Epoch | None
    at: int


class Witness:
    """Pass every call on to a store, and keep the acknowledged changes in order."""

    def __init__(self, store: Store, clock: Callable[[], int]) -> None:
        self.store = store
        self.clock = clock
        self.down = False
        self.changes: list[Change] = []
        self.rows: dict[str, Session] = {}
        self.superseded: dict[str, int] = {}
        self.interrupt: Callable[[], None] | None = None

    def __getattr__(self, name: str) -> Any:
        """Answer for the calls that change no session."""
        call = getattr(self.store, name)

        def guarded(*arguments: Any, **named: Any) -> Any:
            self._refuse_if_down()
            return call(*arguments, **named)

        return guarded

    def _refuse_if_down(self) -> None:
        if self.down:
            raise StoreUnavailable("the store was told to fail")

    def load(self, sid: str) -> tuple[Session | None, Epoch | None]:
        """Load, and see that the row is the one that was stored."""
        self._refuse_if_down()
        return self.store.load(sid)

    def swap(self, old: Session | None, new: Session) -> bool:
        """Swap, and write an acknowledged change down; another request may come first."""
        self._refuse_if_down()
        self.let_in()
        done = self.store.swap(old, new)
        if done:
            stood, epoch = self.rows.get(new.sid), self.store.epoch(new.subject)
            self.changes.append(Change(old=old, new=new, stood=stood, epoch=epoch, at=self.clock()))
            self.rows[new.sid] = new
        return done

    def let_in(self) -> None:
        """Let the request in that was told to come between a load and a swap."""
        interrupt, self.interrupt = self.interrupt, None
        if interrupt is not None:
            interrupt()

    def supersede(self, subject: str, at: int, cause: Reason, expected: int | None = None) -> Epoch | None:
        """Supersede, and count it."""
        self._refuse_if_down()
        epoch = self.store.supersede(subject, at, cause, expected)
        if epoch is not None:
            self.superseded[subject] = self.superseded.get(subject, 0) + 1
        return epoch

    def purge(self, before: int, limit: int) -> int:
        """Purge, and forget the rows that are gone."""
        self._refuse_if_down()
        gone = self.store.purge(before, limit)
        self.rows = {sid: row for sid, row in self.rows.items() if self.store.load(sid)[0] is not None}
        return gone

    def standing(self) -> Sequence[tuple[Session, Session | None]]:
        """Pair every row that should stand with the one that the store returns."""
        return [(row, self.store.load(sid)[0]) for sid, row in self.rows.items()]

    def close(self) -> None:
        """Close the store, if it can be closed."""
        close = getattr(self.store, "close", None)
        if close is not None:
            close()
