"""The parser of the Cookie header: bytes from strangers, and one exact reading of them."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sessioncore_io import Cookie

TOKEN = b"abcdefghijklmnopqrstuv" + b"0123456789_-ABCDEFGHIJKLMNOPQRSTUVWXYZ01234"
OTHER = TOKEN[::-1]
NAME = b"__Host-session"
OURS = NAME + b"=" + TOKEN
COOKIE = Cookie()


def found(header: bytes) -> bytes | None:
    """Give the token that the parser finds."""
    token = COOKIE.find(header)
    return token.text.encode() if token else None


def reference(header: bytes) -> bytes | None:
    """Read the header as the design says it, in the plainest way."""
    crumbs = [crumb.strip(b" \t") for crumb in header.split(b";")]
    values = [crumb[len(NAME) + 1 :] for crumb in crumbs if crumb[: len(NAME) + 1] == NAME + b"="]
    return values[0] if len(values) == 1 and re.fullmatch(rb"[A-Za-z0-9_-]{65}", values[0]) else None


@pytest.mark.parametrize(
    "header",
    [
        OURS,
        b"a=1; " + OURS,
        OURS + b"; a=1",
        b"\t " + OURS + b" \t",
        b";;;" + OURS + b";;;",
        b"=" + NAME + b"=bad; " + OURS,
        b'theirs="unfinished; ' + OURS,
        b"\xff\xfe\0broken neighbour\r\n; " + OURS,
        b"x=__Host-session=" + OTHER + b"; " + OURS,
        b"__host-session=" + OTHER + b"; " + OURS,
        b"__Host-session2=" + OTHER + b"; " + OURS,
        b"__Host-session; " + OURS,
        b"%5f%5fHost-session=" + OTHER + b"; " + OURS,
    ],
)
def test_neighbours_do_not_hide_our_cookie(header: bytes) -> None:
    """Whatever other cookies look like, or whoever planted them."""
    assert found(header) == TOKEN


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"=",
        b";",
        NAME,
        NAME + b"=",
        OURS + b"; " + OURS,
        OURS + b"; " + NAME + b"=" + OTHER,
        OURS + b"; " + NAME + b"=",
        b"=" + OURS,
        b"__host-session=" + TOKEN,
        b"__HOST-SESSION=" + TOKEN,
        b"%5F%5FHost-session=" + TOKEN,
        NAME + b" =" + TOKEN,
        NAME + b"= " + TOKEN,
        NAME + b'="' + TOKEN + b'"',
        NAME + b'="' + TOKEN + b'; "',
        b"\xa0" + OURS,
        b"\xc2\xa0" + OURS,
        b"\xe2\x80\xa8" + OURS,
        b"\x85" + OURS,
        b"\n" + OURS,
        b"\v" + OURS,
        b"\x1f" + OURS,
        OURS + b"\n",
        OURS + b"\xa0",
        OURS + b"," + OURS,
        b"a=1," + OURS,
        NAME + b"=" + TOKEN[:-1],
        NAME + b"=" + TOKEN + b"A",
        NAME + b"=" + TOKEN[:-1] + b"\xb2",
        NAME + b"=" + TOKEN.replace(b"_", b"+"),
    ],
)
def test_what_only_looks_like_our_cookie_is_no_session(header: bytes) -> None:
    """Twice is none: nobody can say which of the two is ours."""
    assert found(header) is None


CRUMB = st.one_of(
    st.binary(max_size=12),
    st.sampled_from([OURS, NAME + b"=" + OTHER, NAME, NAME + b"=", b"=" + OURS, b'"', b" ", b"\t", b"\xa0", b"a=1"]),
)


@given(st.lists(st.tuples(CRUMB, st.sampled_from([b";", b"; ", b" ;", b"", b",", b" "]))))
@example([(OURS, b";"), (b"\x1c", b";")])
def test_the_parser_reads_as_the_reference_does(parts: list[tuple[bytes, bytes]]) -> None:
    """On any bytes, near to ours or not."""
    header = b"".join(crumb + joint for crumb, joint in parts)

    assert found(header) == reference(header)


@given(st.lists(st.one_of(st.text(max_size=6), CRUMB.map(lambda crumb: crumb.decode("latin-1"))), max_size=4))
@example([OURS.decode(), "\u2028" + OURS.decode()])
@example(["\u0661", OURS.decode().replace("1", "\u0661")])
def test_characters_are_read_as_their_bytes(crumbs: list[str]) -> None:
    """In WSGI; a character that is no byte, which no server should hand on, is nobody's token either."""
    text = ";".join(crumbs)

    assert COOKIE.find_in(text) == COOKIE.find(text.encode("latin-1", "replace"))


@pytest.mark.parametrize("name", ["a.b", "a+b", "a*b", "a|b", "a$", "^a", "!#$%&'*+.^_`|~-"])
def test_a_name_is_read_to_the_letter(name: str) -> None:
    """Whatever its characters mean in a pattern."""
    cookie = Cookie(name=name)
    ours = f"{name}={TOKEN.decode()}"

    assert cookie.find_in(ours) is not None
    assert cookie.find_in(ours.replace(name, "a-b")) is None
    assert cookie.find_in(ours.replace(name, "aab")) is None


@pytest.mark.parametrize(
    "unit", [b";", b" ", b"\t;", b"=", b'"', b"__Host-session", b"__Host-session=;", b"__Host-session=x; ", b"a=b; "]
)
def test_a_header_of_64_kib_is_read_like_a_short_one(unit: bytes) -> None:
    """The reading never depends on how often something was repeated before ours."""
    long = unit * (65_536 // len(unit)) + b"; " + OURS
    twice = unit * 2 + b"; " + OURS

    assert found(long) == reference(long) == found(twice)


def test_the_token_stays_out_of_the_repr() -> None:
    """A logged token would be a signed-in stranger."""
    token = COOKIE.find(OURS)

    assert token is not None
    assert TOKEN[22:].decode() not in f"{token!r} {token}"
