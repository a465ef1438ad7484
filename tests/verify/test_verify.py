"""The table has every layer and says what each covered; a broken layer fails the run and tells its story."""

import re
import shlex
from pathlib import Path

import pytest
from attrs import evolve
from tests.verify import __main__ as verify
from tests.verify.layers import LAYERS, TINY, Layer, Outcome

from sessioncore import Session
from sessioncore.testing.model import ModelStore
from sessioncore_io.cli import main

PAGES = Path(__file__).parents[2] / "docs" / "verification"

COVERED = {
    "proof": "obligations",
    "machine, breadth first": "records",
    "interleavings": "schedules",
    "mutants of the table": "mutants",
    "stores, differential": "examples",
}


def test_a_tiny_run_prints_and_writes_one_row_a_layer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "docs" / "README.md"

    assert verify.main(TINY, page) == 0

    printed = capsys.readouterr().out
    rows = [line.strip("| ").split(" | ") for line in page.read_text().splitlines() if line.startswith("|")]
    assert rows[0] == ["layer", "covered", "time", "result"]
    assert list(COVERED) == [row[0] for row in rows[2:]]
    for name, covered, time, result in rows[2:]:
        assert COVERED[name] in covered
        assert covered[0] in "123456789"
        assert time.endswith(" s")
        assert result == "held"
        assert f"| {name} | {covered}" in printed
    for layer in LAYERS:
        assert layer.suite or f"**{layer.name}** shows" in page.read_text()


def test_the_layers_are_these() -> None:
    suites = ["linearizability and contracts", "property suite", "soak"]

    assert [*COVERED, *suites] == [layer.name for layer in LAYERS]
    assert suites == [layer.name for layer in LAYERS if layer.suite]


def test_a_broken_layer_fails_the_run_and_tells_its_story(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = Layer("a layer", lambda profile: Outcome("3 things", "the third is wrong"), "something", "the rest")
    monkeypatch.setattr(verify, "LAYERS", (broken,))

    assert verify.main(TINY, tmp_path / "README.md") == 1
    assert "the third is wrong" in capsys.readouterr().out
    assert "| a layer | 3 things | 0 s | **BROKEN** |" in (tmp_path / "README.md").read_text()


@pytest.mark.parametrize(
    "text", [verify.TEXT, *((PAGES / f"{page}.md").read_text("utf-8") for page in ("README", "exploring"))]
)
def test_the_schedule_on_the_page_replays_to_the_end(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The write that lost to the logout is told to its end, and leaves the session logged out."""
    [command] = re.findall(r"sessioncore (explore --only '[^']+' --replay '[^']+')", text)

    assert main(shlex.split(command)) == 0

    told = capsys.readouterr().out
    assert all(f"  {name} is done" in told for name in ("write", "logout"))
    assert "-> False" in told


@pytest.mark.parametrize("name", ["interleavings", "stores, differential"])
def test_a_model_that_upserts_breaks_the_layers_that_use_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def upsert(store: ModelStore, old: Session | None, new: Session) -> bool:
        store.rows[new.sid] = new
        return True

    monkeypatch.setattr(ModelStore, "swap", upsert)
    layer = next(layer for layer in LAYERS if layer.name == name)

    outcome = layer.run(evolve(TINY, every=9, examples=50))

    assert not outcome.held
    assert "swap" in outcome.story.lower()
