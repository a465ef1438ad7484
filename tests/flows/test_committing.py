"""What a commit says to the world, word by word: each effect with its arguments, and each notice."""

from typing import Any

import pytest
from attrs import evolve
from tests.flows.conversing import ANEW, CART, MFA, POLICY, PROOF, SID, Talk, chapter, guest, login, signed_in, use

from sessioncore import (
    Contention,
    Kind,
    LogOut,
    Reason,
    Reauthenticate,
    Refused,
    State,
    StoreUnavailable,
    Touch,
    flows,
    moment_for,
    settle,
)
from sessioncore import effects as fx
from sessioncore.flows import Outcome, proof_of
from sessioncore.flows.tokens import sid_of
from sessioncore.policy import HOUR, MINUTE
from sessioncore.testing.clock import START
from sessioncore.testing.model import ModelStore
from sessioncore.values import Notice

AGAIN = sid_of(f"again {PROOF}")

# -- a session that is gone ----------------------------------------------------------------------------------------


def test_a_use_of_a_purged_session_is_told_as_dropped_and_a_logout_is_not() -> None:
    talk = Talk()

    outcome = talk.run(flows.commit(chapter(Touch(), LogOut(), CART), POLICY))

    assert outcome == Outcome(None, stored=False)
    assert talk.heard == [fx.Load(SID)]
    assert talk.told == [Notice(what="dropped", at=START, sid=SID)] * 2


@pytest.mark.parametrize("event", [MFA, Reauthenticate(subject="alice", sid=SID, epoch=1, proof="", former_proof="")])
def test_a_factor_for_a_purged_session_is_refused_without_a_state(event: Any) -> None:
    talk = Talk()

    refused = talk.run(flows.commit(chapter(event), POLICY))

    assert isinstance(refused, Refused)
    assert (refused.event, refused.state, refused.settled) == (event, None, None)
    assert talk.told == []
    assert refused.why == "the session has ended and was purged; log in again"


def test_a_login_on_a_purged_session_begins_another_and_what_came_before_it_is_dropped() -> None:
    talk = Talk()
    talk.store.mint("alice", START)

    outcome = talk.run(flows.commit(chapter(CART, Touch(), login(), CART), POLICY))

    session = outcome.session
    assert outcome.stored
    assert (session.sid, session.subject, session.created_at, session.since) == (AGAIN, "alice", START, START)
    assert (session.proof, session.former_proof) == (proof_of("new"), ""), "it rotated away from no secret at all"
    assert dict(session.data) == {"cart": "1"}
    assert talk.heard == [
        fx.Load(SID),
        fx.OfSubject("alice", live=True),
        fx.ReadEpoch("alice"),
        fx.Swap(None, session),
        fx.OfSubject("alice", live=True),
        fx.ReadEpoch("alice"),
    ]
    assert [notice.what for notice in talk.told] == ["dropped", "dropped", "began", "signed_in"]
    assert talk.told[:2] == [Notice(what="dropped", at=START, sid=SID)] * 2


def test_a_factor_that_follows_the_login_moves_with_it_to_the_other_session() -> None:
    talk = Talk()
    talk.store.mint("alice", START)

    outcome = talk.run(flows.commit(chapter(login(), MFA), POLICY))

    assert (outcome.session.sid, outcome.session.state) == (AGAIN, State.MFA_SATISFIED)


# -- lost swaps ----------------------------------------------------------------------------------------------------


def test_a_write_that_lost_is_done_again_and_says_so() -> None:
    talk = Talk(meddle=use)
    row = signed_in(talk.store)

    outcome = talk.run(flows.commit(chapter(Touch(), CART), POLICY))

    assert outcome.stored
    assert outcome.session.version == row.version + 3
    assert [type(effect) for effect in talk.heard] == [fx.Load, fx.Swap, fx.Pause, fx.Load, fx.Swap]
    assert [(notice.what, notice.attempts, notice.at, notice.sid) for notice in talk.told] == [
        ("contended", 2, START, SID)
    ]


