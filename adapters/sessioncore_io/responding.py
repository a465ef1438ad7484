"""What an adapter asks of a request's session: may the response start, what does it owe, and what came too late?"""

from sessioncore import Epoch, LogOut, Policy, Session
from sessioncore.flows import Standing

from .bag import Changes
from .storing import StoredVisit
from .world import log


class RespondingVisit(StoredVisit):
    """Stand between a request's session and its response."""

    _given_up: Changes = ()

    # -- before the response starts ------------------------------------------------------------------------

    def may_start(self) -> bool:
        """Tell whether a response may start at once: nothing to commit, no cookie to write, and nothing that failed.

        A session at rest to which nothing happened has none of it; nearly every request ends by this one question.
        """
        if self.at_rest and not self._events and self._bag_ is None:
            return True
        return self.idle and self.order is None and not self.failed

    @property
    def idle(self) -> bool:
        """Tell whether there is nothing to commit: nothing happened, and no touch is due."""
        if self._events or self._chapters or self._dropped or self.lent:
            return False
        return self._view is None or not self._touch_due(self._view)

    @property
    def failed(self) -> bool:
        """Tell whether the application asked for a session that could not be loaded."""
        return self.accessed and self._failure is not None

    @property
    def wants_log_out(self) -> bool:
        """Tell whether a LogOut waits for its commit."""
        return any(isinstance(chapter.events[-1], LogOut) for chapter in self._chapters)

    @property
    def lent(self) -> bool:
        """Tell whether the application holds a value that it can still change in place."""
        return self._bag_ is not None and self._bag_.touched

    # -- what the cookie is made of ------------------------------------------------------------------------

    @property
    def stored(self) -> Session | None:
        """Give the session as it is stored, for the cookie's Max-Age."""
        return self._view

    @property
    def at(self) -> int:
        """Give the time by the shell's clock."""
        return self._shell.clock()

    # -- what single sign-on asks besides ------------------------------------------------------------------

    @property
    def policy(self) -> Policy:
        """Give the shell's policy."""
        return self._shell.policy

    @property
    def epoch(self) -> Epoch | None:
        """Give the subject's epoch as this request sees it."""
        return self._epoch

    @property
    def standing(self) -> Standing:
        """Tell what the token is worth that the request came with."""
        return self._standing

    @property
    def presented(self) -> str:
        """Give the selector that the request came with, whatever it is worth; empty if with none."""
        return self._token.sid if self._token else ""

    # -- once it has started -------------------------------------------------------------------------------

    def seal(self, what: str = "all") -> None:
        """Refuse what a started response can no longer carry: ``all`` events, or ``rotations`` on a websocket.

        What a failed response has given up is remembered: nobody needs to be told of that again.
        """
        self._sealed = what
        if self._bag_ is not None and self.lent:
            self._given_up = self._changes()

    @property
    def sealed(self) -> bool:
        """Tell whether the response has started."""
        return bool(self._sealed)

    def warn_of_lost(self) -> None:
        """Log the keys that were changed after the last commit of this request: nothing stores them."""
        if self._bag_ is not None and self._sealed and self.lent:
            for key in sorted({key for key, _ in set(self._changes()) - set(self._given_up)}):
                log.warning("session[%r] was changed after the response started and is lost: change it before", key)

    def _changes(self) -> Changes:
        assert self._bag_ is not None, "only what was lent can have changed"
        return self._bag_.lost()
