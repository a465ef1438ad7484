"""What a sweep and a purge ask of the server: as little as they can, whatever lies there unreadable."""

import logging
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from sessioncore import Session
from sessioncore.policy import DAY
from sessioncore.testing.clock import START
from sessioncore.testing.rows import HOUR, ended, guest
from sessioncore_io.codec import encode
from sessioncore_io.valkey.calls import Calls
from sessioncore_io.valkey.scripts import FORGET
from sessioncore_io.valkey.talk import converse

CALLS = Calls("sc:", True)
LATER = START + DAY
SPOILT = b"an old release"


class Held:
    """Be a server that holds rows, and note what is asked of it."""

    def __init__(self) -> None:
        self.rows: dict[str, bytes] = {}
        self.lists: dict[str, dict[str, int]] = {}
        self.asked: Counter[str] = Counter()

    def put(self, number: int, *, spoilt: bool = False, over: bool = False) -> Session:
        """Hold a row whose place on its list is by number."""
        row = guest(f"{number:022d}", at=START + number)
        row = ended(row, START + number) if over else row
        self.rows[CALLS.row(row.sid)] = SPOILT if spoilt else encode(row)
        self.lists.setdefault(CALLS.list_of("x" if over else "d", row.sid), {})[row.sid] = START + number
        return row

    def send(self, commands: Sequence[Any]) -> list[Any]:
        """Answer."""
        kinds = {command[0] for command in commands}
        self.asked.update(kinds)
        self.asked["rows"] += sum(command[0] == "GET" for command in commands)
        return [self._answered(command) for command in commands]

    def _answered(self, command: Any) -> Any:
        match command:
            case "GET", key:
                return self.rows.get(key)
            case "ZRANGEBYSCORE", key, "-inf", last, "WITHSCORES", "LIMIT", 0, count:
                bound = int(str(last).removeprefix("(")) - (str(last)[0] == "(")
                found = sorted((at, sid) for sid, at in self.lists.get(key, {}).items() if at <= bound)
                return [part for at, sid in found[:count] for part in (sid.encode(), b"%d" % at)]
            case "EVALSHA", FORGET.digest, 2, row, index, sid, record:
                if record not in (b"", self.rows.get(row)) or self.lists[index].pop(sid, None) is None:
                    return 0
                return int(self.rows.pop(row, None) is not None)
            case "ZREMRANGEBYSCORE", *_:
                return 0
        raise AssertionError(command)


@pytest.fixture
def held() -> Held:
    """Give a server that holds nothing yet."""
    return Held()


def test_a_sweep_that_finds_enough_asks_once(held: Held, caplog: pytest.LogCaptureFixture) -> None:
    rows = [held.put(number) for number in range(5)]
    held.put(9, spoilt=True)

    assert converse(CALLS.due(LATER, 3), held.send) == rows[:3]
    assert held.asked == {"ZRANGEBYSCORE": 1, "GET": 1, "rows": 3}
    assert caplog.records == []


def test_a_sweep_goes_on_for_as_many_as_cannot_be_read(held: Held, caplog: pytest.LogCaptureFixture) -> None:
    held.put(0, spoilt=True)
    rows = [held.put(number) for number in range(1, 20)]

    assert converse(CALLS.due(LATER, 2), held.send) == rows[:2]
    assert held.asked == {"ZRANGEBYSCORE": 2, "GET": 2, "rows": 2 + 5}
    assert caplog.records == []  # nothing is missing from this answer


def test_a_sweep_that_just_finds_enough_complains_of_nothing(held: Held, caplog: pytest.LogCaptureFixture) -> None:
    held.put(0, spoilt=True)
    rows = [held.put(number) for number in (1, 2)]

    assert converse(CALLS.due(LATER, 2), held.send) == rows
    assert caplog.records == []


def test_a_sweep_says_how_many_records_it_could_not_read(held: Held, caplog: pytest.LogCaptureFixture) -> None:
    rows = [held.put(number) for number in (1, 2, 3)]
    held.put(0, spoilt=True)
    held.put(4, spoilt=True)
    with caplog.at_level(logging.ERROR):
        found = converse(CALLS.due(LATER, 9), held.send)

    assert found == rows
    assert [record.getMessage() for record in caplog.records] == [
        "2 overdue records cannot be read: treated as absent, until a purge forgets them"
    ]


def test_a_sweep_that_can_read_all_says_nothing(held: Held, caplog: pytest.LogCaptureFixture) -> None:
    rows = [held.put(number) for number in (1, 2, 3)]

    assert converse(CALLS.due(LATER, 9), held.send) == rows
    assert caplog.records == []


def test_a_purge_that_has_reached_its_limit_asks_for_nothing_more(held: Held) -> None:
    for number in range(5):
        held.put(number, over=True)

    assert converse(CALLS.purge(LATER, 3), held.send) == 3
    assert len(held.rows) == 2
    assert held.asked["ZRANGEBYSCORE"] == 1


def test_a_purge_never_forgets_more_than_its_limit(held: Held) -> None:
    for number in range(2):
        held.put(number, over=True)
    for number in range(10, 20):
        held.put(number, spoilt=True)

    assert converse(CALLS.purge(LATER, 4), held.send) == 4
    assert len(held.rows) == 8
    assert [converse(CALLS.purge(LATER, 4), held.send) for _ in range(3)] == [4, 4, 0]


def test_a_purge_leaves_what_has_just_ended_and_what_may_be_live(held: Held) -> None:
    held.put(5, over=True)
    held.put(6, spoilt=True)
    held.put(7)

    assert converse(CALLS.purge(START + 5, 9), held.send) == 0
    assert converse(CALLS.purge(START + HOUR, 9), held.send) == 2
    assert [*held.rows] == [CALLS.row(f"{7:022d}")]
