"""Cookie settings that would weaken or break the cookie are refused where they are written down."""

from typing import Any

import pytest

from sessioncore import InvalidSetting, begin
from sessioncore.flows import Token
from sessioncore_io import CLEAR, Cookie

NAME_CHARACTERS = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"  # RFC 9110, token
PATH_CHARACTERS = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) != ";")
DOMAIN_CHARACTERS = "-.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


@pytest.mark.parametrize("code", range(256))
def test_any_byte_is_taken_or_refused_by_its_grammar(code: int) -> None:
    """No character can end the cookie, begin another attribute or split the header."""
    character = chr(code)
    cases: list[tuple[dict[str, Any], str]] = [
        ({"name": f"a{character}b"}, NAME_CHARACTERS),
        ({"name": "sid", "path": f"/a{character}b"}, PATH_CHARACTERS),
        ({"name": "sid", "domain": f"a{character}b.example"}, DOMAIN_CHARACTERS),
    ]
    for settings, allowed in cases:
        if character in allowed:
            assert Cookie(**settings)
        else:
            with pytest.raises(InvalidSetting):
                Cookie(**settings)


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"name": ""}, "Cookie.name"),
        ({"name": "a" * 129}, "Cookie.name"),
        ({"name": "sid\n"}, "Cookie.name"),
        ({"name": "s\xefd"}, "Cookie.name"),
        ({"name": None}, "Cookie.name"),
        ({"name": b"sid"}, "Cookie.name"),
        ({"name": "sid", "path": ""}, "Cookie.path"),
        ({"name": "sid", "path": "shop"}, "Cookie.path"),
        ({"name": "sid", "path": "/\n"}, "Cookie.path"),
        ({"name": "sid", "path": "/" + "a" * 2000}, "Cookie.path"),
        ({"name": "sid", "domain": ".example.org"}, "Cookie.domain"),
        ({"name": "sid", "domain": "a" * 300}, "Cookie.domain"),
        ({"name": "sid", "domain": 7}, "Cookie.domain"),
        ({"same_site": "lax"}, "Cookie.same_site"),
        ({"same_site": ""}, "Cookie.same_site"),
        ({"same_site": None}, "Cookie.same_site"),
        ({"secure": False}, "Cookie.secure"),
        ({"secure": "no", "name": "sid"}, "Cookie.secure"),
        ({"name": "__Secure-sid", "secure": False}, "Cookie.secure"),
        ({"name": "__secure-sid", "secure": False}, "Cookie.secure"),
        ({"name": "__Http-sid", "secure": False}, "Cookie.secure"),
        ({"name": "__host-http-sid", "secure": False}, "Cookie.secure"),
        ({"name": "sid", "secure": False, "same_site": "None"}, "Cookie.same_site"),
        ({"name": "sid", "secure": False, "domain": "example.org"}, "Cookie.secure"),
        ({"domain": "example.org"}, "Cookie.name"),
        ({"path": "/shop"}, "Cookie.name"),
        ({"name": "__HOST-sid", "path": "/shop"}, "Cookie.name"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(settings: dict[str, Any], field: str) -> None:
    """The error says which one, and what to do."""
    with pytest.raises(InvalidSetting) as refused:
        Cookie(**settings)

    assert refused.value.name == field
    assert refused.value.advice


def test_the_longest_cookie_fits_into_what_browsers_keep() -> None:
    """Name and value are at most 4096 bytes (RFC 6265bis, 5.7)."""
    cookie = Cookie(name="n" * 128, path="/" + "p" * 1024, domain="d" * 253, same_site="None")
    token = Token("s" * 22, "x" * 43)
    line = cookie.write(token, begin(token.sid, "0" * 64, 1, idle=1, lifetime=1), 1)

    assert len(line.partition(";")[0]) <= 4096
    assert line.isascii()
    assert line.isprintable()


def test_every_line_is_http_only_and_secure() -> None:
    """But for plain http on one's own machine, by a setting of its own."""
    for order in (CLEAR, Token("s" * 22, "x" * 43)):
        assert "; Secure; HttpOnly; SameSite=Lax" in Cookie().write(order, None, 1)
        plain = Cookie.for_plain_http().write(order, None, 1)
        assert "; HttpOnly; SameSite=Lax" in plain
        assert "Secure" not in plain
