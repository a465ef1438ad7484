"""What must never break: one function an invariant, and its name in the message when it breaks.

Each takes what a layer can show of it: a stored change, a standing row, a request with its answer. Safety alone is
not enough (a machine that ends every session satisfies it), so ``NotEarly`` stands beside the rest.
"""

from collections.abc import Callable, Iterable
from itertools import combinations
from typing import Any, Final, TypeVar

from attrs import asdict, evolve, frozen

from sessioncore import Epoch, Policy, Reason, Session, State, Tick, guards, machine, moment_for
from sessioncore.records import NEVER, RESETTING, Kind

from .driver import Heard
from .expectation import Crumb, Expected, Held
from .reference import Known
from .script import Answer, Sight
from .witness import Change

Seen = TypeVar("Seen")

_RANK: Final = {State.CREATED: 0, State.AUTHENTICATED: 1, State.MFA_SATISFIED: 2}


class Broken(AssertionError):
    """An invariant does not hold; ``invariant`` is its name."""

    def __init__(self, name: str, claim: str, seen: object) -> None:
        super().__init__(f"{name}: {claim}\n  but: {seen}")
        self.invariant = name


def invariant(name: str) -> Callable[[Callable[[Seen], bool]], Callable[[Seen], None]]:
    """Turn a predicate into a check that raises ``Broken`` with the invariant's name and the predicate's claim."""

    def checked(holds: Callable[[Seen], bool]) -> Callable[[Seen], None]:
        def check(seen: Seen) -> None:
            if not holds(seen):
                raise Broken(name, str(holds.__doc__), seen)

        return check

    return checked


# -- on a stored change ------------------------------------------------------------------------------------


@frozen
class Stored:
    """Hold an acknowledged swap with the rules and the epoch of that moment."""

    change: Change
    policy: Policy

    @property
    def old(self) -> Session:
        """Give the row before; a new row was a guest's, at the same moment."""
        new = self.change.new
        first = Session(
            sid=new.sid, proof="", created_at=new.created_at, seen_at=new.created_at, since=new.created_at,
            idle=self.policy.guest.idle, lifetime=self.policy.guest.lifetime,
        )  # fmt: skip
        return self.change.old or first

    @property
    def at(self) -> int:
        """Give the moment: no clock that goes back moves a session."""
        return max(self.change.at, self.old.seen_at)

    @property
    def acts(self) -> bool:
        """Tell whether the session went on living."""
        return self.change.old is not None and self.change.new.live


@invariant("IdleBound")
def idle_bound(stored: Stored) -> bool:
    """A session that acts was used within its idle limit, the one at sign-in and today's."""
    s, today = stored.old, stored.policy.limits_of(stored.old)
    return not stored.acts or stored.at - s.seen_at < min(s.idle, today.idle)


@invariant("LifetimeBound")
def lifetime_bound(stored: Stored) -> bool:
    """A session that acts is within its lifetime, the one at sign-in and today's."""
    s, today = stored.old, stored.policy.limits_of(stored.old)
    return not stored.acts or stored.at - s.since < min(s.lifetime, today.lifetime)


@invariant("UpstreamBound")
def upstream_bound(stored: Stored) -> bool:
    """A session that acts is within the identity provider's bound."""
    return not stored.acts or stored.at < stored.old.not_after


@invariant("OnlyLoginMovesTheDeadline")
def only_login_moves_the_deadline(stored: Stored) -> bool:
    """The lifetime's anchor moves only when a login or a reauthentication is recorded at that instant."""
    new = stored.change.new
    return new.since in (stored.old.since, new.authenticated_at)


@invariant("NoResurrection")
def no_resurrection(stored: Stored) -> bool:
    """What lives after a change lived before it, and is what stood under the key."""
    stood = stored.change.stood
    return stood is None or stood.live or not stored.change.new.live


@invariant("EndsAreFrozen")
def ends_are_frozen(stored: Stored) -> bool:
    """An ended row never changes, in any field."""
    stood = stored.change.stood
    return stood is None or stood.live


