"""What a password change says to the world while it keeps its own session, word by word."""

from typing import Any

import pytest
from attrs import evolve, fields
from tests.flows.conversing import ANEW, POLICY, SID, Talk, chapter, guest, signed_in

from sessioncore import (
    Epoch,
    InvalidSetting,
    Kind,
    Limits,
    LogOut,
    Policy,
    Reason,
    Refused,
    Restamp,
    Session,
    State,
    Touch,
    flows,
    moment_for,
    settle,
    step,
)
from sessioncore import effects as fx
from sessioncore.flows import Kept, Token, proof_of
from sessioncore.flows.ending import CLOCKS_DISAGREE, successor_of
from sessioncore.flows.retelling import retold
from sessioncore.policy import HOUR, MINUTE
from sessioncore.records import KEEPING
from sessioncore.refusals import NOT_KEPT
from sessioncore.testing.clock import START
from sessioncore.testing.model import ModelStore
from sessioncore.values import Notice

PROOF = proof_of("new")
CHANGE = Reason.PASSWORD_CHANGE
SECRET = "n1".ljust(43, "-")


def kept_by(talk: Talk, row: Session, cause: Reason = CHANGE, write: Any = None, policy: Policy = POLICY) -> Any:
    """Keep this session and end all others."""
    return talk.run(flows.keep_only(row, PROOF, cause, write, policy))


def superseded(cause: Reason = CHANGE) -> Notice:
    """Say what an epoch that moves on tells."""
    return Notice(what="superseded", at=START + MINUTE, subject="alice", reason=cause)


@pytest.fixture
def talk() -> Talk:
    """Give a world a minute after Alice logged in."""
    return Talk(at=START + MINUTE)


def write() -> dict[str, object]:
    """Write the new password."""
    return {"password": "new"}


def test_a_change_moves_the_epoch_on_writes_moves_it_on_again_and_rotates(talk: Talk) -> None:
    row = signed_in(talk.store)

    kept = kept_by(talk, row, write=write)

    new = talk.store.rows[SID]
    assert kept == Kept(session=new, token=Token(SID, SECRET))
    assert (new.epoch, new.proof, new.former_proof) == (talk.at + 1, proof_of(SECRET), PROOF)
    assert talk.heard == [
        fx.Supersede("alice", talk.at, CHANGE, START),
        fx.Call(write),
        fx.Supersede("alice", talk.at, CHANGE, talk.at),
        fx.NewSecret(),
        fx.Load(SID),
        fx.Swap(row, new),
        fx.OfSubject("alice", live=True),
        fx.ReadEpoch("alice"),
    ]
    assert talk.told == [superseded()] * 2
    assert talk.store.facts == {"password": "new"}


def test_what_the_write_raised_is_handed_on_and_the_session_stays(talk: Talk) -> None:
    failure = ZeroDivisionError("a bug of the application")

    def failing() -> None:
        raise failure

    kept = kept_by(talk, signed_in(talk.store), write=failing)

    assert kept.failure is failure
    assert kept.session.epoch == talk.at + 1


def test_to_end_the_others_moves_the_epoch_on_once(talk: Talk) -> None:
    kept = kept_by(talk, signed_in(talk.store), Reason.USER_ALL)

    assert kept.session.epoch == talk.at
    assert talk.told == [superseded(Reason.USER_ALL)]


@pytest.mark.parametrize("cause", [Reason.PASSWORD_RESET, Reason.ADMIN, Reason.USER])
def test_nothing_is_kept_for_another_cause(talk: Talk, cause: Reason) -> None:
    wrong = kept_by(talk, signed_in(talk.store), cause)

    assert isinstance(wrong, InvalidSetting)
    assert (wrong.name, wrong.value, talk.heard) == ("reason", cause, [])


def not_kept(refused: Any, row: Session, epoch: int) -> bool:
    """Tell whether it was refused as it should be."""
    event = Restamp(subject="alice", sid=SID, was=START, epoch=epoch, proof="", former_proof="")
    return (refused.event, refused.state, refused.why, refused.settled) == (event, row.state, NOT_KEPT, row)


