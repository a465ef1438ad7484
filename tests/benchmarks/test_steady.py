"""What is compared with an earlier commit is the code of the tree that was named, and of no other."""

from pathlib import Path

import pytest
from benchmarks.earlier import ROOT, Earlier
from benchmarks.steady import measured


def test_both_worlds_are_measured() -> None:
    assert measured(ROOT, rounds=1).keys() == {"ASGI", "WSGI"}


def test_code_of_another_tree_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="was imported, and not what is in"):
        measured(tmp_path, rounds=1)


def test_half_of_the_time_here_is_half_of_the_time_there() -> None:
    assert Earlier("abc", "ASGI", recorded=6.0, then=9.0, now=4.5, ratio=0.5).there == 3.0