@invariant("NoLostUpdate")
def no_lost_update(stored: Stored) -> bool:
    """A change replaces exactly the row that it was made from: nothing that another request stored is lost."""
    return stored.change.old == stored.change.stood


@invariant("SeenIsMonotone")
def seen_is_monotone(stored: Stored) -> bool:
    """The last use never moves back."""
    return stored.change.new.seen_at >= stored.old.seen_at


@invariant("VersionCountsRows")
def version_counts_rows(stored: Stored) -> bool:
    """A stored change fired at least one row of the table, and the version says so."""
    return stored.change.new.version > (stored.change.old.version if stored.change.old else 0)


@invariant("RotationOnPrivilege")
def rotation_on_privilege(stored: Stored) -> bool:
    """Whoever gains a right gains a new secret, unless another request rotated it first."""
    old, new = stored.old, stored.change.new
    gained = new.live and (old.subject, old.epoch) != (new.subject, new.epoch)
    return not (stored.acts and gained) or new.proof != old.proof


@invariant("MfaImpliesAuthenticated")
def mfa_implies_authenticated(stored: Stored) -> bool:
    """A second factor stands only on a first one, and has an instant."""
    s = stored.change.new
    return s.state is not State.MFA_SATISFIED or (bool(s.subject) and s.first != Kind.NONE and s.mfa_at < NEVER)


@invariant("TwoDistinctFactors")
def two_distinct_factors(stored: Stored) -> bool:
    """Two factors of one kind are one factor."""
    s = stored.change.new
    return s.state is not State.MFA_SATISFIED or Kind.NONE != s.second != s.first


@invariant("OneSubject")
def one_subject(stored: Stored) -> bool:
    """A session never changes hands."""
    return stored.old.subject in ("", stored.change.new.subject)


@invariant("SidIsForLife")
def sid_is_for_life(stored: Stored) -> bool:
    """A row keeps its selector."""
    return stored.change.old is None or stored.change.old.sid == stored.change.new.sid


@invariant("CreatedImmutable")
def created_immutable(stored: Stored) -> bool:
    """The creation is never rewritten."""
    return stored.old.created_at == stored.change.new.created_at


@invariant("ResetRevokesAllPrior")
def epoch_is_current(stored: Stored) -> bool:
    """A session whose subject's sessions were all ended goes on only if it ended them itself."""
    s, epoch = stored.change.new, stored.change.epoch
    return not (s.live and s.subject) or (epoch is not None and s.epoch == epoch.value)


@invariant("EndsAreTombstones")
def ends_are_tombstones(stored: Stored) -> bool:
    """An ended row keeps its reason and its instant, and no data."""
    s = stored.change.new
    return s.live or (s.reason is not None and s.ended_at < NEVER and not s.data and not s.activities)


ON_CHANGE: Final = (
    no_resurrection, ends_are_frozen, sid_is_for_life, no_lost_update, created_immutable, one_subject,
    epoch_is_current, idle_bound, lifetime_bound, upstream_bound, only_login_moves_the_deadline, seen_is_monotone,
    version_counts_rows, rotation_on_privilege, two_distinct_factors, mfa_implies_authenticated, ends_are_tombstones,
)  # fmt: skip


# -- on a standing row -------------------------------------------------------------------------------------


@frozen
class Row:
    """Hold a row as it was stored and as the store returns it, at a moment."""

    stored: Session
    loaded: Session | None
    epoch: Epoch | None
    policy: Policy
    at: int

    @property
    def due(self) -> list[str]:
        """Name the acts of the Tick rows that are enabled."""
        moment = moment_for(self.stored, self.epoch, self.at, self.policy)
        rows = [row for row in machine.MACHINE.rows if row.on is Tick and row.source is self.stored.state]
        return [row.act.__name__ for row in rows if row.guard(self.stored, Tick(), moment)]

    @property
    def settled(self) -> Session:
        """Let the clock speak."""
        return machine.settle(self.stored, moment_for(self.stored, self.epoch, self.at, self.policy))


