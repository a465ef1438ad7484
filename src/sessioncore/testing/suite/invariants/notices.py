"""What must hold of everything that was told."""

from collections import Counter
from collections.abc import Iterable

from attrs import frozen

from sessioncore import Notice, What
from sessioncore.flows.ending import never_lived

from ..witness import Change
from .claim import invariant


@frozen
class Ends:
    """Hold how often each end was stored, and how often it was told, by sid and reason."""

    stored: Counter[tuple[str, str]]
    told: Counter[tuple[str, str]]

    def __str__(self) -> str:
        return f"untold {dict(self.stored - self.told)}, told too often {dict(self.told - self.stored)}"


@invariant("EveryEndToldOnce")
def every_end_told_once(ends: Ends) -> bool:
    """Every end that is stored has exactly one notice, with its reason, whoever stored it."""
    return ends.stored == ends.told


def ends_of(changes: Iterable[Change], told: Iterable[Notice]) -> Ends:
    """Gather the ends that were stored and those that were told."""
    rows = (change.new for change in changes)
    stored = Counter((row.sid, str(row.reason)) for row in rows if not row.live and not never_lived(row))
    return Ends(stored, Counter((notice.sid, notice.reason) for notice in told if notice.what is What.ENDED))
