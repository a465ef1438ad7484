"""What the model expects of one request, from its load to its commit, whatever other requests do in between."""

from collections.abc import Callable
from typing import Any, Final

from attrs import define

from sessioncore import Reason, State
from sessioncore.factors import kind_of

from .reference import Act, kinds_of
from .storing import Storing
from .worth import (
    LOGIN_REQUIRED,
    OK,
    REFUSED,
    NotDone,
)


@define
class Expected(Storing):
    """Follow one request: what its handler sees, what each verb answers, and what is stored at the end."""

    def run(self) -> bool:
        """Play the verbs up to the next hold; False if the request is over."""
        while self.left:
            name, *arguments = self.left.pop(0)
            if name == "hold":
                self.said.append(OK)
                return True
            self.said.append(VERBS[name](self, *arguments))
        self.after = self.sight()
        self.anonymous = self.view is not None and not self.view.sid
        return False

    # -- verbs -------------------------------------------------------------------------------------------------

    def set(self, key: str, value: Any) -> str:
        """Put a value into the bag."""
        self.bag[key] = value
        return OK

    def append(self, key: str, value: Any) -> str:
        """Change a value in place."""
        self.bag.setdefault(key, []).append(value)
        return OK

    def drop(self, key: str) -> str:
        """Drop a key."""
        self.bag.pop(key, None)
        return OK

    def record(self, what: str) -> str:
        """Record an activity."""
        self._flush()
        self._write(Act(what="write", activities=(what,)))
        return OK

    def be_passive(self) -> str:
        """Do not count as use."""
        self.passive = True
        return OK

    def begin_attempt(self, subject: str) -> str:
        """Remember how often the subject's sessions had been ended before the credential was checked."""
        self.attempt = (subject, self.model.generation(subject))
        return OK

    def log_in(self, methods: list[str], remember: bool, needs: str, not_after: int) -> str:
        """Log in; a session of somebody else ends, and one that has ended meanwhile is left behind."""
        if not_after <= self.model.now:
            return "InvalidSetting"
        self._flush()
        subject, generation = self.attempt
        if self.view is not None and self.view.subject not in ("", subject):
            self._log_out(Reason.REPLACED)
        elif self.view is not None and self._outlived(self.view, generation):
            self._close_chapter()
        if self.view is None:
            self._begin()
        return self._prove(
            Act(
                what="log_in",
                subject=subject,
                generation=generation,
                kinds=kinds_of(methods),
                needs=State(needs),
                remember=remember,
                not_after=not_after,
            )
        )

    def satisfy_mfa(self, method: str) -> str:
        """Prove a second factor."""
        if self.view is None or not self.view.subject:
            return LOGIN_REQUIRED
        self._flush()
        return self._prove(Act(what="satisfy_mfa", subject=self.view.subject, kinds=(int(kind_of(method)), 0)))

    def reauthenticate(self, _: str) -> str:
        """Prove the first factor again."""
        if self.view is None or not self.view.subject:
            return LOGIN_REQUIRED
        self._flush()
        act = Act(what="reauthenticate", subject=self.view.subject, generation=self.view.generation)
        return self._prove(act)

    def log_out(self) -> str:
        """Log out: always a success."""
        self._flush()
        self._log_out(Reason.USER)
        return OK

    def keep_only(self, cause: Reason) -> str:
        """End all other sessions of the subject, if nobody did so since this request loaded its own."""
        if self.view is None or not self.view.subject:
            return LOGIN_REQUIRED
        if not self.view.signed_in:
            return "StepUpRequired"
        subject, generation, s = self.view.subject, self.view.generation, self.known
        assert s is not None
        try:
            self.commit()
        except NotDone:
            return REFUSED
        ended = generation == self.model.generation(subject) and self.witness.superseded(subject)
        if ended:
            self.model.end_all(subject, cause)
        if self.view is None or s.reason or not ended or self.model.why_dead_by_clock(s):
            # Whether the others were ended depends on whether the request had to touch its session first.
            self.unsure = True
            return f"{REFUSED}|{LOGIN_REQUIRED}"
        s.generation = self.model.generation(subject)
        self.model.settle(s)
        s.seen = s.seen.later(self.model.now)
        if s.token == self.token:
            self._set_cookie(s)
        self._go_on_with(s)
        return OK


VERBS: Final[dict[str, Callable[..., str]]] = {
    "fail": lambda _: OK,
    "set": Expected.set,
    "append": Expected.append,
    "drop": Expected.drop,
    "record": Expected.record,
    "passive": Expected.be_passive,
    "attempt": Expected.begin_attempt,
    "log_in": Expected.log_in,
    "satisfy_mfa": Expected.satisfy_mfa,
    "reauthenticate": Expected.reauthenticate,
    "log_out": Expected.log_out,
    "password_changed": lambda expected: expected.keep_only(Reason.PASSWORD_CHANGE),
    "end_others": lambda expected: expected.keep_only(Reason.USER_ALL),
}