def test_a_touch_that_lost_is_not_done_again_and_the_row_is_given_as_it_was_loaded() -> None:
    talk = Talk(meddle=use)
    row = signed_in(talk.store)

    assert talk.run(flows.commit(chapter(Touch()), POLICY)) == Outcome(row, stored=False)
    assert [type(effect) for effect in talk.heard] == [fx.Load, fx.Swap]


def test_a_session_that_would_have_begun_only_to_be_touched_does_not_if_its_selector_is_taken() -> None:
    talk = Talk()
    signed_in(talk.store)
    begun = guest()

    outcome = talk.run(flows.commit(chapter(Touch(), proof=begun.proof, begun=begun), POLICY))

    assert outcome == Outcome(None, stored=False)
    assert [type(effect) for effect in talk.heard] == [fx.Swap], "and no other selector is drawn"


def test_a_commit_that_waited_for_two_seconds_gives_up() -> None:
    class Busy(ModelStore):
        def swap(self, old: Any, new: Any) -> bool:
            return False

    talk = Talk(Busy())
    signed_in(talk.store)

    assert isinstance(talk.run(flows.commit(chapter(CART), POLICY)), Contention)
    assert talk.told == [Notice(what="gave_up", at=START, sid=SID, attempts=4)]


def test_a_session_that_never_got_to_begin_is_told_under_the_last_selector_that_was_drawn_for_it() -> None:
    class Busy(ModelStore):
        def swap(self, old: Any, new: Any) -> bool:
            return False

    talk = Talk(Busy())
    begun = guest()

    assert isinstance(talk.run(flows.commit(chapter(CART, proof=begun.proof, begun=begun), POLICY)), Contention)
    assert talk.told == [Notice(what="gave_up", at=START, sid="n4".ljust(22, "-"), attempts=4)]


def test_a_taken_selector_is_never_overwritten_and_the_guest_gets_another() -> None:
    talk = Talk()
    signed_in(talk.store)
    begun = guest()

    outcome = talk.run(flows.commit(chapter(CART, proof=begun.proof, begun=begun), POLICY))

    assert outcome.session.sid == ANEW
    assert (outcome.session.proof, outcome.session.created_at) == (begun.proof, START)
    assert (outcome.session.idle, outcome.session.lifetime) == (POLICY.guest.idle, POLICY.guest.lifetime)
    assert talk.store.rows[SID].subject == "alice"


def test_a_touch_is_told_as_unavailable_when_the_store_is_and_the_page_is_served() -> None:
    class Down(ModelStore):
        def load(self, sid: str) -> Any:
            raise StoreUnavailable("down")

    talk = Talk(Down())

    assert talk.run(flows.touch(chapter(Touch()), POLICY)) is None
    assert talk.told == [Notice(what="unavailable", at=START, sid=SID)]


def test_a_touch_gives_the_session_as_it_stands_then() -> None:
    talk = Talk(at=START + MINUTE)
    signed_in(talk.store)

    assert talk.run(flows.touch(chapter(Touch()), POLICY)) == talk.store.rows[SID]
    assert talk.store.rows[SID].seen_at == talk.at


# -- the first login -----------------------------------------------------------------------------------------------


def test_the_first_login_of_a_subject_mints_the_epoch_and_what_follows_is_stamped_with_it() -> None:
    again = Reauthenticate(subject="alice", sid=SID, epoch=0, proof="2" * 64, former_proof=PROOF)
    talk = Talk()
    talk.store.rows[SID] = guest()

    outcome = talk.run(flows.commit(chapter(login(epoch=0), again, proof=proof_of("ours")), POLICY))

    assert (outcome.session.epoch, outcome.session.proof) == (START, "2" * 64)
    assert outcome.session.former_proof == proof_of("ours"), "the one that is stored, not the one between"
    assert fx.Mint("alice", START) in talk.heard


def test_the_first_login_of_a_subject_may_be_followed_by_what_has_no_stamp() -> None:
    talk = Talk()
    talk.store.rows[SID] = guest()

    outcome = talk.run(flows.commit(chapter(login(epoch=0), CART, Touch(), proof=proof_of("ours")), POLICY))

    assert (outcome.session.epoch, dict(outcome.session.data)) == (START, {"cart": "1"})


