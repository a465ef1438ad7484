"""One request's dealings with its session: what it opened, what it did, and what its response owes the browser."""

from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from attrs import evolve

from sessioncore import (
    Contention,
    DataTooLarge,
    Epoch,
    Event,
    LogIn,
    LogOut,
    Reason,
    Reauthenticate,
    Refused,
    Restamp,
    SatisfyMfa,
    Session,
    StoreUnavailable,
    TooLate,
    Touch,
    Write,
    begin,
    moment_for,
    settle,
    step,
)
from sessioncore.acts import newest
from sessioncore.effects import Flow, Notice, Now, Tell
from sessioncore.events import Credential
from sessioncore.flows import Chapter, Kept, Standing, Token, commit, keep_only, open_session, proof_of, touch
from sessioncore.policy import touch_due
from sessioncore.refusals import NOT_KEPT

from .bag import Bag, dump
from .world import new_secret, new_sid

if TYPE_CHECKING:
    from .shell import Shell


class Clear(Enum):
    """Say that the response has to clear the cookie."""

    CLEAR = "clear"


CLEAR: Final = Clear.CLEAR
_ROTATING: Final = (LogIn, SatisfyMfa, Reauthenticate, Restamp)
_POWERLESS: Final = (Standing.INERT, Standing.FORMER)


