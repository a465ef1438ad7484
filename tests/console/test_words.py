"""Instants, spans, sizes and sessions, as people and as programs read them."""

from typing import Final

import pytest
from attrs import evolve

from sessioncore import NEVER, Reason, State, Summary
from sessioncore_io.console.words import HEADINGS, described, instant, line_of, relative, size, span

NOW: Final = 1_700_000_000_123
PHONE: Final = Summary(
    sid="S" * 22,
    subject="alice",
    state=State.MFA_SATISFIED,
    label="Firefox on Linux",
    methods=("pwd", "otp"),
    remembered=True,
    created_at=NOW - 86_400_000,
    authenticated_at=NOW - 3_600_000,
    seen_at=NOW - 60_000,
    deadline=NOW + 7_200_000,
    ended_at=NEVER,
    reason=None,
)
ENDED: Final = evolve(PHONE, state=State.RESET, ended_at=NOW - 600_000, reason=Reason.PASSWORD_RESET)
GUEST: Final = evolve(PHONE, subject="", state=State.CREATED, label="", methods=(), remembered=False)


def test_an_instant_is_of_its_very_millisecond_and_of_utc() -> None:
    assert instant(NOW) == "2023-11-14T22:13:20.123Z"
    assert instant(0) == "1970-01-01T00:00:00.000Z"
    assert instant(NEVER) is None


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (999, "0 s"),
        (1_000, "1 s"),
        (3_599_999, "59 min"),
        (3_600_000, "1 h"),
        (86_399_999, "23 h"),
        (86_400_000, "1 d"),
    ],
)
def test_a_span_has_the_largest_unit_that_it_fills(milliseconds: int, text: str) -> None:
    assert (span(milliseconds), span(-milliseconds)) == (text, text)


def test_what_is_now_is_past() -> None:
    assert (relative(NOW, NOW), relative(NOW - 1_000, NOW), relative(NOW + 1_000, NOW)) == (
        "0 s ago",
        "1 s ago",
        "in 1 s",
    )


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1_023, "1023 B"),
        (1_024, "1.0 KiB"),
        (1_024**2 - 1_024, "1023.0 KiB"),
        (1_024**2, "1.0 MiB"),
        (5 * 1_024**3, "5.0 GiB"),
        (1_024**4, "1.0 TiB"),
        (3_000 * 1_024**4, "3000.0 TiB"),
    ],
)
def test_a_size_has_the_largest_unit_that_it_fills(count: int, text: str) -> None:
    assert size(count) == text


def test_a_session_is_described_to_programs() -> None:
    assert described(PHONE) == {
        "sid": "S" * 22,
        "subject": "alice",
        "state": "mfa_satisfied",
        "methods": ["pwd", "otp"],
        "label": "Firefox on Linux",
        "remembered": True,
        "created_at": "2023-11-13T22:13:20.123Z",
        "authenticated_at": "2023-11-14T21:13:20.123Z",
        "seen_at": "2023-11-14T22:12:20.123Z",
        "deadline": "2023-11-15T00:13:20.123Z",
        "ended_at": None,
        "reason": None,
    }


def test_one_that_ended_has_no_deadline_but_a_reason() -> None:
    told = described(ENDED)

    assert (told["state"], told["deadline"], told["reason"]) == ("reset", None, "password_reset")
    assert told["ended_at"] == "2023-11-14T22:03:20.123Z"


def test_a_session_is_a_line_to_people() -> None:
    assert len(HEADINGS) == len(line_of(PHONE, NOW))
    assert line_of(PHONE, NOW) == (
        "S" * 22,
        "mfa_satisfied",
        "1 min ago",
        "in 2 h",
        "Firefox on Linux (pwd + otp, remembered)",
    )
    assert line_of(ENDED, NOW)[3] == "10 min ago: password_reset"
    assert line_of(GUEST, NOW)[4] == "(guest)"
