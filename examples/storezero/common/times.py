"""How instants and spans are written for people, in the time zone of the shop."""

from datetime import datetime

from sessioncore.policy import DAY, HOUR, MINUTE, SECOND


def clock_time(at: int) -> str:
    """Write an instant as a time of day."""
    return datetime.fromtimestamp(at / 1000).strftime("%H:%M:%S")


def day_and_time(at: int) -> str:
    """Write an instant with its day."""
    return datetime.fromtimestamp(at / 1000).strftime("%-d %b, %H:%M")


def span(milliseconds: int) -> str:
    """Write a span as a countdown: ``29:59``, ``11:59:59`` or ``13 d 23:59:59``."""
    days, rest = divmod(max(milliseconds, 0), DAY)
    hours, rest = divmod(rest, HOUR)
    minutes, rest = divmod(rest, MINUTE)
    tail = f"{minutes:02}:{rest // SECOND:02}"
    if days:
        return f"{days} d {hours:02}:{tail}"
    return f"{hours}:{tail}" if hours else tail
