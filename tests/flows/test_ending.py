"""What ends and lists say to the world, word by word."""

from typing import Any

import pytest
from attrs import evolve
from tests.flows.conversing import POLICY, SID, Talk, guest, signed_in

from sessioncore import (
    ANY_SUBJECT,
    Contention,
    Epoch,
    InvalidSetting,
    Kind,
    Policy,
    Reason,
    State,
    flows,
)
from sessioncore import effects as fx
from sessioncore.flows.ending import BATCH
from sessioncore.flows.telling import PATIENCE
from sessioncore.policy import HOUR, MINUTE
from sessioncore.testing.clock import START
from sessioncore.testing.model import ModelStore
from sessioncore.values import Notice

# -- ends ----------------------------------------------------------------------------------------------------------


def test_ending_a_session_of_nobody_has_to_be_spelled_out() -> None:
    talk = Talk()

    wrong = talk.run(flows.end(SID, Reason.USER, "", POLICY))

    assert isinstance(wrong, InvalidSetting)
    assert (wrong.name, wrong.value) == ("subject", "")
    assert talk.heard == []


def test_ending_all_sessions_of_nobody_is_refused_before_the_store_is_asked() -> None:
    talk = Talk()

    wrong = talk.run(flows.end_all("", Reason.ADMIN))

    assert isinstance(wrong, InvalidSetting)
    assert (wrong.name, wrong.value) == ("subject", "")
    assert talk.heard == []


@pytest.mark.parametrize("subject", ["alice", ANY_SUBJECT])
def test_an_end_is_one_load_one_swap_and_one_notice(subject: Any) -> None:
    talk = Talk(at=START + MINUTE)
    row = signed_in(talk.store)

    assert talk.run(flows.end(SID, Reason.ADMIN, subject, POLICY)) is True

    ended = talk.store.rows[SID]
    assert talk.heard == [fx.Load(SID), fx.Swap(row, ended)]
    assert (ended.reason, ended.ended_at) == (Reason.ADMIN, talk.at)
    assert talk.told == [Notice(what="ended", at=talk.at, sid=SID, subject="alice", reason="admin", created_at=START)]


def test_whoever_had_to_try_twice_says_so() -> None:
    def touch(store: ModelStore) -> None:
        store.rows[SID] = evolve(store.rows[SID], version=3)

    talk = Talk(meddle=touch)
    signed_in(talk.store)

    assert talk.run(flows.end(SID, Reason.USER, "alice", POLICY)) is True
    assert talk.heard[2] == fx.Pause(1)
    assert [(notice.what, notice.attempts, notice.sid) for notice in talk.told] == [
        ("contended", 2, SID),
        ("ended", 1, SID),
    ]


def test_whoever_waited_for_two_seconds_gives_up_and_says_so() -> None:
    class Busy(ModelStore):
        def swap(self, old: Any, new: Any) -> bool:
            return False

    talk = Talk(Busy())
    signed_in(talk.store)

    gave_up = talk.run(flows.end(SID, Reason.USER, "alice", POLICY))

    pauses = [effect for effect in talk.heard if isinstance(effect, fx.Pause)]
    assert isinstance(gave_up, Contention)
    assert "4 attempts in 2100 ms" in str(gave_up)
    assert pauses == [fx.Pause(1), fx.Pause(2), fx.Pause(3)]
    assert talk.told == [Notice(what="gave_up", at=START, sid=SID, attempts=4)]
    assert PATIENCE == 2_000


# -- housekeeping --------------------------------------------------------------------------------------------------


def test_a_sweep_goes_on_as_long_as_batches_are_full_and_counts_what_ended() -> None:
    talk = Talk(at=START + HOUR)
    for n in range(BATCH + 1):
        signed_in(talk.store, f"{n:022}")

    assert talk.run(flows.sweep(POLICY)) == BATCH + 1
    assert [effect for effect in talk.heard if isinstance(effect, fx.Due)] == [fx.Due(talk.at, BATCH)] * 2
    assert len(talk.told) == BATCH + 1
    assert BATCH == 200


def test_a_sweep_that_ends_nothing_stops_though_its_batch_is_full() -> None:
    class Hinting(ModelStore):
        """Name rows whose time has not come."""

        def due(self, before: int, limit: int) -> Any:
            return [*self.rows.values()] * limit

    talk = Talk(Hinting())
    signed_in(talk.store)

    assert talk.run(flows.sweep(POLICY)) == 0
    assert talk.heard == [fx.Due(START, BATCH), *[fx.Load(SID)] * BATCH], "and it writes nothing"


