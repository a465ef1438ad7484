"""How a story says a value, and how a schedule says a move."""

from enum import StrEnum
from typing import Final

from sessioncore import Session
from sessioncore.effects import Effect


class Turn(StrEnum):
    """Name what happens at an actor's move; in a schedule the mark follows the actor's name."""

    ANSWERED = ""
    CRASH = "!"
    BEFORE = "-"
    AFTER = "+"


MARKS: Final = tuple(turn for turn in Turn if turn)


def said(value: object) -> str:
    """Say a value in few words: a story is read for its order, not for its records."""
    if isinstance(value, Session):
        return f"<{value.sid.rstrip('-_')} version {value.version}, {value.state} {value.subject}>"
    if isinstance(value, tuple):
        return ", ".join(map(said, value))
    if isinstance(value, Effect):
        parts = (said(getattr(value, name)) for name in getattr(value, "__match_args__", ()))
        return f"{type(value).__name__}({', '.join(parts)})"
    return str(value)
