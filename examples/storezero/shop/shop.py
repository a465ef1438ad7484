"""What every page may need, in one place."""

from collections.abc import Callable
from pathlib import Path

from argon2 import PasswordHasher
from attrs import frozen
from starlette.requests import Request

from sessioncore_io import AsyncSessions

from ..auth.accounts import Accounts
from ..auth.codes import Codes
from ..auth.links import Links
from ..auth.outbox import Outbox
from ..common.database import Database
from ..stage.journal import Journal
from .orders import Orders


@frozen(kw_only=True)
class Shop:
    """Hold the shelves, the books and the clock."""

    sessions: AsyncSessions
    clock: Callable[[], int]
    journal: Journal
    accounts: Accounts
    codes: Codes
    links: Links
    orders: Orders
    outbox: Outbox

    @classmethod
    def open(
        cls,
        path: Path,
        sessions: AsyncSessions,
        clock: Callable[[], int],
        journal: Journal,
        hasher: PasswordHasher,
    ) -> "Shop":
        """Open the shop's database and seed the demo's customers."""
        database = Database(path)
        accounts = Accounts(database, hasher)
        accounts.seed()
        return cls(
            sessions=sessions,
            clock=clock,
            journal=journal,
            accounts=accounts,
            codes=Codes(database),
            links=Links(database),
            orders=Orders(database),
            outbox=Outbox(database),
        )


def shop_of(request: Request) -> Shop:
    """Give the shop that a request came to."""
    shop: Shop = request.app.state.shop
    return shop
