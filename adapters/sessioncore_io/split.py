"""Keep sessions in one store and epochs in another: a password reset then survives the loss of the sessions' store.

The usual pair is Valkey for the sessions, which are many and quick, and PostgreSQL for the epochs, which are few and
must not be lost.
"""

from collections.abc import Awaitable, Sequence
from contextlib import ExitStack, closing
from inspect import isawaitable, iscoroutinefunction
from typing import Any, TypeVar

from sessioncore import AsyncStore, Epoch, InvalidSetting, Reason, Session, Store
from sessioncore.ports import Announcer, Subscription

from .ears import Ear

T = TypeVar("T")


class SplitStore:
    """Keep rows and marks in ``sessions``, and epochs in ``epochs``, for callers that do not await.

    ``load`` asks one and then the other: two round trips. If either is unavailable, so is the answer: nobody is
    authenticated by half of it.
    """

    def __init__(self, *, sessions: Store, epochs: Store) -> None:
        _check(sessions, epochs)
        _refuse_awaited(sessions=sessions, epochs=epochs)
        self.sessions = sessions
        self.epochs = epochs

    def load(self, sid: str) -> tuple[Session | None, Epoch | None]:
        """Return the row from the one store, and its subject's epoch from the other."""
        row, _ = self.sessions.load(sid)
        return row, self.epochs.epoch(row.subject) if row is not None and row.subject else None

    def swap(self, old: Session | None, new: Session) -> bool:
        """Put ``new`` where exactly ``old`` is."""
        return self.sessions.swap(old, new)

    def epoch(self, subject: str) -> Epoch | None:
        """Return the subject's epoch."""
        return self.epochs.epoch(subject)

    def mint(self, subject: str, at: int) -> Epoch:
        """Insert the epoch if the subject has none; return what stands."""
        return self.epochs.mint(subject, at)

    def supersede(self, subject: str, at: int, cause: Reason, expected: int | None = None) -> Epoch | None:
        """Move the epoch on, if it is the expected one."""
        return self.epochs.supersede(subject, at, cause, expected)

    def of_subject(self, subject: str, *, live: bool = False) -> Sequence[Session]:
        """Return the rows of the subject, or only the live ones."""
        return self.sessions.of_subject(subject, live=live)

    def of_upstream(self, issuer: str, sid: str) -> Sequence[Session]:
        """Return the rows that depend on this session of an identity provider."""
        return self.sessions.of_upstream(issuer, sid)

    def due(self, before: int, limit: int) -> Sequence[Session]:
        """Return live rows whose deadline has passed, the most overdue first."""
        return self.sessions.due(before, limit)

    def purge(self, before: int, limit: int) -> int:
        """Forget rows that ended before."""
        return self.sessions.purge(before, limit)

    def mark(self, name: str, until: int) -> bool:
        """Remember the name; tell whether this was the first time."""
        return self.sessions.mark(name, until)

    def subscribe(self, ear: Ear) -> Subscription:
        """Hear of ends from the one store, and of superseded epochs from the other."""
        return _Both(ear, self.sessions, self.epochs)

    def close(self) -> None:
        """Close both stores."""
        for store in (self.sessions, self.epochs):
            getattr(store, "close", lambda: None)()


class AsyncSplitStore:
    """Keep rows and marks in ``sessions``, and epochs in ``epochs``: the promises of ``SplitStore``, awaited.

    Each of the two may be awaited or plain.
    """

    def __init__(self, *, sessions: Store | AsyncStore, epochs: Store | AsyncStore) -> None:
        _check(sessions, epochs)
        self.sessions = sessions
        self.epochs = epochs

    async def load(self, sid: str) -> tuple[Session | None, Epoch | None]:
        """Return the row from the one store, and its subject's epoch from the other."""
        row, _ = await _answer(self.sessions.load(sid))
        return row, await _answer(self.epochs.epoch(row.subject)) if row is not None and row.subject else None

    async def swap(self, old: Session | None, new: Session) -> bool:
        """Put ``new`` where exactly ``old`` is."""
        return await _answer(self.sessions.swap(old, new))

    async def epoch(self, subject: str) -> Epoch | None:
        """Return the subject's epoch."""
        return await _answer(self.epochs.epoch(subject))

    async def mint(self, subject: str, at: int) -> Epoch:
        """Insert the epoch if the subject has none; return what stands."""
        return await _answer(self.epochs.mint(subject, at))

    async def supersede(self, subject: str, at: int, cause: Reason, expected: int | None = None) -> Epoch | None:
        """Move the epoch on, if it is the expected one."""
        return await _answer(self.epochs.supersede(subject, at, cause, expected))

    async def of_subject(self, subject: str, *, live: bool = False) -> Sequence[Session]:
        """Return the rows of the subject, or only the live ones."""
        return await _answer(self.sessions.of_subject(subject, live=live))

    async def of_upstream(self, issuer: str, sid: str) -> Sequence[Session]:
        """Return the rows that depend on this session of an identity provider."""
        return await _answer(self.sessions.of_upstream(issuer, sid))

    async def due(self, before: int, limit: int) -> Sequence[Session]:
        """Return live rows whose deadline has passed, the most overdue first."""
        return await _answer(self.sessions.due(before, limit))

    async def purge(self, before: int, limit: int) -> int:
        """Forget rows that ended before."""
        return await _answer(self.sessions.purge(before, limit))

    async def mark(self, name: str, until: int) -> bool:
        """Remember the name; tell whether this was the first time."""
        return await _answer(self.sessions.mark(name, until))

    def subscribe(self, ear: Ear) -> Subscription:
        """Hear of ends from the one store, and of superseded epochs from the other."""
        return _Both(ear, self.sessions, self.epochs)

    async def close(self) -> None:
        """Close both stores."""
        for store in (self.sessions, self.epochs):
            await _answer(getattr(store, "close", lambda: None)())


class _Both:
    """Hold a subscription to each of two stores that tell."""

    def __init__(self, ear: Ear, *stores: Any) -> None:
        mute = [type(store).__name__ for store in stores if not hasattr(store, "subscribe")]
        if mute:
            raise InvalidSetting("store", ", ".join(mute), "it does not tell of ends: use one that does")
        tellers: Sequence[Announcer] = stores
        with ExitStack() as held:
            for teller in tellers:
                held.enter_context(closing(teller.subscribe(ear)))
            self._held = held.pop_all()

    def close(self) -> None:
        """Hear nothing from now on."""
        self._held.close()


async def _answer(answer: T | Awaitable[T]) -> T:
    """Give the answer of a store of either kind."""
    if isawaitable(answer):
        given: T = await answer
        return given
    return answer


def _refuse_awaited(**stores: Store) -> None:
    for name, store in stores.items():
        if iscoroutinefunction(store.epoch):
            raise InvalidSetting(name, type(store).__name__, "it has to be awaited: use AsyncSplitStore")


def _check(sessions: object, epochs: object) -> None:
    for name, store in (("sessions", sessions), ("epochs", epochs)):
        if isinstance(store, type) or not callable(getattr(store, "epoch", None)):
            raise InvalidSetting(name, store, "pass a store, such as PostgresStore(url)")
    if sessions is epochs:
        raise InvalidSetting(
            "epochs", type(epochs).__name__, "pass another store than for sessions, or use that one alone"
        )
