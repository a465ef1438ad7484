"""What it takes to open a session, or only to look at it, word by word."""

from typing import Any

import pytest
from attrs import evolve
from tests.flows.conversing import POLICY, SID, Talk, signed_in, use

from sessioncore import (
    Contention,
    InvalidSetting,
    Kind,
    Policy,
    Reason,
    State,
    StoreUnavailable,
    flows,
)
from sessioncore import effects as fx
from sessioncore.flows import Sight
from sessioncore.policy import HOUR, MINUTE
from sessioncore.testing.clock import START
from sessioncore.testing.model import ModelStore
from sessioncore.values import Notice

# -- looking -------------------------------------------------------------------------------------------------------


def test_a_look_at_a_row_that_is_gone_sees_nothing() -> None:
    talk = Talk()

    assert talk.run(flows.look(SID, POLICY)) == Sight(None)
    assert talk.heard == [fx.Load(SID)]


def test_a_look_at_a_live_session_is_no_use_of_it() -> None:
    talk = Talk(at=START + MINUTE)
    row = signed_in(talk.store)

    assert talk.run(flows.look(SID, POLICY)) == Sight(row)
    assert talk.heard == [fx.Load(SID)]


def test_a_look_at_a_tombstone_records_nothing() -> None:
    talk = Talk()
    row = evolve(signed_in(talk.store), state=State.LOGGED_OUT, reason=Reason.USER, ended_at=START)
    talk.store.rows[SID] = row

    assert talk.run(flows.look(SID, POLICY)) == Sight(row)
    assert talk.heard == [fx.Load(SID)]


def test_a_look_that_sees_the_end_records_it_and_tells() -> None:
    talk = Talk(at=START + HOUR)
    row = signed_in(talk.store)

    seen = talk.run(flows.look(SID, POLICY))

    ended = talk.store.rows[SID]
    assert seen == Sight(ended)
    assert (ended.reason, ended.ended_at) == (Reason.IDLE, talk.at)
    assert talk.heard == [fx.Load(SID), fx.Swap(row, ended)]
    assert [(notice.what, notice.sid, notice.at) for notice in talk.told] == [("ended", SID, talk.at)]


@pytest.mark.parametrize("cause", [Reason.PASSWORD_CHANGE, Reason.USER_ALL])
def test_a_look_leaves_a_session_alone_that_may_yet_be_the_one_that_is_kept(cause: Reason) -> None:
    talk = Talk()
    row = signed_in(talk.store)
    talk.store.supersede("alice", START, cause)

    seen = talk.run(flows.look(SID, POLICY))

    assert (seen.session.reason, seen.certain) == (cause, False)
    assert talk.store.rows[SID] == row


def test_a_look_whose_store_fails_at_the_end_sees_it_all_the_same() -> None:
    class Failing(ModelStore):
        def swap(self, old: Any, new: Any) -> bool:
            raise StoreUnavailable("down")

    talk = Talk(Failing(), at=START + HOUR)
    signed_in(talk.store)

    seen = talk.run(flows.look(SID, POLICY))

    assert (seen.session.reason, seen.certain) == (Reason.IDLE, True)
    assert talk.told == []


def test_a_look_that_lost_looks_again_and_says_so() -> None:
    talk = Talk(at=START + HOUR, meddle=use)
    row = signed_in(talk.store)

    seen = talk.run(flows.look(SID, POLICY))

    assert seen.session.version == row.version + 2
    assert [(notice.what, notice.attempts) for notice in talk.told] == [("contended", 2), ("ended", 1)]


def test_a_look_that_waited_for_two_seconds_gives_up() -> None:
    class Busy(ModelStore):
        def swap(self, old: Any, new: Any) -> bool:
            return False

    talk = Talk(Busy(), at=START + HOUR)
    signed_in(talk.store)

    assert isinstance(talk.run(flows.look(SID, POLICY)), Contention)
    assert talk.told == [Notice(what="gave_up", at=talk.at, sid=SID, attempts=4)]


def test_a_glance_at_nothing_sees_nothing() -> None:
    assert flows.glance(None, None, "x" * 43, START, POLICY) is flows.Standing.ABSENT


# -- opening -------------------------------------------------------------------------------------------------------


