"""Logout notices that have not arrived yet: a bounded line for each client, for everybody to look at."""

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Final

from attrs import evolve, frozen

from sessioncore import NEVER

from ..world import log

MOST: Final = 10_000  # for one client
# Milliseconds before the next try; an application that is away for longer learns it from its own limits.
BACKOFF: Final = (1_000, 5_000, 30_000, 120_000, 600_000, 3_600_000)


class Outcome(StrEnum):
    """Name what became of one try."""

    DELIVERED = "delivered"
    AGAIN = "again"
    REFUSED = "refused"
    GIVEN_UP = "given_up"
    DROPPED = "dropped"


@frozen(kw_only=True)
class LogoutNotice:
    """Tell one client that a session (``sid``, as that client knows it) or all of a subject's are over.

    ``happened_at`` is when, in milliseconds; ``NEVER`` if that is when it is sent.
    """

    client_id: str
    subject: str
    sid: str = ""
    tries: int = 0
    due_at: int = 0
    happened_at: int = NEVER


Listener = Callable[[LogoutNotice, Outcome], object]


def log_outcome(notice: LogoutNotice, outcome: Outcome) -> None:
    """Write it to the log ``sessioncore``."""
    level = log.info if outcome in (Outcome.DELIVERED, Outcome.AGAIN) else log.error
    level("logout notice to %s %s after %d tries", notice.client_id, outcome, notice.tries)


class NoticeQueue:
    """Keep notices until they are delivered or given up; equal ones that wait already are one.

    Each client has a line of its own, in which ``most`` may wait: what one is owed takes no room from another's.
    """

    def __init__(self, listener: Listener = log_outcome, most: int = MOST) -> None:
        self._lines: dict[str, dict[tuple[str, str], LogoutNotice]] = {}
        self._listener = listener
        self._most = most

    @property
    def waiting(self) -> tuple[LogoutNotice, ...]:
        """List what waits, the next one due first."""
        return tuple(sorted(self._all(), key=_due_at))

    def add(self, notice: LogoutNotice) -> None:
        """Let a notice wait; beyond the cap it is dropped, and said to be."""
        if not self._waits(notice):
            self._say(notice, Outcome.DROPPED)

    def _waits(self, notice: LogoutNotice) -> bool:
        """Let a notice wait, if there is room in its line."""
        line = self._lines.setdefault(notice.client_id, {})
        if len(line) >= self._most and _key(notice) not in line:
            return False
        line[_key(notice)] = _both(notice, line.get(_key(notice), notice))
        return True

    def due(self, at: int) -> list[str]:
        """Name the clients that have something to be told by now."""
        return [name for name, line in self._lines.items() if any(notice.due_at <= at for notice in line.values())]

    def next_due(self, after: int) -> int:
        """Say when more will be due; ``NEVER`` if nothing waits for that."""
        return min((notice.due_at for notice in self._all() if notice.due_at > after), default=NEVER)

    def take(self, client_id: str, at: int) -> LogoutNotice | None:
        """Take the first of what is due out of a client's line."""
        line = self._lines.get(client_id, {})
        first = min(line.values(), key=_due_at, default=None)
        if first is None or first.due_at > at:
            return None
        return line.pop(_key(first))

    def settle(self, notice: LogoutNotice, outcome: Outcome, at: int) -> None:
        """Record a try: one that may succeed later waits for it, longer each time."""
        tried = evolve(notice, tries=notice.tries + 1)
        if outcome is Outcome.AGAIN and tried.tries > len(BACKOFF):
            outcome = Outcome.GIVEN_UP
        if outcome is Outcome.AGAIN and not self._waits(evolve(tried, due_at=at + BACKOFF[tried.tries - 1])):
            outcome = Outcome.DROPPED
        self._say(tried, outcome)

    def _all(self) -> Iterator[LogoutNotice]:
        return (notice for line in self._lines.values() for notice in line.values())

    def _say(self, notice: LogoutNotice, outcome: Outcome) -> None:
        try:
            self._listener(notice, outcome)
        except Exception:  # what a listener does wrong keeps nobody else waiting
            log.exception("a listener of logout notices failed")


def _both(one: LogoutNotice, other: LogoutNotice) -> LogoutNotice:
    """Say both with one: of the later event, as soon as the sooner, and tried as long as the newer."""
    return evolve(
        one,
        tries=min(one.tries, other.tries),
        due_at=min(one.due_at, other.due_at),
        happened_at=max(one.happened_at, other.happened_at),
    )


def _key(notice: LogoutNotice) -> tuple[str, str]:
    return notice.subject, notice.sid


def _due_at(notice: LogoutNotice) -> int:
    return notice.due_at
