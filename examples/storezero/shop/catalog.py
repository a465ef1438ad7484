"""What the shop sells."""

from typing import Final

from attrs import frozen


@frozen
class Product:
    """Hold one thing on the shelf; its picture is ``templates/art/<slug>.svg``."""

    slug: str
    name: str
    cents: int
    line: str
    story: str

    @property
    def price(self) -> str:
        """Write the price as people read it."""
        return money(self.cents)


def money(cents: int) -> str:
    """Write an amount as people read it."""
    return f"€ {cents // 100}.{cents % 100:02}"


PRODUCTS: Final = (
    Product(
        "mug", "Quiet mug", 1800, "Stoneware, and warm for long.",
        "Thrown by hand, glazed inside only. It has kept its cool through many a night shift, and its warmth too.",
    ),
    Product(
        "lamp", "Reading lamp", 6400, "One switch, no app.",
        "A shade of folded paper on a stem of ash. It is on or it is off: two states, both of them final enough.",
    ),
    Product(
        "notebook", "Dotted notebook", 1200, "It forgets nothing.",
        "Ninety-six leaves that lie flat when opened. What you write stays written, also when two write at once.",
    ),
    Product(
        "hourglass", "Hourglass", 2900, "Thirty minutes, exactly.",
        "Turn it when you sit down. When the sand has run through and nobody turned it, it is time to leave.",
    ),
    Product(
        "teapot", "Short teapot", 4200, "Stout. Pours well.",
        "Cast iron, enamelled. It will refuse to brew coffee, politely and with the right status.",
    ),
    Product(
        "plant", "Patient plant", 2400, "Likes to be left alone.",
        "A snake plant in a clay pot. Idle for a fortnight? It does not mind at all.",
    ),
    Product(
        "umbrella", "Umbrella", 3500, "For when it rains at last.",
        "Eight ribs, a wooden handle, and a strap that remembers where you hung it.",
    ),
    Product(
        "key", "Brass key ring", 900, "Holds two factors.",
        "One for something you know, one for something you have. Solid brass; the patina comes free of charge.",
    ),
)  # fmt: skip

BY_SLUG: Final = {product.slug: product for product in PRODUCTS}
