"""What a request handler holds: its session, the same in WSGI and ASGI but for the word ``await``."""

import asyncio
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from inspect import CORO_CREATED, getcoroutinestate
from typing import TYPE_CHECKING, Any, TypeVar, cast

from sessioncore import Attempt, Epoch, InvalidSetting, Reason, Session, SessionError
from sessioncore.effects import Flow, arun, run
from sessioncore.flows import CURRENT, Standing, Token, at_rest, attempt, glance

from .checks import check_plain_write, check_reason, check_write
from .from_thread import FromThread, Writer
from .life import Challenge, SessionHandle
from .on_end import Callback, calling_back, calling_back_from_a_thread
from .turns import Turns

if TYPE_CHECKING:
    from .shell import AsyncSessions, Shell


class Handle(SessionHandle):
    """Hold the session of a WSGI request, for one thread at a time."""

    def attempt(self, subject: str) -> Attempt:
        """Begin a login **before** the credential is checked: reads the subject's epoch."""
        with self._noting_failure():
            return run(attempt(subject), self._shell.perform)

    def commit(self) -> None:
        """Store what happened so far. Raises ``Refused``, ``Contention``, ``StoreUnavailable`` or ``DataTooLarge``."""
        with self._noting_failure():
            run(self._committing(), self._shell.perform)

    def store_logout(self) -> None:
        """Store a logout, if there is one, and nothing else: the application failed."""
        if self.wants_log_out:
            run(self._committing(only_logout=True), self._shell.perform)

    def refresh(self) -> None:
        """Load the session again, dropping what was not committed."""
        with self._noting_failure():
            run(self._refreshing(), self._shell.perform)

    def password_changed(self, write: Writer | None = None) -> None:
        """End all other sessions of the subject around ``write``, which stores the new hash; this one stays.

        Raises ``Refused`` if somebody ended the subject's sessions meanwhile: then nothing is kept;
        ``LoginRequired`` or ``StepUpRequired`` for somebody who is not signed in or owes a factor.
        """
        check_plain_write(write)
        self.require()
        with self._noting_failure():
            run(self._keeping_only(Reason.PASSWORD_CHANGE, write), self._shell.perform)

    def end_others(self, reason: Reason = Reason.USER_ALL) -> None:
        """End all other sessions of the subject; this one stays, with a new token."""
        check_reason(reason)
        self.require()
        with self._noting_failure():
            run(self._keeping_only(reason, None), self._shell.perform)

    def on_end(self, callback: Callback) -> AbstractContextManager[None]:
        """Call ``callback`` with the reason if this session ends while the ``with`` block runs.

        In a thread of the library's own, which serves all of them: let it be quick. None, for the reason, says that
        nobody can tell any more whether the session lives, as when the store is out of reach for a second.
        """
        return calling_back_from_a_thread(self._ended, callback)


