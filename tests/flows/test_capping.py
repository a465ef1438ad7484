"""What a login says to the world about the cap, word by word: who goes, in which order, and who is told."""

from typing import Any

import pytest
from attrs import evolve
from tests.flows.conversing import POLICY, SID, Talk, chapter, guest, login, signed_in

from sessioncore import (
    LogOut,
    Policy,
    Reason,
    Refused,
    State,
    StoreUnavailable,
    flows,
)
from sessioncore import effects as fx
from sessioncore.flows import Chapter, proof_of
from sessioncore.flows.ending import CLOCKS_DISAGREE, EVICTED
from sessioncore.policy import HOUR
from sessioncore.testing.clock import START
from sessioncore.testing.model import ModelStore
from sessioncore.values import Notice

# -- the cap -------------------------------------------------------------------------------------------------------


def test_a_login_that_is_the_oldest_ends_itself_and_is_refused() -> None:
    policy = Policy(max_sessions=1)
    talk = Talk()
    signed_in(talk.store, "t" * 22, at=START + CLOCKS_DISAGREE)
    talk.store.rows[SID] = guest()

    refused = talk.run(flows.commit(chapter(login(), proof=proof_of("ours")), policy))

    assert isinstance(refused, Refused)
    assert (refused.event, refused.state, refused.why) == (login(), State.LOGGED_OUT, EVICTED)
    assert (refused.settled, talk.store.rows[SID].reason) == (talk.store.rows[SID], Reason.EVICTED)
    assert talk.store.rows["t" * 22].live


def test_a_login_that_is_the_oldest_is_refused_though_somebody_has_removed_its_row() -> None:
    class Removed(Talk):
        """After the list of the subject's sessions, this one's row is gone."""

        def answer(self, effect: fx.Effect[Any]) -> Any:
            if isinstance(effect, fx.Load) and any(isinstance(asked, fx.OfSubject) for asked in self.heard):
                self.store.rows.pop(SID, None)
            return super().answer(effect)

    talk = Removed()
    signed_in(talk.store, "t" * 22, at=START + CLOCKS_DISAGREE)
    talk.store.rows[SID] = guest()

    refused = talk.run(flows.commit(chapter(login(), proof=proof_of("ours")), Policy(max_sessions=1)))

    assert isinstance(refused, Refused)
    assert (refused.state, refused.why, refused.settled) == (None, EVICTED, None)


@pytest.mark.parametrize("own", ["a", "z"])
def test_whoever_is_beyond_the_cap_ends_the_others_before_itself(own: str) -> None:
    talk = Talk()
    sid = own * 22
    for n, other in enumerate(("m", "y"), 1):
        signed_in(talk.store, other * 22, at=START + n - 1 + (CLOCKS_DISAGREE if other == "y" else 0))
    talk.store.rows[sid] = guest(sid)
    policy = Policy(max_sessions=1)

    refused = talk.run(
        flows.commit(Chapter(sid=sid, proof=proof_of("ours"), events=(login(sid),)), policy),
    )

    assert isinstance(refused, Refused)
    assert [notice.sid[0] for notice in talk.told if notice.what == "ended"] == ["m", own]


def test_a_session_that_is_over_though_nobody_recorded_it_is_not_counted_by_the_cap() -> None:
    talk = Talk(at=START + HOUR)
    signed_in(talk.store, "t" * 22)
    talk.store.rows[SID] = guest(at=talk.at)
    owing = login(needs=State.MFA_SATISFIED)

    outcome = talk.run(flows.commit(chapter(owing, proof=proof_of("ours")), Policy(max_sessions=1)))

    assert outcome.session.live
    assert talk.store.rows["t" * 22].reason is None, "it ended by idleness, not by the cap"


def test_a_login_counts_from_after_the_newest_of_several() -> None:
    talk = Talk()
    for n, letter in enumerate("abc"):
        signed_in(talk.store, letter * 22, at=START + 10 * n)
    talk.store.rows[SID] = guest()

    outcome = talk.run(flows.commit(chapter(login(), proof=proof_of("ours")), POLICY))

    assert outcome.session.since == START + 21


def test_the_only_login_of_a_subject_counts_from_its_own_instant_also_at_the_beginning_of_time() -> None:
    talk = Talk(at=1)
    talk.store.mint("alice", 1)
    talk.store.rows[SID] = guest(at=1)

    outcome = talk.run(flows.commit(chapter(login(epoch=1), proof=proof_of("ours")), POLICY))

    assert outcome.session.since == 1


def test_a_login_that_is_logged_out_in_the_same_request_evicts_nobody() -> None:
    talk = Talk()
    talk.store.mint("alice", START)
    talk.store.rows[SID] = guest()

    outcome = talk.run(flows.commit(chapter(login(), LogOut(), proof=proof_of("ours")), POLICY))

    assert outcome.session.reason is Reason.USER
    assert talk.heard.count(fx.OfSubject("alice", live=True)) == 1, "to be the newest, not to count them"


@pytest.mark.parametrize(("ahead", "since"), [(0, 1), (CLOCKS_DISAGREE - 1, CLOCKS_DISAGREE), (CLOCKS_DISAGREE, 0)])
def test_a_login_counts_as_the_newest_if_clocks_disagree_by_less_than_five_seconds(ahead: int, since: int) -> None:
    talk = Talk()
    signed_in(talk.store, "t" * 22, at=START + ahead)
    talk.store.rows[SID] = guest()

    outcome = talk.run(flows.commit(chapter(login(), proof=proof_of("ours")), POLICY))

    assert outcome.session.since == START + since
    assert CLOCKS_DISAGREE == 5_000


def test_a_cap_that_cannot_be_enforced_is_told_and_the_login_stands() -> None:
    class Failing(ModelStore):
        asked = 0

        def of_subject(self, subject: str, *, live: bool = False) -> Any:
            self.asked += 1
            if self.asked > 1:
                raise StoreUnavailable("down")
            return super().of_subject(subject, live=live)

    talk = Talk(Failing())
    talk.store.mint("alice", START)
    talk.store.rows[SID] = guest()

    outcome = talk.run(flows.commit(chapter(login(), proof=proof_of("ours")), POLICY))

    assert outcome.session.subject == "alice"
    assert talk.told[-1] == Notice(what="unavailable", at=START, sid=SID, subject="alice", created_at=START)


def test_the_list_is_of_the_newest_login_first_and_tombstones_are_asked_for() -> None:
    talk = Talk(at=START + 3)
    rows = [signed_in(talk.store, letter * 22, at=START + n) for n, letter in enumerate("abc")]
    gone = evolve(rows[1], state=State.LOGGED_OUT, reason=Reason.USER, ended_at=START + 2)
    talk.store.rows[gone.sid] = gone

    live = talk.run(flows.sessions_of("alice", POLICY))
    all_of_them = talk.run(flows.sessions_of("alice", POLICY, ended=True))

    assert [one.sid[0] for one in live] == ["c", "a"]
    assert [one.sid[0] for one in all_of_them] == ["c", "b", "a"]
    assert talk.heard == [
        *(fx.OfSubject("alice", live=True), fx.ReadEpoch("alice")),
        *(fx.OfSubject("alice", live=False), fx.ReadEpoch("alice")),
    ]
