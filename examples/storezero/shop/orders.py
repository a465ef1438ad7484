"""What was bought."""

import json
from typing import Final

from attrs import frozen

from ..common.database import Database
from .cart import Item, total
from .catalog import money

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS orders (
    key TEXT PRIMARY KEY, account TEXT NOT NULL, placed_at INTEGER NOT NULL,
    items TEXT NOT NULL, cents INTEGER NOT NULL);
"""


@frozen(kw_only=True)
class Order:
    """Hold one purchase, as it was when it was made."""

    placed_at: int
    items: list[str]
    cents: int

    @property
    def price(self) -> str:
        """Write the order's amount."""
        return money(self.cents)


class Orders:
    """Keep orders."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def place(self, key: str, account: str, items: list[Item], at: int) -> bool:
        """Store an order once: a form that is sent twice carries the same key, and the second changes nothing."""
        insert = "INSERT INTO orders VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
        lines = json.dumps([f"{item.count} x {item.product.name}" for item in items])
        return self._database.changed(insert, key, account, at, lines, total(items))

    def of(self, account: str) -> list[Order]:
        """List a customer's orders, the newest first."""
        select = "SELECT placed_at, items, cents FROM orders WHERE account = ? ORDER BY placed_at DESC, key"
        rows = self._database.rows(select, account)
        return [Order(placed_at=at, items=json.loads(items), cents=cents) for at, items, cents in rows]
