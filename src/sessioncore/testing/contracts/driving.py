"""What the author of an application fills in, so that its sessions can be tested from outside.

In process or over HTTP, with any session library or none: the tests see an application, its visitors and a clock.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

During = Callable[[], object]


def nothing() -> None:
    """Let nothing happen during a request."""


class Visitor(Protocol):
    """One browser: it keeps the cookies that it is given."""

    def act(self, during: During = nothing) -> str | None:
        """Ask for a page that writes to the session; return whom the application takes the visitor for.

        None if nobody, or if the application refuses. The page calls ``during`` once, between reading the
        session and storing it: that is how a test lets something else happen during a slow request.
        """
        ...

    def log_in(self, user: str, password: str, during: During = nothing) -> bool:
        """Send the login form; tell whether the application says welcome.

        ``during`` is called once, between checking the password and answering.
        """
        ...

    def log_out(self) -> bool:
        """Ask to be logged out; tell whether the application says that it is done."""
        ...

    def change_password(self, old: str, new: str) -> bool:
        """Send the form that changes one's password; tell whether the application says that it is done."""
        ...

    def copy(self) -> "Visitor":
        """Give another browser with the same cookies: another tab, or a thief."""
        ...


class Application(Protocol):
    """An application with two users, and a clock that the test turns."""

    idle: timedelta
    """How long a session lasts without use."""
    lifetime: timedelta
    """How long a session lasts however much it is used."""
    slack: timedelta
    """How much earlier than promised the idle limit may fire, because not every use is written down."""

    def visitor(self) -> Visitor:
        """Give a browser that was never here."""
        ...

    def reset_password(self, user: str, new: str) -> None:
        """Give a user who forgot the password a new one, as the mailed link does."""
        ...

    def advance(self, span: timedelta) -> None:
        """Turn the application's clock on, or back by a negative span."""
        ...
