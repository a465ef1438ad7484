"""Play requests on a driver and on the model, side by side, and compare what each shows."""

from collections.abc import Callable, Iterator
from typing import ClassVar

from attrs import define, evolve, field
from hypothesis.stateful import RuleBasedStateMachine, invariant

from sessioncore import Policy, Reason, State

from . import invariants as check
from .driver import Driver
from .expectation import Expected
from .inputs import NORMAL
from .reference import Known, Model
from .script import Answer, Request, Sight, Verb
from .worth import SID, Crumb, NotDone


@define
class Pending:
    """Hold a request that is under way."""

    browser: int | None
    expected: Expected
    stream: Iterator[Answer | None]


@define
class Tally:
    """Count what a run did."""

    name: str
    examples: int = 0
    steps: int = 0
    requests: int = 0
    overlaps: int = 0
    changes: int = 0

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.examples} examples, {self.steps} steps, {self.requests} requests "
            f"({self.overlaps} overlapped), {self.changes} stored changes"
        )


@define
class Jar:
    """Hold a browser's cookie."""

    token: str = field(default="", repr=False)


class Play(RuleBasedStateMachine):
    """Send requests, and check every answer against the model."""

    build: ClassVar[Callable[[Policy], Driver]]
    tally: ClassVar[Tally]

    def __init__(self) -> None:
        super().__init__()
        self.driver = type(self).build(NORMAL)
        self.model = Model(self.driver.clock, NORMAL)
        self.jars = [Jar() for _ in range(3)]
        self.tokens: list[str] = []
        self.pending: list[Pending] = []
        self.checked = 0
        self.counted: dict[str, int] = {}
        self.tally.examples += 1

    def teardown(self) -> None:
        """Let every request end, and the driver go."""
        try:
            for pending in self.pending:
                for _ in pending.stream:
                    pass
        finally:
            self.tally.changes += len(self.driver.store.changes)
            self.driver.close()

    # -- one request ---------------------------------------------------------------------------------------

    def _known(self, pick: int) -> Known:
        return list(self.model.sessions.values())[pick % len(self.model.sessions)]

    def _settled_state(self, s: Known) -> State:
        return State.AUTHENTICATED if self.model.mfa_lapsed(s) else s.state

    def _owes(self, s: Known) -> bool:
        """Tell whether a session still owes a factor: those are capped apart."""
        return self._settled_state(s) not in (s.needs, State.MFA_SATISFIED)

    def superseded(self, subject: str) -> bool:
        """Tell whether the driver ended all sessions of the subject since this was last asked."""
        former, self.counted[subject] = self.counted.get(subject, 0), self.driver.store.superseded.get(subject, 0)
        return former != self.counted[subject]

    def signed_in_at(self, subject: str) -> int:
        """Give the instant from which the login counts that was stored last; now, if none was."""
        logins = [
            change.new.authenticated_at
            for change in self.driver.store.changes[self.checked :]
            if change.new.subject == subject
            and change.new.authenticated_at != (change.old.authenticated_at if change.old else None)
        ]
        return logins[-1] if logins else self.driver.clock()

    def _ask(self, browser: int, verbs: tuple[Verb, ...]) -> None:
        self._serve(browser, self.jars[browser].token, verbs)

    def _serve(self, browser: int | None, token: str, verbs: tuple[Verb, ...]) -> None:
        self.tally.requests += 1
        request = Request(token, verbs)
        stream = self.driver.serve(request)
        self._go_on(Pending(browser, Expected(self.model, request, self), stream))

    def _go_on(self, pending: Pending) -> None:
        answer = next(pending.stream)
        if pending.expected.run():
            assert answer is None, f"the request holds, and yet there is {answer}"
            self.pending.append(pending)
        else:
            assert answer is not None, "the request is over, and yet there is no answer"
            self._conclude(pending, answer)

    # -- its answer ----------------------------------------------------------------------------------------

    def _conclude(self, pending: Pending, answer: Answer) -> None:
        expected = pending.expected
        self._check_look(expected, expected.before, answer.before)
        self._check_changes()
        self._check_answer(expected, answer)
        self.checked = len(self.driver.store.changes)
        self._take_cookie(pending.browser, expected, answer)
        seen = evolve(answer.after, sid=None) if expected.anonymous and answer.after else answer.after
        if not expected.unsure:
            self._check_look(expected, expected.after, seen)
        rows = self.driver.store.rows.values()
        check.no_secret_leak(check.traces_of(rows, self.driver.heard, answer, self.tokens))

    def _check_look(self, expected: Expected, sight: Sight, seen: Sight | None) -> None:
        if seen is None:
            return
        for holds in check.ON_LOOK:
            holds(check.Look(expected.presented, expected.known_then, sight, seen))

    def _check_answer(self, expected: Expected, answer: Answer) -> None:
        status = 500 if expected.request.fails else 200
        check.logs_out(check.Exchange(expected, answer, status))
        check.total(check.Exchange(expected, answer, status))
        try:
            expected.commit()
            check.rotation_keeps_the_row(check.Exchange(expected, answer, status))
            status = 409 if self._evicts_itself(expected, answer) else status
        except NotDone:
            status = 409
        if status == 409:
            expected.crumb, expected.fresh = Crumb.UNTOUCHED, None
        if not self.driver.web:
            status = min(status, 409)
        for holds in check.ON_ANSWER:
            holds(check.Exchange(expected, answer, status))

    def _evicts_itself(self, expected: Expected, answer: Answer) -> bool:
        """Apply the cap to the model, and tell whether the newcomer is among those that went."""
        newcomer = expected.newcomer
        if newcomer is None or self.model.why_dead(newcomer) is not None:
            return False
        newcomer.sid = newcomer.sid or (answer.cookie or "")[:SID]
        owes = self._owes(newcomer)
        others = [s for s in self.model.of_subject(newcomer.subject) if s is not newcomer and self._owes(s) is owes]
        listed = frozenset(s.sid for s in self.driver.outside.sessions_of(newcomer.subject))
        standing = check.Standing(self.model.policy.max_sessions, (*others, newcomer), listed)
        check.cap_holds(standing)
        for s in standing.gone:
            self.model.end(s, Reason.EVICTED)
        return newcomer in standing.gone

    def _take_cookie(self, browser: int | None, expected: Expected, answer: Answer) -> None:
        s, cookie = expected.fresh, answer.cookie
        if s is not None and cookie:
            check.unique_secrets([*self.tokens, cookie])
            s.sid, s.token = cookie[:SID], cookie
            self.model.sessions[s.sid] = s
            self.tokens.append(cookie)
        if browser is not None and cookie is not None:
            self.jars[browser].token = cookie

    # -- what was stored -----------------------------------------------------------------------------------

    @invariant()
    def hold_every_invariant(self) -> None:
        """Check what was stored, what stands, and that the model and the rows agree on what is over."""
        self.tally.steps += 1
        self._check_changes()
        self.checked = len(self.driver.store.changes)
        check.every_end_told_once(check.ends_of(self.driver.store.changes, self.driver.heard.told))
        self._reconcile()
        self._check_rows()

    def _check_changes(self) -> None:
        for change in self.driver.store.changes[self.checked :]:
            for holds in check.ON_CHANGE:
                holds(check.Stored(change, self.model.policy))

    def _check_rows(self) -> None:
        store, policy, at = self.driver.store, self.model.policy, self.driver.clock()
        for stored, loaded in store.standing():
            row = check.Row(stored, loaded, store.epoch(stored.subject), policy, at)
            for holds in check.ON_ROW:
                holds(row)

    def _reconcile(self) -> None:
        """Take over what is on record, if it was due: who looked, and so wrote it down, is not the model's affair."""
        for sid, s in self.model.sessions.items():
            row = self.driver.store.rows[sid]
            recorded = check.Recorded(s, self.model.why_dead(s) is not None, self.model.mfa_lapsed(s), row)
            check.ends_in_time(recorded)
            check.ends_are_recorded(recorded)
            if not row.live and row.reason is not None:
                self.model.end(s, row.reason)
            elif row.live:
                s.state, s.mfa_at = (
                    (row.state, None) if recorded.lapsed and row.mfa_at > row.seen_at else (s.state, s.mfa_at)
                )
