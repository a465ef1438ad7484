"""What must never break: one function an invariant, and its name in the message when it breaks.

Each takes what a layer can show of it: a stored change, a standing row, a request with its answer. Safety alone is
not enough (a machine that ends every session satisfies it), so ``NotEarly`` stands beside the rest.
"""

from .answers import ON_ANSWER, Exchange, logs_out, rotation_keeps_the_row, total
from .changes import ON_CHANGE, Stored
from .claim import Broken
from .looks import ON_LOOK, Look
from .notices import Ends, ends_of, every_end_told_once
from .outside import (
    Listing,
    Outcome,
    Recorded,
    Standing,
    cap_holds,
    ends_are_recorded,
    ends_in_time,
    fail_closed,
    lists_what_lives,
    logout_always_wins,
    purged,
    swept,
    unique_secrets,
)
from .rows import ON_ROW, Row
from .traces import no_secret_leak, traces_of

__all__ = [
    "ON_ANSWER",
    "ON_CHANGE",
    "ON_LOOK",
    "ON_ROW",
    "Broken",
    "Ends",
    "Exchange",
    "Listing",
    "Look",
    "Outcome",
    "Recorded",
    "Row",
    "Standing",
    "Stored",
    "cap_holds",
    "ends_are_recorded",
    "ends_in_time",
    "ends_of",
    "every_end_told_once",
    "fail_closed",
    "lists_what_lives",
    "logout_always_wins",
    "logs_out",
    "no_secret_leak",
    "purged",
    "rotation_keeps_the_row",
    "swept",
    "total",
    "traces_of",
    "unique_secrets",
]
