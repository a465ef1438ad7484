"""What is said to a server, reply by reply: whichever wire carries it."""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from attrs import evolve
from valkey.exceptions import NoScriptError, ResponseError

from sessioncore import Epoch, Reason, Session, StoreUnavailable
from sessioncore.policy import DAY
from sessioncore.testing.clock import START
from sessioncore.testing.rows import OTHER, SID, ended, guest, rotated, touched, user
from sessioncore_io.codec import encode
from sessioncore_io.valkey import calls as valkey_calls
from sessioncore_io.valkey.calls import Calls
from sessioncore_io.valkey.keys import span_of
from sessioncore_io.valkey.scripts import HINT, LOAD, SWAP, Reads, Script
from sessioncore_io.valkey.talk import converse, tried

ONE = Calls("sc:", True)
CLUSTER = Calls("sc:", False)
SAFE = Calls("sc:", True, 2, 700)
FORGOTTEN = NoScriptError("No matching script")


def told(talk: Any, *replies: list[Any]) -> tuple[Any, list[list[Any]]]:
    """Hold a talk with these replies; give what came of it, and what was sent."""
    sent: list[list[Any]] = []
    answers = iter(replies)

    def send(commands: Sequence[Any]) -> list[Any]:
        sent.append(list(commands))
        return next(answers)

    return converse(talk, send), sent


def names(commands: Sequence[Any]) -> list[Any]:
    return [command[1] if command[0] == "EVALSHA" else command[0] for command in commands]


# -- scripts ---------------------------------------------------------------------------------------------------


def test_a_script_is_shown_by_its_digest_and_not_by_its_text() -> None:
    assert LOAD.digest in repr(LOAD)
    assert "redis.call" not in repr(LOAD)


