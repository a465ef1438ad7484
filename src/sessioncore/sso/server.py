"""What the server knows besides the session and the request: its own rules for this user and this client."""

from collections.abc import Iterable
from enum import IntEnum
from typing import Any

from attrs import field, frozen

from ..errors import InvalidSetting
from ..records import State


class Level(IntEnum):
    """Order what a request wants proved; no session reaches ``UNKNOWN``."""

    ANY = 0
    ONE_FACTOR = 1
    TWO_FACTORS = 2
    UNKNOWN = 3


_LEVEL_OF = {State.AUTHENTICATED: Level.ONE_FACTOR, State.MFA_SATISFIED: Level.TWO_FACTORS}


def _classes(_: object, attribute: Any, value: Any) -> None:
    for name, state in value:
        if state not in _LEVEL_OF or not isinstance(name, str) or name.split() != [name]:
            advice = "pair each class, a word without spaces, with State.AUTHENTICATED or State.MFA_SATISFIED"
            raise InvalidSetting(f"ServerPolicy.{attribute.name}", (name, state), advice)


def _pairs(value: Iterable[Iterable[Any]]) -> tuple[Any, ...]:
    return tuple(tuple(pair) for pair in value)


@frozen(kw_only=True)
class ServerPolicy:
    """Hold the authorization server's rules, as they are for one user and one client.

    ``mfa`` demands a second factor, besides what the session says it ``needs``. ``consented`` says that the user's
    consent to what this client asks is on record. ``can_step_up`` says that this user has a second factor to prove;
    ``offers_step_up`` that a page may offer that for an acr that was only wished for. ``acrs`` names the
    authentication context classes, each with the state that meets it, the weakest first. Raises
    ``InvalidSetting`` for a class that no state meets.
    """

    issuer: str = ""
    mfa: bool = False
    consented: bool = True
    can_step_up: bool = True
    offers_step_up: bool = False
    acrs: tuple[tuple[str, State], ...] = field(default=(), converter=_pairs, validator=_classes)

    def level_of(self, values: Iterable[str]) -> Level:
        """Give the least that meets one of these classes: ``UNKNOWN`` if the server knows none of them."""
        known = dict(self.acrs)
        return min((_LEVEL_OF[known[v]] if v in known else Level.UNKNOWN for v in values), default=Level.ANY)

    def acr_of(self, level: Level, values: Iterable[str]) -> str:
        """Give the class to put into a token: of those asked for the first that is met, else the best there is."""
        met = [name for name, state in self.acrs if _LEVEL_OF[state] <= level]
        asked = [value for value in values if value in met]
        return (asked or met[-1:] or [""])[0]
