"""What a request's commit makes of the sessions as they are by then."""

from attrs import define

from sessioncore import State

from .expecting import Expecting
from .reference import Known
from .worth import CREDENTIALS, Chapter, Crumb, Held, NotDone


@define
class Storing(Expecting):
    """Store what a request did, whatever other requests did meanwhile."""

    def commit(self) -> None:
        """Store what happened, on the sessions as they are now; raises ``NotDone``."""
        if self.request.fails:
            self._commit_log_outs()
            return
        self._flush()
        if not (self.acts or self.closed):
            self._touch()
            return
        while self.closed:
            self._close(self.closed.pop(0))
        if self.acts:
            self._store()

    def _touch(self) -> None:
        s = self.known
        if self.view is None or s is None or self.passive or self.model.why_dead(s) or s.token != self.token:
            return
        self.model.use(s)

    def _commit_log_outs(self) -> None:
        for chapter in self.closed:
            chapter.acts = [act for act in chapter.acts if act.what == "log_out"]
            if not chapter.begun:
                self._close(chapter)
        self.closed = []

    def _close(self, chapter: Chapter) -> None:
        stood = chapter.session is not None and chapter.session.reason is None
        s = chapter.session
        rotated = s is not None and s.token == chapter.token and any(act.what in CREDENTIALS for act in chapter.acts)
        self._replay(chapter)
        if s is not None and rotated and stood:
            s.former, s.token = s.token, f"never handed out, after {s.token}"
        ended = stood and s is not None and s.reason is not None  # not another, which a login went on to
        if ended and not chapter.begun and chapter.acts[-1].what == "log_out":
            self.crumb = Crumb.CLEARED

    def _store(self) -> None:
        chapter = self._chapter()
        raced = not self.begun and self.known is not None and self.known.token != self.token
        stored = self._replay(chapter)
        if stored is None or stored.reason is not None:
            self.view, self.held, self.acts = None, Held.INERT, []
            return
        if self.begun or stored is not self.known or (self.rotates and not raced):
            self._set_cookie(stored)
        counted = ("log_in", "satisfy_mfa") if stored.needs is State.MFA_SATISFIED else ("log_in",)
        self.newcomer = stored if any(act.what in counted for act in chapter.acts) else self.newcomer
        self._go_on_with(stored)

    def _set_cookie(self, s: Known) -> None:
        """Expect a new secret: nobody knows it before the response."""
        s.former, s.token = s.token, f"in the response after {s.token}"
        self.fresh, self.crumb, self.token = s, Crumb.SET, s.token

    def _replay(self, chapter: Chapter) -> Known | None:
        """Let the acts happen now; a login may count from a little later, to be its subject's newest."""
        login = next((act for act in chapter.acts if act.what == "log_in"), None)
        clock = self.model.clock()
        self.model.ahead = self.witness.signed_in_at(login.subject) - clock if login else 0
        try:
            return self._replay_acts(chapter)
        finally:
            self.model.ahead = 0

    def _replay_acts(self, chapter: Chapter) -> Known | None:
        """Let the acts happen to the session as it is now; a login outlives its session."""
        model, s = self.model, chapter.session
        raced = not chapter.begun and s is not None and s.token != chapter.token
        proved, work = not raced, s.copy() if s is not None else None
        for position, act in enumerate(chapter.acts):
            if work is not None and act.what != "log_out":
                model.settle(work)
            if act.what == "log_in" and (
                work is None or work.reason is not None or work.subject not in ("", act.subject)
            ):
                _take_over(s, work)
                anew = Chapter(token="", session=model.begin(), begun=True, acts=chapter.acts[position:])
                return self._replay_acts(anew)
            if work is None:
                self._refuse(act.what in ("satisfy_mfa", "reauthenticate"))
            elif act.what == "write":
                if proved and work.reason is None:
                    model.act(work, act)
            else:
                if not model.act(work, act):
                    self.outdated = act.what != "satisfy_mfa" and act.generation != model.generation(act.subject)
                    self._record_end(s)
                    raise NotDone
                proved = True
        _take_over(s, work)
        return s

    def _record_end(self, s: Known | None) -> None:
        """A refusal puts an end on record, and nothing else."""
        if s is not None and self.model.why_dead(s) is not None:
            self.model.settle(s)

    def _refuse(self, refused: bool) -> None:
        if refused:
            raise NotDone


def _take_over(s: Known | None, work: Known | None) -> None:
    """Make the session what the acts made of its copy."""
    if s is not None and work is not None:
        s.become(work)