@invariant("EndsAreFrozen")
def tombstones_are_kept(row: Row) -> bool:
    """An ended row stays as it is until it is purged."""
    return row.stored.live or row.loaded == row.stored


@invariant("NoLostUpdate")
def rows_are_kept(row: Row) -> bool:
    """The store returns what it acknowledged."""
    return row.loaded == row.stored


@invariant("RowsDisjoint")
def rows_disjoint(row: Row) -> bool:
    """At most one Tick row is enabled at a time."""
    return len(row.due) <= 1


@invariant("QuietMeansQuiet")
def quiet_means_quiet(row: Row) -> bool:
    """A session that is quiet has nothing due, and a live one that is not quiet has."""
    if not row.stored.live:
        return row.due == []
    return guards.quiet(row.stored, moment_for(row.stored, row.epoch, row.at, row.policy)) is (row.due == [])


@invariant("TimeOnlyEnds")
def time_only_ends(row: Row) -> bool:
    """The clock never raises a state, and settling twice settles no more."""
    settled = row.settled
    return _RANK.get(settled.state, -1) <= _RANK.get(row.stored.state, -1) and evolve(row, stored=settled).due == []


ON_ROW: Final = (tombstones_are_kept, rows_are_kept, rows_disjoint, quiet_means_quiet, time_only_ends)


# -- on what a handler sees --------------------------------------------------------------------------------


@frozen
class Look:
    """Hold what the model expects a handler to see, and what it saw; ``held`` is what the token is worth."""

    held: Held
    known: Known | None
    expected: Sight
    seen: Sight

    @property
    def alive(self) -> bool:
        """Tell whether the handler was given a session."""
        return self.seen.sid is not None

    @property
    def over(self) -> Reason | None:
        """Say why the session is dead, if the token was its own."""
        return self.known.reason if self.known is not None and self.held in (Held.ENDED, Held.FORMER) else None


@invariant("UnknownIdInert")
def unknown_id_inert(look: Look) -> bool:
    """A token that names no session, or has a wrong secret, opens nothing."""
    return not (look.alive and look.held in (Held.ABSENT, Held.INERT))


@invariant("OneLiveProof")
def one_live_proof(look: Look) -> bool:
    """Only the newest secret of a session opens it; a former one is inert."""
    return not (look.alive and look.held is Held.FORMER and look.over is None)


@invariant("IdleBound")
def dead_after_idle(look: Look) -> bool:
    """Past the idle limit the session is gone."""
    return not (look.alive and look.over is Reason.IDLE)


@invariant("LifetimeBound")
def dead_after_lifetime(look: Look) -> bool:
    """Past the lifetime the session is gone."""
    return not (look.alive and look.over is Reason.LIFETIME)


@invariant("UpstreamBound")
def dead_after_upstream(look: Look) -> bool:
    """Past the identity provider's bound the session is gone."""
    return not (look.alive and look.over is Reason.UPSTREAM)


@invariant("ResetRevokesAllPrior")
def reset_revokes_all_prior(look: Look) -> bool:
    """A session whose login began before a reset of its subject never acts again."""
    return not (look.alive and look.over in RESETTING)


@invariant("LogoutLinearizable")
def logout_linearizable(look: Look) -> bool:
    """After an acknowledged logout, of whatever reason, every load finds the session dead."""
    return not (look.alive and look.over is not None)


@invariant("NotEarly")
def not_early(look: Look) -> bool:
    """Within every limit, minus the touch throttle for idle, a session stays live."""
    return look.alive or look.expected.sid is None


@invariant("SubjectIsolation")
def subject_isolation(look: Look) -> bool:
    """Nobody sees another subject, or another session."""
    return (look.seen.sid, look.seen.subject) == (look.expected.sid, look.expected.subject)


@invariant("MfaOnlyBySatisfyMfa")
def mfa_bound(look: Look) -> bool:
    """A second factor counts neither without having been proved nor past its lifetime."""
    return look.seen.state != State.MFA_SATISFIED or look.expected.state == State.MFA_SATISFIED


