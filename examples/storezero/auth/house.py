"""What every page of a login service may need, in one place: the authorization server's, and Friendbook's too."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

from argon2 import PasswordHasher
from attrs import frozen
from starlette.requests import Request

from sessioncore import State
from sessioncore.sso import ServerPolicy
from sessioncore_io import AsyncSessions
from sessioncore_io.oidc import AuthorizationServer, Client

from ..common.database import Database
from .accounts import Accounts, DemoUser
from .codes import Codes
from .consents import Consents
from .links import Links
from .outbox import Outbox

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS accounts (
    id TEXT PRIMARY KEY, name TEXT UNIQUE NOT NULL, greeting TEXT NOT NULL,
    password_hash TEXT NOT NULL, secret TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS spent_codes (account TEXT, step INTEGER, PRIMARY KEY (account, step));
CREATE TABLE IF NOT EXISTS links (proof TEXT PRIMARY KEY, account TEXT NOT NULL, expires_at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS consents (account TEXT, client TEXT, scope TEXT, PRIMARY KEY (account, client, scope));
CREATE TABLE IF NOT EXISTS mails (
    id INTEGER PRIMARY KEY, recipient TEXT NOT NULL, subject TEXT NOT NULL,
    body TEXT NOT NULL, link TEXT NOT NULL, sent_at INTEGER NOT NULL);
"""

# What changes who may log in asks for a proof of the last five minutes.
FRESH: Final = timedelta(minutes=5)

# The two authentication context classes that this server knows, the weaker first.
ACRS: Final = (("urn:storezero:password", State.AUTHENTICATED), ("urn:storezero:two-factors", State.MFA_SATISFIED))


@frozen(kw_only=True)
class Books:
    """Hold what a login service writes down."""

    accounts: Accounts
    codes: Codes
    links: Links
    outbox: Outbox
    consents: Consents

    @classmethod
    def open(cls, path: Path, hasher: PasswordHasher, users: Sequence[DemoUser]) -> "Books":
        """Open the database and seed the demo's customers."""
        database = Database(path, SCHEMA)
        accounts = Accounts(database, hasher)
        accounts.seed(users)
        return cls(
            accounts=accounts,
            codes=Codes(database),
            links=Links(database),
            outbox=Outbox(database),
            consents=Consents(database),
        )

    def rules(self, subject: str, client: Client, scopes: tuple[str, ...]) -> ServerPolicy:
        """Say what one customer and one application may: the server decides by it."""
        account = self.accounts.get(subject) if subject else None
        return ServerPolicy(
            consented=client.trusted or self.consents.given(subject, client.client_id, scopes),
            can_step_up=account is not None and account.owes_code,
            acrs=ACRS,
        )

    def claims(self, subject: str, scopes: tuple[str, ...]) -> dict[str, str]:
        """Tell an application what it may know about a customer."""
        account = self.accounts.get(subject)
        return {"name": account.greeting} if account and "profile" in scopes else {}


@frozen(kw_only=True)
class House:
    """Hold one login service."""

    part: str
    title: str
    users: Sequence[DemoUser]
    sessions: AsyncSessions
    clock: Callable[[], int]
    books: Books
    server: AuthorizationServer

    async def settle(self, subject: str) -> None:
        """Let the ends of a customer's sessions be seen now, and told to the applications, not at their next use."""
        await self.server.settle(self.sessions, subject)

    @property
    def accounts(self) -> Accounts:
        """Give the accounts."""
        return self.books.accounts


def house_of(request: Request) -> House:
    """Give the login service that a request came to."""
    house: House = request.app.state.house
    return house
