"""The command draws to the output, to a file or into a folder, and says what to do when it cannot."""

import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from sessioncore import TABLE, State
from sessioncore.diagram import dot, mermaid
from sessioncore_io.cli import main

SVG_IS_DRAWN = shutil.which("dot") is not None


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], mermaid()),
        (["--format", "mermaid"], mermaid()),
        (["--format", "dot"], dot()),
        (["--format", "dot", "--light", "MFA_SATISFIED"], dot(lit=State.MFA_SATISFIED)),
        (["--light", "logged_out"], mermaid(lit=State.LOGGED_OUT)),
    ],
)
def test_a_diagram_goes_to_the_output(arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diagram", *arguments]) == 0
    assert (expected, "") == capsys.readouterr()


def test_the_command_says_which_release_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        main(["--version"])

    assert (exited.value.code, capsys.readouterr().out) == (0, f"sessioncore {version('sessioncore')}\n")


def test_a_diagram_goes_to_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "session.dot"

    assert main(["diagram", "--format", "dot", "--output", str(target)]) == 0
    assert dot() == target.read_text(encoding="utf-8")
    assert capsys.readouterr() == ("", "")


def test_a_picture_is_drawn_or_graphviz_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["diagram", "--format", "svg", "--light", "created"])
    shown = capsys.readouterr()

    assert (0 if SVG_IS_DRAWN else 2) == code
    assert all(f">{state.name}</text>" in shown.out for state in State) == SVG_IS_DRAWN
    assert ("#ffd166" in shown.out) == SVG_IS_DRAWN
    assert "<!--" not in shown.out


def test_without_graphviz_a_picture_is_refused_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    target = tmp_path / "session.svg"

    assert main(["diagram", "--format", "svg", "--output", str(target)]) == 2
    assert re.search(r"^sessioncore: Graphviz.*apt install graphviz.*--format mermaid", capsys.readouterr().err)
    assert not target.exists()


def test_a_graphviz_that_fails_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "dot"
    broken.write_text("#!/bin/sh\necho 'no layout' >&2\nexit 3\n", encoding="utf-8")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    assert main(["diagram", "--format", "svg"]) == 2
    assert "ended with 3: no layout" in capsys.readouterr().err


def test_every_form_goes_into_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "docs" / "diagrams"

    assert main(["diagram", "--write", str(folder)]) == 0
    forms = {"session.mmd", "session.dot", "README.md"} | ({"session.svg"} if SVG_IS_DRAWN else set())
    assert forms == {path.name for path in folder.iterdir()}


def test_without_graphviz_a_folder_keeps_its_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "session.svg").write_text("drawn elsewhere", encoding="utf-8")

    assert main(["diagram", "--write", str(tmp_path)]) == 0
    assert "session.svg is left as it is" in capsys.readouterr().err
    assert (tmp_path / "session.svg").read_text(encoding="utf-8") == "drawn elsewhere"
    assert mermaid() == (tmp_path / "session.mmd").read_text(encoding="utf-8")


def test_the_page_has_the_diagram_and_a_line_a_row(tmp_path: Path) -> None:
    main(["diagram", "--write", str(tmp_path)])
    page = (tmp_path / "README.md").read_text(encoding="utf-8")
    lines = [line for line in page.splitlines() if line.startswith("| `")]

    assert f"```mermaid\n{mermaid()}```\n" in page
    assert len(TABLE) == len(lines)
    for row, line in zip(TABLE, lines, strict=True):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        assert [f"`{row.on.__name__}`", f"`{row.source.name}`", f"`{row.to.name}`"] == [cells[0], cells[1], cells[3]]
        assert re.match(rf"`{row.guard.__name__}`: [A-Z]", cells[2])
        assert re.match(rf"`{row.act.__name__}`: [A-Z]", cells[4])


def test_a_file_that_cannot_be_written_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diagram", "--output", str(tmp_path / "nowhere" / "session.mmd")]) == 2
    assert "No such file or directory" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [[], ["draw"], ["diagram", "--light", "asleep"], ["diagram", "--format", "png"], ["diagram", "x"]]
)
def test_a_wrong_command_line_ends_with_2_and_the_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exited:
        main(arguments)

    assert exited.value.code == 2
    assert "usage: sessioncore" in capsys.readouterr().err


def test_an_unknown_state_is_answered_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["diagram", "--light", "asleep"])

    assert f"'asleep' is no state of a session; use one of {', '.join(State)}" in capsys.readouterr().err


def test_the_module_runs_as_a_program() -> None:
    command = [sys.executable, "-m", "sessioncore_io.cli", "diagram", "--light", "reset"]
    ran = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)

    assert mermaid(lit=State.RESET) == ran.stdout
