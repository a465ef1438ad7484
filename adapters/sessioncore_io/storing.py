"""How a request's events are stored, and what its response then owes the browser."""

from collections.abc import Callable
from enum import Enum
from typing import Final

from attrs import evolve

from sessioncore import LogOut, Notice, Reason, Refused, Restamp, Session, Touch, What, Write
from sessioncore.effects import Flow, Now, Tell
from sessioncore.events import Credential
from sessioncore.flows import Chapter, Outcome, Token, commit, keep_only, proof_of, touch
from sessioncore.policy import touch_due
from sessioncore.refusals import NOT_KEPT

from .following import FollowingVisit


class Clear(Enum):
    """Say that the response has to clear the cookie."""

    CLEAR = "clear"


CLEAR: Final = Clear.CLEAR


class StoredVisit(FollowingVisit):
    """Commit a request's chapters, one after another, and say what the response owes.

    The flows are generators, so that a handle that awaits and one that does not share them.
    """

    # What the response owes the browser: a token to set, the cookie to clear, or nothing.
    order: Token | Clear | None = None

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
            yield from Tell(Notice(what=What.DROPPED, at=at, sid=self._token.sid if self._token else "")).ask()
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


def _only_logout(chapter: Chapter) -> Chapter | None:
    events = tuple(event for event in chapter.events if isinstance(event, LogOut))
    return evolve(chapter, events=events) if events and chapter.begun is None else None


def _changed_its_own(outcome: Outcome, chapter: Chapter) -> bool:
    """Tell whether it was this row that changed: a login whose session has ended goes on in another."""
    return outcome.stored and outcome.session is not None and outcome.session.sid == chapter.sid
