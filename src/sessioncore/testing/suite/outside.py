"""The rules of everything but browsers: the calls from outside, the store, the policy and the clock."""

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from sessioncore import ANY_SUBJECT, NotYours, Reason, Refused, StoreUnavailable

from . import invariants as check
from .inputs import BROWSERS, CAUSES, NORMAL, PICKS, STRICT, SUBJECTS
from .playing import Play
from .script import Answer, Request, Verb


class Outsiders(Play):
    """End, list, sweep and purge sessions, and change the rules."""

    @rule(subject=SUBJECTS)
    def reset_password(self, subject: str) -> None:
        """Reset a password by mail."""
        self.driver.outside.reset_password(subject)
        self.superseded(subject)
        self.model.end_all(subject, Reason.PASSWORD_RESET)

    @rule(subject=SUBJECTS, cause=CAUSES)
    def end_all(self, subject: str, cause: Reason) -> None:
        """End all sessions of a subject."""
        self.driver.outside.end_all(subject, cause)
        self.superseded(subject)
        self.model.end_all(subject, cause)

    @precondition(lambda self: self.model.sessions)
    @rule(pick=PICKS, subject=SUBJECTS)
    def end_own(self, pick: int, subject: str) -> None:
        """End one session from the list of one's own; another's is refused."""
        s = self._known(pick)
        expected: object = NotYours if s.subject != subject else s.reason is None
        try:
            answered: object = self.driver.outside.end(s.sid, Reason.USER, subject=subject)
        except (NotYours, Refused) as refused:
            answered = type(refused)
        check.logout_always_wins(check.Outcome(answered, expected))
        if s.subject == subject:
            self.model.end(s, Reason.USER)

    @precondition(lambda self: self.model.sessions)
    @rule(pick=PICKS)
    def end_any(self, pick: int) -> None:
        """End anybody's session, as an operator."""
        s = self._known(pick)
        try:
            answered: object = self.driver.outside.end(s.sid, Reason.ADMIN, subject=ANY_SUBJECT)
        except Refused as refused:
            answered = refused
        check.logout_always_wins(check.Outcome(answered, s.reason is None))
        self.model.end(s, Reason.ADMIN)

    @rule(subject=SUBJECTS)
    def list_sessions(self, subject: str) -> None:
        """List a subject's sessions."""
        listed = {s.sid: (s.state, s.remembered) for s in self.driver.outside.sessions_of(subject)}
        expected = {s.sid: (self._settled_state(s), s.remembered) for s in self.model.of_subject(subject)}
        check.lists_what_lives(check.Listing(listed, expected))

    @rule()
    def sweep(self) -> None:
        """End what is abandoned."""
        self.driver.outside.sweep()
        rows = self.driver.store.rows.values()
        check.swept([row for row in rows if row.live and row.deadline <= self.driver.clock()])

    @rule(keep=st.sampled_from([timedelta(0), timedelta(hours=1)]))
    def purge(self, keep: timedelta) -> None:
        """Forget what ended."""
        self._reconcile()
        self.driver.outside.purge(keep)
        gone = [s for sid, s in self.model.sessions.items() if sid not in self.driver.store.rows]
        for s in gone:
            check.purged(s)
            del self.model.sessions[s.sid]

    @rule(browser=BROWSERS)
    def lose_the_store(self, browser: int) -> None:
        """Ask for a page while the store is down."""
        token = self.jars[browser].token
        verbs: tuple[Verb, ...] = () if token else (("set", "theme", 1),)
        self.driver.store.down = True
        try:
            answer = next(iter(self.driver.serve(Request(token, verbs))))
        except StoreUnavailable:
            answer = Answer(status=503)
        finally:
            self.driver.store.down = False
        assert answer is not None
        check.fail_closed(answer)

    @rule()
    def change_policy(self) -> None:
        """Lower the limits, or raise them again."""
        self.model.policy = STRICT if self.model.policy is NORMAL else NORMAL
        self.driver.set_policy(self.model.policy)