class Visit:
    """Collect a request's events, chapter by chapter, and commit them.

    A chapter is one session's part: logging out, or logging in as somebody else, closes one and opens the next,
    on an empty session. Each event also acts at once on ``_view``, the session as this request sees it; what is
    stored is decided at commit, on the row as it is then.
    """

    # Defaults stand on the class: a steady request changes none of them and pays for none of them.
    _accessed = False
    _is_passive = False
    _sealed = ""
    _secret = ""
    _dropped = 0
    _begun: Session | None = None
    _events: tuple[Event, ...] = ()
    _chapters: tuple[Chapter, ...] = ()
    _bag_: Bag | None = None
    _order: Token | Clear | None = None

    def __init__(
        self,
        shell: "Shell",
        token: Token | None,
        standing: Standing,
        row: Session | None,
        epoch: Epoch | None,
        failure: Exception | None = None,
    ) -> None:
        self._shell = shell
        self._token = token
        self._standing = standing
        self._view = row if standing is Standing.CURRENT else None
        self._epoch = epoch
        self._failure = failure

    # -- what this request sees ----------------------------------------------------------------------------

    @property
    def _session(self) -> Session | None:
        """Give the session as this request sees it, and note that it looked."""
        self._accessed = True
        if self._failure is not None:
            raise StoreUnavailable("the session could not be loaded; nobody is authenticated") from self._failure
        return self._view

    @property
    def _bag(self) -> Bag:
        session = self._session
        if self._bag_ is None:
            self._bag_ = Bag(session.data if session else ())
        return self._bag_

    @property
    def _current_secret(self) -> str:
        """Give the secret that the browser will hold after this response; empty if it will hold none of ours."""
        if self._secret or self._token is None:
            return self._secret
        return self._token.secret if self._view is not None or self._standing in _POWERLESS else ""

    # -- events --------------------------------------------------------------------------------------------

    def _act(self, event: Event) -> None:
        """Let an event act on this request's view, and remember it for the commit."""
        self._refuse_late(event)
        view = self._session
        assert view is not None, "events need a session; begin one first"
        if isinstance(event, LogIn):
            self._epoch = Epoch(value=event.epoch)
        try:
            self._view = step(view, event, moment_for(view, self._epoch, self._shell.clock(), self._shell.policy))
        except Refused as refused:
            if refused.settled.live or not isinstance(event, Write):
                raise
            # The session ended while the request ran: the commit drops the write, says so and stores the end.
        self._events = (*self._events, event)

    def _outlived(self, epoch: int) -> bool:
        """Tell whether the session has ended since it was loaded, by the clock or by the subject's epoch."""
        view = self._view
        if view is None:
            return False
        moment = moment_for(view, Epoch(value=epoch), self._shell.clock(), self._shell.policy)
        return not settle(view, moment).live

    def _refuse_late(self, event: Event) -> None:
        rotating = isinstance(event, _ROTATING) or (self._view is None and not isinstance(event, LogOut))
        if self._sealed == "all" or (self._sealed == "rotations" and rotating):
            name = type(event).__name__
            raise TooLate(f"{name} after the response started: do it earlier, or commit() before you answer")

    def _begin(self) -> Session:
        """Begin a guest's session, to be stored at commit."""
        self._refuse_late(Touch())
        limits = self._shell.policy.guest
        self._secret = new_secret()
        at = self._shell.clock()
        self._begun = begin(new_sid(), proof_of(self._secret), at, idle=limits.idle, lifetime=limits.lifetime)
        self._view = self._begun
        self._epoch = None
        return self._begun

    def _close(self) -> None:
        """End this chapter: from here on the request has a new, empty session."""
        if (chapter := self._chapter()) is not None:
            self._chapters = (*self._chapters, chapter)
        self._leave()

    def _leave(self) -> None:
        self._view, self._begun, self._events, self._epoch = None, None, (), None
        self._secret, self._bag_, self._token, self._standing = "", None, None, Standing.ABSENT

    def _chapter(self) -> Chapter | None:
        if not self._events:
            return None
        if self._begun is not None:
            return Chapter(sid=self._begun.sid, proof=self._begun.proof, begun=self._begun, events=self._events)
        assert self._token is not None
        return Chapter(sid=self._token.sid, proof=proof_of(self._token.secret), events=self._events)

    def _flush(self) -> None:
        """Turn what changed in the bag into a Write; raises ``DataTooLarge``."""
        bag = self._bag_
        if bag is None or not bag.touched or not bag.changes():
            return
        self._refuse_large(bag.size(), self._view.activities if self._view else ())
        self._write(Write(changes=bag.take_changes(), keep=self._shell.policy.max_activities))

    def _write(self, event: Write) -> None:
        if self._view is None and self._standing in _POWERLESS:
            self._dropped += 1  # a former secret may begin nothing: its cookie could overwrite a newer one
            if self._bag_ is not None:
                self._bag_.rebase(())  # the handle shows no more than is kept
            return
        if self._view is None:
            self._begin()
        self._act(event)

    def _refuse_large(self, data: int, activities: tuple[str, ...]) -> None:
        """Keep a session from growing over the cap; one that two requests took over it may shrink step by step."""
        view = self._view
        held = Bag(view.data).size() + sum(map(len, view.activities)) if view else 0
        size, most = data + sum(map(len, activities)), self._shell.policy.max_data
        if size > max(most, held):
            raise DataTooLarge(f"the session would hold {size} bytes, over Policy.max_data = {most}: store less in it")

    def _record(self, activity: str) -> None:
        self._flush()
        session, keep = self._session, self._shell.policy.max_activities
        self._refuse_large(self._bag.size(), newest((*(session.activities if session else ()), activity), keep))
        self._write(Write(activities=(activity,), keep=keep))

    def _log_out(self, reason: Reason) -> None:
        event = LogOut(reason)
        self._refuse_late(event)
        if self._session is not None:
            self._act(event)
        elif self._standing is Standing.FORMER:
            self._events = (event,)
        self._close()

    # -- flows ---------------------------------------------------------------------------------------------

    def _committing(self, *, only_logout: bool = False) -> Flow[None]:
        """Store what happened; with ``only_logout``, as after a failure of the application, only that."""
        if not only_logout:
            self._flush()
            if (yield from self._touched()):
                return
        while self._chapters:  # a chapter leaves only when it is stored: a failed commit can be tried again
            chapter = self._chapters[0]
            yield from self._store_closed(_only_logout(chapter) if only_logout else chapter)
            self._chapters = self._chapters[1:]
        if (current := self._chapter()) is not None and not only_logout:
            yield from self._store_current(current)
        while self._dropped:
            at = yield from Now().ask()
            yield from Tell(Notice(what="dropped", at=at)).ask()
            self._dropped -= 1

    def _touched(self) -> Flow[bool]:
        """Touch a session that was used and not changed, when that is due."""
        view, token = self._view, self._token
        if view is None or token is None or self._events or self._chapters or not self._touch_due(view):
            return False
        chapter = Chapter(sid=view.sid, proof=proof_of(token.secret), events=(Touch(),))
        touched = yield from touch(chapter, self._shell.policy)
        if touched is not None:
            self._rebase(touched)
        return True

    def _touch_due(self, view: Session) -> bool:
        if self._is_passive or not self._accessed:
            return False
        return touch_due(view, self._shell.clock(), self._shell.policy)

    def _store_closed(self, chapter: Chapter | None) -> Flow[None]:
        if chapter is None:
            return
        outcome = yield from commit(chapter, self._shell.policy)
        if outcome.stored and chapter.begun is None and isinstance(chapter.events[-1], LogOut):
            self._order = CLEAR  # our own event ended it; who finds it ended leaves the cookie alone

    def _store_current(self, chapter: Chapter) -> Flow[None]:
        outcome = yield from commit(chapter, self._shell.policy)
        session = outcome.session
        if session is not None and session.live and self._secret and session.proof == proof_of(self._secret):
            self._token = self._order = Token(session.sid, self._secret)
        self._secret = ""
        self._events = self._events[len(chapter.events) :]  # another task may have gone on meanwhile
        self._rebase(session, proved=any(isinstance(event, Credential) for event in chapter.events))

    def _rebase(self, session: Session | None, *, proved: bool = False) -> None:
        """Go on with the session as it is stored now, if this request proved a right to it as it is now.

        Another request may have ended it, or rotated its secret: it can be somebody's by now who was a guest
        before. Then this one is powerless, as if it had come with its token only now.
        """
        self._begun = None
        self._standing = Standing.INERT
        if session is not None and session.live:
            ours = proved or (self._token is not None and session.proof == proof_of(self._token.secret))
            self._standing = Standing.CURRENT if ours else Standing.FORMER
        self._view = session if self._standing is Standing.CURRENT else None
        if self._view is not None and self._view.subject:
            self._epoch = Epoch(value=self._view.epoch)
        if self._bag_ is not None:
            self._bag_.rebase(self._view.data if self._view else ())

    def _refreshing(self) -> Flow[None]:
        """Load the session again; what was not committed is kept out of it."""
        token = self._token
        try:
            opened = yield from open_session(token, self._shell.policy)
        except (StoreUnavailable, Contention) as failure:
            self._failure = failure  # what cannot be confirmed is not assumed to be as it was
            raise
        self._leave()
        self._token, self._standing, self._epoch = token, opened.standing, opened.epoch
        self._failure = None
        if opened.standing is Standing.CURRENT:
            self._view = opened.session

    def _keeping_only(self, cause: Reason, write: Callable[[], object] | None) -> Flow[None]:
        """End all other sessions of the subject; this one gets a new token."""
        event = Restamp(subject="", sid="", was=0, epoch=0, proof="", former_proof="")
        self._refuse_late(event)
        yield from self._committing()
        if self._view is None:
            raise Refused(event, "ended", NOT_KEPT, None)
        assert self._token is not None
        own = proof_of(self._token.secret)  # a parallel request may have rotated the row
        kept: Kept = yield from keep_only(self._view, own, cause, write, self._shell.policy)
        if kept.token is not None:
            self._token = self._order = kept.token
        self._rebase(kept.session)
        if kept.failure is not None:
            raise kept.failure

    # -- for the adapters ----------------------------------------------------------------------------------

    @property
    def idle(self) -> bool:
        """Tell whether there is nothing to commit: nothing happened, and no touch is due."""
        if self._events or self._chapters or self._dropped or (self._bag_ is not None and self._bag_.touched):
            return False
        view = self._view
        return view is None or not self._touch_due(view)

    @property
    def steady(self) -> bool:
        """Tell whether a response may start at once: nothing to commit, and nothing that failed."""
        return self.idle and not self.failed

    @property
    def accessed(self) -> bool:
        """Tell whether the application looked at its session, so that the response varies by cookie."""
        return self._accessed

    @property
    def failed(self) -> bool:
        """Tell whether the application asked for a session that could not be loaded."""
        return self._accessed and self._failure is not None

    @property
    def wants_log_out(self) -> bool:
        """Tell whether a LogOut waits for its commit."""
        return any(isinstance(chapter.events[-1], LogOut) for chapter in self._chapters)

    @property
    def sealed(self) -> bool:
        """Tell whether the response has started."""
        return bool(self._sealed)

    def seal(self, what: str = "all") -> None:
        """Refuse what a started response can no longer carry: ``all`` events, or ``rotations`` on a websocket."""
        self._sealed = what

    @property
    def order(self) -> Token | Clear | None:
        """Say what the response owes the browser: a token to set, the cookie to clear, or nothing."""
        return self._order

    @property
    def stored(self) -> Session | None:
        """Give the session as it is stored, for the cookie's Max-Age."""
        return self._view

    @property
    def at(self) -> int:
        """Give the time by the shell's clock."""
        return self._shell.clock()


def _only_logout(chapter: Chapter) -> Chapter | None:
    events = tuple(event for event in chapter.events if isinstance(event, LogOut))
    return evolve(chapter, events=events) if events and chapter.begun is None else None


def activity_text(what: str, at: int, details: dict[str, Any]) -> str:
    """Write one activity down as JSON."""
    return dump(what, {"what": what, "at": at, **({"details": details} if details else {})}, of="record")