class AsyncHandle(SessionHandle):
    """Hold the session of an ASGI request or websocket; ``loop`` is the event loop that serves it.

    Several tasks may use it: what they store, they store one after another.
    """

    loop: asyncio.AbstractEventLoop | None = None
    _turns: Turns | None = None
    _owed: tuple[tuple[str, Coroutine[Any, Any, None]], ...] = ()  # verbs that were called, and have to be awaited

    async def _store(self, flow: Flow[None]) -> None:
        if self._turns is None:
            self._turns = Turns()
        async with self._turns.one():
            await arun(flow, self._shell.perform)

    def _owing(self, verb: str, asked: Coroutine[Any, Any, None]) -> Coroutine[Any, Any, None]:
        """Remember what the application has to await; ``may_start`` then looks closer, though nothing happened yet."""
        self.at_rest = False
        self._owed = (*self._owed, (verb, asked))
        return asked

    @property
    def idle(self) -> bool:
        """Tell whether there is nothing to commit: nothing happened, and no touch is due.

        Raises ``InvalidSetting`` for a verb that nobody awaits: the response would say that it is done.
        """
        for verb, asked in self._owed:
            if getcoroutinestate(asked) == CORO_CREATED:
                advice = f"nobody awaits it, so nothing was done; write: await session.{verb}(...)"
                raise InvalidSetting(f"session.{verb}", "a coroutine", advice)
        return super().idle

    async def attempt(self, subject: str) -> Attempt:
        """Begin a login **before** the credential is checked: reads the subject's epoch."""
        with self._noting_failure():
            return await arun(attempt(subject), self._shell.perform)

    async def commit(self) -> None:
        """Store what happened so far. Raises ``Refused``, ``Contention``, ``StoreUnavailable`` or ``DataTooLarge``."""
        with self._noting_failure():
            await self._store(self._committing())

    async def store_logout(self) -> None:
        """Store a logout, if there is one, and nothing else: the application failed."""
        if self.wants_log_out:
            await self._store(self._committing(only_logout=True))

    async def refresh(self) -> None:
        """Load the session again, dropping what was not committed."""
        with self._noting_failure():
            await self._store(self._refreshing())

    def password_changed(self, write: Writer | None = None) -> Coroutine[Any, Any, None]:
        """End all other sessions of the subject around ``write``, which stores the new hash; this one stays.

        ``write`` may be a coroutine function. Raises ``Refused`` if somebody ended the subject's sessions
        meanwhile: then nothing is kept; ``LoginRequired`` or ``StepUpRequired`` for somebody who is not signed in
        or owes a factor.
        """
        return self._owing("password_changed", self._password_changed(write))

    async def _password_changed(self, write: Writer | None) -> None:
        check_write(write)
        self.require()
        with self._noting_failure():
            await self._store(self._keeping_only(Reason.PASSWORD_CHANGE, write))

    def end_others(self, reason: Reason = Reason.USER_ALL) -> Coroutine[Any, Any, None]:
        """End all other sessions of the subject; this one stays, with a new token."""
        return self._owing("end_others", self._end_others(reason))

    async def _end_others(self, reason: Reason) -> None:
        check_reason(reason)
        self.require()
        with self._noting_failure():
            await self._store(self._keeping_only(reason, None))

    async def ended(self) -> Reason | None:
        """Return as soon as this session has ended, with the reason: within a second, whoever ended it and where.

        With None if nobody can say that it lives: there was none, its row is gone, or the store has not answered for
        a second. To wait is no use of the session. Call it once the session is stored: on a websocket, after the
        acceptance.
        """
        return await self._ended()

    def on_end(self, callback: Callback) -> AbstractAsyncContextManager[None]:
        """Call ``callback`` with what ``ended`` returns, if that comes while the ``async with`` block runs.

        What it gives is awaited, if it has to be.
        """
        return calling_back(self._ended, callback)

    @property
    def sessions(self) -> "AsyncSessions":
        """Give the shell that opened the session."""
        return cast("AsyncSessions", self._shell)

    @property
    def from_thread(self) -> FromThread:
        """Give the verbs that must be awaited as plain calls, for handlers that run in a worker thread."""
        return FromThread(self, self.loop)


H = TypeVar("H", Handle, AsyncHandle)


def at_a_glance(kind: type[H], shell: "Shell", token: Token, loaded: tuple[Session | None, Epoch | None]) -> H | None:
    """Open what a token names, as nearly every request may; None if something is due that the flow has to store."""
    row, epoch = loaded
    at, policy = shell.clock(), shell.policy
    if at_rest(row, epoch, token.secret, at, policy):
        handle = kind(shell, token, CURRENT, row, epoch)
        handle.at_rest = True
        return handle
    standing = glance(row, epoch, token.secret, at, policy)
    return None if standing is None else kind(shell, token, standing, row, epoch)


def opens_nothing(kind: type[H], shell: "Shell", token: Token | None = None, failure: SessionError | None = None) -> H:
    """Give the handle of a request that has no session, or whose session could not be loaded."""
    return kind(shell, token, Standing.ABSENT, None, None, failure)


__all__ = ["AsyncHandle", "Challenge", "FromThread", "Handle", "SessionHandle", "at_a_glance", "opens_nothing"]
