"""How results look: on a terminal of a known width, and to programs."""

import re
import sys
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Final

import pytest

from sessioncore_io.console.paper import Plain, Rich, as_json, show

LIST: Final = ("sid", "state", "seen", "ends", "where and how")
COLOURS: Final = ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "TTY_COMPATIBLE", "TTY_INTERACTIVE")


class Terminal(StringIO):
    """Be watched by somebody."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.fixture
def out(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Give a terminal that can do what most can."""
    for name in COLOURS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    return Terminal()


def uncoloured(text: str) -> str:
    """Leave out the colours, not what moves the cursor."""
    return re.sub(r"\x1b\[\d*m", "", text)


def test_a_line_is_said_as_it_is_however_long(out: Terminal) -> None:
    line = "[bold]'alice'[/bold] had 12 sessions at 10:30, " + "and so on " * 10 + "."
    Rich(out, width=60).say(line)

    assert out.getvalue() == f"{line}\n", "no markup, no colours for what looks like a value, and one line"


def test_a_table_has_bold_headings_and_nothing_at_its_edges(out: Terminal) -> None:
    Rich(out, width=60).table(("what", "value", "advice"), [("journal", "wal", "ok"), ("[b]disk", "9 GiB", "")])

    heading, *lines = out.getvalue().splitlines()
    assert heading == "\x1b[1mwhat   \x1b[0m\x1b[1m  \x1b[0m\x1b[1mvalue\x1b[0m\x1b[1m  \x1b[0m\x1b[1madvice\x1b[0m"
    assert lines == ["journal  wal    ok    ", "[b]disk  9 GiB        "]


def test_what_does_not_fit_is_folded_and_not_cut(out: Terminal) -> None:
    Rich(out, width=26).table(("what", "value"), [("file", "/var/lib/shop/sessions.db")])

    assert uncoloured(out.getvalue()).splitlines() == [
        "what  value               ",
        "file  /var/lib/shop/sessio",
        "      ns.db               ",
    ]


def test_a_narrow_terminal_still_gets_selectors_states_and_times_whole(out: Terminal) -> None:
    Rich(out, width=62).table(LIST, [("V" * 22, "mfa satisfied", "59 min ago", "in 2 min", "Safari on an iPhone")])

    lines = uncoloured(out.getvalue()).splitlines()
    assert max(map(len, lines)) <= 62
    assert [line[:51] for line in lines if "V" in line] == [f"{'V' * 22}  mfa satisfied  59 min ago  "]


def test_what_was_looked_at_is_whole_on_a_narrow_terminal_too(out: Terminal) -> None:
    advice = "others on this machine may read what sessions hold: chmod o-rwx"
    Rich(out, width=40).table(("what", "value", "advice"), [("sessions: integrity", "not ok at all", advice)])

    assert "\nsessions: integrity  " in uncoloured(out.getvalue())


def test_a_bar_of_twenty_cells_counts_and_goes_away(out: Terminal) -> None:
    with Rich(out, width=60).progress("counting rows") as progress:
        progress(1_234)

    frames = uncoloured(out.getvalue()).split("\r")
    assert re.fullmatch(r"\x1b\[2Kcounting rows ━{20} 1,234 0:00:\d\d\n\x1b\[\?25h", frames[-2])
    assert frames[-1] == "\x1b[1A\x1b[2K", "up, and the line is empty again"


def test_a_bar_is_never_full_for_nobody_knows_how_much_there_is(out: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    with Rich(out, width=60).progress("counting rows") as progress:
        progress(1_234)

    assert " 1,234 " in out.getvalue()
    assert "━" * 20 not in out.getvalue()


def test_plain_columns_are_as_wide_as_their_longest_cell() -> None:
    out = StringIO()
    Plain(out).table(("what", "count"), [("sessions, live", "3"), ("size", "20.0 KiB")])

    assert out.getvalue() == "what            count\nsessions, live  3\nsize            20.0 KiB\n"


def test_a_cell_without_a_heading_is_no_row_of_the_table() -> None:
    with pytest.raises(ValueError, match="zip"):
        Plain(StringIO()).table(("what",), [("sessions, live", "3")])


def test_json_is_laid_out_and_knows_paths_and_times() -> None:
    value = {"at": datetime(2026, 1, 2, tzinfo=UTC), "files": [Path("a.db")]}

    assert as_json(value) == '{\n  "at": "2026-01-02 00:00:00+00:00",\n  "files": [\n    "a.db"\n  ]\n}'


class Piped(StringIO):
    """Hold what is written, and what of it a reader has."""

    seen = ""

    def flush(self) -> None:
        """Pass it on."""
        self.seen = self.getvalue()


def test_a_program_has_the_result_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    out = Piped()
    monkeypatch.setattr(sys, "stdout", out)
    show([1], lambda paper: paper.say("one"), json_wanted=True)

    assert out.seen == "[\n  1\n]\n"


def test_people_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    show([1], lambda paper: paper.say("one"), json_wanted=False)

    assert capsys.readouterr() == ("one\n", "")
