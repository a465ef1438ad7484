"""What the model expects of one request, from its load to its commit, whatever other requests do in between."""

from collections.abc import Callable
from copy import deepcopy
from enum import Enum
from typing import Any, Final, Protocol

from attrs import define, field

from sessioncore import Reason, State
from sessioncore.factors import kind_of
from sessioncore.records import EXPIRING

from .reference import Act, Known, Model, kinds_of
from .script import Request, Sight, Verb

SID: Final = 22  # the selector's length in a token
TOKEN: Final = 65
CREDENTIALS: Final = ("log_in", "satisfy_mfa", "reauthenticate")

REFUSED, LOGIN_REQUIRED, OK = "Refused", "LoginRequired", "ok"


class Held(Enum):
    """Say what a presented token is worth to the model."""

    ABSENT = "names no session"
    INERT = "a known session, with a secret that is not its own"
    FORMER = "the secret before the last rotation"
    ENDED = "the secret of an ended session"
    CURRENT = "the secret of a live session"


class Crumb(Enum):
    """Say what the response does to the cookie."""

    UNTOUCHED = "untouched"
    CLEARED = "cleared"
    SET = "set"


@define(kw_only=True)
class Chapter:
    """Hold one session's part in the request."""

    token: str
    session: Known | None
    begun: bool
    acts: list[Act]


class NotDone(Exception):
    """The model expects the commit to be refused."""


class Witnessed(Protocol):
    """Tell what the model cannot know: what depends on the throttle, or on a store's order."""

    def superseded(self, subject: str) -> bool:
        """Tell whether the driver ended all sessions of the subject since this was last asked."""
        ...

    def signed_in_at(self, subject: str) -> int:
        """Give the instant from which the login counts that was stored last; now, if none was."""
        ...


@define
class Expected:
    """Follow one request: what its handler sees, what each verb answers, and what is stored at the end."""

    model: Model = field(repr=False)
    request: Request
    witness: "Witnessed" = field(repr=False)
    token: str = field(init=False, repr=False)
    held: Held = field(init=False)
    known: Known | None = field(init=False, default=None)
    view: Known | None = field(init=False, default=None)
    begun: bool = field(init=False, default=False)
    passive: bool = field(init=False, default=False)
    unsure: bool = field(init=False, default=False)
    outdated: bool = field(init=False, default=False)
    rotates: bool = field(init=False, default=False)
    attempt: tuple[str, int] = field(init=False, default=("", 0))
    base: dict[str, Any] = field(init=False, factory=dict)
    bag: dict[str, Any] = field(init=False, factory=dict)
    acts: list[Act] = field(init=False, factory=list)
    closed: list[Chapter] = field(init=False, factory=list)
    crumb: Crumb = field(init=False, default=Crumb.UNTOUCHED)
    fresh: Known | None = field(init=False, default=None)
    newcomer: Known | None = field(init=False, default=None)
    after: Sight = field(init=False)
    anonymous: bool = field(init=False, default=False)
    presented: Held = field(init=False)
    known_then: Known | None = field(init=False)
    before: Sight = field(init=False)
    said: list[str] = field(init=False, factory=list)
    left: list[Verb] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.token = self.request.token
        self.held, self.known = present(self.model, self.token)
        self.view = self.known.copy() if self.held is Held.CURRENT and self.known else None
        self.presented, self.known_then = self.held, self.known and self.known.copy()
        self._fill_bag()
        self.before = self.sight()
        self.left = list(self.request.verbs)

    def sight(self) -> Sight:
        """Say what the handler sees now."""
        s = self.view
        if s is None:
            return Sight(data=deepcopy(self.bag))
        return Sight(
            sid=s.sid or None,
            state=s.state,
            subject=s.subject or None,
            signed_in=s.signed_in,
            data=deepcopy(self.bag),
            activities=list(s.activities),
        )

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

    # -- behind them -------------------------------------------------------------------------------------------

    def _fill_bag(self) -> None:
        data = self.view.data if self.view else {}
        self.base, self.bag = deepcopy(data), deepcopy(data)

    def _go_on_with(self, s: Known) -> None:
        self.known, self.view, self.begun, self.rotates, self.acts = s, s.copy(), False, False, []
        self.held = Held.CURRENT
        self._fill_bag()

    def _begin(self) -> None:
        self.known = self.model.begin()
        self.view, self.begun, self.rotates = self.known.copy(), True, True

    def _flush(self) -> None:
        changed = {key: deepcopy(value) for key, value in self.bag.items() if self.base.get(key) != value}
        changes = {**{key: None for key in self.base if key not in self.bag}, **changed}
        self.base = deepcopy(self.bag)
        if changes:
            self._write(Act(what="write", changes=changes))

    def _write(self, act: Act) -> None:
        if self.view is None and self.held in (Held.INERT, Held.FORMER):
            self._fill_bag()  # nothing is kept, and the handle shows no more than that
            return
        if self.view is None:
            self._begin()
        self._try(act)
        self.acts.append(act)

    def _try(self, act: Act) -> bool:
        """Let an event act on this request's view, which stays as it is if it may not."""
        assert self.view is not None
        trial = self.view.copy()
        if not self.model.act(trial, act, own_view=True):
            return False
        self.view = trial
        return True

    def _prove(self, act: Act) -> str:
        if not self._try(act):
            return REFUSED
        self.acts.append(act)
        self.rotates = True
        return OK

    def _outlived(self, view: Known, generation: int) -> bool:
        outdated = view.subject != "" and view.generation != generation
        return outdated or self.model.why_dead(view, own_view=True) is not None

    def _log_out(self, reason: Reason) -> None:
        if self.view is not None or self.held is Held.FORMER:
            self.acts.append(Act(what="log_out", reason=reason))
        self._close_chapter()

    def _close_chapter(self) -> None:
        if self.acts:
            self.closed.append(self._chapter())
        self.known, self.view, self.begun, self.rotates, self.acts = None, None, False, False, []
        self.held, self.token = Held.ABSENT, ""
        self._fill_bag()

    def _chapter(self) -> Chapter:
        return Chapter(token=self.token, session=self.known, begun=self.begun, acts=self.acts)

    # -- the commit --------------------------------------------------------------------------------------------

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
        if stood and not chapter.begun and chapter.acts[-1].what == "log_out":
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
        self.newcomer = stored if any(act.what == "log_in" for act in chapter.acts) else self.newcomer
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


def present(model: Model, token: str) -> tuple[Held, Known | None]:
    """Say what a token is worth; an end that shows is put on record."""
    s = model.sessions.get(token[:SID])
    if s is None or len(token) != TOKEN:
        return Held.ABSENT, None
    if token != s.token:
        former = s.reason is None and token == s.former
        return (Held.FORMER if former else Held.INERT), s
    if s.reason is not None:
        return Held.ENDED, s
    model.settle(s)
    if s.reason is None:
        return Held.CURRENT, s
    # Whoever is the first to see an end from elsewhere begins nothing: a login may be under way beside this request.
    return (Held.ENDED if s.reason in EXPIRING else Held.FORMER), s


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
