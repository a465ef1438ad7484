"""What each act writes, field by field: everything else of a session stays as it was."""

from typing import Any

from attrs import evolve

from sessioncore import Kind, LogIn, LogOut, Moment, Reason, Session, State, Tick, Touch, Write, acts
from sessioncore.events import Reauthenticate, Restamp, SatisfyMfa
from sessioncore.records import NEVER

NOW = Moment(at=9_000, epoch=7, cause=Reason.ADMIN, idle=100_000, lifetime=200_000, mfa_lifetime=50_000)
OLD = Session(
    sid="s",
    proof="old",
    former_proof="older",
    state=State.MFA_SATISFIED,
    version=4,
    subject="alice",
    first=Kind.KNOWLEDGE,
    second=Kind.POSSESSION,
    methods=("pwd",),
    mfa_methods=("otp",),
    epoch=3,
    created_at=1_000,
    authenticated_at=2_000,
    mfa_at=3_000,
    seen_at=4_000,
    since=2_000,
    idle=30_000,
    lifetime=60_000,
    label="a browser",
    upstream=("https://idp.example", "x"),
    data=(("cart", "1"),),
    activities=("one", "two"),
)
NEW_LOGIN = LogIn(
    subject="bob",
    sid="s",
    epoch=7,
    first=Kind.POSSESSION,
    second=Kind.KNOWLEDGE,
    methods=("hwk",),
    mfa_methods=("pwd",),
    needs=State.MFA_SATISFIED,
    idle=40_000,
    lifetime=80_000,
    not_after=70_000,
    remembered=True,
    upstream=("https://other.example", "y"),
    label="another",
    proof="new",
    former_proof="old",
)
SIGNED_IN = evolve(
    OLD,
    subject="bob",
    epoch=7,
    first=Kind.POSSESSION,
    second=Kind.KNOWLEDGE,
    methods=("hwk",),
    mfa_methods=("pwd",),
    needs=State.MFA_SATISFIED,
    authenticated_at=9_000,
    mfa_at=NEVER,
    seen_at=9_000,
    since=9_000,
    idle=40_000,
    lifetime=80_000,
    not_after=70_000,
    remembered=True,
    upstream=("https://other.example", "y"),
    label="another",
    proof="new",
    former_proof="old",
)
ROTATED: dict[str, Any] = {"proof": "new", "former_proof": "old"}


def test_a_login_forgets_what_an_earlier_one_proved() -> None:
    assert acts.sign_in(OLD, NEW_LOGIN, NOW) == SIGNED_IN
    assert acts.sign_in_strongly(OLD, NEW_LOGIN, NOW) == evolve(SIGNED_IN, mfa_at=9_000)


def test_a_second_factor_makes_the_login_no_younger() -> None:
    event = SatisfyMfa(subject="alice", sid="s", methods=("hwk",), kind=Kind.INHERENCE, **ROTATED)

    assert acts.step_up(OLD, event, NOW) == evolve(
        OLD, second=Kind.INHERENCE, mfa_methods=("hwk",), mfa_at=9_000, seen_at=9_000, **ROTATED
    )


def test_to_prove_it_again_makes_the_second_factor_no_younger() -> None:
    event = Reauthenticate(subject="alice", sid="s", epoch=3, **ROTATED)

    assert acts.prove_again(OLD, event, NOW) == evolve(
        OLD, authenticated_at=9_000, since=9_000, seen_at=9_000, **ROTATED
    )


def test_what_is_kept_over_a_change_of_password_moves_to_the_new_epoch_and_nothing_else() -> None:
    event = Restamp(subject="alice", sid="s", was=3, epoch=8, **ROTATED)

    assert acts.restamp(OLD, event, NOW) == evolve(OLD, epoch=8, seen_at=9_000, **ROTATED)


def test_a_use_is_seen_and_a_write_merges() -> None:
    event = Write(changes=(("cart", None), ("name", '"a"')), activities=("three",), keep=2)

    assert acts.touch(OLD, Touch(), NOW) == evolve(OLD, seen_at=9_000)
    assert acts.write(OLD, event, NOW) == evolve(
        OLD, seen_at=9_000, data=(("name", '"a"'),), activities=("two", "three")
    )


def test_a_second_factor_that_lapsed_is_gone_whole() -> None:
    assert acts.forget_mfa(OLD, Tick(), NOW) == evolve(OLD, second=Kind.NONE, mfa_methods=(), mfa_at=NEVER)


def test_what_ended_keeps_no_data_and_says_why() -> None:
    gone: dict[str, Any] = {"ended_at": 9_000, "data": (), "activities": ()}

    assert acts.log_out(OLD, LogOut(Reason.RP), NOW) == evolve(OLD, reason=Reason.RP, **gone)
    assert acts.end_by_idle(OLD, Tick(), NOW) == evolve(OLD, reason=Reason.IDLE, **gone)
    assert acts.end_by_lifetime(OLD, Tick(), NOW) == evolve(OLD, reason=Reason.LIFETIME, **gone)
    assert acts.end_by_upstream(OLD, Tick(), NOW) == evolve(OLD, reason=Reason.UPSTREAM, **gone)
    assert acts.end_by_epoch(OLD, Tick(), NOW) == evolve(OLD, reason=Reason.ADMIN, **gone)
