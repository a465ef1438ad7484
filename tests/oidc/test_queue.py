"""The queue of logout notices: what waits, until when, and what its owner hears of it."""

import logging
from typing import Any, Final

import pytest

from sessioncore import NEVER
from sessioncore_io.oidc import LogoutNotice, Outcome
from sessioncore_io.oidc.queue import NoticeQueue, log_outcome

Heard = list[tuple[LogoutNotice, Outcome]]
AT: Final = 1_000_000


def notice(client_id: str = "rp", **other: Any) -> LogoutNotice:
    """Give a notice about alice."""
    told: dict[str, Any] = {"client_id": client_id, "subject": "alice", "sid": "s", "due_at": AT}
    return LogoutNotice(**(told | other))


def queue(most: int = 10) -> tuple[NoticeQueue, Heard]:
    """Give a queue, and what its owner hears."""
    heard: Heard = []
    return NoticeQueue(lambda told, outcome: heard.append((told, outcome)), most), heard


def test_a_notice_says_no_more_than_it_was_told() -> None:
    plain = LogoutNotice(client_id="rp", subject="alice")

    assert (plain.sid, plain.tries, plain.due_at, plain.happened_at) == ("", 0, 0, NEVER)


def test_what_waits_is_listed_in_the_order_in_which_it_is_due() -> None:
    waiting, _ = queue()
    for name, due_at in (("b", 2), ("a", 3), ("c", 1)):
        waiting.add(notice(name, due_at=due_at))

    assert [told.client_id for told in waiting.waiting] == ["c", "b", "a"]


def test_what_is_due_is_taken_out_once() -> None:
    waiting, _ = queue()
    for sid, due_at in (("now", AT), ("later", AT + 1), ("before", AT - 1)):
        waiting.add(notice(sid=sid, due_at=due_at))

    taken = [waiting.take("rp", AT) for _ in range(3)]
    assert [told and told.sid for told in taken] == ["before", "now", None]
    assert waiting.take("nobody", AT) is None
    assert [told.sid for told in waiting.waiting] == ["later"]


def test_who_has_something_due_is_known_and_when_more_will_be() -> None:
    waiting, _ = queue()
    for name, due_at in (("now", AT), ("later", AT + 1), ("later still", AT + 2)):
        waiting.add(notice(name, due_at=due_at))

    assert (waiting.due(AT - 1), waiting.next_due(AT - 1)) == ([], AT)
    assert (waiting.due(AT), waiting.next_due(AT)) == (["now"], AT + 1)
    assert (waiting.due(AT + 2), waiting.next_due(AT + 2)) == (["now", "later", "later still"], NEVER)
    waiting.take("now", AT)
    assert waiting.due(AT) == []


def test_two_that_say_the_same_are_one() -> None:
    """Of the later event, as soon as the sooner, and tried as long as the newer."""
    waiting, _ = queue()
    waiting.add(notice(tries=3, due_at=AT + 9, happened_at=5))
    waiting.add(notice(tries=0, due_at=AT, happened_at=7))
    waiting.add(notice(tries=2, due_at=AT + 5, happened_at=6))

    assert waiting.waiting == (notice(tries=0, due_at=AT, happened_at=7),)


@pytest.mark.parametrize("other", [{"client_id": "b"}, {"subject": "bob"}, {"sid": "t"}])
def test_two_that_differ_are_two(other: dict[str, str]) -> None:
    waiting, _ = queue()
    waiting.add(notice())
    waiting.add(notice(**other))

    assert len(waiting.waiting) == 2


def test_beyond_a_clients_cap_a_notice_is_dropped_and_said_to_be() -> None:
    """What one client is owed takes no room from another's."""
    waiting, heard = queue(most=2)
    for sid in ("a", "b", "c", "a"):
        waiting.add(notice(sid=sid))
    waiting.add(notice("other", sid="d"))

    assert [told.sid for told in waiting.waiting] == ["a", "b", "d"]
    assert heard == [(notice(sid="c"), Outcome.DROPPED)]


def test_a_notice_is_tried_again_later_each_time_and_given_up_in_the_end() -> None:
    waiting, heard = queue()
    told, at, pauses = notice(), AT, []
    for _ in range(7):
        waiting.settle(told, Outcome.AGAIN, at)
        if waiting.waiting:
            (told,) = waiting.waiting
            assert waiting.take(told.client_id, told.due_at) == told
            pauses.append(told.due_at - at)
            at = told.due_at

    assert pauses == [1_000, 5_000, 30_000, 120_000, 600_000, 3_600_000]
    assert [outcome for _, outcome in heard] == [Outcome.AGAIN] * 6 + [Outcome.GIVEN_UP]
    assert [tried.tries for tried, _ in heard] == [1, 2, 3, 4, 5, 6, 7]
    assert waiting.waiting == ()


def test_a_notice_that_finds_its_line_full_again_is_said_to_be_dropped_and_nothing_else() -> None:
    waiting, heard = queue(most=1)
    waiting.add(notice(sid="newer"))
    waiting.settle(notice(sid="older"), Outcome.AGAIN, AT)

    assert [told.sid for told in waiting.waiting] == ["newer"]
    assert heard == [(notice(sid="older", tries=1), Outcome.DROPPED)]


@pytest.mark.parametrize("outcome", [Outcome.DELIVERED, Outcome.REFUSED])
@pytest.mark.parametrize("tries", [0, 6, 7])
def test_what_was_answered_waits_no_more(outcome: Outcome, tries: int) -> None:
    waiting, heard = queue()
    waiting.settle(notice(tries=tries), outcome, AT)

    assert waiting.waiting == ()
    assert heard == [(notice(tries=tries + 1), outcome)]


@pytest.mark.parametrize(
    ("outcome", "level", "word"),
    [
        (Outcome.DELIVERED, logging.INFO, "delivered"),
        (Outcome.AGAIN, logging.INFO, "again"),
        (Outcome.REFUSED, logging.ERROR, "refused"),
        (Outcome.GIVEN_UP, logging.ERROR, "given_up"),
        (Outcome.DROPPED, logging.ERROR, "dropped"),
    ],
)
def test_the_log_says_what_became_of_a_notice(
    outcome: Outcome, level: int, word: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "sessioncore")
    log_outcome(notice(tries=3), outcome)

    assert caplog.record_tuples == [("sessioncore", level, f"logout notice to rp {word} after 3 tries")]
