"""The cart: kept in the session, one key a product.

Sessions merge what parallel requests wrote key by key, so two tabs that put different things into the cart lose
neither. The cart of a guest stays when they log in.
"""

from collections.abc import MutableMapping
from typing import Any, Final

from attrs import frozen

from .catalog import BY_SLUG, Product, money

PREFIX: Final = "cart:"
MOST: Final = 99


@frozen
class Item:
    """Hold one line of the cart."""

    product: Product
    count: int

    @property
    def cents(self) -> int:
        """Give the line's amount."""
        return self.product.cents * self.count

    @property
    def price(self) -> str:
        """Write the line's amount."""
        return money(self.cents)


def items(session: MutableMapping[str, Any]) -> list[Item]:
    """List what is in the cart, in the order of the shelf."""
    counts = {slug: session.get(PREFIX + slug, 0) for slug in BY_SLUG}
    return [Item(BY_SLUG[slug], count) for slug, count in counts.items() if count]


def put(session: MutableMapping[str, Any], slug: str, count: int) -> None:
    """Set how many of a product are in the cart; none takes it out."""
    if count > 0:
        session[PREFIX + slug] = min(count, MOST)
    else:
        session.pop(PREFIX + slug, None)


def add(session: MutableMapping[str, Any], slug: str) -> None:
    """Put one more into the cart."""
    put(session, slug, session.get(PREFIX + slug, 0) + 1)


def empty(session: MutableMapping[str, Any]) -> None:
    """Take everything out."""
    for slug in BY_SLUG:
        put(session, slug, 0)


def total(lines: list[Item]) -> int:
    """Add up."""
    return sum(line.cents for line in lines)
