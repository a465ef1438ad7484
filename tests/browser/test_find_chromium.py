"""Chromium is found where it is, got where it is not, and missed in plain words."""

import os
import sys
from pathlib import Path

import pytest

from . import find_chromium


def program(path: Path, script: str = "") -> Path:
    """Write a program that can be run."""
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a machine without any browser, and the only directory on its PATH."""
    directory = tmp_path / "bin"
    directory.mkdir()
    monkeypatch.setenv("PATH", str(directory))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "nothing"))
    monkeypatch.delenv("CHROMIUM", raising=False)
    return directory


def test_the_named_one_comes_first(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(bare / "chromium")
    named = program(bare / "mine")
    monkeypatch.setenv("CHROMIUM", str(named))

    assert find_chromium.find() == str(named)


def test_a_named_one_that_is_not_there_is_an_error(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(bare / "chromium")
    monkeypatch.setenv("CHROMIUM", "/nowhere/chromium")

    with pytest.raises(SystemExit, match="CHROMIUM=/nowhere/chromium is not a program"):
        find_chromium.find()


@pytest.mark.parametrize("name", find_chromium.NAMES)
def test_one_on_the_path_is_found(bare: Path, name: str) -> None:
    expected = program(bare / name)

    assert find_chromium.find() == str(expected)


@pytest.mark.parametrize("name", find_chromium.SHELLS)
def test_a_headless_shell_is_taken_where_nothing_is_to_be_seen(bare: Path, name: str) -> None:
    whole, shell = program(bare / "chromium"), program(bare / name)

    assert find_chromium.find_headless() == str(shell)
    assert find_chromium.find() == str(whole)


def test_without_a_headless_shell_the_whole_browser_is_taken(bare: Path) -> None:
    expected = program(bare / "chromium")

    assert find_chromium.find_headless() == str(expected)


def test_the_named_one_is_taken_for_everything(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(bare / "chromium-headless-shell")
    named = program(bare / "mine")
    monkeypatch.setenv("CHROMIUM", str(named))

    assert find_chromium.find_headless() == str(named)


def test_whoever_has_no_headless_shell_is_told_of_it(bare: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program(bare / "chromium")
    find_chromium.main([])
    without = capsys.readouterr().err
    program(bare / "chromium-headless-shell")
    find_chromium.main([])

    assert without == f"{find_chromium.HINT}\n"
    assert capsys.readouterr().err == ""


def test_playwrights_own_is_found(bare: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "downloads"))
    with sync_playwright() as playwright:
        path = Path(playwright.chromium.executable_path)
    path.parent.mkdir(parents=True)
    program(path)

    assert find_chromium.find() == str(path)


def test_playwrights_own_headless_shell_is_found(bare: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "downloads"))
    with sync_playwright() as playwright:
        folder = Path(playwright.chromium.executable_path).parents[1]
    number = folder.name.rpartition("-")[2]
    path = (
        folder.parent / f"chromium_headless_shell-{number}" / "chrome-headless-shell-linux64" / "chrome-headless-shell"
    )
    path.parent.mkdir(parents=True)
    program(path)

    assert find_chromium.find_headless() == str(path)


def test_without_any_it_says_what_to_do(bare: Path) -> None:
    with pytest.raises(SystemExit, match="no Chromium found: install one"):
        find_chromium.main([])


def test_root_installs_the_systems_package(
    bare: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    asked = bare / "asked"
    unpack = f'test "$1" = update || /bin/ln -s /bin/true {bare}/chromium'
    program(bare / "apt-get", f'echo "$*" >>{asked}\n{unpack}')
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    find_chromium.main(["--install"])

    assert capfd.readouterr().out == f"{bare}/chromium\n"
    assert asked.read_text().splitlines() == [
        "update -qq",
        "install -y -qq --no-install-recommends chromium",
        "install -y -qq --no-install-recommends chromium-headless-shell",
    ]


def test_anybody_else_gets_playwrights(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = program(bare / "python", f'echo "$*" >>{bare}/asked\nexit 1')
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(sys, "executable", str(python))
    program(bare / "apt-get", "exit 9")
    with pytest.raises(SystemExit, match="no Chromium found: install one"):
        find_chromium.main(["--install"])

    assert (bare / "asked").read_text() == "-m playwright install chromium\n"


def test_nothing_is_installed_where_one_is_found(
    bare: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    expected = program(bare / "chromium")
    program(bare / "apt-get", f": >{bare}/asked")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    find_chromium.main(["--install"])

    assert capfd.readouterr().out == f"{expected}\n"
    assert not (bare / "asked").exists()
