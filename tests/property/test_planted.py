"""Every invariant has a planted bug: the suite, run against the broken variant, fails with that invariant's name."""

from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from sessioncore import (
    Epoch,
    LogIn,
    LogOut,
    Machine,
    Policy,
    Reason,
    Refused,
    Session,
    State,
    Tick,
    acts,
    flows,
    guards,
    machine,
)
from sessioncore.effects import OfSubject
from sessioncore.flows import Opened, Standing, committing, opening, resetting
from sessioncore.records import NEVER, Kind
from sessioncore.table import TABLE, Row
from sessioncore.testing.suite import core_driver
from sessioncore.testing.suite.core_driver import CoreDriver
from sessioncore.testing.suite.driver import Driver
from sessioncore.testing.suite.invariants import Broken
from sessioncore.testing.suite.machine import machine_for
from sessioncore.testing.suite.shell_driver import ShellDriver
from sessioncore.testing.suite.web_driver import WsgiDriver
from sessioncore_io import CLEAR, answers, wsgi
from sessioncore_io.handle import Handle
from sessioncore_io.memory import MemoryStore

Plant = Callable[[pytest.MonkeyPatch], None]
Step = tuple[str, dict[str, Any]]
Walk = tuple[Step, ...]

CHEAP = settings(
    max_examples=250,
    stateful_step_count=40,
    derandomize=True,
    database=None,
    deadline=None,
    print_blob=False,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def first_broken(build: Callable[[Policy], Any] = CoreDriver) -> str:
    """Run the suite and name the invariant that it finds broken."""
    try:
        run_state_machine_as_test(machine_for(build), settings=CHEAP)
    except Broken as broken:
        return broken.invariant
    return "nothing"


def walked(build: Callable[[Policy], Any], *steps: tuple[str, dict[str, Any]]) -> str:
    """Take these steps of the same machine, as Hypothesis would, and name the invariant that breaks."""
    suite = machine_for(build)()
    try:
        for name, arguments in steps:
            getattr(suite, name)(**arguments)
            suite.hold_every_invariant()
    except Broken as broken:
        return broken.invariant
    finally:
        suite.teardown()
    return "nothing"


def first_broken_on(walk: Walk, build: Callable[[Policy], Any] = CoreDriver) -> str:
    """Take a walk if there is one, else let Hypothesis search."""
    return walked(build, *walk) if walk else first_broken(build)


ALICE = (("attempt", "alice"), ("log_in", ["pwd"], False, "authenticated", NEVER))
LOG_IN: Step = ("log_in", {"browser": 0, "verbs": ALICE})
BROWSE: Step = ("browse", {"browser": 0})
RESET: Step = ("reset_password", {"subject": "alice"})
FINISH: Step = ("finish_slow_request", {"pick": 0})
MFA: Step = ("satisfy_mfa", {"browser": 0, "method": "otp"})


def live_until(which: int) -> Step:
    """Use the session until it comes to this limit."""
    return ("live_until_a_limit", {"browser": 0, "which": which, "off": 0})


def race(others: tuple[Any, ...]) -> Step:
    """Let another request in between the load and the swap of a write."""
    verbs = (("set", "theme", 1),)
    return ("race", {"browser": 0, "verbs": verbs, "other": 0, "others": others})


WALKS: dict[str, Walk] = {
    "an idle limit that is one millisecond late": (
        LOG_IN,
        ("come_to_a_limit", {"pick": 0, "which": 0, "off": 0}),
        BROWSE,
    ),
    "a lifetime that is one millisecond late": (LOG_IN, live_until(1)),
    "a second factor that is never forgotten": (LOG_IN, MFA, live_until(2)),
    "an epoch that nobody compares": (LOG_IN, RESET, BROWSE),
    "an epoch read after the password check": (
        ("begin_slow_request", {"browser": 0, "verbs": ALICE, "where": 1}),
        RESET,
        FINISH,
    ),
    "a session that changes hands": (LOG_IN, MFA),
    "a creation that is rewritten": (
        ("write", {"browser": 0, "verbs": (("set", "theme", 1),)}),
        ("write", {"browser": 0, "verbs": (("set", "theme", 2),)}),
    ),
    "a factor of the same kind taken as a second one": (
        LOG_IN,
        ("satisfy_mfa", {"browser": 0, "method": "pwd"}),
    ),
    "a secret that is drawn twice": (
        ("write", {"browser": 0, "verbs": (("set", "theme", 1),)}),
        ("write", {"browser": 1, "verbs": (("set", "theme", 2),)}),
    ),
    "Reviving": (LOG_IN, race((("log_out",),))),
    "Careless": (LOG_IN, race((("set", "page", 1),))),
    "Lenient": (LOG_IN, RESET, BROWSE),
    "Idle": (
        ("write", {"browser": 0, "verbs": (("set", "theme", 1),)}),
        ("come_to_a_limit", {"pick": 0, "which": 0, "off": 0}),
        ("sweep", {}),
    ),
    "a commit whose failure is hidden": (
        LOG_IN,
        ("begin_slow_request", {"browser": 0, "verbs": (("reauthenticate", "pwd"),), "where": 0}),
        ("log_out", {"browser": 0}),
        FINISH,
    ),
    "a cookie cleared by a stale answer": (
        LOG_IN,
        ("end_any", {"pick": 0}),
        BROWSE,
    ),
    "a store that is down": (LOG_IN, ("lose_the_store", {"browser": 0})),
}


def use_rows(patch: pytest.MonkeyPatch, *rows: Row) -> None:
    """Run a broken copy of the table."""
    patch.setattr(machine, "MACHINE", Machine(State, rows))


def without(*guard: str) -> list[Row]:
    """Give the table without the rows of these guards."""
    return [row for row in TABLE if row.guard.__name__ not in guard]


def with_act(name: str, act: Callable[[Session, Any, Any], Session]) -> Plant:
    """Plant another act in the rows that use the act of this name."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        use_rows(patch, *(evolve(row, act=act) if row.act.__name__ == name else row for row in TABLE))

    return plant


def with_guards(**replaced: Callable[..., bool]) -> Plant:
    """Plant other guards; guards that call them call these."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        for name, guard in replaced.items():
            patch.setattr(guards, name, guard)

    return plant


# -- bugs in guards ----------------------------------------------------------------------------------------


def idle(s: Any, m: Any, slack: int) -> bool:
    """Compare as ``within_idle`` does, with some slack."""
    return bool(m.at - s.seen_at < min(s.idle, m.idle) + slack)


def age(s: Any, m: Any, slack: int) -> bool:
    """Compare as ``within_lifetime`` does, with some slack."""
    return bool(m.at - s.since < min(s.lifetime, m.lifetime) + slack)


GUARDS: dict[str, tuple[str, Plant]] = {
    "an idle limit that is one millisecond late": (
        "IdleBound",
        with_guards(within_idle=lambda s, m: idle(s, m, 1), past_idle=lambda s, m: not idle(s, m, 1)),
    ),
    "an idle limit that is a minute early": (
        "NotEarly",
        with_guards(within_idle=lambda s, m: idle(s, m, -60_000), past_idle=lambda s, m: not idle(s, m, -60_000)),
    ),
    "a lifetime that is one millisecond late": (
        "LifetimeBound",
        with_guards(within_lifetime=lambda s, m: age(s, m, 1), past_lifetime=lambda s, m: not age(s, m, 1)),
    ),
    "an identity provider's bound that nobody keeps": (
        "UpstreamBound",
        with_guards(within_upstream=lambda s, m: True, past_upstream=lambda s, m: False),
    ),
    "an epoch that nobody compares": (
        "ResetRevokesAllPrior",
        with_guards(current=lambda s, m: True, superseded=lambda s, m: False),
    ),
    "a second factor that is never forgotten": (
        "MfaOnlyBySatisfyMfa",
        with_guards(within_mfa=lambda s, m: True, past_mfa=lambda s, m: False),
    ),
    "a quiet that looks at no clock": ("QuietMeansQuiet", with_guards(quiet=lambda s, m: True)),
}

# -- bugs in rows and acts ---------------------------------------------------------------------------------


def rows_of(*rows: Row) -> Plant:
    """Plant a table."""
    return lambda patch: use_rows(patch, *rows)


ROWS: dict[str, tuple[str, Plant]] = {
    "no way to log out": (
        "LogoutAlwaysWins",
        rows_of(*(row for row in TABLE if row.on is not LogOut or row.source is not State.AUTHENTICATED)),
    ),
    "no end by a reset": ("QuietMeansQuiet", rows_of(*without("was_reset"))),
    "two ends at once": (
        "RowsDisjoint",
        rows_of(*TABLE, Row(Tick, State.CREATED, guards.guest_idle_out, State.EXPIRED, acts.end_by_lifetime)),
    ),
    "a clock that signs in": (
        "TimeOnlyEnds",
        rows_of(
            *without("guest_idle_out"),
            Row(Tick, State.CREATED, guards.guest_idle_out, State.AUTHENTICATED, lambda s, e, m: acts.touch(s, e, m)),
        ),
    ),
    "no way to prove the first factor again": ("Total", rows_of(*without("proved_again", "strong_proved_again"))),
    "a factor of the same kind taken as a second one": (
        "TwoDistinctFactors",
        rows_of(
            *without("second_factor"),
            Row(
                TABLE[6].on,
                State.AUTHENTICATED,
                lambda s, e, m: guards.live(s, m) & guards.same(s, e),
                State.MFA_SATISFIED,
                acts.step_up,
            ),
        ),
    ),
    "a second factor of the first one's kind on record": (
        "TwoDistinctFactors",
        with_act("step_up", lambda s, e, m: evolve(acts.step_up(s, e, m), second=s.first)),
    ),
    "a second factor without an instant": (
        "MfaImpliesAuthenticated",
        with_act("step_up", lambda s, e, m: evolve(acts.step_up(s, e, m), mfa_at=NEVER)),
    ),
    "a reauthentication that counts as a second factor": (
        "MfaOnlyBySatisfyMfa",
        rows_of(
            *without("proved_again"),
            Row(
                TABLE[8].on,
                State.AUTHENTICATED,
                guards.proved_again,
                State.MFA_SATISFIED,
                lambda s, e, m: evolve(
                    acts.prove_again(s, e, m),
                    mfa_at=m.at,
                    second=Kind.INHERENCE if s.first != Kind.INHERENCE else Kind.KNOWLEDGE,
                ),
            ),
        ),
    ),
    "a use that moves the lifetime": (
        "OnlyLoginMovesTheDeadline",
        with_act("touch", lambda s, e, m: evolve(s, seen_at=m.at, since=m.at)),
    ),
    "a use that is recorded in the past": (
        "SeenIsMonotone",
        with_act("write", lambda s, e, m: evolve(acts.write(s, e, m), seen_at=s.seen_at - 1)),
    ),
    "a login that keeps the secret": (
        "RotationOnPrivilege",
        with_act("sign_in", lambda s, e, m: evolve(acts.sign_in(s, e, m), proof=s.proof, former_proof=s.former_proof)),
    ),
    "a step-up that keeps the secret": (
        "RotationOnPrivilege",
        with_act("step_up", lambda s, e, m: evolve(acts.step_up(s, e, m), proof=s.proof, former_proof=s.former_proof)),
    ),
    "a session that changes hands": (
        "OneSubject",
        with_act("step_up", lambda s, e, m: evolve(acts.step_up(s, e, m), subject="mallory")),
    ),
    "a creation that is rewritten": (
        "CreatedImmutable",
        with_act("write", lambda s, e, m: evolve(acts.write(s, e, m), created_at=s.created_at - (s.version > 1))),
    ),
    "data written as a whole": (
        "NoLostUpdate",
        with_act("write", lambda s, e, m: acts.write(evolve(s, data=()), e, m)),
    ),
    "a tombstone that keeps its data": (
        "EndsAreTombstones",
        with_act("log_out", lambda s, e, m: evolve(s, ended_at=m.at, reason=e.reason)),
    ),
}


@pytest.mark.parametrize("bug", [*GUARDS, *ROWS])
def test_a_bug_in_the_table_breaks_its_invariant(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The suite names the invariant."""
    expected, plant = {**GUARDS, **ROWS}[bug]
    plant(monkeypatch)

    assert first_broken_on(WALKS.get(bug, ())) == expected


def test_a_row_that_is_not_counted_breaks_version_counts_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that forgets the version."""

    class Forgetful(Machine[Session]):
        def fire(self, session: Session, event: object, moment: object) -> Session | None:
            fired = super().fire(session, event, moment)
            return None if fired is None else evolve(fired, version=session.version)

    monkeypatch.setattr(machine, "MACHINE", Forgetful(State, TABLE))

    assert first_broken() == "VersionCountsRows"


# -- bugs in stores ----------------------------------------------------------------------------------------


class Careless(MemoryStore):
    """Store over any live row, without a look at it."""

    def swap(self, old: Session | None, new: Session) -> bool:
        """Put ``new`` where anything live is."""
        return super().swap(self._rows.get(new.sid), new)


class Reviving(MemoryStore):
    """Store over ended rows."""

    def swap(self, old: Session | None, new: Session) -> bool:
        """Put ``new`` where ``old`` or an ended row is."""
        standing = self._rows.get(new.sid)
        if standing is not None and not standing.live:
            del self._rows[new.sid]
            return super().swap(None, new)
        return super().swap(old, new)


class Deleting(MemoryStore):
    """Delete what has ended."""

    def swap(self, old: Session | None, new: Session) -> bool:
        done = super().swap(old, new)
        if done and not new.live:
            del self._rows[new.sid]
        return done


class Lenient(MemoryStore):
    """Acknowledge a reset and do nothing."""

    def supersede(self, subject: str, at: int, cause: Reason, expected: int | None = None) -> Epoch | None:
        return super().supersede(subject, at, cause, expected) if expected else self.mint(subject, at)


class Idle(MemoryStore):
    """Know nothing of deadlines."""

    def due(self, before: int, limit: int) -> list[Session]:
        return [row for row in super().due(before, limit) if row.subject]


class LivePurging(MemoryStore):
    """Purge live rows too."""

    def purge(self, before: int, limit: int) -> int:
        gone = [sid for sid, row in self._rows.items() if row.seen_at < before]
        for sid in gone:
            del self._rows[sid]
        return 0


STORES: dict[type[MemoryStore], str] = {
    Reviving: "NoResurrection",
    Careless: "NoLostUpdate",
    Deleting: "EndsAreFrozen",
    Lenient: "ResetRevokesAllPrior",
    Idle: "ExpiredNeverActs",
    LivePurging: "NotEarly",
}


@pytest.mark.parametrize("store", STORES, ids=lambda store: store.__name__)
def test_a_bug_in_a_store_breaks_its_invariant(store: type[MemoryStore]) -> None:
    """The suite names the invariant."""

    def build(policy: Policy) -> Driver:
        return ShellDriver(store(), policy)

    assert first_broken_on(WALKS.get(store.__name__, ()), build) == STORES[store]


# -- bugs in flows -----------------------------------------------------------------------------------------


def judged(verdict: Callable[[Any, str, Standing | None], Standing | None]) -> Plant:
    """Plant another judgement of tokens."""
    true = opening.glance

    def plant(patch: pytest.MonkeyPatch) -> None:
        def glance(row: Any, epoch: Any, secret: str, at: int, policy: Policy) -> Standing | None:
            return verdict(row, secret, true(row, epoch, secret, at, policy))

        patch.setattr(opening, "glance", glance)

    return plant


def mixed_up(patch: pytest.MonkeyPatch) -> None:
    """Open another subject's session, if there is one."""
    true = flows.open_session

    def open_session(token: Any, policy: Policy) -> Any:
        opened = yield from true(token, policy)
        if opened.session is None or opened.standing is not Standing.CURRENT or opened.session.subject != "alice":
            return opened
        others = yield from OfSubject("bob").ask()
        return next((Opened(Standing.CURRENT, row, opened.epoch) for row in others if row.live), opened)

    patch.setattr(flows, "open_session", open_session)


def late_epoch(patch: pytest.MonkeyPatch) -> None:
    """Read the epoch when the login is stored, not before the credential was checked."""
    true = committing._epochs

    def epochs(chapter: Any, base: Any, epoch: Any, at: int) -> Any:
        chapter, found = yield from true(chapter, base, epoch, at)
        login = chapter.login
        standing = found[login.subject] if login is not None else None
        if standing is not None:
            events = (evolve(e, epoch=standing.value) if isinstance(e, LogIn) else e for e in chapter.events)
            chapter = evolve(chapter, events=tuple(events))
        return chapter, found

    patch.setattr(committing, "_epochs", epochs)


def no_cap(patch: pytest.MonkeyPatch) -> None:
    """Ignore the cap."""

    def enforce(*_: Any) -> Any:
        yield from ()

    patch.setattr(committing, "enforce_cap", enforce)


def plain_secrets(patch: pytest.MonkeyPatch) -> None:
    """Store secrets as they are."""
    for module in (opening, resetting, core_driver):
        patch.setattr(module, "proof_of", lambda secret: secret)


def anybody_ends(patch: pytest.MonkeyPatch) -> None:
    """Let everybody end everybody's sessions."""
    true = flows.end
    patch.setattr(flows, "end", lambda sid, reason, subject, policy: true(sid, reason, flows.ANY_SUBJECT, policy))


def adopted(patch: pytest.MonkeyPatch) -> None:
    """Hand the same selector out again and again."""
    patch.setattr(core_driver.CoreDriver, "new_secret", lambda self: "s" * 43)


FLOWS: dict[str, tuple[str, Plant]] = {
    "an ended session that opens": (
        "LogoutLinearizable",
        judged(
            lambda row, secret, true: (
                Standing.CURRENT if true is Standing.ENDED and row.state is State.LOGGED_OUT else true
            )
        ),
    ),
    "a former secret that opens": (
        "OneLiveProof",
        judged(lambda row, secret, true: Standing.CURRENT if true is Standing.FORMER else true),
    ),
    "a wrong secret that opens": (
        "UnknownIdInert",
        judged(lambda row, secret, true: Standing.CURRENT if true is Standing.INERT else true),
    ),
    "sessions mixed up": ("SubjectIsolation", mixed_up),
    "an epoch read after the password check": ("ResetRevokesAllPrior", late_epoch),
    "a cap that nobody enforces": ("CapHolds", no_cap),
    "secrets stored as they are": ("NoSecretLeak", plain_secrets),
    "sessions that anybody may end": ("LogoutAlwaysWins", anybody_ends),
    "a secret that is drawn twice": ("UniqueSecrets", adopted),
}


@pytest.mark.parametrize("bug", FLOWS)
def test_a_bug_in_a_flow_breaks_its_invariant(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The suite names the invariant."""
    expected, plant = FLOWS[bug]
    plant(monkeypatch)

    assert first_broken_on(WALKS.get(bug, ())) == expected


# -- bugs on the web ---------------------------------------------------------------------------------------


def wsgi_driver(policy: Policy) -> Driver:
    """Drive the WSGI middleware."""
    return WsgiDriver(MemoryStore(), policy)


def test_a_cookie_cleared_by_a_stale_answer_breaks_set_cookie_discipline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever finds a session ended clears the cookie by its name."""
    true = answers.with_cookie

    def with_cookie(headers: Any, handle: Any, cookie: Any) -> Any:
        stale = handle._standing is Standing.ENDED and handle.order is None
        dirty = [("set-cookie", cookie.write(CLEAR, None, 0))] if stale else []
        return [*true(headers, handle, cookie), *dirty]

    monkeypatch.setattr(wsgi, "with_cookie", with_cookie)

    assert walked(wsgi_driver, *WALKS["a cookie cleared by a stale answer"]) == "SetCookieDiscipline"


def test_a_commit_whose_failure_is_hidden_breaks_commit_before_respond(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page says welcome, and nothing is stored."""
    true = wsgi._Response._committed

    def committed(self: Any, status: str) -> Any:
        error = true(self, status)
        return None if isinstance(error, Refused) else error

    monkeypatch.setattr(wsgi._Response, "_committed", committed)

    assert walked(wsgi_driver, *WALKS["a commit whose failure is hidden"]) == "CommitBeforeRespond"


def test_a_store_that_is_down_taken_for_an_empty_one_breaks_fail_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page is served as to a visitor without a session."""

    def anonymous(sessions: Any, token: Any, error: Any) -> Handle:
        return Handle(sessions, None, Standing.ABSENT, None, None)

    monkeypatch.setattr(wsgi, "_failed", anonymous)

    assert walked(wsgi_driver, *WALKS["a store that is down"]) == "FailClosed"


@pytest.mark.parametrize("bug", WALKS)
def test_a_walk_breaks_nothing_where_nothing_is_broken(bug: str) -> None:
    """The same steps on what is shipped."""
    assert walked(CoreDriver, *WALKS[bug]) == "nothing"
    assert walked(wsgi_driver, *WALKS[bug]) == "nothing"


def test_nothing_is_found_where_nothing_is_broken() -> None:
    """The suite, run as above against what is shipped, finds nothing."""
    assert first_broken() == "nothing"
