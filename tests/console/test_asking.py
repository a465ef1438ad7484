"""Before what is final, somebody is asked, or has said ``--yes``."""

import sys
from argparse import Namespace
from collections.abc import Callable
from io import StringIO
from typing import Final

import pytest

from sessioncore_io.console.asking import NotConfirmed, confirm

QUESTION: Final = "End everything. This is final. Go on? [y/N] "


class Terminal(StringIO):
    """Have somebody read what is written, once it is flushed, and type what is to be read."""

    seen = ""

    def flush(self) -> None:
        """Show it."""
        self.seen = self.getvalue()

    def isatty(self) -> bool:
        """Say that somebody is there."""
        return True


Ask = Callable[..., str]


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Ask whoever is there; give what the terminal shows, if nobody said no."""

    def asked(stdin: StringIO, screen: Terminal | None = None, *, yes: bool = False) -> str:
        screen = screen or Terminal()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", stdin)
            patch.setattr(sys, "stderr", screen)
            confirm(Namespace(yes=yes), "End everything.")
        return screen.seen

    return asked


@pytest.mark.parametrize("answer", ["y\n", "yes\n", "Y\n", " Yes \n", "y"])
def test_a_yes_is_enough(answer: str, ask: Ask) -> None:
    assert ask(Terminal(answer)) == QUESTION


@pytest.mark.parametrize("answer", ["n\n", "no\n", "\n", "", "yes please\n", "j\n"])
def test_anything_else_is_a_no(answer: str, ask: Ask) -> None:
    screen = Terminal()
    with pytest.raises(NotConfirmed, match=r"^nothing was done$"):
        ask(Terminal(answer), screen)

    assert screen.seen == QUESTION


def test_where_nobody_can_be_asked_nothing_is_read(ask: Ask) -> None:
    piped, screen = StringIO("y\n"), Terminal()
    with pytest.raises(NotConfirmed) as refused:
        ask(piped, screen)

    advice = "This is final, so add --yes where nobody can be asked; nothing was done"
    assert str(refused.value) == f"End everything. {advice}"
    assert (screen.getvalue(), piped.tell()) == ("", 0)


@pytest.mark.parametrize("kind", [StringIO, Terminal])
def test_who_said_yes_before_is_not_asked(kind: type[StringIO], ask: Ask) -> None:
    stdin = kind("n\n")

    assert ask(stdin, yes=True) == ""
    assert stdin.tell() == 0
