"""What stores keep: records as bytes, epochs as a number and a word. What cannot be read is absent.

A record is versioned MessagePack by msgspec, never pickle: an array of the schema, the subject and the other fields in
the order of ``Session``; then a checksum. The subject stands second so that a server's script finds it (see
``valkey.scripts``).
"""

import zlib
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, get_type_hints

import msgspec
from attrs import fields

from sessioncore import Epoch, InvalidSetting, Reason, Session, UnreadableRecord
from sessioncore.records import ENDS, LIVE, NEVER

from .world import log

SCHEMA: Final = 2
CHECKSUM: Final = 4  # bytes of CRC-32

# A process remembers so many sessions, of records up to so many bytes: some 10 MB at most.
REMEMBERED: Final = 4_096
SMALL: Final = 1_024

# By their own names: Python 3.11 looks a member of an enum up slowly, and every load from a file asks for these.
CREATED, AUTHENTICATED, MFA_SATISFIED = LIVE

# A field that is added, removed, renamed or moved makes another schema: a test holds this order fast.
ORDER: Final = ("subject", *(each.name for each in fields(Session) if each.name != "subject"))

# What takes half the room otherwise: a digest as its bytes, "never" as nothing.
DIGESTS: Final = ("proof", "former_proof")
PERHAPS: Final = ("authenticated_at", "mfa_at", "not_after", "ended_at")

_KINDS: Final[dict[str, Any]] = (
    get_type_hints(Session) | dict.fromkeys(DIGESTS, bytes) | dict.fromkeys(PERHAPS, int | None)
)

# A cause that this release does not know still ends sessions: by somebody with the right to do so.
_CAUSES: Final = {reason.value: reason for reason in Reason}

_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(tuple[(int, *(_KINDS[name] for name in ORDER))])  # type: ignore[misc]


def _in(name: str) -> str:
    """Say how a field's value is written down."""
    if name in PERHAPS:
        return f"None if s.{name} == NEVER else s.{name}"
    return f"bytes.fromhex(s.{name})" if name in DIGESTS else f"s.{name}"


def _out(name: str) -> str:
    """Say how a field's value is read."""
    if name in PERHAPS:
        return f"NEVER if {name} is None else {name}"
    return f"{name}.hex()" if name in DIGESTS else name


def _unrolled() -> tuple[Callable[[Session], tuple[Any, ...]], Callable[[tuple[Any, ...]], Session]]:
    """Write the two functions that turn a session into a row of values and back, line by line, as attrs does.

    Filling the slots takes half as long as the constructor, which has nothing to check here: every request reads.
    """
    known: dict[str, Any] = {f"put_{name}": getattr(Session, name).__set__ for name in ORDER}
    known |= {"new": object.__new__, "Session": Session, "NEVER": NEVER, "SCHEMA": SCHEMA}
    puts = "".join(f"    put_{name}(s, {_out(name)})\n" for name in ORDER)
    source = f"""
def values(s):
    return (SCHEMA, {", ".join(map(_in, ORDER))})

def session(values):
    s = new(Session)
    _, {", ".join(ORDER)} = values
{puts}    return s
"""
    exec(source, known)  # noqa: S102 - made of the names of our own fields
    return known["values"], known["session"]


_values, _session = _unrolled()


def encode(session: Session) -> bytes:
    """Write a session down, under its schema's number, with a checksum: a flipped bit must not change the subject.

    Raises ``InvalidSetting`` for a proof that is no digest.
    """
    try:
        text = _encoder.encode(_values(session))
    except ValueError:
        raise InvalidSetting("proof", "...", "it is the SHA-256 of the secret, in hexadecimal digits") from None
    return text + zlib.crc32(text).to_bytes(CHECKSUM)


def decode(sid: str, record: bytes) -> Session:
    """Read the session that is kept under this key.

    Raises ``UnreadableRecord`` for bytes that are not a record of this schema, for another session's record and
    for one whose fields contradict each other: it is never read as defaults.
    """
    try:
        text, checksum = record[:-CHECKSUM], record[-CHECKSUM:]
        if zlib.crc32(text).to_bytes(CHECKSUM) != checksum:
            raise ValueError("its checksum is wrong")
        values = _decoder.decode(text)
    except (msgspec.MsgspecError, ValueError, TypeError) as error:
        raise UnreadableRecord(f"the record of session {sid} cannot be read ({error})") from None
    if values[0] != SCHEMA:
        raise UnreadableRecord(f"the record of session {sid} has schema {values[0]}; this release reads {SCHEMA}")
    session = _session(values)
    if session.sid != sid:
        raise UnreadableRecord(f"the record under {sid} belongs to session {session.sid}")
    if not _sound(session):
        raise UnreadableRecord(f"the record of session {sid} contradicts itself")
    return session


def _sound(s: Session) -> bool:
    """Check what every step keeps true, as ``sessioncore.proof.record.sound`` says and the proof shows."""
    times = 0 <= s.created_at <= s.since <= s.seen_at < NEVER
    ended = (s.ended_at < NEVER and s.reason is not None) if s.state in ENDS else s.ended_at == NEVER
    guest = s.state is not CREATED or (s.subject == "" and s.not_after == NEVER)
    named = s.state not in (AUTHENTICATED, MFA_SATISFIED) or s.subject != ""
    strong = s.state is not MFA_SATISFIED or s.mfa_at < NEVER
    return times and ended and guest and named and strong and s.idle > 0 and s.lifetime > 0 and len(s.proof) == 64


@lru_cache(maxsize=REMEMBERED)
def _known(sid: str, record: bytes) -> Session:
    """Read a record once: the same bytes are the same session, which is frozen."""
    return decode(sid, record)


def readable(sid: str, record: Any, *, quiet: bool = False) -> Session | None:
    """Read a record, or report it as absent and, unless the caller does that, say so in the log."""
    try:
        return _known(sid, record) if type(record) is bytes and len(record) <= SMALL else decode(sid, record)
    except UnreadableRecord as error:
        if not quiet:
            log.error("%s: treated as absent", error)
        return None


def log_unreadable(overdue: int) -> None:
    """Say how many overdue records could not be read: by one line, for whoever read them quietly."""
    log.error("%d overdue records cannot be read: treated as absent, until a purge forgets them", overdue)


@lru_cache(maxsize=1_024)
def epoch_of(value: int | None, cause: str | None) -> Epoch | None:
    """Read an epoch: its value, None if there is none, and the cause if it was superseded."""
    if value is None:
        return None
    return Epoch(value=value, cause=_CAUSES.get(cause, Reason.ADMIN) if cause else None)


def joined(
    sid: str, record: Any, subject: str, value: int | None, cause: str | None
) -> tuple[Session | None, Epoch | None]:
    """Read a row and the epoch that was found by its column ``subject``, which must be the record's own."""
    row = readable(sid, record)
    if row is not None and row.subject != subject:
        return None, None  # the column lies, so this is another subject's epoch
    return row, epoch_of(value, cause)
