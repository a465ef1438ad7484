"""What must hold of a subject's sessions as seen from outside: listed, ended, swept and purged."""

from itertools import combinations
from typing import Any

from attrs import frozen

from sessioncore import Session, State

from ..reference import Known
from ..script import Answer
from .claim import invariant


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
    """With no login in flight a subject has at most so many sessions, and the oldest logins went, none too many.

    Those that still owe a factor are counted apart from those that owe none.
    """
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
