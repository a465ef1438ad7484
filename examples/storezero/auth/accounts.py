"""Who may log in: accounts and their passwords."""

from collections.abc import Iterable
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from attrs import field, frozen

from ..common.database import Database

# NIST SP 800-63B-4, 3.1.1.2: fifteen characters where a password is the only factor, and no rules of composition.
SHORTEST: Final = 15
LONGEST: Final = 200

FIELDS: Final = "id, name, greeting, password_hash, secret"


@frozen(kw_only=True)
class Account:
    """Hold one customer. ``id`` never changes: it is the subject of their sessions."""

    id: str
    name: str
    greeting: str
    password_hash: str = field(repr=False)
    secret: str = field(default="", repr=False)

    @property
    def federated(self) -> bool:
        """Tell whether an identity provider vouches for this customer, who has no password here."""
        return not self.password_hash

    @property
    def owes_code(self) -> bool:
        """Tell whether this customer turned on one-time codes."""
        return bool(self.secret)


@frozen(kw_only=True)
class DemoUser:
    """Hold a seeded customer, password and all: for the demo's welcome."""

    name: str
    greeting: str
    password: str
    secret: str = ""
    id: str = ""


DEMO: Final = (
    DemoUser(name="alice", greeting="Alice Liddell", password="down the rabbit hole"),
    DemoUser(name="bob", greeting="Bob Cratchit", password="a very merry supper"),
    DemoUser(
        name="carol",
        greeting="Carol Danvers",
        password="higher further faster",
        secret="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
    ),
)


class Accounts:
    """Keep accounts; passwords are kept as Argon2id hashes."""

    def __init__(self, database: Database, hasher: PasswordHasher) -> None:
        self._database = database
        self._hasher = hasher
        # Verified for names that nobody has, so that the answer takes as long as for those that somebody has.
        self._dummy = self._hasher.hash("nobody's password")

    def seed(self, users: Iterable[DemoUser]) -> None:
        """Add the demo's customers, if they are not there yet."""
        for user in users:
            if self.named(user.name) is None:
                self._add(
                    user.id or f"customer-{user.name}", user.name, user.greeting, self.hash(user.password), user.secret
                )

    def welcome(self, id: str, greeting: str) -> Account:
        """Give the account of somebody whom an identity provider vouches for; it is made at their first login.

        It has no password: its name is none that anybody can type, and no hash is of an empty text.
        """
        if self.get(id) is None:
            self._add(id, f" {id}", greeting, "", "")
        return Account(id=id, name=f" {id}", greeting=greeting, password_hash="")

    def _add(self, *values: str) -> None:
        self._database.changed(
            f"INSERT INTO accounts ({FIELDS}) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", *values
        )

    def named(self, name: str) -> Account | None:
        """Find an account by the name that people log in with."""
        return self._one("name", name.strip().lower())

    def get(self, id: str) -> Account | None:
        """Find an account by its identifier."""
        return self._one("id", id)

    def with_phone(self) -> list[Account]:
        """List the accounts that use one-time codes: for the demo's phone."""
        rows = self._database.rows(f"SELECT {FIELDS} FROM accounts WHERE secret <> '' ORDER BY name")
        return [_account(row) for row in rows]

    def verify(self, account: Account | None, password: str) -> bool:
        """Check a password; slow on purpose, so call it in a thread."""
        try:
            self._hasher.verify(account.password_hash if account else self._dummy, password)
        except (VerificationError, InvalidHashError):
            return False
        return account is not None

    def hash(self, password: str) -> str:
        """Hash a password; slow on purpose, so call it in a thread."""
        return self._hasher.hash(password)

    def store_hash(self, id: str, password_hash: str) -> None:
        """Replace the password's hash."""
        self._database.changed("UPDATE accounts SET password_hash = ? WHERE id = ?", password_hash, id)

    def store_secret(self, id: str, secret: str) -> None:
        """Turn one-time codes on."""
        self._database.changed("UPDATE accounts SET secret = ? WHERE id = ?", secret, id)

    def _one(self, column: str, value: str) -> Account | None:
        rows = self._database.rows(f"SELECT {FIELDS} FROM accounts WHERE {column} = ?", value)
        return _account(rows[0]) if rows else None


def _account(row: tuple[str, ...]) -> Account:
    id, name, greeting, password_hash, secret = row
    return Account(id=id, name=name, greeting=greeting, password_hash=password_hash, secret=secret)


def objection(password: str, repeated: str) -> str:
    """Say what keeps this from being a new password; empty if nothing does."""
    if password != repeated:
        return "The two new passwords differ."
    if not SHORTEST <= len(password) <= LONGEST:
        return f"Use {SHORTEST} to {LONGEST} characters; a short sentence is easy to remember."
    return ""
