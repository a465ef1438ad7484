"""Check what a store is told when it is built: by name, and before anything is opened."""

from typing import Final

from sessioncore import InvalidSetting

# Seconds: shorter, and a server's milliseconds round it to 0, which stands for "for ever".
LEAST: Final = 0.01
MOST: Final = 3_600


def checked_patience(patience: float, least: float = LEAST) -> float:
    """Refuse a patience that waits for nothing, or for ever."""
    if isinstance(patience, bool) or not isinstance(patience, int | float) or not least <= patience <= MOST:
        raise InvalidSetting("patience", patience, f"write seconds, {least} to {MOST}")
    return patience


def checked_count(name: str, count: int, least: int) -> int:
    """Refuse what is no number of replicas or of connections."""
    if isinstance(count, bool) or not isinstance(count, int) or count < least:
        raise InvalidSetting(name, count, f"write a whole number of at least {least}")
    return count


def checked_flag(name: str, flag: bool) -> bool:
    """Refuse anything but a bool: a configuration's "off" would be true."""
    if not isinstance(flag, bool):
        raise InvalidSetting(name, flag, "pass True or False")
    return flag


def checked_text(name: str, text: str, advice: str) -> str:
    """Refuse what is no text, and say what it is instead; but not what it holds, which may be a password."""
    if not isinstance(text, str):
        raise InvalidSetting(name, None if text is None else f"{type(text).__name__}(...)", advice)
    return text
