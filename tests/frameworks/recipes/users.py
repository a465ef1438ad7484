"""The accounts of the recipes' applications: this part is your own."""

import hashlib
import hmac
from typing import Final

import pyotp

from sessioncore import State

ALICE: Final = "user:alice"
BOB: Final = "user:bob"
PASSWORDS: Final = {ALICE: "correct horse", BOB: "battery staple"}


def _hash(password: str) -> bytes:
    # A cheap setting: these tests are about sessions. Use argon2 in your application.
    return hashlib.scrypt(password.encode(), salt=b"recipe", n=16, r=8, p=1)


class Users:
    """Keep two accounts; alice has a one-time code besides her password, bob has not."""

    def __init__(self) -> None:
        self._hashes = {subject: _hash(password) for subject, password in PASSWORDS.items()}
        self._codes = {ALICE: pyotp.TOTP(pyotp.random_base32())}
        self._links: dict[str, str] = {}

    def subject_of(self, name: str) -> str:
        """Give the stable identifier of an account; that of a stranger fits no password."""
        return f"user:{name}"

    def check_password(self, subject: str, password: str) -> bool:
        """Tell whether this is the account's password."""
        return hmac.compare_digest(self._hashes.get(subject, b""), _hash(password))

    def needs(self, subject: str) -> State:
        """Say how far a login of this account has to go."""
        return State.MFA_SATISFIED if subject in self._codes else State.AUTHENTICATED

    def check_code(self, subject: str | None, code: str) -> bool:
        """Tell whether this is the account's one-time code of this minute."""
        return subject in self._codes and self._codes[subject].verify(code, valid_window=1)

    def code_of(self, subject: str) -> str:
        """Read the user's authenticator."""
        return self._codes[subject].now()

    def mail_link(self, subject: str) -> str:
        """Mail a link to reset the password; return what it carries."""
        link = f"link-{len(self._links)}-of-{subject}"
        self._links[link] = subject
        return link

    def redeem(self, link: str) -> str | None:
        """Return the account that the link was mailed to, once."""
        return self._links.pop(link, None)

    def set_password(self, subject: str, password: str) -> None:
        """Store the hash of a new password."""
        self._hashes[subject] = _hash(password)
