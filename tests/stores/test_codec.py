"""What a record may say of a session and what it may not, to the very bounds; and what is remembered of records."""

from typing import Any, Final

import msgspec
import pytest
from attrs import evolve

from sessioncore import InvalidSetting, Session, State, UnreadableRecord
from sessioncore.records import NEVER
from sessioncore.testing.clock import START
from sessioncore.testing.rows import HOUR, SID, ended, guest, user
from sessioncore_io.codec import CHECKSUM, ORDER, PERHAPS, decode, encode, readable

KILOBYTE: Final = 1_024


def written(row: Session) -> dict[str, Any]:
    """Give the values of a record as they are written, by the names of their fields."""
    _, *values = msgspec.msgpack.decode(encode(row)[:-CHECKSUM])
    return dict(zip(ORDER, values, strict=True))


def of_length(length: int) -> tuple[Session, bytes]:
    """Make a session whose record has so many bytes."""
    row = evolve(guest(), data=(("fill", "x" * 500),))
    missing = length - len(encode(row))
    row = evolve(row, data=(("fill", "x" * (500 + missing)),))
    return row, encode(row)


# -- what is written ---------------------------------------------------------------------------------------------


def test_what_never_was_is_written_as_nothing() -> None:
    """Nine bytes less each: what a guest lacks, and what a session lacks that is still alive."""
    values = written(guest())

    assert [values[name] for name in ("authenticated_at", "mfa_at", "not_after", "ended_at")] == [None] * 4
    assert NEVER not in values.values()
    assert len(PERHAPS) == 4


def test_a_proof_that_is_no_digest_is_refused_by_name_and_with_what_it_should_be() -> None:
    with pytest.raises(InvalidSetting) as refused:
        encode(evolve(guest(), proof="the secret itself"))

    assert str(refused.value) == "proof = '...': it is the SHA-256 of the secret, in hexadecimal digits"
    assert refused.value.name == "proof"


# -- what can be true of a session -------------------------------------------------------------------------------

SECOND: Final = evolve(user(), state=State.MFA_SATISFIED, mfa_methods=("otp",), mfa_at=START)
SOUND: Final = {
    "one of the first instant of all": guest(at=0),
    "one that is seen at the last instant of all": evolve(guest(), seen_at=NEVER - 1),
    "one of limits of a millisecond": evolve(guest(), idle=1, lifetime=1),
    "one that ended as it began": ended(guest(), START),
    "one with a second factor": SECOND,
    "one with an end set by its provider": evolve(user(), not_after=START + HOUR),
}
CONTRADICTORY: Final = {
    "made before all time": guest(at=-1),
    "seen at no time": evolve(guest(), seen_at=NEVER),
    "ended at no time": evolve(ended(guest(), START), ended_at=NEVER),
    "ended for no reason": evolve(ended(guest(), START), reason=None),
    "ended at no time for no reason": evolve(ended(guest(), START), ended_at=NEVER, reason=None),
    "a guest with an end set by a provider": evolve(guest(), not_after=START + HOUR),
    "a second factor at no time": evolve(SECOND, mfa_at=NEVER),
    "no lifetime": evolve(guest(), lifetime=0),
}


@pytest.mark.parametrize("row", SOUND.values(), ids=SOUND)
def test_what_can_be_true_of_a_session_is_read(row: Session) -> None:
    assert decode(SID, encode(row)) == row


@pytest.mark.parametrize("row", CONTRADICTORY.values(), ids=CONTRADICTORY)
def test_what_cannot_be_true_of_a_session_is_not_read(row: Session) -> None:
    with pytest.raises(UnreadableRecord, match=f"the record of session {SID} contradicts itself"):
        decode(SID, encode(row))


# -- reading -----------------------------------------------------------------------------------------------------


def test_a_record_that_cannot_be_read_is_told_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    assert readable(SID, b"an old release") is None

    [line] = caplog.messages
    assert line.startswith(f"the record of session {SID} cannot be read (")
    assert line.endswith("): treated as absent")


def test_a_caller_that_tells_of_it_itself_keeps_the_log_quiet(caplog: pytest.LogCaptureFixture) -> None:
    assert readable(SID, b"an old release", quiet=True) is None

    assert caplog.messages == []


@pytest.mark.parametrize(("length", "remembered"), [(KILOBYTE, True), (KILOBYTE + 1, False)])
def test_a_record_is_remembered_up_to_a_kilobyte(length: int, remembered: bool) -> None:
    row, record = of_length(length)

    assert readable(SID, record) == row
    assert (readable(SID, record) is readable(SID, record)) is remembered


def test_the_sessions_of_a_busy_minute_are_all_remembered() -> None:
    """A request that finds the record unchanged does not read it again, though a thousand others came between."""
    records = {sid: encode(guest(sid)) for sid in (f"{number:022}" for number in range(1_000))}
    before, after = ([readable(*each) for each in records.items()] for _ in range(2))

    assert all(one is other for one, other in zip(before, after, strict=True))