def opened(talk: Talk, secret: str = "new") -> Any:
    """Open the session by a secret."""
    return talk.run(flows.open_session(flows.Token(SID, secret), POLICY))


def test_a_request_that_sees_the_end_records_it_and_tells() -> None:
    talk = Talk(at=START + HOUR)
    row = signed_in(talk.store)

    seen = opened(talk)

    ended = talk.store.rows[SID]
    assert seen == flows.Opened(flows.Standing.ENDED, ended, talk.store.epochs["alice"])
    assert talk.heard == [fx.Load(SID), fx.Swap(row, ended)]
    assert [(notice.what, notice.sid, notice.at) for notice in talk.told] == [("ended", SID, talk.at)]


def test_a_request_that_loses_the_record_of_an_end_opens_again_and_says_so() -> None:
    talk = Talk(at=START + HOUR, meddle=use)
    signed_in(talk.store)

    assert opened(talk).standing is flows.Standing.ENDED
    assert fx.Pause(1) in talk.heard
    assert [(notice.what, notice.attempts) for notice in talk.told] == [("contended", 2), ("ended", 1)]


def test_a_request_whose_session_was_rotated_while_it_opened_may_still_log_out() -> None:
    def rotate(store: ModelStore) -> None:
        row = store.rows[SID]
        store.rows[SID] = evolve(row, proof="1" * 64, former_proof="2" * 64, seen_at=START + HOUR)

    talk = Talk(at=START + HOUR, meddle=rotate)
    row = signed_in(talk.store)

    seen = opened(talk)

    assert (seen.standing, seen.session.sid) == (flows.Standing.FORMER, row.sid)
    assert opened(talk).standing is flows.Standing.INERT, "somebody who comes later may not"


def test_a_request_that_lost_to_a_use_finds_the_session_current() -> None:
    def used(store: ModelStore) -> None:
        store.rows[SID] = evolve(store.rows[SID], seen_at=START + HOUR)

    talk = Talk(at=START + HOUR, meddle=used)
    signed_in(talk.store)

    assert opened(talk).standing is flows.Standing.CURRENT


def test_a_request_whose_session_was_rotated_and_ended_while_it_opened_may_do_nothing() -> None:
    def end(store: ModelStore) -> None:
        row = store.rows[SID]
        store.rows[SID] = evolve(row, proof="1" * 64, state=State.LOGGED_OUT, reason=Reason.USER, ended_at=START)

    talk = Talk(at=START + HOUR, meddle=end)
    signed_in(talk.store)

    assert opened(talk).standing is flows.Standing.INERT


class Failing(ModelStore):
    """Fail to write."""

    def swap(self, old: Any, new: Any) -> bool:
        """Be down."""
        raise StoreUnavailable("down")


def test_an_end_that_cannot_be_recorded_is_one_all_the_same() -> None:
    talk = Talk(Failing(), at=START + HOUR)
    row = signed_in(talk.store)

    assert opened(talk) == flows.Opened(flows.Standing.FORMER, row, talk.store.epochs["alice"])


def test_a_lapse_that_cannot_be_recorded_is_a_failure_of_the_store() -> None:
    policy = Policy(mfa_lifetime=MINUTE)
    talk = Talk(Failing(), at=START + MINUTE)
    signed_in(talk.store, second=Kind.POSSESSION, mfa_methods=("otp",))

    failed = talk.run(flows.open_session(flows.Token(SID, "new"), policy))

    assert isinstance(failed, StoreUnavailable)


def test_a_lapse_that_shows_now_is_recorded_and_told_and_the_session_stays_current() -> None:
    policy = Policy(mfa_lifetime=MINUTE)
    talk = Talk(at=START + MINUTE)
    signed_in(talk.store, second=Kind.POSSESSION, mfa_methods=("otp",))

    seen = talk.run(flows.open_session(flows.Token(SID, "new"), policy))

    assert seen == flows.Opened(flows.CURRENT, talk.store.rows[SID], talk.store.epochs["alice"])
    assert seen.session.state is State.AUTHENTICATED
    assert [notice.what for notice in talk.told] == ["mfa_lapsed"]


def test_an_attempt_for_nobody_is_refused_before_the_store_is_asked() -> None:
    talk = Talk()

    assert isinstance(talk.run(flows.attempt("")), InvalidSetting)
    assert talk.heard == []
