"""A store in front of another one: what it is made of to record, to fail or to witness calls."""

from typing import Any

from sessioncore import Reason, Session


class PassingStore:
    """Pass every call on to ``store``, by one method that a subclass may override.

    What an awaited store answers is passed on as it is, to be awaited: the same class serves both kinds.
    """

    def __init__(self, store: Any) -> None:
        self.store = store

    def call(self, name: str, *args: Any, **named: Any) -> Any:
        """Pass one call on."""
        return getattr(self.store, name)(*args, **named)

    def load(self, sid: str) -> Any:
        """Pass on."""
        return self.call("load", sid)

    def swap(self, old: Session | None, new: Session) -> Any:
        """Pass on."""
        return self.call("swap", old, new)

    def epoch(self, subject: str) -> Any:
        """Pass on."""
        return self.call("epoch", subject)

    def mint(self, subject: str, at: int) -> Any:
        """Pass on."""
        return self.call("mint", subject, at)

    def supersede(self, subject: str, at: int, cause: Reason, expected: int | None = None) -> Any:
        """Pass on."""
        return self.call("supersede", subject, at, cause, expected)

    def of_subject(self, subject: str, *, live: bool = False) -> Any:
        """Pass on."""
        return self.call("of_subject", subject, live=live)

    def of_upstream(self, issuer: str, sid: str) -> Any:
        """Pass on."""
        return self.call("of_upstream", issuer, sid)

    def due(self, before: int, limit: int) -> Any:
        """Pass on."""
        return self.call("due", before, limit)

    def purge(self, before: int, limit: int) -> Any:
        """Pass on."""
        return self.call("purge", before, limit)

    def mark(self, name: str, until: int) -> Any:
        """Pass on."""
        return self.call("mark", name, until)
