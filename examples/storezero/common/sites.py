"""Where the parts of the demo live: host names of this machine, one server, one port.

Browsers send every name below ``localhost`` to this machine. Ports do not separate cookies, hosts do.
"""

from typing import Final

from attrs import frozen


@frozen(kw_only=True)
class Sites:
    """Name the hosts. The default ones are same-site but for Friendbook, as those of one firm usually are."""

    port: int = 8000
    scheme: str = "http"
    start: str = "localhost"
    shop: str = "www.storezero.localhost"
    orders: str = "orders.storezero.localhost"
    reviews: str = "reviews.storezero.localhost"
    auth: str = "auth.storezero.localhost"
    idp: str = "idp.localhost"
    cross_site: bool = False

    def url(self, part: str, path: str = "") -> str:
        """Write the address of a part of the demo, such as ``auth``; without a path it ends without a slash."""
        usual = {"http": 80, "https": 443}[self.scheme]
        port = "" if self.port == usual else f":{self.port}"
        return f"{self.scheme}://{getattr(self, part)}{port}{path}"

    def part_at(self, host: str) -> str | None:
        """Tell whose host this is; None for a stranger's."""
        return next((part for part in PARTS if getattr(self, part) == host), None)


PARTS: Final = ("shop", "orders", "reviews", "auth", "idp", "start")


def cross_site(port: int) -> Sites:
    """Put the shop and its login service on two sites, as the classic story's own host names do."""
    return Sites(port=port, shop="storezero.localhost", auth="auth.localhost", cross_site=True)
