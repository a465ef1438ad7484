"""Bind the flows to a store, a policy and a clock: what the adapters, and a framework without one, call."""

from asyncio import AbstractEventLoop, get_running_loop
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final
from weakref import WeakKeyDictionary

from sessioncore import ANY_SUBJECT, AsyncStore, Policy, Reason, Store, Summary
from sessioncore import flows as core
from sessioncore.effects import Effect, Flow, arun, run
from sessioncore.flows import AnySubject, Token
from sessioncore.policy import DAY

from .checks import (
    check_owner,
    check_parts,
    check_plain_store,
    check_plain_write,
    check_reason,
    check_subject,
    check_texts,
    check_write,
    instant_of,
    names_a_session,
    span_of,
    token_of,
)
from .endings import Endings
from .handle import AsyncHandle, Handle
from .world import AwaitedWorld, Clock, Listener, World, log_notice, sleep, wall_clock

# An ended row answers "why am I out?" for a while; nothing depends on it being there.
TOMBSTONE: Final = timedelta(milliseconds=30 * DAY)


class Shell:
    """Hold what every request needs."""

    store: Store | AsyncStore
    perform: Callable[[Effect[Any]], Any]

    def __init__(
        self,
        store: Store | AsyncStore,
        policy: Policy,
        clock: Clock,
        listener: Listener,
    ) -> None:
        check_parts(store, policy, clock, listener)
        self.policy = policy
        self.clock = clock
        self._endings: WeakKeyDictionary[AbstractEventLoop, Endings] = WeakKeyDictionary()

    # -- the flow of each verb, if what it was called with can be meant so -----------------------------------

    def _listing(self, subject: str, ended: bool) -> Flow[list[Summary]]:
        check_subject(subject)
        return core.sessions_of(subject, self.policy, ended=ended)

    def _ending(self, sid: str, reason: Reason, subject: str | AnySubject) -> Flow[bool]:
        check_reason(reason)
        check_owner(subject)
        if not names_a_session(sid):
            return False
        return (yield from core.end(sid, reason, subject, self.policy))

    def _ending_upstream(
        self, issuer: str, sid: str, subject: str, issued_at: datetime, jti: str, happened_at: datetime | None
    ) -> Flow[int]:
        check_texts(issuer=issuer, sid=sid, subject=subject, jti=jti)
        issued = instant_of("issued_at", issued_at)
        happened = issued if happened_at is None else instant_of("happened_at", happened_at)
        return core.end_upstream(issuer, sid, subject, issued, self.policy, jti, happened)

    def _still_upstream(self, sid: str, issued_at: datetime) -> Flow[bool]:
        return core.still_upstream(sid, instant_of("issued_at", issued_at), self.policy)

    # -- open sockets ---------------------------------------------------------------------------------------

    async def _ended(self, sid: str) -> Reason | None:
        """Wait for the end of a session in the running event loop: each has its own."""
        loop = get_running_loop()
        if loop not in self._endings:
            self._endings[loop] = Endings(self)
        return await self._endings[loop].ended(sid)


class Sessions(Shell):
    """Open, commit and end sessions, for callers that do not await.

    ``clock`` returns milliseconds since the Unix epoch; ``listener`` is told every ``Notice``.
    """

    store: Store

    def __init__(
        self,
        store: Store,
        policy: Policy = Policy(),  # noqa: B008 - frozen
        clock: Clock = wall_clock,
        listener: Listener = log_notice,
    ) -> None:
        check_plain_store(store)
        super().__init__(store, policy, clock, listener)
        self.store = store
        self.perform = World(store, clock, listener, sleep).perform

    def open(self, presented: Token | str | None) -> Handle:
        """Open the session of a presented cookie value. Raises ``StoreUnavailable`` or ``Contention``."""
        token = token_of(presented)
        opened = run(core.open_session(token, self.policy), self.perform)
        return Handle(self, token, opened.standing, opened.session, opened.epoch)

    def commit(self, handle: Handle) -> None:
        """Store what a request did; ``handle.order`` then says what its response owes the browser."""
        handle.commit()

    def attempt(self, subject: str) -> core.Attempt:
        """Begin a login **before** the credential is checked."""
        return run(core.attempt(subject), self.perform)

    def reset_password(self, subject: str, write: Callable[[], object] | None = None) -> None:
        """End every session of the subject around ``write``, which stores the new hash."""
        check_plain_write(write)
        run(core.reset_password(subject, write), self.perform)

    def sessions_of(self, subject: str, *, ended: bool = False) -> list[Summary]:
        """List the subject's sessions, the newest login first."""
        return run(self._listing(subject, ended), self.perform)

    def end(self, sid: str, reason: Reason = Reason.USER, *, subject: str | AnySubject) -> bool:
        """End one session of this subject; False if it had ended. Raises ``NotYours``.

        An operator who may end anybody's passes ``subject=ANY_SUBJECT``.
        """
        return run(self._ending(sid, reason, subject), self.perform)

    def end_all(self, subject: str, reason: Reason, keep: Handle | None = None) -> None:
        """End every session of the subject, or every one but the request's own (``keep``), which gets a new token.

        To keep one, the reason has to be ``USER_ALL`` or ``PASSWORD_CHANGE``.
        """
        check_reason(reason)
        if keep is None:
            run(core.end_all(subject, reason), self.perform)
        else:
            keep.refuse_other(subject)
            keep.end_others(reason)

    def end_upstream(
        self,
        issuer: str,
        *,
        sid: str = "",
        subject: str = "",
        issued_at: datetime,
        jti: str = "",
        happened_at: datetime | None = None,
    ) -> int:
        """End the sessions that hang on the provider's session ``sid``, or without it on any of the subject's.

        For a verified logout token, whose ``iat`` is ``issued_at`` and whose ``toe``, if it has one, ``happened_at``:
        of a token without ``sid``, what was begun since stays. A login that is not stored yet ends too (see
        ``still_upstream``). A token whose ``jti`` was seen to its end before ends nothing. Returns how many ended.
        """
        return run(self._ending_upstream(issuer, sid, subject, issued_at, jti, happened_at), self.perform)

    def still_upstream(self, sid: str, *, issued_at: datetime) -> bool:
        """Look, after the commit of a login by a provider, whether it was ended meanwhile; False if so, and it ends.

        ``issued_at`` is the ``iat`` of the ID token.
        """
        return run(self._still_upstream(sid, issued_at), self.perform)

    def sweep(self) -> int:
        """End the sessions whose time has come though nobody asks for them; return how many.

        By the limits at their login: what ended by one that was lowered since is recorded at its next use, or then.
        """
        return run(core.sweep(self.policy), self.perform)

    def purge(self, keep: timedelta = TOMBSTONE) -> int:
        """Forget sessions that ended longer ago than ``keep``; return how many."""
        return run(core.purge(span_of("keep", keep)), self.perform)


