"""What a layer does when somebody logs out, as a list of effects read from the cascade."""

from collections.abc import Iterator
from typing import Final

from attrs import frozen

from ..records import Reason, Session
from .cascade import Cascade, Cell, Fate, Happening, Layer, cascade_of


@frozen
class EndSession:
    """End this session."""

    sid: str
    reason: Reason


@frozen
class EndAll:
    """End every session of this subject."""

    subject: str
    reason: Reason


@frozen
class NotifySession:
    """Send every application that hangs on this session a logout token with its own ``sid`` (see ``client_sid``)."""

    sid: str
    subject: str


@frozen
class NotifySubject:
    """Send every application that this subject signed in to a logout token with ``sub`` alone."""

    subject: str


@frozen
class AskUpstream:
    """Send the browser on to log out at the layer above, whose session this is: an issuer and its ``sid``."""

    upstream: tuple[str, str]
    federated: bool = False


LogoutEffect = EndSession | EndAll | NotifySession | NotifySubject | AskUpstream

_BELOW: Final = {Layer.SERVER: Layer.APPLICATION, Layer.PROVIDER: Layer.SERVER}
_ABOVE: Final = {Layer.APPLICATION: Layer.SERVER, Layer.SERVER: Layer.PROVIDER}


def plan_logout(session: Session | None, scope: Happening, layer: Layer = Layer.SERVER) -> list[LogoutEffect]:
    """List what this layer does with its session on this event, in order: its own end, the messages, the redirect.

    A session that has ended, or none, is no error; its applications are told again, a message may have been lost.
    Source: RP-Initiated Logout 1.0, section 2; Back-Channel Logout 1.0, section 2.
    """
    if session is None:
        return []
    row = cascade_of(scope)
    return [*_own(session, _cell_of(row, layer)), *_told(session, row, layer), *_asked(session, row, layer)]


def _cell_of(row: Cascade, layer: Layer) -> Cell:
    """Give the layer's cell; the application at which a logout begins ends its own session, and first."""
    begins = row.begins is layer is Layer.APPLICATION
    return Cell(Fate.ENDS, Reason.USER) if begins else row.at(layer)


def _own(session: Session, cell: Cell) -> Iterator[LogoutEffect]:
    if cell.reason is None:  # it stays, or time has ended it
        return
    if cell.fate is Fate.ALL_END and session.subject:
        yield EndAll(session.subject, cell.reason)
    elif cell.fate is not Fate.ALL_END and session.live:
        yield EndSession(session.sid, cell.reason)


def _told(session: Session, row: Cascade, layer: Layer) -> Iterator[LogoutEffect]:
    fate = row.at(_BELOW[layer]).fate if layer in _BELOW else Fate.STAYS
    if fate is Fate.IS_TOLD and session.subject:
        yield NotifySession(session.sid, session.subject)
    if fate is Fate.ALL_ARE_TOLD and session.subject:
        yield NotifySubject(session.subject)


def _asked(session: Session, row: Cascade, layer: Layer) -> Iterator[LogoutEffect]:
    """Go up: an application asks its server, unless the logout is local; a server its provider, if it is federated."""
    if layer not in _ABOVE or not any(session.upstream):
        return
    asks = row.at(_ABOVE[layer]).fate
    if asks is Fate.IS_ASKED or (row.begins is layer is Layer.APPLICATION and asks is Fate.ENDS):
        yield AskUpstream(session.upstream, federated=row.provider.fate is Fate.IS_ASKED)
