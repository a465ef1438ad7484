"""``from sessioncore.testing import ...`` offers every piece, and loads only what is asked for."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.product.elsewhere import pytest_passes

import sessioncore.testing as testing


@pytest.mark.parametrize("name", testing.__all__)
def test_every_export_is_there(name: str) -> None:
    assert getattr(testing, name) is not None


def test_every_export_but_those_at_hand_has_a_home() -> None:
    at_hand = {"Clock", "log_in_as", "log_in_as_async"}

    assert {name for names in testing._HOMES.values() for name in names} == set(testing.__all__) - at_hand
    assert len(testing.__all__) == len(set(testing.__all__))


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'BaseContract'"):
        testing.BaseContract  # noqa: B018


HEAVY = "import sys; assert not {'hypothesis', 'pytest', '_pytest'} & set(sys.modules), 'too much was loaded'"


@pytest.mark.parametrize("names", ["Clock", "Clock, log_in_as, FaultyStore, RecordingStore, History, check_row"])
def test_what_an_applications_own_tests_need_loads_neither_hypothesis_nor_pytest(names: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"from sessioncore.testing import {names}; {HEAVY}"], capture_output=True, text=True
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_the_plugin_gives_a_clock(tmp_path: Path) -> None:
    check = "def test_it(sessioncore_clock):\n    sessioncore_clock.advance(5)\n    assert sessioncore_clock() > 5\n"
    (tmp_path / "test_it.py").write_text(check)

    assert pytest_passes(tmp_path) == ["1 passed"]
