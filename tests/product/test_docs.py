"""Every example of docs/testing.md is run as it stands there."""

import re
from pathlib import Path

import pytest
from tests.product.elsewhere import pytest_passes

import sessioncore.testing as testing

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "testing.md"
BLOCK = re.compile(r"<!-- file: (?P<name>\w+\.py) -->\n```python\n(?P<code>.*?)```\n", re.DOTALL)


def test_every_example_passes(tmp_path: Path) -> None:
    for block in BLOCK.finditer(PAGE.read_text("utf-8")):
        with (tmp_path / block["name"]).open("a", encoding="utf-8") as file:
            file.write(block["code"] + "\n")

    *skipped, tally = pytest_passes(tmp_path)

    assert [line for line in skipped if ": fill in " not in line] == [], "only hooks that the examples leave out"
    assert int(tally.partition(" passed")[0]) >= 125


def test_no_example_goes_untested() -> None:
    assert "```python" not in BLOCK.sub("", PAGE.read_text("utf-8"))


def test_every_name_on_offer_is_told_of() -> None:
    page = PAGE.read_text("utf-8")

    assert [name for name in testing.__all__ if name not in page and name != "log_in_as_async"] == []


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))], ids=lambda page: page.stem
)
def test_an_extra_is_in_quotes(page: Path) -> None:
    """Brackets are a pattern to zsh: without quotes it finds no file of that name, and installs nothing."""
    commands = re.findall(r"pip install [^`#\n]*", page.read_text("utf-8"))

    assert [command for command in commands if re.search(r"(?<!['\"\w.])[\w.]+\[", command)] == []