def test_a_login_that_began_before_there_was_an_epoch_goes_by_the_one_that_another_login_minted() -> None:
    talk = Talk()
    talk.store.mint("alice", START - 1)
    talk.store.rows[SID] = guest()

    outcome = talk.run(flows.commit(chapter(login(epoch=0), proof=proof_of("ours")), POLICY))

    assert outcome.session.epoch == START - 1
    assert not any(isinstance(effect, fx.Mint) for effect in talk.heard)


def test_a_login_that_began_before_there_was_an_epoch_does_not_survive_a_reset() -> None:
    talk = Talk()
    talk.store.supersede("alice", START, Reason.PASSWORD_RESET)
    talk.store.rows[SID] = guest()

    refused = talk.run(flows.commit(chapter(login(epoch=0), proof=proof_of("ours")), POLICY))

    assert isinstance(refused, Refused)
    assert talk.store.rows[SID] == guest()


def test_a_login_whose_epoch_is_gone_is_refused_and_mints_none() -> None:
    talk = Talk()
    talk.store.rows[SID] = guest()

    refused = talk.run(flows.commit(chapter(login(), proof=proof_of("ours")), POLICY))

    assert isinstance(refused, Refused)
    assert talk.store.epochs == {}
    assert not any(isinstance(effect, fx.Mint) for effect in talk.heard)


@pytest.mark.parametrize(
    "events",
    [
        (login(epoch=0), login(epoch=1)),
        (login(), Reauthenticate(subject="alice", sid=SID, epoch=0, proof="2" * 64, former_proof=PROOF)),
    ],
)
def test_only_what_began_before_the_first_login_is_stamped_by_it(events: tuple[Any, ...]) -> None:
    talk = Talk()
    talk.store.mint("alice", START)
    talk.store.rows[SID] = guest()

    refused = talk.run(flows.commit(chapter(*events, proof=proof_of("ours")), POLICY))

    assert isinstance(refused, Refused)
    assert refused.event in (events[1], evolve(events[1], former_proof=proof_of("ours")))


def test_a_login_that_finds_its_session_expired_tells_the_end_before_it_begins_another() -> None:
    talk = Talk(at=START + HOUR)
    signed_in(talk.store)
    again = sid_of(f"again {proof_of('newer')}")

    outcome = talk.run(flows.commit(chapter(login(proof=proof_of("newer"))), POLICY))

    assert outcome.session.sid == again
    told = [(notice.what, notice.sid) for notice in talk.told]
    assert told == [("ended", SID), ("began", again), ("signed_in", again)]


# -- a commit that is tried again ----------------------------------------------------------------------------------


class Forgetful(ModelStore):
    """Do what the first swap to more than a guest asks, and lose the answer."""

    def swap(self, old: Any, new: Any) -> bool:
        done = super().swap(old, new)
        if new.version > 1 and "lost" not in self.facts:
            self.facts["lost"] = True
            raise StoreUnavailable("the answer is lost")
        return done


def twice(talk: Talk, *events: Any, **more: Any) -> Any:
    """Commit, and commit again as the answer of the first time was lost."""
    assert isinstance(talk.run(flows.commit(chapter(*events, **more), POLICY)), StoreUnavailable)
    talk.heard.clear()
    talk.at += 1
    return talk.run(flows.commit(chapter(*events, **more), POLICY))


def test_a_login_that_is_stored_again_goes_on_with_the_session_that_it_began_and_tells_it() -> None:
    talk, begun = Talk(Forgetful()), guest()
    talk.store.mint("alice", START)

    outcome = twice(talk, login(), begun=begun, proof=begun.proof)

    assert talk.store.rows == {SID: outcome.session}
    assert (outcome.session.proof, outcome.session.former_proof) == (PROOF, begun.proof)
    assert [notice.what for notice in talk.told] == ["began", "contended", "signed_in"]
    assert talk.told[0].at == talk.at


def test_a_guest_who_logs_in_after_the_answer_was_lost_goes_on_with_their_session() -> None:
    talk, begun = Talk(Forgetful()), guest()
    talk.store.mint("alice", START)
    lost = talk.run(flows.commit(chapter(CART, begun=begun, proof=begun.proof), POLICY))

    outcome = talk.run(flows.commit(chapter(CART, login(), begun=begun, proof=begun.proof), POLICY))

    assert isinstance(lost, StoreUnavailable)
    assert talk.store.rows == {SID: outcome.session}
    assert (outcome.session.subject, dict(outcome.session.data)) == ("alice", {"cart": "1"})


