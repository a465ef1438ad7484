"""What the suite asks of a way to run sessions."""

import logging
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from itertools import count
from types import SimpleNamespace
from typing import Any, Final, Protocol
from unittest.mock import patch

from sessioncore import Notice, Policy, Reason, Store, Summary
from sessioncore.flows import AnySubject
from sessioncore_io import world

from ..clock import Clock
from .script import Answer, Request
from .witness import Witness


class Outside(Protocol):
    """End sessions from outside a request: ``sessioncore_io.Sessions`` is one."""

    policy: Policy

    def reset_password(self, subject: str) -> None: ...

    def sessions_of(self, subject: str) -> list[Summary]: ...

    def end(self, sid: str, reason: Reason, *, subject: str | AnySubject) -> bool: ...

    def end_all(self, subject: str, reason: Reason) -> None: ...

    def sweep(self) -> int: ...

    def purge(self, keep: timedelta) -> int: ...


class Driver(Protocol):
    """Serve requests that may overlap, over one store and by one clock.

    ``web`` says that a server answers, with a status and headers, ``nests`` that one request may run within a store
    call of another; ``heard`` keeps what was logged and told.
    """

    web: bool
    nests: bool
    clock: Clock
    store: Witness
    outside: Any  # an ``Outside``, whatever optional arguments it takes besides
    heard: "Heard"

    def serve(self, request: Request) -> Iterator[Answer | None]:
        """Load, play and commit: give None at each hold, and the answer at the end."""
        ...

    def set_policy(self, policy: Policy) -> None:
        """Go by another policy from now on."""
        ...

    def close(self) -> None:
        """Release what the driver holds."""
        ...


_LOG: Final = logging.getLogger("sessioncore")


class Heard(logging.Handler):
    """Keep what was logged and told, to be searched for secrets."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.texts: list[str] = []
        self.told: list[Notice] = []
        self._level = _LOG.level
        _LOG.setLevel(logging.DEBUG)
        _LOG.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a log record as it would be printed."""
        self.texts.append(self.format(record))

    def listen(self, notice: Notice) -> None:
        """Keep a notice, and log it as the default listener does."""
        self.told.append(notice)
        _LOG.info("%r", notice)

    def close(self) -> None:
        """Stop listening."""
        _LOG.removeHandler(self)
        _LOG.setLevel(self._level)
        super().close()


class Draws:
    """Draw the same selectors and secrets in every run, from now until ``close``."""

    def __init__(self) -> None:
        numbers = count(1)

        def draw(size: int) -> str:
            return urlsafe_b64encode(sha256(b"%d" % next(numbers)).digest()[:size]).rstrip(b"=").decode()

        self._patch = patch.object(world, "secrets", SimpleNamespace(token_urlsafe=draw))
        self._patch.start()

    def close(self) -> None:
        """Draw from the system again."""
        self._patch.stop()


class Watched:
    """Hold what watches a driver's requests, from its making until ``close``."""

    def __init__(self, store: Store) -> None:
        self.clock = Clock()
        self.store = Witness(store, self.clock)
        self.heard = Heard()
        self.draws = Draws()

    def close(self) -> None:
        """Stop listening and drawing."""
        self.draws.close()
        self.heard.close()
        self.store.close()


def cookie_of(name: str, headers: list[tuple[str, str]]) -> str | None:
    """Find what the response does to a cookie: None if nothing."""
    values = [value for key, value in headers if key.lower() == "set-cookie" and value.startswith(f"{name}=")]
    assert len(values) <= 1, "one response sets a cookie once"
    return values[0].partition(";")[0].removeprefix(f"{name}=") if values else None


def lowered(headers: Any) -> tuple[tuple[str, str], ...]:
    """Give headers with names in lower case."""
    return tuple((name.lower(), value) for name, value in headers)