def test_a_change_after_somebody_elses_reset_keeps_nothing_and_writes_nothing(talk: Talk) -> None:
    row = signed_in(talk.store)
    talk.store.supersede("alice", START + 1, Reason.PASSWORD_RESET)

    refused = kept_by(talk, row, write=write)

    assert not_kept(refused, row, START)
    assert talk.store.facts == {}
    assert talk.told == []


@pytest.mark.parametrize("gone", ["row", "epoch", "moved"])
def test_a_session_that_is_gone_or_reset_by_then_is_not_kept(gone: str) -> None:
    class Meddling(ModelStore):
        """Change something after the epoch was moved on."""

        def load(self, sid: str) -> tuple[Session | None, Epoch | None]:
            row, stands = super().load(sid)
            moved = Epoch(value=START + HOUR, cause=Reason.PASSWORD_RESET)
            return {"row": (None, stands), "epoch": (row, None), "moved": (row, moved)}[gone]

    talk = Talk(Meddling(), at=START + MINUTE)
    row = signed_in(talk.store)

    assert not_kept(kept_by(talk, row), row, talk.at)


def test_a_session_that_a_parallel_request_rotated_is_kept_with_that_ones_secret(talk: Talk) -> None:
    row = signed_in(talk.store)
    talk.store.rows[SID] = raced = evolve(row, proof=proof_of("theirs"), former_proof=PROOF)

    kept = kept_by(talk, row)

    assert kept.token is None
    assert (kept.session.proof, kept.session.former_proof) == (raced.proof, PROOF)
    assert kept.session.epoch == talk.at


def test_a_session_that_is_used_meanwhile_is_kept_at_the_second_attempt(talk: Talk) -> None:
    def use(store: ModelStore) -> None:
        store.rows[SID] = evolve(store.rows[SID], version=3)

    talk.meddle = use

    kept = kept_by(talk, signed_in(talk.store))

    assert kept.session.version == 4
    assert fx.Pause(1) in talk.heard
    assert [notice.what for notice in talk.told] == ["superseded", "contended"]


def ended(row: Session, talk: Talk, cause: Reason = CHANGE) -> Session:
    """Record the end that the change brought, as a parallel request may."""
    epoch = Epoch(value=talk.at, cause=cause)
    return settle(row, moment_for(row, epoch, talk.at, POLICY))


def test_a_session_whose_end_a_parallel_request_recorded_is_told_again_under_another_selector(talk: Talk) -> None:
    row = step(signed_in(talk.store), Touch(), moment_for(guest(), Epoch(value=START), START, POLICY))
    talk.store.rows[SID] = ended(row, talk)

    kept = kept_by(talk, row)

    new = talk.store.rows[successor_of(SID)]
    assert kept == Kept(session=new, token=Token(new.sid, SECRET))
    assert (new.subject, new.epoch, new.proof) == ("alice", talk.at, proof_of(SECRET))
    assert [notice.what for notice in talk.told] == ["superseded", "began", "signed_in"]
    assert [notice.sid for notice in talk.told] == ["", new.sid, new.sid]


def test_a_session_that_is_told_again_after_its_provider_ended_it_begins_and_ends(talk: Talk) -> None:
    row = signed_in(talk.store, upstream=("https://idp.example", "x"))
    talk.store.rows[SID] = ended(row, talk)
    talk.run(flows.end_upstream("https://idp.example", "x", "", START, POLICY))

    refused = kept_by(talk, row)

    assert not_kept(refused, row, talk.at)
    assert [notice.what for notice in talk.told] == ["superseded", "began", "signed_in", "ended"]


@pytest.mark.parametrize(
    ("upstream", "looks"), [(("", ""), 0), (("https://idp.example", ""), 0), (("https://idp.example", "x"), 1)]
)
def test_a_session_that_is_told_again_stays_unless_its_provider_ended_that_very_one(
    talk: Talk, upstream: tuple[str, str], looks: int
) -> None:
    row = signed_in(talk.store, upstream=upstream)
    talk.store.rows[SID] = ended(row, talk)

    kept = kept_by(talk, row)

    assert kept.session.live
    assert [type(effect) for effect in talk.heard].count(fx.Load) == 1 + looks


