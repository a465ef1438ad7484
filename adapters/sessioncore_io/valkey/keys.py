"""The keys of a Valkey store, under its prefix; ``{7f}`` is the bucket of a selector.

A row and the lists that it is on share a bucket, so one script reaches them on a cluster too:

    s{7f}<sid>      a row                          e:<subject>       an epoch: its value, and its cause
    d{7f}           live rows by deadline          u:<subject>       rows of a subject: a hint
    x{7f}           ended rows by their end        p:<issuer, sid>   rows of an upstream session: a hint
    m{7f}           marks by their instant

A hint's score is the instant of the login, or minus the instant of the end once a reader has seen it.
"""

from functools import lru_cache
from typing import Final
from zlib import crc32

from attrs import frozen

from sessioncore import Epoch, Session
from sessioncore.policy import DAY

from ..codec import epoch_of

BUCKETS: Final = [f"{{{number:02x}}}" for number in range(256)]

# A row is garbage so long after it cannot be live any more. Longer than ``purge`` keeps tombstones by default.
KEEP: Final = 40 * DAY

# What a pattern would take for more than itself.
_LITERAL: Final = str.maketrans({letter: f"\\{letter}" for letter in "*?[]\\"})


@frozen
class Keys:
    """Name the keys under a prefix."""

    prefix: str

    @property
    def channel(self) -> str:
        """Name the channel on which ends are published."""
        return f"{self.prefix}ends"

    def key(self, kind: str, name: str) -> str:
        """Give the key of something that has one of its own."""
        return f"{self.prefix}{kind}:{name}"

    def list_of(self, kind: str, name: str) -> str:
        """Give the key of the list that a row, or a mark, is on."""
        return f"{self.prefix}{kind}{BUCKETS[crc32(name.encode()) & 255]}"

    def lists(self, kind: str) -> list[str]:
        """Give the keys of all lists of a kind."""
        return [f"{self.prefix}{kind}{bucket}" for bucket in BUCKETS]

    def row(self, sid: str) -> str:
        """Give the key of a row."""
        return self.list_of("s", sid) + sid

    def pattern(self, kind: str) -> str:
        """Give a pattern that matches the keys of a kind."""
        return f"{self.prefix.translate(_LITERAL)}{kind}{'{' if kind in 'sdxm' else ':'}*"

    def sid_of(self, key: bytes) -> str:
        """Give the selector of a row's key."""
        return key.decode()[len(self.prefix) + 5 :]

    def hints(self, old: Session | None, new: Session) -> list[str]:
        """Name the indexes that do not have the row yet, or as of another login."""
        if old is not None and (old.subject, old.upstream, old.since) == (new.subject, new.upstream, new.since):
            return []
        hints = [self.key("u", new.subject)] if new.subject else []
        return hints + ([self.upstream(*new.upstream)] if any(new.upstream) else [])

    def upstream(self, issuer: str, sid: str) -> str:
        """Give the key of the rows that depend on a session of an identity provider."""
        return self.key("p", f"{len(issuer)}:{issuer}{sid}")


def span_of(row: Session) -> int:
    """Give how long the server keeps a row: well beyond the last instant at which it can be live."""
    last = min(row.since + row.lifetime, row.not_after) if row.live else row.seen_at
    return max(0, last - row.seen_at) + KEEP


@lru_cache(maxsize=1_024)
def epoch_in(text: bytes | None) -> Epoch | None:
    """Read an epoch: its value and, if it was superseded, the cause. What cannot be read is absent."""
    value, _, cause = (text or b"").decode(errors="replace").partition(" ")
    if not (value.isascii() and value.isdigit()):
        return None
    return epoch_of(int(value), cause)