def test_a_sweep_goes_on_if_only_one_of_a_full_batch_ended() -> None:
    class Hinting(ModelStore):
        """Fill the batches with rows whose time has not come."""

        def due(self, before: int, limit: int) -> Any:
            overdue = [row for row in self.rows.values() if row.live and row.deadline <= before]
            return [*overdue[:1], *[self.rows["z" * 22]] * (limit - 1)]

    talk = Talk(Hinting(), at=START + HOUR)
    for letter in "ab":
        signed_in(talk.store, letter * 22)
    signed_in(talk.store, "z" * 22, at=talk.at)

    assert talk.run(flows.sweep(POLICY)) == 2


def test_a_sweep_counts_no_row_that_is_gone_and_none_that_somebody_was_quicker_to_end() -> None:
    class Hinting(ModelStore):
        def due(self, before: int, limit: int) -> Any:
            return [guest("g" * 22), *self.rows.values()]

        def swap(self, old: Any, new: Any) -> bool:
            return False

    talk = Talk(Hinting(), at=START + HOUR)
    signed_in(talk.store)

    assert talk.run(flows.sweep(POLICY)) == 0
    assert talk.told == []


def test_a_sweep_does_not_count_a_factor_that_lapses() -> None:
    class Hinting(ModelStore):
        def due(self, before: int, limit: int) -> Any:
            return [*self.rows.values()]

    talk = Talk(Hinting(), at=START + MINUTE)
    signed_in(talk.store, second=Kind.POSSESSION, mfa_methods=("otp",))

    assert talk.run(flows.sweep(Policy(mfa_lifetime=MINUTE))) == 0
    assert [notice.what for notice in talk.told] == ["mfa_lapsed"]
    assert talk.store.rows[SID].state is State.AUTHENTICATED


def test_one_session_is_settled_when_its_time_has_come_and_only_then() -> None:
    talk = Talk()
    row = signed_in(talk.store)

    assert talk.run(flows.settle_one(SID, POLICY)) is False
    talk.at = row.deadline
    assert talk.run(flows.settle_one(SID, POLICY)) is True
    assert talk.store.rows[SID].reason is Reason.IDLE
    assert talk.run(flows.settle_one(SID, POLICY)) is False
    assert talk.run(flows.settle_one("nobody", POLICY)) is False
    assert [(notice.what, notice.at) for notice in talk.told] == [("ended", row.deadline)]


def test_a_purge_goes_on_as_long_as_batches_are_full_and_counts_them() -> None:
    talk = Talk(at=START + HOUR)
    for n in range(BATCH + 1):
        row = signed_in(talk.store, f"{n:022}")
        ended = evolve(row, state=State.LOGGED_OUT, reason=Reason.USER, ended_at=START)
        talk.store.rows[row.sid] = ended

    assert talk.run(flows.purge(MINUTE)) == BATCH + 1
    assert talk.heard == [fx.Purge(talk.at - MINUTE, BATCH)] * 2


# -- ends of all ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", [Reason.IDLE, Reason.LIFETIME, Reason.UPSTREAM])
def test_nobody_ends_all_sessions_by_a_limit(reason: Reason) -> None:
    talk = Talk()

    wrong = talk.run(flows.end_all("alice", reason))

    assert isinstance(wrong, InvalidSetting)
    assert (wrong.name, wrong.value, talk.heard) == ("reason", reason, [])


def test_all_sessions_end_by_one_word_to_the_store_and_one_notice() -> None:
    talk = Talk()

    epoch = talk.run(flows.end_all("alice", Reason.ADMIN))

    assert epoch == Epoch(value=START, cause=Reason.ADMIN)
    assert talk.heard == [fx.Supersede("alice", START, Reason.ADMIN)]
    assert talk.told == [Notice(what="superseded", at=START, subject="alice", reason="admin")]


def test_a_reset_without_a_write_ends_all_sessions_once() -> None:
    talk = Talk()

    assert talk.run(flows.reset_password("alice", None)) is None
    assert talk.heard == [fx.Supersede("alice", START, Reason.PASSWORD_RESET)]


def test_a_reset_whose_write_failed_ends_all_sessions_again_before_it_says_so() -> None:
    talk = Talk()

    def failing() -> None:
        raise ZeroDivisionError("a bug of the application")

    with pytest.raises(ZeroDivisionError, match="a bug of the application"):
        talk.run(flows.reset_password("alice", failing))
    assert [type(effect) for effect in talk.heard] == [fx.Supersede, fx.Call, fx.Supersede]
