"""Links that let the owner of a mailbox choose a new password: each good once, and for half an hour."""

import secrets
from hashlib import sha256
from typing import Final

from ..common.database import Database

LIFETIME: Final = 30 * 60_000


class Links:
    """Keep the hashes of links: who reads the database can follow none of them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def new(self, account: str, at: int) -> str:
        """Draw a link's token for an account; earlier ones stop working."""
        token = secrets.token_urlsafe(32)
        self._database.changed("DELETE FROM links WHERE account = ?", account)
        self._database.changed("INSERT INTO links VALUES (?, ?, ?)", _proof(token), account, at + LIFETIME)
        return token

    def owner(self, token: str, at: int) -> str | None:
        """Tell whose link this is, if it is still good."""
        rows = self._database.rows("SELECT account FROM links WHERE proof = ? AND expires_at > ?", _proof(token), at)
        return rows[0][0] if rows else None

    def redeem(self, token: str, at: int) -> str | None:
        """Use the link up and tell whose it was; of two at once, one gets None."""
        rows = self._database.rows(
            "DELETE FROM links WHERE proof = ? AND expires_at > ? RETURNING account", _proof(token), at
        )
        return rows[0][0] if rows else None


def _proof(token: str) -> str:
    return sha256(token.encode()).hexdigest()
