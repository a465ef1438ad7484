"""The values that the machine steps: frozen, made of integers and strings.

Every instant (``*_at``, ``since``, ``not_after``) is an integer of milliseconds since the Unix epoch and every
span an integer of milliseconds. ``NEVER`` stands for "not set"; it compares as later than any instant, so no
guard has to ask first whether a value is there.
"""

from enum import IntEnum, StrEnum
from typing import Final

from attrs import field, frozen

NEVER: Final = 2**53

Pairs = tuple[tuple[str, str], ...]


class State(StrEnum):
    """Name where a session stands; the last three are ends and absorb."""

    CREATED = "created"
    AUTHENTICATED = "authenticated"
    MFA_SATISFIED = "mfa_satisfied"
    EXPIRED = "expired"
    LOGGED_OUT = "logged_out"
    RESET = "reset"

    @property
    def live(self) -> bool:
        """Tell whether a session in this state can still act."""
        return self in LIVE


LIVE: Final = (State.CREATED, State.AUTHENTICATED, State.MFA_SATISFIED)
ENDS: Final = (State.EXPIRED, State.LOGGED_OUT, State.RESET)


class Reason(StrEnum):
    """Name why a session ended; the first reason wins and is never rewritten."""

    IDLE = "idle"
    LIFETIME = "lifetime"
    UPSTREAM = "upstream"
    PASSWORD_RESET = "password_reset"
    PASSWORD_CHANGE = "password_change"
    USER = "user"
    USER_ALL = "user_all"
    RP = "rp"
    IDP = "idp"
    ADMIN = "admin"
    ACCOUNT_DELETED = "account_deleted"
    IDENTIFIER_CHANGED = "identifier_changed"
    REPLACED = "replaced"
    EVICTED = "evicted"


RESETTING: Final = (Reason.PASSWORD_RESET, Reason.PASSWORD_CHANGE)
EXPIRING: Final = (Reason.IDLE, Reason.LIFETIME, Reason.UPSTREAM)
LOGGING_OUT: Final = tuple(reason for reason in Reason if reason not in RESETTING + EXPIRING)
# What only the epoch does, never a LogOut: so a row that it ended can be told from one that somebody logged out.
KEEPING: Final = (Reason.PASSWORD_CHANGE, Reason.USER_ALL)


class Kind(IntEnum):
    """Name a kind of authentication factor (NIST SP 800-63B-4, section 2)."""

    NONE = 0
    KNOWLEDGE = 1
    POSSESSION = 2
    INHERENCE = 3


@frozen(kw_only=True)
class Epoch:
    """Hold the one number that all live sessions of a subject share.

    ``cause`` is None as long as the first login's own number stands; afterwards it says why it was superseded.
    """

    value: int
    cause: Reason | None = None


@frozen(kw_only=True)
class Session:
    """Hold one login session: what a store keeps under the key ``sid``.

    ``sid`` (the selector) is public and stays for the row's life. ``proof`` is the SHA-256 of the secret that
    the browser holds; ``former_proof`` is the one before the last rotation. ``since`` anchors the lifetime:
    creation for a guest, authentication afterwards. ``idle`` and ``lifetime`` are the limits at sign-in.
    ``upstream`` is the (issuer, sid) of the session at the identity provider. ``data`` maps keys to JSON text:
    the core merges it by key and never looks inside.
    """

    sid: str
    proof: str = field(repr=False)
    former_proof: str = field(default="", repr=False)
    state: State = State.CREATED
    version: int = 1
    subject: str = ""
    first: Kind = Kind.NONE
    second: Kind = Kind.NONE
    methods: tuple[str, ...] = ()
    mfa_methods: tuple[str, ...] = ()
    needs: State = State.AUTHENTICATED
    epoch: int = 0
    created_at: int
    authenticated_at: int = NEVER
    mfa_at: int = NEVER
    seen_at: int
    since: int
    idle: int
    lifetime: int
    not_after: int = NEVER
    remembered: bool = False
    upstream: tuple[str, str] = ("", "")
    label: str = ""
    ended_at: int = NEVER
    reason: Reason | None = None
    data: Pairs = field(default=(), repr=False)
    activities: tuple[str, ...] = field(default=(), repr=False)

    @property
    def live(self) -> bool:
        """Tell whether no end is recorded; the clock may know better: settle first."""
        return self.state.live

    @property
    def deadline(self) -> int:
        """Give the instant at which this session is dead by its own limits."""
        return min(self.seen_at + self.idle, self.since + self.lifetime, self.not_after)

    @property
    def signed_in(self) -> bool:
        """Tell whether the session proved every factor that its login said it needs."""
        return self.state in (self.needs, State.MFA_SATISFIED) and self.state.live


@frozen
class Moment:
    """Hold everything outside a session that a step may depend on: the time and today's rules.

    ``epoch`` and ``cause`` are those of the subject; ``idle``, ``lifetime`` and ``mfa_lifetime`` are what the
    policy of today says for this class of session.
    """

    at: int
    epoch: int
    cause: Reason
    idle: int
    lifetime: int
    mfa_lifetime: int
