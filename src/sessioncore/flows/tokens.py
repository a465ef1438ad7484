"""The token that a browser holds: a selector that names the row and a secret that proves the right to it."""

import re
from hashlib import sha256
from typing import Final

from attrs import field, frozen

SID_LENGTH: Final = 22  # 128 bits as base64url
SECRET_LENGTH: Final = 43  # 256 bits as base64url

# As a pattern of two groups, for parsers that look for a token in a longer text.
TOKEN: Final = rf"([A-Za-z0-9_-]{{{SID_LENGTH}}}+)([A-Za-z0-9_-]{{{SECRET_LENGTH}}}+)"

_whole: Final = re.compile(TOKEN).fullmatch


def proof_of(secret: str) -> str:
    """Hash a secret into what the row holds: a dump of a store lets nobody in."""
    return sha256(secret.encode()).hexdigest()


def sid_of(text: str) -> str:
    """Make the selector that only this text gives, for a session that is not to be begun twice."""
    return sha256(text.encode()).hexdigest()[:SID_LENGTH]


@frozen
class Token:
    """Hold a well-formed token; only its selector is shown."""

    sid: str
    secret: str = field(repr=False)

    def __init__(self, sid: str, secret: str) -> None:
        _set_sid(self, sid)
        _set_secret(self, secret)

    @property
    def text(self) -> str:
        """Give the cookie's value."""
        return self.sid + self.secret


# Every request builds one: so the way past the guard of a frozen class is looked up once, and not by each __init__.
_set_sid: Final = Token.__dict__["sid"].__set__
_set_secret: Final = Token.__dict__["secret"].__set__


def parse_token(text: str) -> Token | None:
    """Split a token of exactly the right alphabet and length, or return None before any store is asked."""
    found = _whole(text)
    return None if found is None else Token(*found.groups())
