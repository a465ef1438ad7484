"""What ``--help`` says, to the word: ``python -m tests.console.test_help`` writes it down anew, to be read over."""

import os
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Final

import pytest

from sessioncore_io.cli import main

KEPT: Final = Path(__file__).with_name("help.txt")
VERBS: Final = ("init", "check", "stats", "list", "end", "end-all", "reset", "sweep", "purge")
COMMANDS: Final = ("", "diagram", "prove", "explore", "store", *(f"store {verb}" for verb in VERBS))


def help_of(command: str) -> str:
    """Ask for it."""
    out = StringIO()
    with redirect_stdout(out), pytest.raises(SystemExit) as exited:
        main([*command.split(), "--help"])

    assert exited.value.code == 0
    return out.getvalue()


def helped() -> str:
    """Give the help of every command, as it is kept."""
    return "\n".join(f"$ sessioncore {command}".rstrip() + f" --help\n{help_of(command)}" for command in COMMANDS)


def words(text: str) -> list[str]:
    """Give it a command a line, wherever its lines break: each version of Python has its own idea of that."""
    return [" ".join(part.split()) for part in text.split("\n$ ")]


def test_the_help_of_every_command_is_what_was_read_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")

    assert words(helped()) == words(KEPT.read_text(encoding="utf-8")), "read it over: python -m tests.console.test_help"


def test_the_forms_of_a_url_stand_on_lines_of_their_own() -> None:
    lines = help_of("store").splitlines()

    assert "postgresql://user:password@host/database," in lines
    assert lines[2].startswith("The store is named by --store, or by the variable SESSIONCORE_STORE")


if __name__ == "__main__":
    os.environ["COLUMNS"] = "120"
    KEPT.write_text(helped(), encoding="utf-8")
