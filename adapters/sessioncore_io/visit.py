"""One request's dealings with its session: what it opened, what it sees of it, and what it does to it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from sessioncore import (
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
from sessioncore.flows import CURRENT, Chapter, Standing, Token, proof_of

from .bag import Bag, dump
from .world import new_secret, new_sid

if TYPE_CHECKING:
    from .shell import Shell


_ROTATING: Final = (LogIn, SatisfyMfa, Reauthenticate, Restamp)
_POWERLESS: Final = (Standing.INERT, Standing.FORMER)


class Visit:
    """Collect a request's events, chapter by chapter.

    A chapter is one session's part: logging out, or logging in as somebody else, closes one and opens the next,
    on an empty session. Each event also acts at once on ``_view``, the session as this request sees it; what is
    stored is decided at commit, on the row as it is then.
    """

    # What a steady request never asks for stands on the class: there it costs nothing to set, but more to read.
    _secret = ""
    _begun: Session | None = None
    _closed = 0  # how many chapters were closed
    _chapters: tuple[Chapter, ...] = ()
    _is_passive = False
    _dropped = 0

    at_rest = False  # whether it was ``at_rest`` when it was opened, and nothing was stored or loaded since

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
        self._view = row if standing is CURRENT else None
        self._epoch = epoch
        self._failure = failure
        self.accessed = False  # whether the application looked at its session, so that the response varies by cookie
        self._sealed = ""
        self._events: tuple[Event, ...] = ()
        self._bag_: Bag | None = None

    # -- what this request sees ----------------------------------------------------------------------------

    def _look(self) -> Session | None:
        """Give the session as this request sees it; noting the first look, which makes the response vary by cookie."""
        if not self.accessed:
            if self._sealed == "all":
                raise TooLate("the first look at the session: read the session before you start the response")
            self.accessed = True
        if self._failure is not None:
            raise StoreUnavailable("the session could not be loaded; nobody is authenticated") from self._failure
        return self._view

    @property
    def _bag(self) -> Bag:
        session = self._look()
        if self._bag_ is None:
            self._bag_ = Bag(session.data if session else ())
        return self._bag_

    @property
    def _current_secret(self) -> str:
        """Give the secret that the browser will hold after this response; empty if it will hold none of ours."""
        if self._secret or self._token is None or self._standing is Standing.ABSENT:
            return self._secret
        return self._token.secret

    # -- events --------------------------------------------------------------------------------------------

    def _act(self, event: Event) -> None:
        """Let an event act on this request's view, and remember it for the commit."""
        self._refuse_late(event)
        view = self._look()
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

    def _rotate(self, event_of: Callable[[str], LogIn | SatisfyMfa | Reauthenticate]) -> None:
        secret = new_secret()
        self._act(event_of(proof_of(secret)))
        self._secret = secret

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
        self._closed += 1
        self._leave()

    def _leave(self) -> None:
        self.at_rest = False
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
        session, keep = self._look(), self._shell.policy.max_activities
        self._refuse_large(self._bag.size(), newest((*(session.activities if session else ()), activity), keep))
        self._write(Write(activities=(activity,), keep=keep))

    def _log_out(self, reason: Reason) -> None:
        event = LogOut(reason)
        self._refuse_late(event)
        if self._look() is not None:
            self._act(event)
        elif self._standing in (Standing.FORMER, Standing.ENDED):  # a change of the password may go on with either
            self._events = (event,)
        self._close()


def activity_text(what: str, at: int, details: dict[str, Any]) -> str:
    """Write one activity down as JSON."""
    return dump(what, {"what": what, "at": at, **({"details": details} if details else {})}, of="record")
