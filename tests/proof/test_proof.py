"""The table is proved, and a proof that should fail does."""

from typing import Any

import pytest
from attrs import evolve

from sessioncore import TABLE, LogIn, LogOut, Reauthenticate, Restamp, Row, SatisfyMfa, State, Tick, Touch, Write, acts
from sessioncore import guards as g
from sessioncore.events import EVENTS
from sessioncore.proof import CLAIMS, SESSIONS, answered, obligations, prove, told
from sessioncore.proof.whole import total
from sessioncore.records import NEVER, Kind

A, M = State.AUTHENTICATED, State.MFA_SATISFIED


def is_refuted(name: str, rows: tuple[Row, ...]) -> bool:
    """Tell whether a changed table breaks an obligation of this name."""
    claims = [claim for claim in CLAIMS if claim.name == name]
    asked = (
        o for o in obligations(evolve(SESSIONS, rows=rows, claims=claims, extra=tuple(total(rows)))) if o.name == name
    )
    return any(not answered(obligation).proved for obligation in asked)


def planted(
    on: type, guard: Any = None, act: Any = None, to: State | None = None, source: State = A
) -> tuple[Row, ...]:
    """Replace something in the rows of one event from one state."""

    def changed(row: Row) -> Row:
        if row.on is not on or row.source is not source:
            return row
        return evolve(row, guard=guard or row.guard, act=act or row.act, to=to or row.to)

    return tuple(changed(row) for row in TABLE)


def test_every_obligation_of_the_shipped_table_is_proved() -> None:
    results = list(prove(SESSIONS))
    assert [r.obligation for r in results if not r.proved] == []
    assert len(results) >= 572


def test_every_row_is_covered_and_every_claim_is_asked() -> None:
    names = [result.obligation.name for result in prove(SESSIONS)]
    assert names.count("Cover") == len(TABLE) == 34
    assert {claim.name for claim in CLAIMS} <= set(names)


def idle_off_by_one(s: Any, e: Any, m: Any) -> Any:
    """Accept the instant of the deadline itself."""
    return (m.at - s.seen_at <= s.idle) & (m.at - s.seen_at <= m.idle) & g.within_lifetime(s, m) & g.current(s, m)


def without_lifetime(s: Any, e: Any, m: Any) -> Any:
    """Forget the lifetime."""
    return g.within_idle(s, m) & g.within_upstream(s, m) & g.current(s, m)


def without_upstream(s: Any, e: Any, m: Any) -> Any:
    """Forget the identity provider's bound."""
    return g.within_idle(s, m) & g.within_lifetime(s, m) & g.current(s, m)


def without_epoch(s: Any, e: Any, m: Any) -> Any:
    """Forget that the subject was reset."""
    return g.fresh(s, m)


def any_session(s: Any, e: Any, m: Any) -> Any:
    """Accept a factor that was proved for another session."""
    return g.live(s, m) & (e.kind != s.first) & (e.kind != Kind.NONE)


def same_kind(s: Any, e: Any, m: Any) -> Any:
    """Accept the first factor once more as a second."""
    return g.live(s, m) & g.same(s, e) & (e.kind != Kind.NONE)


def late_login(s: Any, e: Any, m: Any) -> Any:
    """Accept a credential that was checked before a reset."""
    return g.fresh(s, m) & g.one_factor(e)


def restamp_without_was(s: Any, e: Any, m: Any) -> Any:
    """Accept a session that had been ended before the password change."""
    return g.fresh(s, m) & g.same(s, e) & g.admitted(e, m) & (e.epoch != e.was)


def early_idle(s: Any, e: Any, m: Any) -> Any:
    """End sessions at half their idle limit."""
    return (
        g.current(s, m)
        & g.within_upstream(s, m)
        & g.within_lifetime(s, m)
        & ((m.at - s.seen_at + m.at - s.seen_at >= s.idle) | g.past_idle(s, m))
    )


def never(s: Any, e: Any, m: Any) -> Any:
    """Never fire."""
    return (m.at < s.created_at) & (m.at >= s.created_at)


def unrotated(s: Any, e: Any, m: Any) -> Any:
    """Log in under the secret that was known before."""
    return evolve(acts.sign_in(s, e, m), proof=s.proof, former_proof=s.former_proof)


def wrong_anchor(s: Any, e: Any, m: Any) -> Any:
    """Let a mere use start the lifetime anew."""
    return evolve(s, seen_at=m.at, since=m.at)


def unseen(s: Any, e: Any, m: Any) -> Any:
    """Write back the old instant of use."""
    return evolve(acts.write(s, e, m), seen_at=s.created_at)


def keeps_mfa(s: Any, e: Any, m: Any) -> Any:
    """Let reauthentication refresh the second factor."""
    return evolve(acts.prove_again(s, e, m), mfa_at=m.at)


