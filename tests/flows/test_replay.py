"""The rules by which a request's events are replayed on a row that others have changed, one by one."""

import pytest
from attrs import evolve

from sessioncore import (
    Epoch,
    Event,
    Kind,
    LogIn,
    LogOut,
    Policy,
    Reason,
    Reauthenticate,
    Refused,
    SatisfyMfa,
    Session,
    State,
    Touch,
    Write,
    begin,
)
from sessioncore.flows import Chapter, proof_of
from sessioncore.flows.committing import replay
from sessioncore.policy import HOUR
from sessioncore.testing.clock import START

POLICY = Policy()
SID = "s" * 22
OURS, THEIRS, NEW = proof_of("ours"), proof_of("theirs"), proof_of("new")
EPOCHS = {"alice": Epoch(value=START), "bob": Epoch(value=START), "": None}
GUEST = begin(SID, OURS, START, idle=POLICY.guest.idle, lifetime=POLICY.guest.lifetime)
LOGIN = LogIn(
    subject="alice",
    sid=SID,
    epoch=START,
    methods=("pwd",),
    first=Kind.KNOWLEDGE,
    idle=HOUR,
    lifetime=2 * HOUR,
    proof=NEW,
    former_proof=OURS,
)
MFA = SatisfyMfa(subject="alice", sid=SID, methods=("otp",), kind=Kind.POSSESSION, proof=NEW, former_proof=OURS)
AGAIN = Reauthenticate(subject="alice", sid=SID, epoch=START, proof=NEW, former_proof=OURS)
CART = Write(changes=(("cart", "1"),))


def row(state: State = State.AUTHENTICATED, proof: str = OURS, subject: str = "alice") -> Session:
    """Make a row of this state."""
    signed_in = evolve(
        GUEST, state=state, subject=subject, epoch=START, first=Kind.KNOWLEDGE, authenticated_at=START, proof=proof
    )
    return evolve(signed_in, former_proof=OURS if proof == THEIRS else "")


def after(base: Session, *events: Event, at: int = START) -> tuple[Session, int, tuple[Event, ...]]:
    """Replay a request that proved our secret."""
    replayed = replay(Chapter(sid=SID, proof=OURS, events=events), base, EPOCHS, at, POLICY)
    return replayed.session, replayed.told.count("dropped"), replayed.left


@pytest.mark.parametrize(("base", "event"), [(GUEST, LOGIN), (row(), LOGIN), (row(), MFA), (row(), AGAIN)])
def test_a_credential_rotates_away_from_the_proof_that_is_stored(base: Session, event: Event) -> None:
    session, dropped, left = after(base, event)

    assert (session.proof, session.former_proof, dropped, left) == (NEW, OURS, 0, ())


@pytest.mark.parametrize("event", [LOGIN, MFA, AGAIN])
def test_a_credential_that_raced_is_recorded_and_keeps_the_winners_proofs(event: Event) -> None:
    session, dropped, left = after(row(proof=THEIRS), event, at=START + 1)

    assert (session.proof, session.former_proof, dropped, left) == (THEIRS, OURS, 0, ())
    assert session.version == 2
    assert session.seen_at == START + 1


@pytest.mark.parametrize("event", [LOGIN, MFA, AGAIN])
def test_a_credential_that_raced_twice_keeps_the_last_winners_pair(event: Event) -> None:
    base = evolve(row(proof=THEIRS), former_proof=proof_of("second"))

    session, _, _ = after(base, event)

    assert (session.proof, session.former_proof) == (THEIRS, proof_of("second"))


def test_of_two_credentials_the_last_rotates_away_from_the_proof_that_is_stored() -> None:
    last = evolve(AGAIN, proof=proof_of("last"), former_proof=NEW)

    session, _, _ = after(row(), LOGIN, last)

    assert (session.proof, session.former_proof) == (proof_of("last"), OURS)


@pytest.mark.parametrize("event", [CART, Touch()])
def test_a_use_that_lost_its_secret_is_dropped(event: Event) -> None:
    assert after(row(proof=THEIRS), event) == (row(proof=THEIRS), 1, ())


def test_a_write_after_a_raced_credential_is_stored_and_one_before_it_is_not() -> None:
    session, dropped, _ = after(row(proof=THEIRS), CART, MFA, Write(changes=(("theme", "2"),)))

    assert dict(session.data) == {"theme": "2"}
    assert dropped == 1


@pytest.mark.parametrize("proof", [OURS, THEIRS, proof_of("third")])
def test_a_logout_is_done_whoever_rotated(proof: str) -> None:
    session, dropped, _ = after(row(proof=proof), LogOut())

    assert (session.state, session.reason, dropped) == (State.LOGGED_OUT, Reason.USER, 0)


@pytest.mark.parametrize("event", [CART, Touch()])
def test_a_use_of_an_ended_row_is_dropped(event: Event) -> None:
    tombstone = evolve(row(), state=State.LOGGED_OUT, ended_at=START, reason=Reason.ADMIN)

    assert after(tombstone, event) == (tombstone, 1, ())


def test_a_second_logout_leaves_the_first_reason() -> None:
    tombstone = evolve(row(), state=State.LOGGED_OUT, ended_at=START, reason=Reason.ADMIN)

    assert after(tombstone, LogOut()) == (tombstone, 0, ())


@pytest.mark.parametrize("event", [MFA, AGAIN])
def test_a_factor_for_an_ended_row_is_refused(event: Event) -> None:
    tombstone = evolve(row(), state=State.LOGGED_OUT, ended_at=START, reason=Reason.ADMIN)

    with pytest.raises(Refused, match="has ended"):
        after(tombstone, event)


def test_a_login_that_meets_an_ended_row_is_left_for_a_new_session_with_what_follows_it() -> None:
    tombstone = evolve(row(), state=State.LOGGED_OUT, ended_at=START, reason=Reason.ADMIN)

    assert after(tombstone, Touch(), LOGIN, CART) == (tombstone, 1, (LOGIN, CART))


def test_a_login_that_meets_another_subject_is_left_for_a_new_session() -> None:
    bobs = row(proof=THEIRS, subject="bob")

    assert after(bobs, LOGIN) == (bobs, 0, (LOGIN,))


def test_an_end_that_shows_now_is_part_of_the_outcome() -> None:
    session, dropped, _ = after(row(), CART, at=START + HOUR)

    assert (session.state, session.reason, dropped, session.data) == (State.EXPIRED, Reason.IDLE, 1, ())


def test_a_factor_of_another_subject_is_refused() -> None:
    with pytest.raises(Refused, match="another subject"):
        after(row(subject="bob"), MFA)
