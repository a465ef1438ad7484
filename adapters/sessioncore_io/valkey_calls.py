"""What a Valkey store says to its server, as generators: commands out, replies in, whoever awaits them.

Keys, under the store's prefix; ``{7f}`` is the bucket of a selector, so one script reaches a row and its lists on a
cluster too:

    s{7f}<sid>      a row                          e:<subject>       an epoch: its value, and its cause
    d{7f}           live rows by deadline          u:<subject>       rows of a subject: a hint
    x{7f}           ended rows by their end        p:<issuer, sid>   rows of an upstream session: a hint
    m{7f}           marks by their instant

A hint's score is the instant of the login, or minus the instant of the end once a reader has seen it.
"""

from collections.abc import Callable, Generator, Iterable, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, Final, TypeVar
from zlib import crc32

from attrs import field, frozen
from valkey.exceptions import NoScriptError

from sessioncore import Epoch, Reason, Session, StoreUnavailable
from sessioncore.policy import DAY, HOUR

from .codec import encode, readable
from .valkey_scripts import (
    FORGET,
    HINT,
    LOAD,
    MINT,
    SUPERSEDE,
    SWAP,
    UNHINT,
    UNLIST,
    Command,
    Reads,
    with_source,
)
from .world import log

T = TypeVar("T")
Talk = Generator[Sequence[Command], list[Any], T]

BUCKETS: Final = [f"{{{number:02x}}}" for number in range(256)]

# A row is garbage so long after it cannot be live any more. Longer than ``purge`` keeps tombstones by default.
KEEP: Final = 40 * DAY

# A swap that wrote its hint is not under way for so long: without its row, the hint is garbage.
UNDER_WAY: Final = HOUR

# Selectors whose subject a process remembers, some 500 bytes each.
REMEMBERED: Final = 10_000

# A cause that this release does not know still ends sessions: by somebody with the right to do so.
_CAUSES: Final = {reason.value: reason for reason in Reason}


def ask(*commands: Command) -> Talk[list[Any]]:
    """Send commands and give their replies. Raises ``StoreUnavailable`` for one that the server refused."""
    return (yield from _asked(list(commands)))


def read(*commands: Command) -> Talk[list[Any]]:
    """Send commands that only read, if there are any, and give their replies."""
    return (yield from _asked(Reads(commands))) if commands else []


