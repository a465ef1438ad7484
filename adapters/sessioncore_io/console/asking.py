"""Ask before something is done that cannot be undone."""

import sys
from argparse import Namespace

from sessioncore import SessionError


class NotConfirmed(SessionError):
    """Something final was asked for, and nobody said yes: nothing was done."""


def confirm(options: Namespace, what: str) -> None:
    """Ask on a terminal; elsewhere insist on ``--yes``. Raises ``NotConfirmed``."""
    if options.yes:
        return
    if not sys.stdin.isatty():
        raise NotConfirmed(f"{what} This is final, so add --yes where nobody can be asked; nothing was done")
    print(f"{what} This is final. Go on? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise NotConfirmed("nothing was done")
