"""What can happen to a session: values, so that a lost swap can replay them on the fresh row.

A credential event carries the pair of proofs that the row holds afterwards. A rotation writes a new ``proof``
and keeps the one it replaces as ``former_proof``; an event that raced another rotation of the same row carries
the pair that the row already holds (see ``flows.committing``).
"""

from typing import Any, Final

from attrs import field, frozen

from .errors import InvalidSetting
from .records import KEEPING, LOGGING_OUT, NEVER, Kind, Reason, State

SINGLE_ENDS: Final = tuple(reason for reason in LOGGING_OUT if reason not in KEEPING)

LONGEST_NAME: Final = 256


def named(_: object, attribute: Any, value: Any) -> None:
    """Refuse what cannot name an account: no text, an empty one, or more than 256 characters."""
    if not value:
        raise InvalidSetting(attribute.name, value, "name the account by its stable identifier")
    short(_, attribute, value)


def short(_: object, attribute: Any, value: Any) -> None:
    """Refuse what is not a short text that every store can hold."""
    if not isinstance(value, str) or len(value) > LONGEST_NAME or not value.isprintable():
        raise InvalidSetting(attribute.name, value, f"use printable text of at most {LONGEST_NAME} characters")


@frozen(kw_only=True)
class LogIn:
    """A subject proved who they are, with one factor or with two of different kinds.

    ``epoch`` is the subject's, read **before** the credential was checked. ``needs`` is the state that this
    login still has to reach before it counts as signed in.
    """

    subject: str = field(validator=named)
    sid: str
    epoch: int
    methods: tuple[str, ...]
    mfa_methods: tuple[str, ...] = ()
    first: Kind
    second: Kind = Kind.NONE
    needs: State = State.AUTHENTICATED
    remembered: bool = False
    idle: int
    lifetime: int
    not_after: int = NEVER
    upstream: tuple[str, str] = ("", "")
    label: str = field(default="", validator=short)
    proof: str = field(repr=False)
    former_proof: str = field(repr=False)


@frozen(kw_only=True)
class SatisfyMfa:
    """The subject proved a second factor, for this session."""

    subject: str
    sid: str
    methods: tuple[str, ...]
    kind: Kind
    proof: str = field(repr=False)
    former_proof: str = field(repr=False)


@frozen(kw_only=True)
class Reauthenticate:
    """The subject proved a first factor again, for this session."""

    subject: str
    sid: str
    epoch: int
    proof: str = field(repr=False)
    former_proof: str = field(repr=False)


@frozen(kw_only=True)
class Restamp:
    """This session is the one that stays when its subject ends all others: it moves from epoch ``was`` to ``epoch``."""

    subject: str
    sid: str
    was: int
    epoch: int
    proof: str = field(repr=False)
    former_proof: str = field(repr=False)


@frozen
class Touch:
    """The session was used."""


@frozen(kw_only=True)
class Write:
    """The session was used, and its data changed.

    ``changes`` are (key, JSON text or None to drop the key); ``activities`` are appended and the newest ``keep`` stay.
    """

    changes: tuple[tuple[str, str | None], ...] = field(default=(), repr=False)
    activities: tuple[str, ...] = field(default=(), repr=False)
    keep: int = 50


@frozen
class LogOut:
    """Somebody with the right to do so ended the session. Raises ``InvalidSetting`` for a reason of another end."""

    reason: Reason = Reason.USER

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.reason, Reason) or self.reason not in SINGLE_ENDS:
            raise InvalidSetting("LogOut.reason", self.reason, f"use one of {', '.join(SINGLE_ENDS)}")


@frozen
class Tick:
    """Time passed: whatever is due fires."""


Credential = LogIn | SatisfyMfa | Reauthenticate
Event = LogIn | SatisfyMfa | Reauthenticate | Restamp | Touch | Write | LogOut | Tick
EVENTS: Final = (LogIn, SatisfyMfa, Reauthenticate, Restamp, Touch, Write, LogOut, Tick)
