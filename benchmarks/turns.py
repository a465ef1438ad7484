"""Count round trips, at a proxy between a client and its server."""

from tests.servers.proxy import Direction, Proxy


class Turns:
    """Count how often the client spoke after the server had: one for each round trip of who waits for answers."""

    def __init__(self) -> None:
        self.count = 0
        self._asking = False

    def watch(self, proxy: Proxy) -> None:
        """Listen to a proxy from now on."""
        proxy.requests = Way(self, asking=True)
        proxy.replies = Way(self, asking=False)

    def hear(self, *, asking: bool) -> None:
        """Hear somebody speak."""
        self.count += asking and not self._asking
        self._asking = asking


class Way(Direction):
    """Tell of each chunk before passing it on."""

    def __init__(self, turns: Turns, *, asking: bool) -> None:
        super().__init__()
        self._turns = turns
        self._asking = asking

    def pass_on(self, chunk: bytes) -> bytes:
        """Pass a chunk on, and tell."""
        self._turns.hear(asking=self._asking)
        return super().pass_on(chunk)
