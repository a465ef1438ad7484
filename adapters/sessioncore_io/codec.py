"""Records as bytes: versioned MessagePack by msgspec, never pickle. What cannot be read is absent.

A record is an array: the schema, the subject, the other fields in the order of ``Session``; then a checksum. The
subject stands second so that a server's script finds it (see ``valkey_scripts``).
"""

import zlib
from collections.abc import Callable
from operator import attrgetter
from typing import Any, Final, get_type_hints

import msgspec
from attrs import fields

from sessioncore import Session, UnreadableRecord
from sessioncore.records import ENDS, LIVE, NEVER

from .world import log

SCHEMA: Final = 2
CHECKSUM: Final = 4  # bytes of CRC-32

# By their own names: Python 3.11 looks a member of an enum up slowly, and every load from a file asks for these.
CREATED, AUTHENTICATED, MFA_SATISFIED = LIVE

# A field that is added, removed, renamed or moved makes another schema: a test holds this order fast.
ORDER: Final = ("subject", *(each.name for each in fields(Session) if each.name != "subject"))

_TYPES: Final = get_type_hints(Session)
_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(tuple[(int, *(_TYPES[name] for name in ORDER))])  # type: ignore[misc]
_values: Final = attrgetter(*ORDER)


def _unrolled() -> Callable[[tuple[Any, ...]], Session]:
    """Write the function that fills a session's slots, line by line, as attrs writes a constructor.

    It takes half as long as the constructor, which every request would pay, and which has nothing to check here.
    """
    known: dict[str, Any] = {f"put_{name}": getattr(Session, name).__set__ for name in ORDER}
    known |= {"new": object.__new__, "Session": Session}
    puts = "".join(f"    put_{name}(session, {name})\n" for name in ORDER)
    source = (
        f"def made(values):\n    session = new(Session)\n    _, {', '.join(ORDER)} = values\n{puts}    return session"
    )
    exec(source, known)  # noqa: S102 - of the names of our own fields
    made: Callable[[tuple[Any, ...]], Session] = known["made"]
    return made


_session: Final = _unrolled()


def encode(session: Session) -> bytes:
    """Write a session down, under its schema's number, with a checksum: a flipped bit must not change the subject."""
    text = _encoder.encode((SCHEMA, *_values(session)))
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
    """Check what every step keeps true (see ``sessioncore.guards``)."""
    times = 0 <= s.created_at <= s.since <= s.seen_at < NEVER
    ended = (s.ended_at < NEVER and s.reason is not None) if s.state in ENDS else s.ended_at == NEVER
    guest = s.state is not CREATED or (s.subject == "" and s.not_after == NEVER)
    named = s.state not in (AUTHENTICATED, MFA_SATISFIED) or s.subject != ""
    strong = s.state is not MFA_SATISFIED or s.mfa_at < NEVER
    return times and ended and guest and named and strong and s.idle > 0 and s.lifetime > 0 and len(s.proof) == 64


def readable(sid: str, record: Any, *, quiet: bool = False) -> Session | None:
    """Read a record, or report it as absent and, unless the caller does that, say so in the log."""
    try:
        return decode(sid, record)
    except UnreadableRecord as error:
        if not quiet:
            log.error("%s: treated as absent", error)
        return None
