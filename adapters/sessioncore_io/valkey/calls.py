"""What a Valkey store says to its server: one talk for each method of the port, whoever awaits the replies."""

from typing import Any, Final

from attrs import field, frozen

from sessioncore import Epoch, Reason, Session, StoreUnavailable
from sessioncore.policy import DAY

from ..codec import encode, readable
from ..durability import must_last
from .keys import epoch_in, span_of
from .lists import Lists
from .scripts import HINT, LOAD, MINT, SUPERSEDE, SWAP, WAIT, Command, Reads
from .talk import Talk, ask, read

# So many selectors whose subject a process remembers.
REMEMBERED: Final = 4_096

Loaded = tuple[Session | None, Epoch | None]


@frozen
class Guess:
    """Hold what to read if a row still belongs to this subject."""

    sid: str
    subject: str
    reads: Reads

    def judged(self, replies: list[Any]) -> Loaded | None:
        """Judge what was read; None: the row has changed hands, so this is not its epoch."""
        reply = replies[0]
        if isinstance(reply, Exception):
            raise StoreUnavailable(f"Valkey: {reply}") from reply
        record, epoch = reply
        row = None if record is None else readable(self.sid, record)
        if row is None:
            return None, None
        if row.subject != self.subject:
            return None
        return row, epoch_in(epoch) if row.subject else None


@frozen
class Calls(Lists):
    """Make the talk of each method of the port; ``whole`` says that one server holds all keys.

    What matters is acknowledged when so many ``replicas`` have it, which may take ``wait`` milliseconds.
    """

    whole: bool
    replicas: int = 0
    wait: int = 1_000
    _seen: "dict[str, Guess]" = field(factory=dict, init=False, repr=False, eq=False)

    def guess(self, sid: str) -> "Guess | None":
        """Guess that a row which this process has seen has not changed hands: that costs half of what a script does."""
        return self._seen.get(sid)

    def load(self, sid: str) -> Talk[Loaded]:
        """Read the row and its subject's epoch in one step; on a cluster in two.

        Whose row it is the record says, so a script finds the epoch.
        """
        if not self.whole:
            return (yield from self._load_apart(sid))
        (loaded,) = yield from read(LOAD.on(self.row(sid), args=(f"{self.prefix}e:",)))
        row = None if loaded is None else readable(sid, loaded[0])
        if row is None:
            return None, None
        self._remember(row)
        return row, epoch_in(loaded[1])

    def _remember(self, row: Session) -> None:
        if len(self._seen) >= REMEMBERED:
            self._seen.clear()
        reads = Reads([("MGET", self.row(row.sid), self.key("e", row.subject))])
        self._seen[row.sid] = Guess(row.sid, row.subject, reads)

    def _load_apart(self, sid: str) -> Talk[Loaded]:
        """Read the row first: an epoch that moves on between the two ends the session, never the other way round."""
        (row,) = yield from self.rows([sid])
        if row is None or not row.subject:
            return row, None
        return row, (yield from self.epoch(row.subject))

    def swap(self, old: Session | None, new: Session) -> Talk[bool]:
        """Replace exactly ``old``; on a cluster the hints are written first, for they are in other slots."""
        if old is not None and not old.live:
            return False  # ended, or no longer this: false either way
        instant, span = new.seen_at, span_of(new)
        hints = self.hints(old, new)
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
        swap = SWAP.on(*lists, *(hints if self.whole else ()), args=args)
        return bool((yield from self._written(swap) if must_last(old, new) else self._plainly(swap)))

    def epoch(self, subject: str) -> Talk[Epoch | None]:
        """Read the subject's epoch."""
        (found,) = yield from read(("GET", self.key("e", subject)))
        return epoch_in(found)

    def mint(self, subject: str, at: int) -> Talk[Epoch]:
        """Insert the epoch if the subject has none; return what stands."""
        standing = epoch_in((yield from self._written(MINT.on(self.key("e", subject), args=(at,)))))
        if standing is None:
            raise StoreUnavailable(f"the epoch of {subject!r} cannot be read; supersede it to end its sessions")
        return standing

    def supersede(self, subject: str, at: int, cause: Reason, expected: int | None = None) -> Talk[Epoch | None]:
        """Move the epoch on, if it is the expected one."""
        args = (at, cause.value, "" if expected is None else expected, self.channel, subject)
        moved = yield from self._written(SUPERSEDE.on(self.key("e", subject), args=args))
        return Epoch(value=int(moved), cause=cause) if moved is not None else None

    def mark(self, name: str, until: int) -> Talk[bool]:
        """Remember the name; tell whether this was the first time."""
        return bool((yield from self._written(("ZADD", self.list_of("m", name), "GT", until, name))))

    def _plainly(self, command: Command) -> Talk[Any]:
        (reply,) = yield from ask(command)
        return reply

    def _written(self, command: Command) -> Talk[Any]:
        """Write what must last. Raises ``StoreUnavailable`` if too few replicas have it: done, but not safe."""
        if not self.replicas:
            return (yield from self._plainly(command))
        reply, reached = yield from ask(command, (WAIT, self.replicas, self.wait))
        if reached < self.replicas:
            raise StoreUnavailable(f"Valkey: only {reached} of {self.replicas} replicas have it; it may be lost yet")
        return reply
