"""A signed-in user of a store on a private server, behind a proxy: what the fault tests do things to."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, Final

from tests.servers.proxy import Proxy
from tests.servers.valkey import Server, serving

from sessioncore import Store, StoreUnavailable
from sessioncore.flows import Token
from sessioncore.testing import Clock
from sessioncore.testing.contracts.store import Awaited
from sessioncore_io import Sessions
from sessioncore_io.valkey import AsyncValkeyStore, ValkeyStore

PATIENCE: Final = 0.4  # seconds: what a test that provokes a time-out waits
NOBODY: Final = "nobody"
UNKNOWN: Final = "unavailable"

Opener = Callable[..., Store]


def plain(stack: ExitStack, url: str, **options: Any) -> Store:
    """Open the store that is not awaited."""
    return stack.enter_context(closing(ValkeyStore(url, **options)))


def awaited(stack: ExitStack, url: str, **options: Any) -> Store:
    """Open the store that is awaited, by a loop that runs only during a call."""
    runner = stack.enter_context(asyncio.Runner())
    store = AsyncValkeyStore(url, **options)
    stack.callback(lambda: runner.run(store.close()))
    return Awaited(store, runner)


class User:
    """Hold a signed-in user's cookie, and what can be done with it over one store."""

    def __init__(self, store: Store) -> None:
        self.sessions = Sessions(store, clock=Clock())
        handle = self.sessions.open(None)
        handle.log_in(handle.attempt("alice"), "pwd")
        handle.commit()
        assert isinstance(handle.order, Token)
        self.token = handle.order

    def move(self, store: Store) -> None:
        """Come with the same cookie to another store object."""
        self.sessions = Sessions(store, clock=self.sessions.clock)

    @property
    def who(self) -> str:
        """Tell for whom the cookie is taken now."""
        try:
            return self.sessions.open(self.token).subject or NOBODY
        except StoreUnavailable:
            return UNKNOWN

    def log_out(self) -> bool:
        """Log out; tell whether that was acknowledged."""
        try:
            handle = self.sessions.open(self.token)
            handle.log_out()
            handle.commit()
        except StoreUnavailable:
            return False
        return True

    def reset(self) -> bool:
        """Reset the user's password; tell whether that was acknowledged."""
        try:
            self.sessions.reset_password("alice")
        except StoreUnavailable:
            return False
        return True


class Stand:
    """Hold a server, the proxy before it, and a user of the store."""

    def __init__(self, server: Server, proxy: Proxy, store: Store) -> None:
        self.server, self.proxy, self.store = server, proxy, store
        self.user = User(store)

    def log_out_meanwhile(self, held: Any, then: Callable[[], object]) -> bool:
        """Log out while one direction is held; once bytes wait there, do something; tell whether it was acknowledged.

        A commit loads the row and then swaps it: what is held is the second.
        """
        handle = self.user.sessions.open(self.user.token)
        handle.log_out()
        outcome: list[bool] = []

        def commit() -> None:
            try:
                handle.commit()
            except StoreUnavailable:
                outcome.append(False)
            else:
                outcome.append(True)

        held.hold(after=1)
        thread = threading.Thread(target=commit)
        thread.start()
        assert held.waiting.wait(10)
        then()
        held.let_go()
        thread.join()
        return outcome[0]


@contextmanager
def standing(folder: Path, opener: Any, *, patience: float = PATIENCE, **settings: Any) -> Iterator[Stand]:
    """Run a server with these settings, and sign a user in."""
    with ExitStack() as stack:
        server = stack.enter_context(serving(folder, **settings))
        proxy = stack.enter_context(closing(Proxy(server.address)))
        url = f"valkey://127.0.0.1:{proxy.address[1]}/0"
        yield Stand(server, proxy, opener(stack, url, patience=patience))