@invariant("MfaOnlyBySatisfyMfa")
def state_as_expected(look: Look) -> bool:
    """The state, and whether the user is signed in, are what was proved and has not lapsed."""
    seen, expected = look.seen, look.expected
    return (seen.state, seen.signed_in) == (expected.state, expected.signed_in)


@invariant("NoLostUpdate")
def writes_are_kept(look: Look) -> bool:
    """The data and the activities are those that were stored."""
    return (look.seen.data, look.seen.activities) == (look.expected.data, look.expected.activities)


ON_LOOK: Final = (
    unknown_id_inert, one_live_proof, dead_after_idle, dead_after_lifetime, dead_after_upstream,
    reset_revokes_all_prior,
    logout_linearizable, not_early, subject_isolation, mfa_bound, state_as_expected, writes_are_kept,
)  # fmt: skip


# -- on an answer ------------------------------------------------------------------------------------------


@frozen
class Exchange:
    """Hold a request with its answer and with what the model expected of it; ``status`` is the expected one."""

    expected: Expected
    answer: Answer
    status: int

    @property
    def crumb(self) -> Crumb:
        """Say what the response did to the cookie."""
        cookie = self.answer.cookie
        return Crumb.UNTOUCHED if cookie is None else Crumb.SET if cookie else Crumb.CLEARED


@invariant("LogoutAlwaysWins")
def logs_out(exchange: Exchange) -> bool:
    """No session refuses a logout."""
    verbs = exchange.expected.request.verbs
    return all(said == "ok" for (name, *_), said in zip(verbs, exchange.answer.said, strict=False) if name == "log_out")


@invariant("ResetRevokesAllPrior")
def reset_beats_login(exchange: Exchange) -> bool:
    """A login whose credential was checked before a reset of its subject is refused."""
    return not (exchange.expected.outdated and exchange.answer.status == 200)


@invariant("Total")
def total(exchange: Exchange) -> bool:
    """Every event on every session is one arrow of the table or one named refusal, and the right one."""
    said = exchange.answer.said
    return not said or all(one in other.split("|") for one, other in zip(said, exchange.expected.said, strict=True))


@invariant("CommitBeforeRespond")
def commit_before_respond(exchange: Exchange) -> bool:
    """What a request did is stored before its response starts, and a response says only what is true."""
    return exchange.answer.late == 0 and exchange.answer.status == exchange.status


@invariant("SetCookieDiscipline")
def set_cookie_discipline(exchange: Exchange) -> bool:
    """Only the request that began or rotated a session sets the cookie; only the one that ended it clears it."""
    return exchange.crumb is exchange.expected.crumb


@invariant("RotationOnPrivilege")
def rotation_keeps_the_row(exchange: Exchange) -> bool:
    """Whoever gains a right is given a new secret, under the same selector."""
    fresh, cookie = exchange.expected.fresh, exchange.answer.cookie
    gained = fresh is not None and (fresh.sid or fresh is exchange.expected.newcomer)
    if fresh is None or not gained or exchange.answer.status == 409:
        return True
    return bool(cookie) and cookie != fresh.former and str(cookie).startswith(fresh.sid)


@invariant("UnknownIdInert")
def never_adopted(exchange: Exchange) -> bool:
    """A session that begins has another selector than any presented token."""
    fresh, cookie = exchange.expected.fresh, exchange.answer.cookie
    presented = exchange.expected.request.token
    return not (fresh and cookie and not fresh.sid) or len(presented) < 22 or not cookie.startswith(presented[:22])


@invariant("VariesByCookie")
def varies_by_cookie(exchange: Exchange) -> bool:
    """A response that depends on the session varies by cookie, and one that sets a cookie is not stored."""
    if exchange.answer.headers is None or exchange.answer.status in (409, 503):
        return True
    headers = dict(exchange.answer.headers)
    stored = exchange.answer.cookie is not None and headers.get("cache-control") != "no-store"
    return headers.get("vary") == "Cookie" and not stored


ON_ANSWER: Final = (
    logs_out, reset_beats_login, commit_before_respond, total, rotation_keeps_the_row,
    set_cookie_discipline, never_adopted, varies_by_cookie,
)  # fmt: skip


