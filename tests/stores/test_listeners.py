"""Notices reach the log as fields, and several listeners at once."""

import json
import logging
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from sessioncore import InvalidSetting, Notice, Policy, Reason, What
from sessioncore.testing import Clock
from sessioncore_io import Sessions
from sessioncore_io.memory import MemoryStore
from sessioncore_io.notices import JsonLines, log_notice, several

ENDED = Notice(what=What.ENDED, at=5_000, sid="s1", subject="alice", reason=Reason.IDLE, created_at=2_000)


@pytest.fixture
def lines() -> Iterator[StringIO]:
    """Write the log ``sessioncore`` to a text, as lines of JSON."""
    log, text = logging.getLogger("sessioncore"), StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(JsonLines())
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    yield text
    log.removeHandler(handler)
    log.setLevel(logging.NOTSET)


def fields_of(lines: StringIO) -> list[dict[str, Any]]:
    """Read the lines, without the hour."""
    return [{key: value for key, value in json.loads(line).items() if key != "time"} for line in _split(lines)]


def _split(lines: StringIO) -> list[str]:
    return lines.getvalue().splitlines()


# -- the log -----------------------------------------------------------------------------------------------------


def test_a_notice_is_a_line_of_json_with_what_it_tells_and_no_more(lines: StringIO) -> None:
    log_notice(ENDED)

    assert fields_of(lines) == [
        {
            "level": "INFO",
            "logger": "sessioncore",
            "message": "ended sid='s1' subject='alice' reason='idle' created_at=2000",
            "what": "ended",
            "at": 5_000,
            "sid": "s1",
            "subject": "alice",
            "reason": "idle",
            "created_at": 2_000,
        }
    ]


def test_what_somebody_should_look_at_is_a_warning(lines: StringIO) -> None:
    for what in What:
        log_notice(Notice(what=what, at=1))
    warned = {line["what"] for line in fields_of(lines) if line["level"] == "WARNING"}

    assert warned == {"gave_up", "unavailable"}
    assert len(_split(lines)) == len(What)


def test_an_exception_stays_in_its_line(lines: StringIO) -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        logging.getLogger("sessioncore").exception("a %s failed", "listener")

    [line] = fields_of(lines)
    assert (line["message"], "two\nlines" in line["exception"]) == ("a listener failed", True)


def test_no_notice_of_a_whole_life_shows_a_secret(lines: StringIO, clock: Clock) -> None:
    sessions = Sessions(MemoryStore(), Policy(), clock)
    handle = sessions.open(None)
    handle.log_in(handle.attempt("alice"), "pwd")
    handle.commit()
    token: Any = handle.order
    sessions.end_all("alice", Reason.ADMIN)
    sessions.open(token)

    assert [line["what"] for line in fields_of(lines)] == ["began", "signed_in", "superseded", "ended"]
    assert token.sid in lines.getvalue()
    assert token.secret not in lines.getvalue()


# -- several -----------------------------------------------------------------------------------------------------


def test_a_listener_that_fails_keeps_no_other_from_hearing(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[Notice] = []

    def fails(notice: Notice) -> None:
        raise RuntimeError("out of paper")

    several(heard.append, fails, heard.append)(ENDED)

    assert heard == [ENDED, ENDED]
    assert "a listener failed" in caplog.text


def test_what_is_no_listener_is_refused_where_it_is_written_down() -> None:
    with pytest.raises(InvalidSetting, match="take a Notice"):
        several(log_notice, "log")  # type: ignore[arg-type]


# -- what else a line holds --------------------------------------------------------------------------------------


def line_of(**fields: Any) -> dict[str, Any]:
    """Write a record as a line, and read that."""
    record = logging.makeLogRecord({"name": "app", "levelname": "INFO", "msg": "%s", "args": ("hello",), **fields})
    read: dict[str, Any] = json.loads(JsonLines().format(record))
    return read


def test_a_line_has_its_millisecond_and_what_json_cannot_hold_is_text() -> None:
    assert line_of(created=1_700_000_000.5, where=Path("/x")) == {
        "time": "2023-11-14T22:13:20.500+00:00",
        "level": "INFO",
        "logger": "app",
        "message": "hello",
        "where": "/x",
    }


def test_what_other_formatters_leave_on_a_record_is_no_field_of_ours() -> None:
    assert set(line_of(created=1.0, message="old", asctime="now", taskName="t")) == {
        "time",
        "level",
        "logger",
        "message",
    }
