"""How instants, spans and sizes are written: short for people, exact for programs."""

from datetime import UTC, datetime
from typing import Any, Final

from sessioncore import NEVER, Summary
from sessioncore.policy import DAY, HOUR, MINUTE, SECOND

_UNITS: Final = ((DAY, "d"), (HOUR, "h"), (MINUTE, "min"), (SECOND, "s"))
_SIZES: Final = ("B", "KiB", "MiB", "GiB", "TiB")


def instant(at: int) -> str | None:
    """Write an instant for programs: ISO 8601, in UTC."""
    if at == NEVER:
        return None
    return datetime.fromtimestamp(at / 1_000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def span(milliseconds: int) -> str:
    """Write a span by its largest unit: 26 min, 3 d."""
    length = abs(milliseconds)
    unit, name = next((one for one in _UNITS if length >= one[0]), _UNITS[-1])
    return f"{length // unit} {name}"


def relative(at: int, now: int) -> str:
    """Write an instant by how far it is away."""
    if at == NEVER:
        return "never"
    return f"{span(now - at)} ago" if at <= now else f"in {span(at - now)}"


def size(count: float) -> str:
    """Write a size in bytes by its largest unit."""
    power = 0
    while count >= 1024 and power < len(_SIZES) - 1:
        count, power = count / 1024, power + 1
    return f"{count:.1f} {_SIZES[power]}" if power else f"{count:.0f} B"


def described(one: Summary) -> dict[str, Any]:
    """Describe a session to a program."""
    return {
        "sid": one.sid,
        "subject": one.subject,
        "state": one.state.value,
        "methods": list(one.methods),
        "label": one.label,
        "remembered": one.remembered,
        "created_at": instant(one.created_at),
        "authenticated_at": instant(one.authenticated_at),
        "seen_at": instant(one.seen_at),
        "deadline": instant(one.deadline) if one.live else None,
        "ended_at": instant(one.ended_at),
        "reason": one.reason.value if one.reason else None,
    }


HEADINGS: Final = ("sid", "state", "seen", "ends", "where and how")


def line_of(one: Summary, now: int) -> tuple[str, ...]:
    """Describe a session to people, in a line of ``HEADINGS``; it has to fit a terminal of 80 columns."""
    how = [" + ".join(one.methods) or "guest", *(["remembered"] if one.remembered else [])]
    return (
        one.sid,
        one.state.value,
        relative(one.seen_at, now),
        relative(one.deadline, now) if one.live else f"{relative(one.ended_at, now)}: {one.reason}",
        f"{one.label} ({', '.join(how)})".strip(),
    )