class AsyncSessions(Shell):
    """Open, commit and end sessions, for callers that await; the store may be of either kind."""

    def __init__(
        self,
        store: Store | AsyncStore,
        policy: Policy = Policy(),  # noqa: B008 - frozen
        clock: Clock = wall_clock,
        listener: Listener = log_notice,
    ) -> None:
        super().__init__(store, policy, clock, listener)
        self.store = store
        self.perform = AwaitedWorld(store, clock, listener).perform

    async def open(self, presented: Token | str | None) -> AsyncHandle:
        """Open the session of a presented cookie value. Raises ``StoreUnavailable`` or ``Contention``."""
        token = token_of(presented)
        opened = await arun(core.open_session(token, self.policy), self.perform)
        return AsyncHandle(self, token, opened.standing, opened.session, opened.epoch)

    async def commit(self, handle: AsyncHandle) -> None:
        """Store what a request did; ``handle.order`` then says what its response owes the browser."""
        await handle.commit()

    async def attempt(self, subject: str) -> core.Attempt:
        """Begin a login **before** the credential is checked."""
        return await arun(core.attempt(subject), self.perform)

    async def reset_password(self, subject: str, write: Callable[[], object] | None = None) -> None:
        """End every session of the subject around ``write``, which stores the new hash and may be awaited."""
        check_write(write)
        await arun(core.reset_password(subject, write), self.perform)

    async def sessions_of(self, subject: str, *, ended: bool = False) -> list[Summary]:
        """List the subject's sessions, the newest login first."""
        return await arun(self._listing(subject, ended), self.perform)

    async def end(self, sid: str, reason: Reason = Reason.USER, *, subject: str | AnySubject) -> bool:
        """End one session of this subject; False if it had ended. Raises ``NotYours``.

        An operator who may end anybody's passes ``subject=ANY_SUBJECT``.
        """
        return await arun(self._ending(sid, reason, subject), self.perform)

    async def end_all(self, subject: str, reason: Reason, keep: AsyncHandle | None = None) -> None:
        """End every session of the subject, or every one but the request's own (``keep``), which gets a new token.

        To keep one, the reason has to be ``USER_ALL`` or ``PASSWORD_CHANGE``.
        """
        check_reason(reason)
        if keep is None:
            await arun(core.end_all(subject, reason), self.perform)
        else:
            keep.refuse_other(subject)
            await keep.end_others(reason)

    async def ended(self, sid: str) -> Reason | None:
        """Return as soon as this session has ended: with the reason, or with None if nobody can say that it lives.

        That is so if its row is gone, and if the store has not answered for a second. To wait is no use of the session.
        """
        return await self._ended(sid)

    async def end_upstream(
        self,
        issuer: str,
        *,
        sid: str = "",
        subject: str = "",
        issued_at: datetime,
        jti: str = "",
        happened_at: datetime | None = None,
    ) -> int:
        """End the sessions that hang on the provider's session ``sid``, or without it on any of the subject's.

        For a verified logout token, whose ``iat`` is ``issued_at`` and whose ``toe``, if it has one, ``happened_at``:
        of a token without ``sid``, what was begun since stays. A login that is not stored yet ends too (see
        ``still_upstream``). A token whose ``jti`` was seen to its end before ends nothing. Returns how many ended.
        """
        return await arun(self._ending_upstream(issuer, sid, subject, issued_at, jti, happened_at), self.perform)

    async def still_upstream(self, sid: str, *, issued_at: datetime) -> bool:
        """Look, after the commit of a login by a provider, whether it was ended meanwhile; False if so, and it ends.

        ``issued_at`` is the ``iat`` of the ID token.
        """
        return await arun(self._still_upstream(sid, issued_at), self.perform)

    async def sweep(self) -> int:
        """End the sessions whose time has come though nobody asks for them; return how many.

        By the limits at their login: what ended by one that was lowered since is recorded at its next use, or then.
        """
        return await arun(core.sweep(self.policy), self.perform)

    async def purge(self, keep: timedelta = TOMBSTONE) -> int:
        """Forget sessions that ended longer ago than ``keep``; return how many."""
        return await arun(core.purge(span_of("keep", keep)), self.perform)


__all__ = ["ANY_SUBJECT", "TOMBSTONE", "AsyncSessions", "Sessions", "Shell"]
