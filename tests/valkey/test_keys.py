"""How keys are named: releases share them, so that an upgrade finds what the one before has written."""

from zlib import crc32

import pytest
from attrs import evolve

from sessioncore import Epoch, Reason
from sessioncore.testing.clock import START
from sessioncore.testing.rows import HOUR, ISSUER, OTHER, SID, ended, guest, touched, user
from sessioncore_io.valkey.keys import KEEP, Keys, epoch_in, span_of

KEYS = Keys("sc:")


def test_the_names_of_keys_are_those_that_are_documented() -> None:
    assert KEYS.row("abc") == f"sc:s{{{crc32(b'abc') & 255:02x}}}abc"
    assert KEYS.list_of("d", "abc") == f"sc:d{{{crc32(b'abc') & 255:02x}}}"
    assert KEYS.key("e", "alice") == "sc:e:alice"
    assert KEYS.upstream("https://op", "1") == "sc:p:10:https://op1"
    assert KEYS.channel == "sc:ends"


def test_issuers_and_their_sessions_are_never_mixed_up() -> None:
    assert KEYS.upstream("ab", "c") != KEYS.upstream("a", "bc")


def test_the_lists_that_are_swept_are_exactly_those_that_rows_are_on() -> None:
    used = {KEYS.list_of("d", f"{number:022d}") for number in range(4_096)}

    assert used == set(KEYS.lists("d"))
    assert len(KEYS.lists("d")) == len(used)


def test_a_selector_is_read_from_its_key() -> None:
    for prefix in ("", "sc:", "a shop's sessions/"):
        assert Keys(prefix).sid_of(Keys(prefix).row(SID).encode()) == SID


@pytest.mark.parametrize("letter", "*?[]\\")
def test_a_prefix_matches_itself_and_no_other(letter: str) -> None:
    assert Keys(f"a{letter}b:").pattern("s") == f"a\\{letter}b:s{{*"
    assert Keys(f"a{letter}b:").pattern("e") == f"a\\{letter}b:e:*"


def test_a_login_is_hinted_at_for_its_subject_and_for_its_upstream_session() -> None:
    assert KEYS.hints(None, user()) == ["sc:u:alice", KEYS.upstream(ISSUER, "op-1")]
    assert KEYS.hints(None, guest()) == []
    assert KEYS.hints(user(), touched(user(), START + 1)) == []


def test_an_upstream_session_without_a_sid_is_hinted_at_by_its_issuer() -> None:
    assert KEYS.hints(guest(), evolve(user(), upstream=(ISSUER, ""))) == ["sc:u:alice", KEYS.upstream(ISSUER, "")]


def test_a_row_is_kept_by_the_server_for_its_longest_life_and_then_for_a_while() -> None:
    assert span_of(guest()) == 24 * HOUR + KEEP
    assert span_of(touched(guest(), START + HOUR)) == 23 * HOUR + KEEP
    assert span_of(evolve(user(OTHER), not_after=START + 5)) == 5 + KEEP
    assert span_of(ended(user(), START)) == KEEP
    assert span_of(evolve(user(), not_after=START - 5)) == KEEP


@pytest.mark.parametrize(
    ("text", "epoch"),
    [
        (b"12", Epoch(value=12)),
        (b"12 admin", Epoch(value=12, cause=Reason.ADMIN)),
        (b"12 password_reset", Epoch(value=12, cause=Reason.PASSWORD_RESET)),
        (b"12 a cause of a later release", Epoch(value=12, cause=Reason.ADMIN)),
        (None, None),
        (b"", None),
        (b"x", None),
        (b"\xb2", None),
        ("²".encode(), None),
    ],
)
def test_an_epoch_is_read_or_absent(text: bytes | None, epoch: Epoch | None) -> None:
    assert epoch_in(text) == epoch
