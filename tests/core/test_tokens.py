"""A token is 22 characters that name the row and 43 that prove the right to it, and nothing else is one."""

import pytest

from sessioncore.flows.tokens import SECRET_LENGTH, SID_LENGTH, Token, parse_token

SID, SECRET = "s_-".ljust(22, "0"), "x_-".ljust(43, "9")
TEXT = SID + SECRET


def test_a_token_is_its_selector_and_its_secret() -> None:
    token = parse_token(TEXT)

    assert token == Token(SID, SECRET)
    assert token is not None
    assert (token.sid, token.secret, token.text) == (SID, SECRET, TEXT)
    assert (SID_LENGTH, SECRET_LENGTH) == (22, 43)


@pytest.mark.parametrize("text", ["", TEXT[:-1], f"{TEXT}x", f"{TEXT}\n", f"{TEXT[:-1]}=", TEXT.replace("0", "é")])
def test_nothing_else_is_a_token(text: str) -> None:
    assert parse_token(text) is None
