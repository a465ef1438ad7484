"""The parties of the three layers, and what is on its way between them."""

from attrs import define, field, frozen

from sessioncore import Session
from sessioncore.sso import Claims, Layer
from sessioncore_io import Sessions
from sessioncore_io.memory import MemoryStore


@frozen
class Message:
    """Hold a logout token on its way; ``number`` is its ``jti``."""

    to: str
    issuer: str
    sub: str
    sid: str
    issued_at: int
    number: int


@frozen
class Ticket:
    """Hold an ID token on its way to an application, in a browser."""

    browser: int
    to: str
    claims: Claims
    issued_at: int


@define
class Place:
    """Hold one party: its shell, its store, and who it has signed in where."""

    name: str
    issuer: str
    layer: Layer
    sessions: Sessions
    store: MemoryStore
    clients: dict[str, set[str]] = field(factory=dict)  # a session of ours -> the clients that hang on it
    known: dict[str, set[str]] = field(factory=dict)  # a subject of ours -> the clients that they use

    def row(self, sid: str) -> Session | None:
        """Read a row, as it is stored."""
        return self.store.load(sid)[0]

    def rows(self) -> list[Session]:
        """Give every row that somebody lived in."""
        return [row for row in self.store._rows.values() if row.subject]

    def standing(self, row: Session) -> bool:
        """Tell whether a row is alive at this moment, whatever is written down."""
        return any(summary.sid == row.sid for summary in self.sessions.sessions_of(row.subject))
