"""Records as bytes: versioned MessagePack by msgspec, never pickle. What cannot be read is absent."""

import zlib
from typing import Any, Final

import msgspec
from attrs import fields

from sessioncore import Session, UnreadableRecord
from sessioncore.records import ENDS, LIVE, NEVER

from .world import log

SCHEMA: Final = 1
CHECKSUM: Final = 4  # bytes of CRC-32

# By their own names: Python 3.11 looks a member of an enum up slowly, and every load from a file asks for these.
CREATED, AUTHENTICATED, MFA_SATISFIED = LIVE

_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(tuple[int, Session])

# How every record begins: an array of two, the schema, and a map of as many fields as a session has.
_HEAD: Final = bytes([0x92, SCHEMA, 0xDE, *len(fields(Session)).to_bytes(2)])


def encode(session: Session) -> bytes:
    """Write a session down, under its schema's number, with a checksum: a flipped bit must not change the subject."""
    text = _encoder.encode((SCHEMA, session))
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
        schema, session = _decoder.decode(text)
    except (msgspec.MsgspecError, ValueError, TypeError) as error:
        raise UnreadableRecord(f"the record of session {sid} cannot be read ({error})") from None
    if schema != SCHEMA:
        raise UnreadableRecord(f"the record of session {sid} has schema {schema}; this release reads {SCHEMA}")
    if session.sid != sid:
        raise UnreadableRecord(f"the record under {sid} belongs to session {session.sid}")
    if not record.startswith(_HEAD):
        raise UnreadableRecord(f"the record of session {sid} lacks a field or has one that is not ours")
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
