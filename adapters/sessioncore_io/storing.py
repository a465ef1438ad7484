"""How a request's events are stored, and what its response then owes the browser."""

from collections.abc import Callable, Coroutine
from contextlib import suppress
from enum import Enum
from inspect import CORO_CREATED, getcoroutinestate
from typing import Any, Final

from attrs import evolve

from sessioncore import (
    Contention,
    Epoch,
    Event,
    InvalidSetting,
    LogIn,
    LogOut,
    Notice,
    Reason,
    Refused,
    Restamp,
    Session,
    StoreUnavailable,
    Touch,
    Write,
    moment_for,
    step,
)
from sessioncore.effects import Flow, Now, Tell
from sessioncore.events import Credential
from sessioncore.flows import Chapter, Outcome, Standing, Token, commit, keep_only, open_session, proof_of, touch
from sessioncore.policy import touch_due
from sessioncore.refusals import NOT_KEPT

from .bag import Changes
from .visit import Visit


class Clear(Enum):
    """Say that the response has to clear the cookie."""

    CLEAR = "clear"


CLEAR: Final = Clear.CLEAR


class StoredVisit(Visit):
    """Commit a request's chapters, one after another, and say what the response owes.

    The flows are generators, so that a handle that awaits and one that does not share them.
    """

    # What the response owes the browser: a token to set, the cookie to clear, or nothing.
    order: Token | Clear | None = None

    _owed: tuple[tuple[str, Coroutine[Any, Any, None]], ...] = ()  # verbs that were called, and have to be awaited

    # -- flows ---------------------------------------------------------------------------------------------

    def _committing(self, *, only_logout: bool = False) -> Flow[None]:
        """Store what happened; with ``only_logout``, as after a failure of the application, only that."""
        self.at_rest = False
        if not only_logout:
            self._flush()
            yield from self._touch()
        yield from self._store_chapters(only_logout=only_logout)
        while not only_logout and (current := self._chapter()) is not None:
            yield from self._store_current(current)
            yield from self._store_chapters()  # another task may have logged out, or acted, meanwhile
        yield from self._tell_dropped()

    def _tell_refused(self, chapter: Chapter) -> Flow[None]:
        """Tell what is lost with a proof: another task may have written it, which the error does not reach."""
        self._dropped += sum(isinstance(event, Write) for event in chapter.events)
        yield from self._tell_dropped()

    def _tell_dropped(self) -> Flow[None]:
        while self._dropped:
            at = yield from Now().ask()
            yield from Tell(Notice(what="dropped", at=at, sid=self._token.sid if self._token else "")).ask()
            self._dropped -= 1

    def _store_chapters(self, *, only_logout: bool = False) -> Flow[None]:
        while self._chapters:  # a chapter leaves only when it is stored: a failed commit can be tried again
            chapter = self._chapters[0]
            try:
                yield from self._store_closed(_only_logout(chapter) if only_logout else chapter)
            except Refused:
                yield from self._store_closed(_only_logout(chapter))  # what was refused keeps nobody in
                self._chapters = self._chapters[1:]
                yield from self._tell_refused(chapter)
                raise
            self._chapters = self._chapters[1:]

    def _touch(self) -> Flow[None]:
        """Touch a session that was used and not changed, when that is due."""
        view, token = self._view, self._token
        if view is None or token is None or self._events or self._chapters or not self._touch_due(view):
            return
        chapter = Chapter(sid=view.sid, proof=proof_of(token.secret), events=(Touch(),))
        closed = self._closed
        touched = yield from touch(chapter, self._shell.policy)
        if touched is not None and self._closed == closed:
            self._rebase(touched)

    def _store_closed(self, chapter: Chapter | None) -> Flow[None]:
        if chapter is None:
            return
        outcome = yield from commit(chapter, self._shell.policy)
        if chapter.begun is None and isinstance(chapter.events[-1], LogOut) and _changed_its_own(outcome, chapter):
            self.order = CLEAR  # our own event ended it; who finds it ended leaves the cookie alone

    def _store_current(self, chapter: Chapter) -> Flow[None]:
        secret, closed = self._secret, self._closed  # another task may rotate again, or log out, while this one waits
        try:
            outcome = yield from commit(chapter, self._shell.policy)
        except Refused:
            if self._closed == closed:
                self._renounce(chapter.events, secret)
                yield from self._tell_refused(chapter)
            else:
                self._shorten(chapter, "" if chapter.begun else chapter.sid, chapter.proof)
                yield from self._store_chapters()  # the response may be another one now, and nothing else stores them
            raise
        session = outcome.session
        if self._closed != closed:
            self._shorten(chapter, session.sid if session else "", proof_of(secret) if secret else chapter.proof)
            return
        if session is not None and session.live and secret and session.proof == proof_of(secret):
            self._token = self.order = Token(session.sid, secret)
        if self._secret == secret:
            self._secret = ""
        self._events = self._events[len(chapter.events) :]
        self._rebase(session, proved=any(isinstance(event, Credential) for event in chapter.events))

    def _shorten(self, stored: Chapter, sid: str, proof: str) -> None:
        """Keep, of a chapter that was closed while its beginning was being stored, what it has to say besides."""
        closed, *later = self._chapters
        events = closed.events[len(stored.events) :]
        rest = [Chapter(sid=sid, proof=proof, events=events)] if sid and events else []
        self._chapters = (*rest, *later)

    def _renounce(self, refused: tuple[Event, ...], secret: str) -> None:
        """Be nobody, as far as this request goes: what it wanted to prove does not hold.

        What another task did meanwhile is judged by the next commit. A session that was to begin by what was refused
        begins for another credential or not at all: nobody else would hold its secret.
        """
        begun = self._begun
        self._drop(refused, secret)
        if begun is not None and not any(isinstance(event, Credential) for event in self._events):
            self._dropped += len(self._events)
            self._drop(self._events, self._secret)
            begun = None
        self._rebase(None)
        if begun is not None:
            self._begun = begun
            self._see(begun, ours=True)

    def _rebase(self, session: Session | None, *, proved: bool = False) -> None:
        """Go on with the session as it is stored now, if this request proved a right to it as it is now.

        Another request may have ended it, or rotated its secret: it can be somebody's by now who was a guest
        before. Then this one is powerless, as if it had come with its token only now.
        """
        self._begun = None
        self._standing = Standing.INERT if self._token else Standing.ABSENT
        if session is not None and session.live:
            ours = proved or (self._token is not None and session.proof == proof_of(self._token.secret))
            self._standing = Standing.CURRENT if ours else Standing.FORMER
        self._see(session, ours=self._standing is Standing.CURRENT)

    def _see(self, stored: Session | None, *, ours: bool) -> None:
        """See the session as it is stored, with what another task did to it meanwhile and has not stored yet."""
        self._view = self._with_events(stored, ours) if stored is not None and stored.live else None
        if self._bag_ is not None:
            self._bag_.rebase(self._view.data if self._view else ())

    def _with_events(self, session: Session, proved: bool) -> Session | None:
        """Let the events that wait for their commit act on the session; None if nothing gives a right to it.

        By the commit's own rules: a credential is a right to the session, also where another request has rotated
        its secret. What is refused here is left for the commit to refuse.
        """
        epoch = Epoch(value=session.epoch) if session.subject else self._epoch
        for event in self._events:
            if not (proved or isinstance(event, Credential)):
                continue
            standing = Epoch(value=event.epoch) if isinstance(event, LogIn) else epoch
            with suppress(Refused):
                session = step(session, event, moment_for(session, standing, self._shell.clock(), self._shell.policy))
                proved, epoch = True, standing
        if proved:
            self._epoch = epoch
        return session if proved else None

    def _refreshing(self) -> Flow[None]:
        """Load the session again; what is not committed by now, when this is called, is kept out of it."""
        return self._loading_again(self._events, self._secret, self._bag_.lost() if self._bag_ is not None else ())

    def _loading_again(self, events: tuple[Event, ...], secret: str, changes: Changes) -> Flow[None]:
        self.at_rest = False
        token, closed = self._token, self._closed
        try:
            opened = yield from open_session(token, self._shell.policy)
        except (StoreUnavailable, Contention) as failure:
            if self._closed == closed:
                self._failure = failure  # what cannot be confirmed is not assumed to be as it was
            raise
        if self._closed != closed:
            return  # another task has left this session meanwhile: what it holds now is not what was loaded
        self._failure = None
        if self._bag_ is not None:
            self._bag_.forget(changes)
        self._drop(events, secret)
        self._standing, self._epoch = opened.standing, opened.epoch
        if self._begun is not None:
            self._see(self._begun, ours=True)
        else:
            self._see(opened.session, ours=opened.standing is Standing.CURRENT)

    def _drop(self, dropped: tuple[Event, ...], secret: str) -> None:
        """Drop events, and the secret that they would have brought; another task's newer ones stay."""
        self._events = tuple(event for event in self._events if not any(event is one for one in dropped))
        if not self._events:
            self._begun = None
        if self._secret == secret and self._begun is None:
            self._secret = ""

    def _keeping_only(self, cause: Reason, write: Callable[[], object] | None) -> Flow[None]:
        """End all other sessions of the subject; this one gets a new token."""
        event = Restamp(subject="", sid="", was=0, epoch=0, proof="", former_proof="")
        self._refuse_late(event)
        yield from self._committing()
        if self._view is None:
            raise Refused(event, None, NOT_KEPT, None)
        assert self._token is not None
        own = proof_of(self._token.secret)  # a parallel request may have rotated the row
        secret, closed = self._secret, self._closed
        try:
            kept = yield from keep_only(self._view, own, cause, write, self._shell.policy)
        except Refused:
            if self._closed == closed:
                self._renounce((), secret)
            yield from self._store_chapters()
            raise
        if self._closed == closed:  # or another task has logged out meanwhile
            if kept.token is not None:
                self._token = self.order = kept.token
            self._rebase(kept.session)
        yield from self._store_chapters()
        if kept.failure is not None:
            raise kept.failure

    def _touch_due(self, view: Session) -> bool:
        if self.at_rest or self._is_passive or not self.accessed:
            return False
        return touch_due(view, self._shell.clock(), self._shell.policy)

    # -- for the adapters ----------------------------------------------------------------------------------

    @property
    def idle(self) -> bool:
        """Tell whether there is nothing to commit: nothing happened, and no touch is due.

        Raises ``InvalidSetting`` for a verb that nobody awaits: the response would say that it is done.
        """
        if self._owed:
            self._refuse_forgotten()
        if self._events or self._chapters or self._dropped or (self._bag_ is not None and self._bag_.touched):
            return False
        return self._view is None or not self._touch_due(self._view)

    def _owing(self, verb: str, asked: Coroutine[Any, Any, None]) -> Coroutine[Any, Any, None]:
        """Remember what the application has to await; ``may_start`` then looks closer, though nothing happened yet."""
        self.at_rest = False
        self._owed = (*self._owed, (verb, asked))
        return asked

    def _refuse_forgotten(self) -> None:
        for verb, asked in self._owed:
            if getcoroutinestate(asked) == CORO_CREATED:
                advice = f"nobody awaits it, so nothing was done; write: await session.{verb}(...)"
                raise InvalidSetting(f"session.{verb}", "a coroutine", advice)

    def may_start(self) -> bool:
        """Tell whether a response may start at once: nothing to commit, no cookie to write, and nothing that failed.

        A session at rest to which nothing happened has none of it; nearly every request ends by this one question.
        """
        if self.at_rest and not self._events and self._bag_ is None:
            return True
        return self.idle and self.order is None and not self.failed

    @property
    def failed(self) -> bool:
        """Tell whether the application asked for a session that could not be loaded."""
        return self.accessed and self._failure is not None

    @property
    def wants_log_out(self) -> bool:
        """Tell whether a LogOut waits for its commit."""
        return any(isinstance(chapter.events[-1], LogOut) for chapter in self._chapters)

    @property
    def sealed(self) -> bool:
        """Tell whether the response has started."""
        return bool(self._sealed)

    @property
    def stored(self) -> Session | None:
        """Give the session as it is stored, for the cookie's Max-Age."""
        return self._view

    async def _ended(self) -> Reason | None:
        """Wait for the end of the session as this request sees it; somebody who has none is out already."""
        return await self._shell._ended(self._view.sid) if self._view is not None else None

    @property
    def at(self) -> int:
        """Give the time by the shell's clock."""
        return self._shell.clock()


def _only_logout(chapter: Chapter) -> Chapter | None:
    events = tuple(event for event in chapter.events if isinstance(event, LogOut))
    return evolve(chapter, events=events) if events and chapter.begun is None else None


def _changed_its_own(outcome: Outcome, chapter: Chapter) -> bool:
    """Tell whether it was this row that changed: a login whose session has ended goes on in another."""
    return outcome.stored and outcome.session is not None and outcome.session.sid == chapter.sid
