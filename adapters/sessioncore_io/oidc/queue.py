"""Logout notices that have not arrived yet: bounded, in the order in which they are due, for everybody to look at."""

from collections.abc import Callable
from enum import StrEnum
from typing import Final

from attrs import evolve, frozen

from sessioncore import NEVER

from ..world import log

MOST: Final = 10_000
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
    """Keep notices until they are delivered or given up; equal ones that wait already are one."""

    def __init__(self, listener: Listener = log_outcome, most: int = MOST) -> None:
        self._waiting: dict[tuple[str, str, str], LogoutNotice] = {}
        self._listener = listener
        self._most = most

    @property
    def waiting(self) -> tuple[LogoutNotice, ...]:
        """List what waits, the next one due first."""
        return tuple(sorted(self._waiting.values(), key=lambda notice: notice.due_at))

    def add(self, notice: LogoutNotice) -> None:
        """Let a notice wait; beyond the cap it is dropped, and said to be."""
        if len(self._waiting) >= self._most and _key(notice) not in self._waiting:
            self._listener(notice, Outcome.DROPPED)
            return
        self._waiting[_key(notice)] = _both(notice, self._waiting.get(_key(notice), notice))

    def take(self, at: int) -> list[LogoutNotice]:
        """Take out what is due."""
        due = [notice for notice in self.waiting if notice.due_at <= at]
        for notice in due:
            del self._waiting[_key(notice)]
        return due

    def settle(self, notice: LogoutNotice, outcome: Outcome, at: int) -> None:
        """Record a try: one that may succeed later waits for it, longer each time."""
        tried = evolve(notice, tries=notice.tries + 1)
        if outcome is Outcome.AGAIN and tried.tries > len(BACKOFF):
            outcome = Outcome.GIVEN_UP
        if outcome is Outcome.AGAIN:
            self.add(evolve(tried, due_at=at + BACKOFF[tried.tries - 1]))
        self._listener(tried, outcome)


def _both(one: LogoutNotice, other: LogoutNotice) -> LogoutNotice:
    """Say both with one: of the later event, as soon as the sooner, and tried as long as the newer."""
    return evolve(
        one,
        tries=min(one.tries, other.tries),
        due_at=min(one.due_at, other.due_at),
        happened_at=max(one.happened_at, other.happened_at),
    )


def _key(notice: LogoutNotice) -> tuple[str, str, str]:
    return notice.client_id, notice.subject, notice.sid
