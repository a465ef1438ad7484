"""The rules: browsers, users and a clock that do what they like, on one driver, beside the model.

Use ``machine_for`` to build the state machine of a driver and Hypothesis to run it:

    run_state_machine_as_test(machine_for(lambda policy: ShellDriver(MyStore(), policy)))
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, ClassVar, Final

from attrs import define, evolve, field
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sessioncore import ANY_SUBJECT, NEVER, Limits, NotYours, Policy, Reason, Refused, State, StoreUnavailable
from sessioncore.policy import HOUR, MINUTE, SECOND

from ..clock import START
from . import invariants as check
from .driver import Driver
from .expectation import SID, Crumb, Expected, NotDone
from .reference import Around, Known, Model
from .script import Answer, Request, Sight, Verb

NORMAL: Final = Policy(
    guest=Limits(idle=30 * MINUTE, lifetime=45 * MINUTE),
    login=Limits(idle=20 * MINUTE, lifetime=30 * MINUTE),
    remembered=Limits(idle=40 * MINUTE, lifetime=60 * MINUTE),
    mfa_lifetime=15 * MINUTE,
    touch_every=20 * SECOND,
    max_sessions=2,
    max_activities=3,
)
STRICT: Final = evolve(NORMAL, login=Limits(idle=15 * MINUTE, lifetime=20 * MINUTE), mfa_lifetime=10 * MINUTE)

BROWSERS: Final = st.integers(0, 2)
SUBJECTS: Final = st.sampled_from(["alice", "bob"])
KEYS: Final = st.sampled_from(["theme", "page"])
VALUES: Final = st.one_of(st.integers(0, 3), st.just({"a": [1]}))
FIRST_FACTORS: Final = st.sampled_from([("pwd",), ("pwd",), ("otp",), ("pwd", "pin"), ("hwk", "pin")])
SECOND_FACTORS: Final = st.sampled_from(["otp", "otp", "pwd", "fpt"])
NEEDS: Final = st.sampled_from([State.AUTHENTICATED, State.MFA_SATISFIED])
CAUSES: Final = st.sampled_from([Reason.ADMIN, Reason.USER_ALL, Reason.ACCOUNT_DELETED, Reason.PASSWORD_CHANGE])
PICKS: Final = st.integers(0, 999)

LOGINS: Final = st.builds(
    lambda subject, methods, remember, needs, not_after: (
        ("attempt", subject),
        ("log_in", list(methods), remember, needs.value, not_after),
    ),
    SUBJECTS,
    FIRST_FACTORS,
    st.booleans(),
    NEEDS,
    st.sampled_from([NEVER, NEVER, START + 5 * MINUTE, START + 45 * MINUTE]),
)
WRITES: Final = st.one_of(
    st.builds(lambda key, value: (("set", key, value),), KEYS, VALUES),
    st.builds(lambda value: (("append", "cart", value),), st.integers(0, 3)),
    st.builds(lambda key: (("drop", key),), KEYS),
    st.builds(lambda what: (("record", what),), st.sampled_from("abc")),
)
CREDENTIALS: Final = st.one_of(
    LOGINS,
    st.builds(lambda method: (("satisfy_mfa", method),), SECOND_FACTORS),
    st.just((("reauthenticate", "pwd"),)),
    st.just((("log_out",),)),
)
PARTS: Final = st.one_of(WRITES, WRITES, CREDENTIALS)
KEEPING: Final = st.sampled_from([("password_changed",), ("end_others",)])
ALONE: Final = st.builds(lambda write, keep, after: (*write, keep, *after), WRITES, KEEPING, WRITES)
MEDLEYS: Final = st.lists(PARTS, max_size=3).map(lambda parts: tuple(verb for part in parts for verb in part))
# The cap is promised when no login is in flight: races are run by everything else.
RACERS: Final = st.one_of(
    WRITES,
    st.sampled_from([(("satisfy_mfa", "otp"),), (("reauthenticate", "pwd"),), (("log_out",),)]),
)
REQUESTS: Final = st.one_of(MEDLEYS, MEDLEYS, MEDLEYS, ALONE, KEEPING.map(lambda keep: (keep,)))


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


class SessionMachine(RuleBasedStateMachine):
    """Let several browsers, several users and a clock loose on a driver."""

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

    # -- requests ------------------------------------------------------------------------------------------

    @rule(browser=BROWSERS)
    def browse(self, browser: int) -> None:
        """Look at a page."""
        self._ask(browser, ())

    @rule(browser=BROWSERS)
    def poll(self, browser: int) -> None:
        """Look at a page without counting as use."""
        self._ask(browser, (("passive",),))

    @rule(browser=BROWSERS, verbs=WRITES)
    def write(self, browser: int, verbs: tuple[Verb, ...]) -> None:
        """Store something."""
        self._ask(browser, verbs)

    @rule(browser=BROWSERS, verbs=LOGINS)
    def log_in(self, browser: int, verbs: tuple[Verb, ...]) -> None:
        """Log in."""
        self._ask(browser, verbs)

    @rule(browser=BROWSERS, method=SECOND_FACTORS)
    def satisfy_mfa(self, browser: int, method: str) -> None:
        """Prove a second factor, of the right kind or not."""
        self._ask(browser, (("satisfy_mfa", method),))

    @rule(browser=BROWSERS)
    def reauthenticate(self, browser: int) -> None:
        """Prove the first factor again."""
        self._ask(browser, (("reauthenticate", "pwd"),))

    @rule(browser=BROWSERS)
    def log_out(self, browser: int) -> None:
        """Log out."""
        self._ask(browser, (("log_out",),))

    @rule(browser=BROWSERS, verb=KEEPING)
    def keep_only_own(self, browser: int, verb: Verb) -> None:
        """Change the password, or end all others."""
        self._ask(browser, (verb,))

    @rule(browser=BROWSERS, verbs=REQUESTS)
    def do_several_things(self, browser: int, verbs: tuple[Verb, ...]) -> None:
        """Do several things in one request."""
        self._ask(browser, verbs)

    @precondition(lambda self: self.driver.web)
    @rule(browser=BROWSERS, verbs=MEDLEYS)
    def fail(self, browser: int, verbs: tuple[Verb, ...]) -> None:
        """Do several things and answer with a server error: only logging out is done."""
        self._ask(browser, (*verbs, ("fail",)))

    @precondition(lambda self: self.tokens)
    @rule(pick=PICKS, verbs=REQUESTS)
    def replay(self, pick: int, verbs: tuple[Verb, ...]) -> None:
        """Send any cookie that was ever issued."""
        self._serve(None, self.tokens[pick % len(self.tokens)], verbs)

    @rule(pick=PICKS, verbs=MEDLEYS)
    def forge(self, pick: int, verbs: tuple[Verb, ...]) -> None:
        """Send a cookie that was never issued: malformed, unknown, or a known selector with another secret."""
        known = self.tokens[pick % len(self.tokens)] if self.tokens else "A" * 65
        forged = ["x", "A" * 65, known[:SID] + "A" * 43, "B" * SID + known[SID:], known + "A"]
        self._serve(None, forged[pick % len(forged)], verbs)

    @precondition(lambda self: len(self.pending) < 3)
    @rule(browser=BROWSERS, verbs=REQUESTS, where=st.integers(0, 4))
    def begin_slow_request(self, browser: int, verbs: tuple[Verb, ...], where: int) -> None:
        """Begin a request that others overtake, before or after it acts."""
        where = min(where, len(verbs))
        self.tally.overlaps += 1
        self._ask(browser, (*verbs[:where], ("hold",), *verbs[where:]))

    @precondition(lambda self: self.pending)
    @rule(pick=PICKS)
    def finish_slow_request(self, pick: int) -> None:
        """Let a slow request commit and answer."""
        self._go_on(self.pending.pop(pick % len(self.pending)))

    @precondition(lambda self: self.driver.nests)
    @rule(browser=BROWSERS, verbs=RACERS, other=BROWSERS, others=RACERS)
    def race(self, browser: int, verbs: tuple[Verb, ...], other: int, others: tuple[Verb, ...]) -> None:
        """Let another request in between a request's load of the row and its swap."""
        self.tally.overlaps += 1
        self._ask(browser, (*verbs, ("hold",)))
        self.driver.store.interrupt = lambda: self._ask(other, others)
        self._go_on(self.pending.pop())
        self.driver.store.let_in()

    # -- from outside --------------------------------------------------------------------------------------

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

    # -- the clock -----------------------------------------------------------------------------------------

    @rule(span=st.sampled_from([1, SECOND, 15 * SECOND, MINUTE, 9 * MINUTE, HOUR, -1, -MINUTE, -HOUR, -5 * HOUR]))
    def let_time_pass(self, span: int) -> None:
        """Move the clock, in either direction."""
        self._set_clock(self.driver.clock() + span)

    @precondition(lambda self: self.model.sessions)
    @rule(pick=PICKS, which=st.integers(0, 3), off=st.sampled_from([-1, 0, 0, 1]))
    def come_to_a_limit(self, pick: int, which: int, off: int) -> None:
        """Move the clock to a limit of a session, give or take a millisecond."""
        self._set_clock(self._limit(self._known(pick), which, off))

    @rule(browser=BROWSERS, which=st.integers(0, 3), off=st.sampled_from([-1, 0, 0, 1]))
    def live_until_a_limit(self, browser: int, which: int, off: int) -> None:
        """Use a session until it comes to one of its limits, and once more."""
        s = self.model.sessions.get(self.jars[browser].token[:SID])
        if s is not None and self.model.why_dead(s) is None:
            limit = self._limit(s, which, off)
            while (pause := self.model.idle_until(s).lo - 1) < limit and pause > self.driver.clock():
                self._set_clock(pause)
                self.browse(browser)
            self._set_clock(self._limit(s, which, off))
            self.browse(browser)

    def _limit(self, s: Known, which: int, off: int) -> int:
        upstream = Around(s.not_after, s.not_after) if s.not_after < NEVER else None
        limits = [self.model.idle_until(s), self.model.lives_until(s), self.model.mfa_until(s), upstream]
        limit = limits[which] or limits[0]
        assert limit is not None
        return (limit.lo if off < 0 else limit.hi) + off

    # -- behind them ---------------------------------------------------------------------------------------

    def _known(self, pick: int) -> Known:
        return list(self.model.sessions.values())[pick % len(self.model.sessions)]

    def _settled_state(self, s: Known) -> State:
        return State.AUTHENTICATED if self.model.mfa_lapsed(s) else s.state

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
        others = [s for s in self.model.of_subject(newcomer.subject) if s is not newcomer]
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

    def _set_clock(self, at: int) -> None:
        """Set the clock, but let it never rest where a throttled touch makes the answer uncertain."""
        zones = list(self._zones())
        while (zone := next((zone for zone in zones if zone.lo <= at < zone.hi), None)) is not None:
            at = zone.hi
        self.driver.clock.at = at

    def _zones(self) -> Iterator[Around]:
        views = [p.expected.view for p in self.pending if p.expected.view is not None]
        for s in (*self.model.sessions.values(), *views):
            for limits in (
                s.limits,
                *(limits for p in (NORMAL, STRICT) for limits in (p.guest, p.login, p.remembered)),
            ):
                yield s.seen.after(limits.idle)
                yield s.since.after(limits.lifetime)
            for policy in (NORMAL, STRICT) if s.mfa_at else ():
                assert s.mfa_at is not None
                yield s.mfa_at.after(policy.mfa_lifetime)

    # -- after every rule ----------------------------------------------------------------------------------

    @invariant()
    def hold_every_invariant(self) -> None:
        """Check what was stored, what stands, and that the model and the rows agree on what is over."""
        self.tally.steps += 1
        self._check_changes()
        self.checked = len(self.driver.store.changes)
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


def machine_for(build: Callable[[Policy], Driver], tally: Tally | None = None) -> type[SessionMachine]:
    """Build the state machine of a driver."""
    members: dict[str, Any] = {"build": staticmethod(build), "tally": tally or Tally("suite")}
    return type("SessionMachine", (SessionMachine,), members)
