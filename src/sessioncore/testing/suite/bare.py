"""Handle one request's session on the flows alone: what the adapters' handles do, and no more."""

import json
from collections.abc import Callable, Iterator, MutableMapping
from copy import deepcopy
from datetime import datetime
from typing import Any, Final, Protocol

from attrs import evolve

from sessioncore import (
    NEVER,
    Attempt,
    Epoch,
    Event,
    InvalidSetting,
    LogIn,
    LoginRequired,
    LogOut,
    Policy,
    Reason,
    Reauthenticate,
    Refused,
    SatisfyMfa,
    Session,
    State,
    StepUpRequired,
    Touch,
    Write,
    begin,
    effects,
    flows,
    moment_for,
    settle,
    step,
)
from sessioncore.factors import factors_of, kind_of
from sessioncore.flows import Chapter, Standing, Token, proof_of
from sessioncore.policy import touch_due

from ..clock import Clock

POWERLESS: Final = (Standing.INERT, Standing.FORMER)


class World(Protocol):
    """Run flows by a clock and a policy, and draw."""

    clock: Clock
    policy: Policy

    def run(self, flow: effects.Flow[Any]) -> Any: ...

    def new_sid(self) -> str: ...

    def new_secret(self) -> str: ...


class Bare(MutableMapping[str, Any]):
    """Hold a request's session in the barest way: a view, and the chapters of events to commit."""

    def __init__(self, driver: "World", token: Token | None) -> None:
        self.driver = driver
        opened = driver.run(flows.open_session(token, driver.policy))
        self.cookie: str | None = None
        self._chapters: list[Chapter] = []
        self._used = True
        self._proof = proof_of(token.secret) if token else ""
        self._take(opened.session if opened.standing is Standing.CURRENT else None, opened.standing, opened.epoch)
        self._row_sid = token.sid if token else ""

    def _take(self, view: Session | None, standing: Standing, epoch: Epoch | None) -> None:
        self._view, self._standing, self._epoch = view, standing, epoch
        self._begun: Session | None = None
        self._events: tuple[Event, ...] = ()
        self._secret = ""
        self._fill()

    def _fill(self) -> None:
        self._base = {key: json.loads(text) for key, text in (self._view.data if self._view else ())}
        self._bag = deepcopy(self._base)

    # -- what a scene looks at -----------------------------------------------------------------------------

    def __getitem__(self, key: str) -> Any:
        return self._bag[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._bag[key] = value

    def __delitem__(self, key: str) -> None:
        del self._bag[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._bag)

    def __len__(self) -> int:
        return len(self._bag)

    @property
    def sid(self) -> str | None:
        """Give the selector."""
        return self._view.sid if self._view else None

    @property
    def state(self) -> State | None:
        """Give the state."""
        return self._view.state if self._view else None

    @property
    def subject(self) -> str | None:
        """Give the account."""
        return (self._view.subject or None) if self._view else None

    @property
    def signed_in(self) -> bool:
        """Tell whether every factor that is needed was proved."""
        return self._view is not None and self._view.signed_in

    @property
    def methods(self) -> tuple[str, ...]:
        """Give the methods proved."""
        return self._view.methods + self._view.mfa_methods if self._view else ()

    @property
    def activities(self) -> list[dict[str, Any]]:
        """Give the activities."""
        return [{"what": text} for text in self._view.activities] if self._view else []

    # -- the verbs of a scene ------------------------------------------------------------------------------

    def passive(self) -> None:
        """Do not count as use."""
        self._used = False

    def record(self, what: str) -> None:
        """Append an activity."""
        self._flush()
        self._write(Write(activities=(what,), keep=self.driver.policy.max_activities))

    def attempt(self, subject: str) -> Attempt:
        """Begin a login."""
        begun: Attempt = self.driver.run(flows.attempt(subject))
        return begun

    def log_in(
        self, attempt: Attempt, method: list[str], *, remember: bool, needs: State, not_after: datetime | None
    ) -> None:
        """Log in, on this session or on a new one."""
        bound = NEVER if not_after is None else round(not_after.timestamp() * 1000)
        if bound <= self.driver.clock():
            raise InvalidSetting("not_after", not_after, "it has passed")
        self._flush()
        (first, methods), (second, mfa_methods) = factors_of(method)
        if self._view is not None and self._view.subject not in ("", attempt.subject):
            self._end(Reason.REPLACED)
        elif self._view is not None and not settle(self._view, self._moment(Epoch(value=attempt.epoch))).live:
            self._close()
        base = self._view or self._begin()
        limits = self.driver.policy.remembered if remember else self.driver.policy.login
        self._epoch = Epoch(value=attempt.epoch)
        self._prove(
            LogIn(
                subject=attempt.subject, sid=base.sid, epoch=attempt.epoch, methods=methods, mfa_methods=mfa_methods,
                first=first, second=second, needs=needs, remembered=remember, idle=limits.idle,
                lifetime=limits.lifetime, not_after=bound, proof="", former_proof=base.proof,
            )
        )  # fmt: skip

    def satisfy_mfa(self, method: str) -> None:
        """Prove a second factor."""
        s = self._owner()
        self._flush()
        self._prove(
            SatisfyMfa(
                subject=s.subject, sid=s.sid, methods=(method,), kind=kind_of(method), proof="", former_proof=s.proof
            )
        )

    def reauthenticate(self, _: str) -> None:
        """Prove the first factor again."""
        s = self._owner()
        self._flush()
        self._prove(Reauthenticate(subject=s.subject, sid=s.sid, epoch=s.epoch, proof="", former_proof=s.proof))

    def log_out(self) -> None:
        """End the session."""
        self._flush()
        self._end(Reason.USER)

    def password_changed(self, write: Callable[[], object]) -> None:
        """End all other sessions of the subject around ``write``."""
        self._keep_only(Reason.PASSWORD_CHANGE, write)

    def end_others(self) -> None:
        """End all other sessions of the subject."""
        self._keep_only(Reason.USER_ALL, None)

    # -- behind them ---------------------------------------------------------------------------------------

    def _owner(self) -> Session:
        if self._view is None or not self._view.subject:
            raise LoginRequired("nobody is signed in")
        return self._view

    def _moment(self, epoch: Epoch | None) -> Any:
        assert self._view is not None
        return moment_for(self._view, epoch, self.driver.clock(), self.driver.policy)

    def _act(self, event: Event) -> None:
        assert self._view is not None
        try:
            self._view = step(self._view, event, self._moment(self._epoch))
        except Refused as refused:
            if refused.settled.live or not isinstance(event, Write):
                raise
        self._events = (*self._events, event)

    def _prove(self, event: LogIn | SatisfyMfa | Reauthenticate) -> None:
        secret = self.driver.new_secret()
        self._act(evolve(event, proof=proof_of(secret)))
        self._secret = secret

    def _begin(self) -> Session:
        self._secret = self.driver.new_secret()
        limits, at = self.driver.policy.guest, self.driver.clock()
        sid = self.driver.new_sid()
        self._begun = begin(sid, proof_of(self._secret), at, idle=limits.idle, lifetime=limits.lifetime)
        self._view, self._epoch = self._begun, None
        return self._begun

    def _flush(self) -> None:
        texts = {key: json.dumps(value) for key, value in self._bag.items() if self._base.get(key) != value}
        gone: dict[str, str | None] = {key: None for key in self._base if key not in self._bag}
        self._base = deepcopy(self._bag)
        if texts or gone:
            self._write(Write(changes=tuple({**gone, **texts}.items()), keep=self.driver.policy.max_activities))

    def _write(self, event: Write) -> None:
        if self._view is None and self._standing in POWERLESS:
            self._fill()
            return
        if self._view is None:
            self._begin()
        self._act(event)

    def _end(self, reason: Reason) -> None:
        if self._view is not None:
            self._act(LogOut(reason))
        elif self._standing is Standing.FORMER:
            self._events = (LogOut(reason),)
        self._close()

    def _close(self) -> None:
        if self._events:
            self._chapters.append(self._chapter())
        self._take(None, Standing.ABSENT, None)

    def _chapter(self) -> Chapter:
        if self._begun is not None:
            return Chapter(sid=self._begun.sid, proof=self._begun.proof, begun=self._begun, events=self._events)
        return Chapter(sid=self._row_sid, proof=self._proof, events=self._events)

    # -- the commit ----------------------------------------------------------------------------------------

    def commit(self) -> None:
        """Store what happened: what was closed first."""
        self._flush()
        if not (self._events or self._chapters):
            self._touch()
            return
        while self._chapters:
            chapter = self._chapters.pop(0)
            outcome = self.driver.run(flows.commit(chapter, self.driver.policy))
            # A login whose session was ended beside it may have gone on in another, which no cookie names.
            ended = outcome.stored and outcome.session is not None and outcome.session.sid == chapter.sid
            if ended and chapter.begun is None and isinstance(chapter.events[-1], LogOut):
                self.cookie = ""
        if self._events:
            self._store(self._chapter(), self._secret)

    def _touch(self) -> None:
        due = self._view is not None and touch_due(self._view, self.driver.clock(), self.driver.policy)
        if self._used and due:
            self._store(Chapter(sid=self._row_sid, proof=self._proof, events=(Touch(),)), "")

    def _store(self, chapter: Chapter, secret: str) -> None:
        s: Session | None = self.driver.run(flows.commit(chapter, self.driver.policy)).session
        if s is not None and s.live and secret and s.proof == proof_of(secret):
            self._give(Token(s.sid, secret))
        ours = s is not None and s.live and (secret != "" or s.proof == self._proof)
        self._take(s if ours else None, Standing.INERT, Epoch(value=s.epoch) if s and s.subject else None)

    def _give(self, token: Token) -> None:
        self.cookie, self._row_sid, self._proof = token.text, token.sid, proof_of(token.secret)

    def _keep_only(self, cause: Reason, write: Callable[[], object] | None) -> None:
        if not self._owner().signed_in:
            raise StepUpRequired("a second factor is missing")
        self.commit()
        if self._view is None:
            raise LoginRequired("the session has ended meanwhile")
        own = evolve(self._view, proof=self._proof)
        kept = self.driver.run(flows.keep_only(own, own.proof, cause, write, self.driver.policy))
        if kept.token is not None:
            self._give(kept.token)
        self._take(kept.session, Standing.CURRENT, Epoch(value=kept.session.epoch))