@pytest.mark.parametrize(("before", "stays"), [(CLOCKS_DISAGREE, False), (CLOCKS_DISAGREE + 1, True)])
def test_a_session_that_is_told_again_stays_if_its_subject_was_logged_out_well_before_it_began(
    talk: Talk, before: int, stays: bool
) -> None:
    row = signed_in(talk.store, upstream=("https://idp.example", "x"))
    talk.store.rows[SID] = ended(row, talk)
    talk.run(flows.end_upstream("https://idp.example", "", "alice", START - before, POLICY))

    kept = kept_by(talk, row)

    assert isinstance(kept, Kept) == stays


@pytest.mark.parametrize(
    "end",
    [
        lambda: flows.end(SID, Reason.ADMIN, "alice", POLICY),
        lambda: flows.commit(chapter(LogOut(Reason.ADMIN)), POLICY),
        lambda: flows.commit(chapter(Touch(), LogOut(Reason.ADMIN)), POLICY),
    ],
    ids=["end", "logout", "use and logout"],
)
@pytest.mark.parametrize("cause", KEEPING)
def test_who_ends_a_session_whose_end_was_recorded_keeps_it_from_going_on(talk: Talk, cause: Reason, end: Any) -> None:
    row = signed_in(talk.store)
    talk.store.rows[SID] = tombstone = ended(row, talk, cause)

    talk.run(end())
    heard = len(talk.told)
    refused = kept_by(talk, row, cause)

    assert not_kept(refused, row, talk.at)
    assert talk.store.rows[SID] == tombstone
    assert talk.store.rows[successor_of(SID)].reason is Reason.ADMIN
    assert [notice.what for notice in talk.told[heard:]] == ["superseded"]


def test_to_keep_a_session_from_going_on_ends_none(talk: Talk) -> None:
    talk.store.rows[SID] = ended(signed_in(talk.store), talk, CHANGE)

    assert talk.run(flows.end(SID, Reason.ADMIN, "alice", POLICY)) is False


def test_a_use_and_a_logout_that_find_a_change_under_way_keep_the_session_from_going_on(talk: Talk) -> None:
    row = signed_in(talk.store)
    talk.store.supersede("alice", talk.at, CHANGE)

    talk.run(flows.commit(chapter(Touch(), LogOut()), POLICY))

    assert talk.store.rows[SID].reason is CHANGE
    assert talk.store.rows[successor_of(row.sid)].reason is Reason.USER


@pytest.mark.parametrize("reason", [Reason.USER, Reason.PASSWORD_RESET])
def test_who_ends_a_session_that_nothing_can_go_on_with_puts_nothing_anywhere(talk: Talk, reason: Reason) -> None:
    row = signed_in(talk.store)
    talk.store.rows[SID] = evolve(row, state=State.LOGGED_OUT, reason=reason, ended_at=START)

    assert talk.run(flows.end(SID, Reason.ADMIN, "alice", POLICY)) is False
    assert list(talk.store.rows) == [SID]


def test_who_ends_a_session_that_goes_on_under_another_selector_ends_it_there_and_says_so(talk: Talk) -> None:
    row = signed_in(talk.store)
    talk.store.rows[SID] = ended(row, talk)
    kept = kept_by(talk, row)

    assert talk.run(flows.end(SID, Reason.ADMIN, "alice", POLICY)) is True
    assert talk.store.rows[kept.session.sid].reason is Reason.ADMIN
    assert (talk.told[-1].what, talk.told[-1].sid) == ("ended", kept.session.sid)


def test_a_session_that_is_kept_counts_under_the_cap_and_may_be_the_one_that_goes(talk: Talk) -> None:
    class Filling(ModelStore):
        """Let a newer login of the new epoch in before the sessions are counted."""

        def of_subject(self, subject: str, *, live: bool = False) -> Any:
            newer = evolve(self.rows[SID], sid="t" * 22, since=START + 1, proof="3" * 64)
            return [*super().of_subject(subject, live=live), newer]

    talk = Talk(Filling(), at=START + MINUTE)
    row = signed_in(talk.store)

    refused = kept_by(talk, row, policy=Policy(max_sessions=1))

    assert isinstance(refused, Refused)
    assert isinstance(refused.event, Restamp)
    assert refused.state is State.LOGGED_OUT
    assert (refused.event.was, refused.event.epoch, refused.event.sid) == (START, talk.at, SID)
    assert talk.store.rows[SID].reason is Reason.EVICTED


