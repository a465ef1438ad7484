"""``sessioncore prove`` says what is proved, and fails when something is not."""

import pytest
from attrs import evolve

from sessioncore import TABLE, LogOut
from sessioncore import proof as proofs
from sessioncore_io.cli import main


def test_it_says_each_obligation_and_a_summary(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prove"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 572
    assert "Cover" in lines[0]
    assert lines[-1].partition(",")[2].strip().startswith("0 refuted")


def test_it_fails_and_shows_what_breaks_the_table(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = tuple(row for row in TABLE if row.on is not LogOut)
    monkeypatch.setattr(proofs, "SESSIONS", evolve(proofs.SESSIONS, rows=rows, extra=tuple(proofs.total(rows))))

    assert main(["prove", "--quiet"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("REFUTED")
    assert "LogOut on CREATED" in lines[0]
    assert lines[1].strip().startswith("session:")
