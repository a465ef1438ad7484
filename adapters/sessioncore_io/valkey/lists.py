"""Lists of rows in Valkey; those of a subject and of an upstream session are hints, verified and repaired on read."""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Final

from attrs import frozen

from sessioncore import Session
from sessioncore.policy import HOUR

from ..codec import log_unreadable, readable
from .keys import Keys
from .scripts import FORGET, UNHINT, UNLIST, Command
from .talk import Talk, ask, read, tried

# A swap that wrote its hint is not under way for so long: without its row, the hint is garbage.
UNDER_WAY: Final = HOUR


@frozen
class Lists(Keys):
    """Make the talk of those methods of the port that list rows."""

    def of_subject(self, subject: str, *, live: bool = False) -> Talk[Sequence[Session]]:
        """List the rows of the subject, or only the live ones."""
        if not subject:
            return []
        return (yield from self._listed(self.key("u", subject), live, lambda row: row.subject == subject))

    def of_upstream(self, issuer: str, sid: str) -> Talk[Sequence[Session]]:
        """List the rows that depend on this session of an identity provider."""
        if not issuer:
            return []
        return (yield from self._listed(self.upstream(issuer, sid), False, lambda row: row.upstream == (issuer, sid)))

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
            log_unreadable(unreadable)
        return rows[:limit]

    def purge(self, before: int, limit: int) -> Talk[int]:
        """Forget marks and ended rows of before, and unreadable rows whose deadline was before."""
        yield from ask(*(("ZREMRANGEBYSCORE", key, "-inf", f"({before}") for key in self.lists("m")))
        gone, more = 0, True
        while more and gone < limit:  # tombstones that the server has collected do not count
            wanted = limit - gone
            ended = yield from self._first("x", f"({before}", wanted)
            gone += yield from self._forget_ended(ended)
            more = len(ended) == wanted
        if gone < limit:
            gone += yield from self._forget_unreadable(before - 1, limit - gone)
        return gone

    def rows(self, sids: Sequence[str]) -> Talk[list[Session | None]]:
        """Read rows, in the order that was asked for; what cannot be read is absent."""
        records = yield from read(*(("GET", self.row(sid)) for sid in sids))
        return [
            readable(sid, record) if record is not None else None for sid, record in zip(sids, records, strict=True)
        ]

    def _listed(self, index: str, live: bool, mine: Callable[[Session], bool]) -> Talk[list[Session]]:
        """Follow an index's hints, and repair those that do not hold."""
        (flat,) = yield from read(("ZRANGEBYSCORE", index, 0 if live else "-inf", "+inf", "WITHSCORES"))
        hints = [(sid.decode(), int(score)) for sid, score in zip(flat[::2], flat[1::2], strict=True)]
        rows = yield from self.rows([sid for sid, _ in hints])
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
            yield from tried(repairs)  # a refusal is nothing to this answer: the next reader tries again
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
        """Give overdue rows with their bytes, readable or not.

        Those that are gone are taken off the list, and do not stand before the others: fewer than ``limit`` are all.
        """
        while True:
            sids = yield from self._first("d", before, limit)
            records = yield from read(*(("GET", self.row(sid)) for sid in sids))
            found = list(zip(sids, records, strict=True))
            gone = [sid for sid, record in found if record is None]
            if not ((yield from self._unlisted(gone)) and len(sids) == limit):
                break
        return [(sid, record, readable(sid, record, quiet=True)) for sid, record in found if record is not None]

    def _unlisted(self, sids: list[str]) -> Talk[bool]:
        """Take rows that are gone off the list of due ones; tell whether this took any."""
        if not sids:
            return False
        replies = yield from tried([UNLIST.on(self.row(sid), self.list_of("d", sid), args=(sid,)) for sid in sids])
        return 1 in replies

    def _forget_ended(self, sids: list[str]) -> Talk[int]:
        rows = yield from self.rows(sids)
        forgets = [FORGET.on(self.row(sid), self.list_of("x", sid), args=(sid, b"")) for sid in sids]
        gone = (yield from ask(*forgets)) if forgets else []
        hints: list[Command] = [
            ("ZREM", key, row.sid) for row in rows if row is not None for key in self.hints(None, row)
        ]
        if hints:
            yield from tried(hints)
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