def test_a_login_on_a_purged_session_that_is_stored_again_goes_on_with_the_one_that_it_began() -> None:
    talk = Talk(Forgetful())
    talk.store.mint("alice", START)

    outcome = twice(talk, login())

    assert talk.store.rows == {AGAIN: outcome.session}
    assert fx.NewSid() not in talk.heard


def test_a_login_on_a_purged_session_never_overwrites_a_stranger() -> None:
    talk = Talk()
    talk.store.mint("alice", START)
    stranger = talk.store.rows[AGAIN] = guest(AGAIN, secret="theirs")

    outcome = talk.run(flows.commit(chapter(login()), POLICY))

    assert talk.store.rows == {AGAIN: stranger, ANEW: outcome.session}


def test_a_login_whose_own_session_ended_before_it_was_stored_again_is_refused() -> None:
    talk = Talk(Forgetful())
    talk.store.mint("alice", START)
    talk.store.rows[SID] = guest()
    lost = talk.run(flows.commit(chapter(login(), proof=proof_of("ours")), POLICY))
    talk.run(flows.end(SID, Reason.ADMIN, "alice", POLICY))

    refused = talk.run(flows.commit(chapter(login(), proof=proof_of("ours")), POLICY))

    assert isinstance(lost, StoreUnavailable)
    assert isinstance(refused, Refused)
    assert [row.reason for row in talk.store.rows.values()] == [Reason.ADMIN]


# -- refusals ------------------------------------------------------------------------------------------------------


def test_a_refused_factor_puts_the_end_that_it_met_on_record_and_tells_it() -> None:
    talk = Talk(at=START + HOUR)
    row = signed_in(talk.store)

    refused = talk.run(flows.commit(chapter(MFA), POLICY))

    ended = settle(row, moment_for(row, talk.store.epochs["alice"], talk.at, POLICY))
    assert isinstance(refused, Refused)
    assert talk.heard == [fx.Load(SID), fx.Swap(row, ended)]
    assert talk.store.rows[SID] == ended
    assert [(notice.what, notice.sid, notice.reason, notice.at) for notice in talk.told] == [
        ("ended", SID, "idle", talk.at)
    ]


def test_an_end_that_somebody_else_recorded_first_is_not_told_again() -> None:
    def end(store: ModelStore) -> None:
        row = store.rows[SID]
        store.rows[SID] = settle(row, moment_for(row, store.epochs["alice"], START + HOUR, POLICY))

    talk = Talk(at=START + HOUR, meddle=end)
    signed_in(talk.store)

    refused = talk.run(flows.commit(chapter(MFA), POLICY))

    assert isinstance(refused, Refused)
    assert talk.told == []


@pytest.mark.parametrize("kind", [Kind.KNOWLEDGE])
def test_a_refused_factor_on_a_live_session_writes_nothing(kind: Kind) -> None:
    talk = Talk()
    signed_in(talk.store)

    refused = talk.run(flows.commit(chapter(evolve(MFA, kind=kind)), POLICY))

    assert isinstance(refused, Refused)
    assert talk.heard == [fx.Load(SID)]


def test_a_refused_factor_on_a_tombstone_writes_nothing() -> None:
    talk = Talk()
    row = signed_in(talk.store)
    talk.store.rows[SID] = evolve(row, state=State.LOGGED_OUT, reason=Reason.USER, ended_at=START)

    refused = talk.run(flows.commit(chapter(MFA), POLICY))

    assert isinstance(refused, Refused)
    assert talk.heard == [fx.Load(SID)]


def test_a_session_that_began_and_ended_before_a_factor_was_refused_was_never_there() -> None:
    talk = Talk()
    begun = guest()

    refused = talk.run(flows.commit(chapter(LogOut(), MFA, proof=begun.proof, begun=begun), POLICY))

    assert isinstance(refused, Refused)
    assert refused.state is State.LOGGED_OUT
    assert talk.heard == []
