"""Every cell of the decision is what a second, independent reading of the specification says."""

from collections import Counter
from itertools import islice

import pytest
from tests.sso.cells import Cell, cells, decided, said
from tests.sso.reading import reading

from sessioncore.sso import DECISIONS, Decision, ErrorCode, Interaction, conditions, decision


def test_every_cell_is_as_the_specification_reads(capsys: pytest.CaptureFixture[str]) -> None:
    answers: Counter[str] = Counter()
    differing: list[tuple[Cell, str, str]] = []
    for cell in cells():
        expected, actual = reading(cell), said(decided(cell))
        answers[actual] += 1
        if expected != actual:
            differing.append((cell, expected, actual))
    with capsys.disabled():
        print(f"\n{answers.total()} cells of the decision: {dict(answers.most_common())}")

    assert differing[:3] == []
    # A choice of account cannot be asked for beside none, so nobody is ever told that one is required.
    assert {*ErrorCode, *Interaction} - set(answers) == {ErrorCode.ACCOUNT_SELECTION_REQUIRED}


# A wish that is not met is granted like all else: its row is there to say so, with its clause.
COUNTING = [row for row in DECISIONS if row.condition is not conditions.wished_acr_unmet]


@pytest.mark.parametrize("row", COUNTING, ids=lambda row: row.condition.__name__)
def test_every_row_counts(row: Decision, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any one of them some cell is decided otherwise than the specification reads, or not at all."""
    monkeypatch.setattr(decision, "DECISIONS", tuple(other for other in DECISIONS if other is not row))
    some = islice(cells(), 0, None, 61)  # shares no factor with the number of words of any input

    assert any(reading(cell) != _tried(cell) for cell in some)


def _tried(cell: Cell) -> str:
    try:
        return said(decided(cell))
    except StopIteration:
        return "nothing"
