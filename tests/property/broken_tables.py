"""Tables that are almost right: another guard, another row, another act."""

from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve
from tests.property.searching import (
    Plant,
)

from sessioncore import (
    LogOut,
    Machine,
    Session,
    State,
    Tick,
    acts,
    guards,
    machine,
)
from sessioncore.records import NEVER, Kind
from sessioncore.table import TABLE, Row


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