def lapse_forgets_nothing(s: Any, e: Any, m: Any) -> Any:
    """Leave the second factor in the record when it lapses."""
    return s


def keeps_data(s: Any, e: Any, m: Any) -> Any:
    """Keep the data in the tombstone."""
    return evolve(acts.log_out(s, e, m), data=(("cart", "[]"),))


def no_instant(s: Any, e: Any, m: Any) -> Any:
    """Forget when the session ended."""
    return evolve(acts.log_out(s, e, m), ended_at=NEVER)


def other_epoch(s: Any, e: Any, m: Any) -> Any:
    """Stamp a second factor with the epoch of today."""
    return evolve(acts.step_up(s, e, m), epoch=m.epoch + 1)


def other_subject(s: Any, e: Any, m: Any) -> Any:
    """Let a write change whose session it is."""
    return evolve(acts.touch(s, e, m), subject=s.label)


BUGS: list[tuple[tuple[Row, ...], str]] = [
    (planted(Touch, guard=idle_off_by_one), "IdleBound"),
    (planted(Write, guard=without_lifetime), "LifetimeBound"),
    (planted(Touch, guard=without_upstream), "UpstreamBound"),
    (planted(Touch, guard=without_epoch), "ResetRevokesAllPrior"),
    (planted(Touch, guard=without_epoch), "UseImpliesQuiet"),
    (planted(SatisfyMfa, guard=any_session), "ProvedForThisSession"),
    (planted(SatisfyMfa, guard=same_kind), "TwoDistinctFactors"),
    (planted(LogIn, guard=late_login, source=State.CREATED), "ResetRevokesAllPrior"),
    (planted(LogIn, guard=late_login, source=State.CREATED), "RowsDisjoint"),
    (planted(Restamp, guard=restamp_without_was), "ResetRevokesAllPrior"),
    (planted(Tick, guard=early_idle), "NotEarly"),
    (planted(Tick, guard=early_idle), "QuietMeansQuiet"),
    (planted(LogOut, guard=never), "Cover"),
    (planted(LogIn, act=unrotated), "RotationOnPrivilege"),
    (planted(Touch, act=wrong_anchor), "OnlyLoginMovesTheDeadline"),
    (planted(Write, act=unseen), "SeenIsMonotone"),
    (planted(Write, act=unseen), "AUseIsSeen"),
    (planted(Reauthenticate, act=keeps_mfa, source=M), "MfaOnlyBySatisfyMfa"),
    (planted(Tick, act=lapse_forgets_nothing, source=M), "RecordStaysSound"),
    (planted(LogOut, act=keeps_data), "EndEmptiesData"),
    (planted(LogOut, act=no_instant), "EndSaysWhy"),
    (planted(SatisfyMfa, act=other_epoch), "ResetRevokesAllPrior"),
    (planted(SatisfyMfa, act=other_epoch), "EpochOnlyByLogin"),
    (planted(Touch, act=other_subject), "OneSubject"),
    (planted(Tick, to=M), "TimeOnlyEnds"),
    (planted(Tick, to=A), "SettlingTerminates"),
    (planted(LogOut, to=State.EXPIRED), "LogoutAlwaysWins"),
    (planted(Touch, to=M), "MfaOnlyBySatisfyMfa"),
    (planted(Touch, source=State.CREATED, to=M), "MfaImpliesAuthenticated"),
    (tuple(row for row in TABLE if row.guard is not g.was_reset), "NotQuietMeansDue"),
    (tuple(row for row in TABLE if row.guard is not g.second_factor), "Total"),
    ((*TABLE, Row(Touch, State.LOGGED_OUT, g.guest_acts, A, acts.touch)), "NoResurrection"),
    ((*TABLE, Row(Touch, State.LOGGED_OUT, g.guest_acts, State.LOGGED_OUT, acts.touch)), "EndsAreFrozen"),
]


@pytest.mark.parametrize(("rows", "name"), BUGS, ids=[f"{n}-{name}" for n, (_, name) in enumerate(BUGS)])
def test_a_planted_bug_is_refuted_by_name(rows: tuple[Row, ...], name: str) -> None:
    assert is_refuted(name, rows)


def test_a_refuted_obligation_shows_a_session_an_event_and_a_moment() -> None:
    rows = planted(Touch, guard=idle_off_by_one)
    lines = list(told(prove(evolve(SESSIONS, rows=rows))))
    refuted = next(n for n, line in enumerate(lines) if line.startswith("REFUTED") and "IdleBound" in line)
    assert "state = 'authenticated'" in lines[refuted + 1]
    assert lines[refuted + 2].strip().startswith("event:")
    assert "at = " in lines[refuted + 3]
    assert "refuted" in lines[-1]


def test_every_event_of_the_table_is_proved() -> None:
    asked = {result.obligation.about.split()[0] for result in prove(SESSIONS) if result.obligation.name == "Cover"}
    assert {event.__name__ for event in EVENTS} == asked
