"""Every cell of the decision is what a second, independent reading of the specification says."""

from collections import Counter

import pytest
from tests.sso.cells import Cell, cells, decided, said
from tests.sso.reading import reading

from sessioncore.sso import ErrorCode, Interaction


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
