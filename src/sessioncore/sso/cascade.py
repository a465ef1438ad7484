"""What happens to the sessions of the three layers when one of them ends: one table, event by layer.

A user's **application** session hangs on the authorization **server**'s, and that may hang on an identity
**provider**'s. An end travels down, from the session that others were built on to those built on it, by back-channel
messages; it travels up only when somebody asks for that. ``plan_logout`` reads this table, the diagram draws it.
"""

from enum import Enum, StrEnum
from typing import Final

from attrs import frozen

from ..records import Reason


class Layer(StrEnum):
    """Name a layer, from the outermost in."""

    APPLICATION = "application"
    SERVER = "server"
    PROVIDER = "provider"


class Happening(StrEnum):
    """Name what can end a session somewhere.

    ``REPLACEMENT`` is the login of another subject in the same browser, or of the same one beyond the cap.
    """

    LOCAL_LOGOUT = "local_logout"
    RP_LOGOUT = "rp_logout"
    FEDERATED_LOGOUT = "federated_logout"
    PROVIDER_LOGOUT = "provider_logout"
    SERVER_EXPIRY = "server_expiry"
    REPLACEMENT = "replacement"
    PASSWORD_RESET = "password_reset"
    ADMIN_REVOKES = "admin_revokes"


class Fate(Enum):
    """Name what becomes of a layer's session.

    ``ENDS``: this layer ends its one session. ``ALL_END``: it ends all of the subject. ``EXPIRES``: time has ended it.
    ``IS_TOLD`` and ``ALL_ARE_TOLD``: a logout token that names the session, or the subject, ends it. ``IS_ASKED``: the
    browser is sent there to log out. ``STAYS``: nothing happens to it.
    """

    ENDS = "ends"
    ALL_END = "all end"
    EXPIRES = "expires"
    IS_TOLD = "is told, ends"
    ALL_ARE_TOLD = "are told, all end"
    IS_ASKED = "is asked to end"
    STAYS = "stays"

    @property
    def ends(self) -> bool:
        """Tell whether the session is over when every message has arrived."""
        return self is not Fate.STAYS


@frozen
class Cell:
    """Hold one layer's fate, and the reason that its session records, if it ends."""

    fate: Fate
    reason: Reason | None = None


@frozen
class Cascade:
    """Hold one row: this event, which begins at that layer; what becomes of each layer's session; the clause.

    Of an event that begins at an application, its cell says what becomes of the **other** applications of the same
    server session; the one where the user logs out ends its own first, with ``Reason.USER``.
    """

    on: Happening
    begins: Layer
    application: Cell
    server: Cell
    provider: Cell
    clause: str

    def at(self, layer: Layer) -> Cell:
        """Give the cell of a layer."""
        return {Layer.APPLICATION: self.application, Layer.SERVER: self.server, Layer.PROVIDER: self.provider}[layer]


STAYS: Final = Cell(Fate.STAYS)
TOLD: Final = Cell(Fate.IS_TOLD, Reason.IDP)
ASKED: Final = Cell(Fate.IS_ASKED, Reason.RP)
ALL_TOLD: Final = Cell(Fate.ALL_ARE_TOLD, Reason.IDP)


def _ends(reason: Reason) -> Cell:
    return Cell(Fate.ENDS, reason)


_RESET: Final = Cell(Fate.ALL_END, Reason.PASSWORD_RESET)
_REPLACED: Final = Cell(Fate.ENDS, Reason.REPLACED)
_RP: Final = "RP-Initiated Logout 1.0, 2"
_BC: Final = "Back-Channel Logout 1.0, 2"

A, S, P = Layer.APPLICATION, Layer.SERVER, Layer.PROVIDER

# fmt: off
CASCADE: Final[tuple[Cascade, ...]] = (
    #       on                         begins  application  server               provider            clause
    Cascade(Happening.LOCAL_LOGOUT,      A,    STAYS,       STAYS,               STAYS,              _RP),
    Cascade(Happening.RP_LOGOUT,         A,    TOLD,        _ends(Reason.RP),    STAYS,              f"{_RP}; {_BC}.3"),
    Cascade(Happening.FEDERATED_LOGOUT,  A,    TOLD,        _ends(Reason.RP),    ASKED,              f"{_RP}; {_BC}.3"),
    Cascade(Happening.PROVIDER_LOGOUT,   P,    TOLD,        TOLD,                _ends(Reason.USER), f"{_BC}.7"),
    Cascade(Happening.SERVER_EXPIRY,     S,    TOLD,        Cell(Fate.EXPIRES),  STAYS,              f"{_BC}.3"),
    Cascade(Happening.REPLACEMENT,       S,    TOLD,        _REPLACED,           STAYS,              f"{_BC}.3"),
    Cascade(Happening.PASSWORD_RESET,    S,    ALL_TOLD,    _RESET,              STAYS,              f"{_BC}.4"),
    Cascade(Happening.ADMIN_REVOKES,     S,    TOLD,        _ends(Reason.ADMIN), STAYS,              f"{_BC}.3"),
)
# fmt: on


def cascade_of(happening: Happening) -> Cascade:
    """Give the row of an event."""
    return next(row for row in CASCADE if row.on is happening)