# -- a life that is told again ---------------------------------------------------------------------------------

DIFFERENT = {"sid", "proof", "former_proof", "epoch", "version", "created_at", "data", "activities"}


@pytest.mark.parametrize("strong", [False, True])
@pytest.mark.parametrize("remembered", [False, True])
def test_a_life_that_is_told_again_is_the_same_life(strong: bool, remembered: bool) -> None:
    store = ModelStore()
    limits = POLICY.remembered if remembered else POLICY.login
    row = signed_in(
        store, remembered=remembered, idle=limits.idle, lifetime=limits.lifetime, not_after=START + 20 * HOUR,
        upstream=("https://idp.example", "x"), label="Firefox",
        needs=State.MFA_SATISFIED if strong else State.AUTHENTICATED,
    )  # fmt: skip
    if strong:
        row = evolve(
            row, state=State.MFA_SATISFIED, second=Kind.POSSESSION, mfa_methods=("otp",), mfa_at=START + MINUTE,
            seen_at=START + MINUTE,
        )  # fmt: skip
    row = evolve(row, seen_at=START + HOUR, data=(("cart", "1"),), activities=tuple('{"what": "x"}' for _ in range(60)))
    stamp = Epoch(value=START + HOUR, cause=CHANGE)

    told = retold(row, ANEW, "9" * 64, stamp, START + HOUR, evolve(POLICY, max_activities=40))

    same = {field.name for field in fields(Session)} - DIFFERENT
    assert {name: getattr(told, name) for name in same} == {name: getattr(row, name) for name in same}
    assert (told.sid, told.proof, told.epoch, told.former_proof) == (ANEW, "9" * 64, stamp.value, "")
    assert told.data == row.data
    assert len(told.activities) == 40


def test_a_life_that_was_prolonged_by_a_reauthentication_is_told_with_it() -> None:
    row = signed_in(ModelStore())
    later = START + 13 * HOUR
    row = evolve(
        row, state=State.MFA_SATISFIED, second=Kind.POSSESSION, mfa_methods=("otp",), mfa_at=START + 2 * HOUR,
        authenticated_at=later, since=later, seen_at=later + MINUTE,
    )  # fmt: skip
    stamp = Epoch(value=later + HOUR, cause=CHANGE)

    told = retold(row, ANEW, "9" * 64, stamp, later + 2 * MINUTE, POLICY)

    assert (told.state, told.mfa_at, told.authenticated_at, told.since) == (row.state, row.mfa_at, later, later)
    assert (told.seen_at, told.created_at) == (later + 2 * MINUTE, START + 2 * HOUR)


def test_a_life_that_is_told_again_keeps_to_todays_idle_limit() -> None:
    policy = Policy(login=Limits(idle=10 * MINUTE, lifetime=12 * HOUR))
    row = evolve(signed_in(ModelStore()), seen_at=START + HOUR)

    told = retold(row, ANEW, "9" * 64, Epoch(value=START + HOUR, cause=CHANGE), START + HOUR, policy)

    assert (told.state, told.seen_at) == (State.AUTHENTICATED, START + HOUR)


def test_a_life_is_told_again_in_as_few_uses_as_its_idle_limit_asks() -> None:
    row = signed_in(ModelStore())
    stride = row.idle - 1
    stamp = Epoch(value=START + HOUR, cause=CHANGE)
    versions = {}
    for used_for in (0, 1, stride, stride + 1, 2 * stride, 2 * stride + 1):
        told = retold(evolve(row, seen_at=START + used_for), ANEW, "9" * 64, stamp, START + used_for, POLICY)
        versions[used_for] = told.version

    without = 2 + 1  # it begins, a login, and at the end the data
    assert versions == {
        0: without + 1, 1: without + 1, stride: without + 1,
        stride + 1: without + 2, 2 * stride: without + 2, 2 * stride + 1: without + 3,
    }  # fmt: skip