def test_a_digest_is_made_where_sha1_is_forbidden_for_what_has_to_be_secure(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on machines in FIPS mode."""
    sha1 = hashlib.sha1

    def restricted(data: bytes, *, usedforsecurity: bool = True) -> Any:
        if usedforsecurity:
            raise ValueError("disabled for FIPS")
        return sha1(data, usedforsecurity=False)

    monkeypatch.setattr(hashlib, "sha1", restricted)

    assert Script("return 1").digest == "e0e1f9fabfc9d4800c877a703b823ac0578ff8db"


def test_a_script_that_was_forgotten_is_sent_again_with_what_waits_for_replicas() -> None:
    load, wait = LOAD.on("key"), ("WAIT", 2, 700)
    replies, sent = told(tried([("GET", "key"), load, wait]), [b"a", FORGOTTEN, 0], [b"b", 2])

    assert replies == [b"a", b"b", 2]
    assert sent[1] == [("EVAL", LOAD.source, 1, "key"), wait]


def test_too_few_replies_to_what_was_sent_again_are_no_answer() -> None:
    with pytest.raises(ValueError, match="shorter"):
        told(tried([LOAD.on("key"), LOAD.on("other")]), [FORGOTTEN, FORGOTTEN], [b"one"])


# -- reading ---------------------------------------------------------------------------------------------------


def loaded(calls: Calls, row: Session) -> None:
    told(calls.load(row.sid), [[encode(row), None]])


def test_a_row_that_was_seen_is_guessed_to_be_of_the_same_subject() -> None:
    calls = Calls("sc:", True)
    loaded(calls, user())
    guess = calls.guess(SID)

    assert guess is not None
    assert guess.reads == [("MGET", calls.row(SID), "sc:e:alice")]
    assert isinstance(guess.reads, Reads)
    assert guess.judged([[encode(user()), b"12"]]) == (user(), Epoch(value=12))
    assert guess.judged([[encode(evolve(user(), subject="bob")), b"12"]]) is None


@pytest.mark.parametrize("record", [None, b"an old release"])
def test_a_guess_knows_at_once_that_a_row_is_gone(record: bytes | None) -> None:
    """It need not be asked for a second time."""
    calls = Calls("sc:", True)
    loaded(calls, user())
    guess = calls.guess(SID)

    assert guess is not None
    assert guess.judged([[record, b"12"]]) == (None, None)


def test_a_guess_that_the_server_refuses_is_unavailable() -> None:
    calls = Calls("sc:", True)
    loaded(calls, user())
    guess = calls.guess(SID)
    assert guess is not None
    with pytest.raises(StoreUnavailable, match="Valkey: no permissions"):
        guess.judged([ResponseError("no permissions")])


def test_a_process_remembers_no_more_subjects_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(valkey_calls, "REMEMBERED", 2)
    calls = Calls("sc:", True)
    rows = [user(f"{number:022d}") for number in range(3)]
    known = []
    for row in rows:
        loaded(calls, row)
        known.append([calls.guess(each.sid) is not None for each in rows])

    assert known == [[True, False, False], [True, True, False], [False, False, True]]


def test_what_a_process_remembers_of_others_is_not_shown() -> None:
    calls = Calls("sc:", True)
    loaded(calls, user())

    assert "alice" not in repr(calls)
    assert SID not in repr(calls)


def test_a_guest_on_a_cluster_is_read_in_one_step() -> None:
    found, sent = told(CLUSTER.load(SID), [encode(guest())])

    assert found == (guest(), None)
    assert sent == [[("GET", CLUSTER.row(SID))]]


def test_a_user_on_a_cluster_is_read_before_the_epoch() -> None:
    found, sent = told(CLUSTER.load(SID), [encode(user())], [b"12"])

    assert found == (user(), Epoch(value=12))
    assert sent == [[("GET", CLUSTER.row(SID))], [("GET", "sc:e:alice")]]


def test_what_ended_of_an_upstream_session_is_listed_too() -> None:
    gone = ended(user(OTHER), START + 1)
    index = [SID.encode(), b"%d" % START, OTHER.encode(), b"-%d" % (START + 2)]
    found, sent = told(CLUSTER.of_upstream(*user().upstream), [index], [encode(user()), encode(gone)])

    assert found == [user(), gone]
    assert sent[0][0][2:4] == ("-inf", "+inf")


# -- writing ---------------------------------------------------------------------------------------------------


def test_a_login_on_one_server_is_written_in_one_step_with_its_hints() -> None:
    done, ((command,),) = told(ONE.swap(None, user()), [1])
    hints = tuple(ONE.hints(None, user()))
    lists = (ONE.row(SID), ONE.list_of("d", SID), ONE.list_of("x", SID))

    assert done is True
    assert command[:8] == ("EVALSHA", SWAP.digest, 5, *lists, *hints)
    assert command[-1] == span_of(user()) + DAY


def test_a_login_on_a_cluster_is_hinted_at_before_it_is_written() -> None:
    done, (first, (command,)) = told(CLUSTER.swap(None, user()), [None, None], [1])
    args = (START, SID, span_of(user()) + DAY)

    assert done is True
    assert first == [HINT.on(key, args=args) for key in CLUSTER.hints(None, user())]
    assert command[:3] == ("EVALSHA", SWAP.digest, 3)


@pytest.mark.parametrize("calls", [ONE, CLUSTER])
def test_what_needs_no_hint_is_written_in_one_step_everywhere(calls: Calls) -> None:
    for old, new in ((None, guest()), (user(), touched(user(), START + 1))):
        done, sent = told(calls.swap(old, new), [0])

        assert done is False
        assert [names(commands) for commands in sent] == [[SWAP.digest]]


MATTERS = {
    "a new session": (None, guest()),
    "a login": (guest(), rotated(user(), "second")),
    "a rotation": (guest(), rotated(guest(), "second")),
    "an end": (user(), ended(user(), START + 1)),
    "a new epoch": (user(), evolve(touched(user(), START), epoch=START + 1)),
}


@pytest.mark.parametrize(("old", "new"), MATTERS.values(), ids=MATTERS)
def test_what_matters_waits_for_replicas(old: Session | None, new: Session) -> None:
    done, ((_, wait),) = told(SAFE.swap(old, new), [1, 2])

    assert done is True
    assert wait == ("WAIT", 2, 700)


def test_a_touch_waits_for_no_replica() -> None:
    done, (sent,) = told(SAFE.swap(user(), touched(user(), START + 1)), [1])

    assert done is True
    assert names(sent) == [SWAP.digest]


@pytest.mark.parametrize(
    "call",
    [
        partial(Calls.swap, old=None, new=user()),
        partial(Calls.mint, subject="alice", at=START),
        partial(Calls.supersede, subject="alice", at=START, cause=Reason.ADMIN),
        partial(Calls.mark, name="jti", until=START),
    ],
    ids=["swap", "mint", "supersede", "mark"],
)
def test_what_too_few_replicas_have_is_not_acknowledged(call: Any) -> None:
    with pytest.raises(StoreUnavailable, match="only 1 of 2 replicas have it"):
        told(call(SAFE), [b"1", 1])


def test_nobody_waits_for_replicas_unless_that_is_asked_for() -> None:
    for talk in (ONE.swap(None, guest()), ONE.mint("alice", START), ONE.mark("jti", START)):
        sent: list[Any] = []
        with suppress(StopIteration):
            sent += next(talk)
            talk.send([b"1"])

        assert len(sent) == 1
        assert sent[0][0] != "WAIT"


def test_an_epoch_that_cannot_be_read_is_not_minted_over() -> None:
    with pytest.raises(StoreUnavailable, match="the epoch of 'alice' cannot be read; supersede it to end its sessions"):
        told(ONE.mint("alice", START), [b"spoilt"])