# -- on what lies about ------------------------------------------------------------------------------------


@frozen
class Traces:
    """Hold everything that may be read by others, and the secrets that must not be in it."""

    texts: tuple[str, ...]
    tokens: frozenset[str]

    def __repr__(self) -> str:
        return "a secret is in one of the texts"


@invariant("NoSecretLeak")
def no_secret_leak(traces: Traces) -> bool:
    """No secret is in a log, a notice, a record, a representation or a body."""
    return not any(token[22:] in text for token in traces.tokens for text in traces.texts)


def traces_of(rows: Iterable[Session], heard: Heard, answer: Answer, tokens: Iterable[str]) -> Traces:
    """Gather what others may read after a request."""
    records = [text for row in rows for text in (str(asdict(row)), repr(row))]
    return Traces((*records, *heard.texts, *map(repr, heard.told), answer.body, repr(answer)), frozenset(tokens))


@frozen
class Standing:
    """Hold a subject's sessions as listed after a login, and the model's idea of who lived before the cap."""

    cap: int
    before: tuple[Known, ...]
    listed: frozenset[str]

    @property
    def stay(self) -> list[Known]:
        """Give those that stayed."""
        return [s for s in self.before if s.sid in self.listed]

    @property
    def gone(self) -> list[Known]:
        """Give those that went."""
        return [s for s in self.before if s.sid not in self.listed]


@invariant("CapHolds")
def cap_holds(standing: Standing) -> bool:
    """With no login in flight a subject has at most so many sessions, and the oldest logins went, none too many."""
    right = len(standing.stay) == min(standing.cap, len(standing.before))
    return right and all(old.since.lo <= new.since.hi for old in standing.gone for new in standing.stay)


@frozen
class Listing:
    """Hold what a list of a subject's sessions says, and what the model expects."""

    listed: dict[str, tuple[Any, ...]]
    expected: dict[str, tuple[Any, ...]]


@invariant("SubjectIsolation")
def lists_what_lives(listing: Listing) -> bool:
    """A list of a subject's sessions holds exactly those that live."""
    return listing.listed == listing.expected


@frozen
class Outcome:
    """Hold what a call from outside answered, and what the model expects."""

    answered: object
    expected: object


@invariant("LogoutAlwaysWins")
def logout_always_wins(outcome: Outcome) -> bool:
    """Whoever has the right to end a live session ends it, and nobody else does; the first reason stays."""
    return outcome.answered == outcome.expected


@invariant("FailClosed")
def fail_closed(answer: Answer) -> bool:
    """While the store is down nobody is authenticated, and the answer is an error."""
    return answer.status == 503 and answer.cookie is None and (answer.before is None or answer.before.sid is None)


@invariant("UniqueSecrets")
def unique_secrets(tokens: list[str]) -> bool:
    """No selector and no secret is drawn twice."""
    return all(one[22:] != other[22:] for one, other in combinations(tokens, 2))


@frozen
class Recorded:
    """Hold what the model knows of a session, whether it may have ended by now, and the row."""

    known: Known
    due: bool
    lapsed: bool
    row: Session


@invariant("NotEarly")
def ends_in_time(recorded: Recorded) -> bool:
    """Nothing is put on record before it is due: no end, and no lapse of a second factor."""
    known, row = recorded.known, recorded.row
    if not row.live:
        return known.reason is not None or recorded.due
    return row.state == known.state or recorded.lapsed or row.state is State.MFA_SATISFIED


@invariant("LogoutLinearizable")
def ends_are_recorded(recorded: Recorded) -> bool:
    """Whoever was told that a session is over finds the end on record."""
    return recorded.known.reason is None or not recorded.row.live


@invariant("ExpiredNeverActs")
def swept(rows: list[Session]) -> bool:
    """A sweep leaves no live row past its deadline."""
    return rows == []


@invariant("NotEarly")
def purged(s: Known) -> bool:
    """A purge forgets ended rows only."""
    return s.reason is not None