def _asked(commands: list[Command]) -> Talk[list[Any]]:
    replies = yield commands
    forgotten = [place for place, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
    if forgotten:
        again = yield type(commands)(with_source(commands[place]) for place in forgotten)
        for place, reply in zip(forgotten, again, strict=True):
            replies[place] = reply
    for reply in replies:
        if isinstance(reply, Exception):
            raise StoreUnavailable(f"Valkey: {reply}") from reply
    return replies


@frozen
class Calls:
    """Make the talk of each method of the port; ``whole`` says that one server holds all keys."""

    prefix: str
    whole: bool
    _seen: dict[str, tuple[str, Reads]] = field(factory=dict, init=False, repr=False, eq=False)

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

    # -- the port ------------------------------------------------------------------------------------------

    def load(self, sid: str) -> Talk[tuple[Session | None, Epoch | None]]:
        """Read the row and its subject's epoch in one step; on a cluster in two.

        Whose row it is the record says, so a script finds the epoch. A process that has seen the row before guesses
        that it has not changed hands, and asks for both by name, which costs half as much.
        """
        if not self.whole:
            return (yield from self._load_apart(sid))
        known = self._seen.get(sid)
        if known is not None:
            ((found, epoch),) = yield from _asked(known[1])
            row = None if found is None else readable(sid, found)
            if row is None or row.subject == known[0]:
                return row, (epoch_of(epoch) if row is not None and row.subject else None)
        (loaded,) = yield from read(LOAD.on(self.row(sid), args=(f"{self.prefix}e:",)))
        row = None if loaded is None else readable(sid, loaded[0])
        if row is None:
            return None, None
        self._remember(row)
        return row, epoch_of(loaded[1])

    def _remember(self, row: Session) -> None:
        if len(self._seen) >= REMEMBERED:
            self._seen.clear()
        self._seen[row.sid] = row.subject, Reads([("MGET", self.row(row.sid), self.key("e", row.subject))])

    def _load_apart(self, sid: str) -> Talk[tuple[Session | None, Epoch | None]]:
        """Read the row first: an epoch that moves on between the two ends the session, never the other way round."""
        (row,) = yield from self._rows([sid])
        if row is None or not row.subject:
            return row, None
        return row, (yield from self.epoch(row.subject))

    def swap(self, old: Session | None, new: Session) -> Talk[bool]:
        """Replace exactly ``old``; on a cluster the hints are written first, for they are in other slots."""
        if old is not None and not old.live:
            return False  # ended, or no longer this: false either way
        instant, span = new.seen_at, span_of(new)
        hints = self._hints(old, new)
        if hints and not self.whole:
            yield from ask(*(HINT.on(key, args=(instant, new.sid, span + DAY)) for key in hints))
        lists = (self.row(new.sid), self.list_of("d", new.sid), self.list_of("x", new.sid))
        args = (
            encode(old) if old is not None else b"",
            encode(new),
            new.sid,
            new.deadline if new.live else new.ended_at,
            1 if new.live else 0,
            span,
            self.channel,
            instant,
            span + DAY,
        )
        (done,) = yield from ask(SWAP.on(*lists, *(hints if self.whole else ()), args=args))
        return bool(done)

    def epoch(self, subject: str) -> Talk[Epoch | None]:
        """Read the subject's epoch."""
        (found,) = yield from read(("GET", self.key("e", subject)))
        return epoch_of(found)

    def mint(self, subject: str, at: int) -> Talk[Epoch]:
        """Insert the epoch if the subject has none; return what stands."""
        (found,) = yield from ask(MINT.on(self.key("e", subject), args=(at,)))
        standing = epoch_of(found)
        if standing is None:
            raise StoreUnavailable(f"the epoch of {subject!r} cannot be read; supersede it to end its sessions")
        return standing

    def supersede(self, subject: str, at: int, cause: Reason, expected: int | None = None) -> Talk[Epoch | None]:
        """Move the epoch on, if it is the expected one."""
        args = (at, cause.value, "" if expected is None else expected, self.channel, subject)
        (moved,) = yield from ask(SUPERSEDE.on(self.key("e", subject), args=args))
        return Epoch(value=int(moved), cause=cause) if moved is not None else None

    def of_subject(self, subject: str, *, live: bool = False) -> Talk[Sequence[Session]]:
        """List the rows of the subject, or only the live ones."""
        if not subject:
            return []
        return (yield from self._listed(self.key("u", subject), live, lambda row: row.subject == subject))

    def of_upstream(self, issuer: str, sid: str) -> Talk[Sequence[Session]]:
        """List the rows that depend on this session of an identity provider."""
        if not issuer:
            return []
        return (yield from self._listed(self._upstream(issuer, sid), False, lambda row: row.upstream == (issuer, sid)))

    def due(self, before: int, limit: int) -> Talk[Sequence[Session]]:
        """List live rows whose deadline has passed; those that cannot be read do not stand before the others."""
        wanted = limit
        while True:
            overdue = yield from self._overdue(before, wanted)
            rows = [row for _, record, row in overdue if row is not None]
            if len(rows) >= limit or len(overdue) < wanted:
                break
            wanted += limit + len(overdue) - len(rows)
        if len(rows) < limit and (unreadable := len(overdue) - len(rows)):
            log.error("%d overdue records cannot be read: treated as absent, until a purge forgets them", unreadable)
        return rows[:limit]

    def purge(self, before: int, limit: int) -> Talk[int]:
        """Forget marks and ended rows of before, and unreadable rows whose deadline was before."""
        yield from ask(*(("ZREMRANGEBYSCORE", key, "-inf", f"({before}") for key in self.lists("m")))
        ended = yield from self._first("x", f"({before}", limit)
        gone = yield from self._forget_ended(ended)
        if gone < limit:
            gone += yield from self._forget_unreadable(before - 1, limit - gone)
        return gone

    def mark(self, name: str, until: int) -> Talk[bool]:
        """Remember the name; tell whether this was the first time."""
        (first,) = yield from ask(("ZADD", self.list_of("m", name), "GT", until, name))
        return bool(first)

    # -- what they share -----------------------------------------------------------------------------------

    def _hints(self, old: Session | None, new: Session) -> list[str]:
        """Name the indexes that do not have the row yet, or as of another login."""
        if old is not None and (old.subject, old.upstream, old.since) == (new.subject, new.upstream, new.since):
            return []
        hints = [self.key("u", new.subject)] if new.subject else []
        return hints + ([self._upstream(*new.upstream)] if any(new.upstream) else [])

    def _upstream(self, issuer: str, sid: str) -> str:
        return self.key("p", f"{len(issuer)}:{issuer}{sid}")

    def _rows(self, sids: Sequence[str]) -> Talk[list[Session | None]]:
        records = yield from read(*(("GET", self.row(sid)) for sid in sids))
        return [
            readable(sid, record) if record is not None else None for sid, record in zip(sids, records, strict=True)
        ]

    def _listed(self, index: str, live: bool, mine: Callable[[Session], bool]) -> Talk[list[Session]]:
        """Follow an index's hints, and repair those that do not hold."""
        (flat,) = yield from read(("ZRANGEBYSCORE", index, 0 if live else "-inf", "+inf", "WITHSCORES"))
        hints = [(sid.decode(), int(score)) for sid, score in zip(flat[::2], flat[1::2], strict=True)]
        rows = yield from self._rows([sid for sid, _ in hints])
        newest = max((instant for _, instant in hints), default=0)
        repairs, found = list[Command](), list[Session]()
        for (sid, instant), row in zip(hints, rows, strict=True):
            if row is None or not mine(row):
                if instant < newest - UNDER_WAY:
                    repairs.append(UNHINT.on(index, args=(sid, instant)))
                continue
            if instant >= 0 and not row.live:
                repairs.append(("ZADD", index, "XX", -1 - row.ended_at, sid))
            if row.live or not live:
                found.append(row)
        if repairs:
            yield repairs  # whether they were done is nothing to this answer: the next reader tries again
        return found

    def _first(self, kind: str, last: int | str, limit: int) -> Talk[list[str]]:
        """Give the first selectors on all lists of a kind, up to a score, in one order.

        A little is asked of each list; only those that may hold more of the first ones are asked again.
        """
        share = min(limit, limit // 32 + 4)
        heads = yield from self._heads(self.lists(kind), last, share)
        first = sorted(chain.from_iterable(heads.values()))[:limit]
        full = [key for key, head in heads.items() if len(head) == share < limit]
        more = [key for key in full if len(first) < limit or heads[key][-1] < first[-1]]
        if more:
            heads |= yield from self._heads(more, last, limit)
            first = sorted(chain.from_iterable(heads.values()))[:limit]
        return [sid for _, sid in first]

    def _heads(self, keys: Iterable[str], last: int | str, count: int) -> Talk[dict[str, list[tuple[int, str]]]]:
        keys = list(keys)
        replies = yield from read(
            *(("ZRANGEBYSCORE", key, "-inf", last, "WITHSCORES", "LIMIT", 0, count) for key in keys)
        )
        return {
            key: [(int(score), sid.decode()) for sid, score in zip(flat[::2], flat[1::2], strict=True)]
            for key, flat in zip(keys, replies, strict=True)
        }

    def _overdue(self, before: int, limit: int) -> Talk[list[tuple[str, bytes, Session | None]]]:
        """Give overdue rows with their bytes, readable or not; those that are gone are taken off the list."""
        sids = yield from self._first("d", before, limit)
        records = yield from read(*(("GET", self.row(sid)) for sid in sids))
        found = list(zip(sids, records, strict=True))
        gone = [
            UNLIST.on(self.row(sid), self.list_of("d", sid), args=(sid,)) for sid, record in found if record is None
        ]
        if gone:
            yield gone
        return [(sid, record, readable(sid, record, quiet=True)) for sid, record in found if record is not None]

    def _forget_ended(self, sids: list[str]) -> Talk[int]:
        rows = yield from self._rows(sids)
        forgets = [FORGET.on(self.row(sid), self.list_of("x", sid), args=(sid, b"")) for sid in sids]
        gone = (yield from ask(*forgets)) if forgets else []
        hints = [("ZREM", key, row.sid) for row in rows if row is not None for key in self._hints(None, row)]
        if hints:
            yield hints
        return sum(gone)

    def _forget_unreadable(self, before: int, limit: int) -> Talk[int]:
        """Forget exactly the bytes that could not be read: who loaded the row before may write it yet."""
        wanted = limit
        while True:
            overdue = yield from self._overdue(before, wanted)
            unreadable = [(sid, record) for sid, record, row in overdue if row is None][:limit]
            if len(unreadable) == limit or len(overdue) < wanted:
                break
            wanted *= 4
        forgets = [FORGET.on(self.row(s), self.list_of("d", s), args=(s, record)) for s, record in unreadable]
        return sum((yield from ask(*forgets))) if forgets else 0


def span_of(row: Session) -> int:
    """Give how long the server keeps a row: well beyond the last instant at which it can be live."""
    last = min(row.since + row.lifetime, row.not_after) if row.live else row.seen_at
    return max(0, last - row.seen_at) + KEEP


@lru_cache(maxsize=1_024)
def epoch_of(text: bytes | None) -> Epoch | None:
    """Read an epoch: its value and, if it was superseded, the cause. What cannot be read is absent."""
    value, _, cause = (text or b"").decode(errors="replace").partition(" ")
    if not (value.isascii() and value.isdigit()):
        return None
    return Epoch(value=int(value), cause=_CAUSES.get(cause, Reason.ADMIN) if cause else None)
