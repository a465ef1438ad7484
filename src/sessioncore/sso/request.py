"""What a client asks for: the parameters of an authentication request that bear on the session, as one value."""

import json
import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

from attrs import evolve, frozen

from ..records import NEVER


class HintStanding(StrEnum):
    """Say what became of an ``id_token_hint``."""

    ABSENT = "absent"
    VALID = "valid"
    INVALID = "invalid"


@frozen
class Hint:
    """Hold a verified ``id_token_hint``: its signature is the adapter's to check, its issuer is compared here.

    One that has merely expired is valid: it still says whom the client means (Core 1.0, 3.1.2.1).
    """

    standing: HintStanding = HintStanding.ABSENT
    subject: str = ""
    issuer: str = ""

    @classmethod
    def valid(cls, subject: str, issuer: str) -> "Hint":
        """Hold a hint whose signature is the issuer's."""
        return cls(HintStanding.VALID, subject, issuer)


NO_HINT: Final = Hint()
INVALID_HINT: Final = Hint(HintStanding.INVALID)


@frozen(kw_only=True)
class AuthenticationRequest:
    """Hold what a client asks of the session. ``read_request`` makes one of raw parameters.

    ``none``, ``login``, ``select_account`` and ``consent`` are the prompts; ``max_age`` is in milliseconds, NEVER if
    none was asked. ``subject`` is the value that the ``sub`` claim was asked to have. ``acr_values`` are the classes
    asked for, in order of preference. ``fault`` says what in the request cannot be read.
    """

    none: bool = False
    login: bool = False
    select_account: bool = False
    consent: bool = False
    max_age: int = NEVER
    hint: Hint = NO_HINT
    subject: str = ""
    acr_values: tuple[str, ...] = ()
    acr_essential: bool = False
    fault: str = ""

    @property
    def subject_asked(self) -> str:
        """Give the subject that the client means, or nothing."""
        return self.hint.subject or self.subject


# ASCII digits only: int() would take "+5", " 5", "1_000" and the digits of other scripts.
_WHOLE_SECONDS: Final = re.compile(r"[0-9]+").fullmatch
_PROMPTS: Final = {"none", "login", "select_account", "consent"}
_LONGEST: Final = 13  # digits; more seconds than that are longer than any session is old


def read_request(parameters: Mapping[str, str], *, hint: Hint = NO_HINT) -> AuthenticationRequest:
    """Read the parameters of a request: total, whatever a stranger sends; what cannot be read is its ``fault``.

    A hint that is among the parameters and was not verified counts as invalid. Prompts that nobody knows are
    ignored, except beside ``none``. Source: OpenID Connect Core 1.0, 3.1.2.1 and 5.5.
    """
    if hint.standing is HintStanding.ABSENT and parameters.get("id_token_hint"):
        hint = INVALID_HINT
    request = AuthenticationRequest(hint=hint, acr_values=_words(parameters.get("acr_values", "")))
    request = _with_prompts(request, parameters.get("prompt", ""))
    request = _with_max_age(request, parameters.get("max_age"))
    return _with_claims(request, parameters.get("claims"))


def _words(text: str) -> tuple[str, ...]:
    """Split at spaces, and at nothing else (RFC 6749, section 3.3)."""
    return tuple(word for word in text.split(" ") if word)


def _with_prompts(request: AuthenticationRequest, text: str) -> AuthenticationRequest:
    prompts = set(_words(text))
    request = evolve(
        request,
        none="none" in prompts,
        login="login" in prompts,
        select_account="select_account" in prompts,
        consent="consent" in prompts,
    )
    # Beside a prompt that we know, the table refuses; what we do not know is not in the request.
    odd = request.none and not prompts <= _PROMPTS
    return _faulty(request, "prompt: none stands alone or not at all") if odd else request


def _with_max_age(request: AuthenticationRequest, text: str | None) -> AuthenticationRequest:
    if text is None:
        return request
    if _WHOLE_SECONDS(text) is None:
        return _faulty(request, "max_age: not a whole number of seconds, 0 or more")
    digits = text.lstrip("0") or "0"
    return evolve(request, max_age=NEVER if len(digits) >= _LONGEST else int(digits) * 1_000)


def _with_claims(request: AuthenticationRequest, text: str | None) -> AuthenticationRequest:
    if text is None:
        return request
    try:
        claims = json.loads(text)
    except (ValueError, RecursionError):
        return _faulty(request, "claims: not JSON")
    asked = claims.get("id_token") if isinstance(claims, dict) else claims
    if not isinstance(claims, dict) or not isinstance(asked, dict | None):
        return _faulty(request, "claims: not an object of objects")
    return _with_acr(_with_subject(request, _claim(asked, "sub")), _claim(asked, "acr"))


def _claim(asked: Any, name: str) -> Mapping[str, Any]:
    wish = (asked or {}).get(name)
    return wish if isinstance(wish, dict) else {}


def _with_subject(request: AuthenticationRequest, wish: Mapping[str, Any]) -> AuthenticationRequest:
    """Take the value that the ``sub`` claim has to have; one that is no text can be nobody's."""
    if "value" not in wish:
        return request
    if not isinstance(wish["value"], str) or not wish["value"]:
        return _faulty(request, "claims: the value of sub is no text")
    return evolve(request, subject=wish["value"])


def _with_acr(request: AuthenticationRequest, wish: Mapping[str, Any]) -> AuthenticationRequest:
    """Take the acr that the ID token has to carry; the parameter ``acr_values`` only ever wishes."""
    values = wish.get("values", [wish["value"]] if "value" in wish else [])
    if not isinstance(values, Sequence) or isinstance(values, str) or not all(isinstance(v, str) for v in values):
        return _faulty(request, "claims: the values of acr are no texts")
    essential = wish.get("essential") is True
    if not values:
        return request
    return evolve(request, acr_values=tuple(values), acr_essential=essential)


def _faulty(request: AuthenticationRequest, fault: str) -> AuthenticationRequest:
    """Keep the first fault."""
    return evolve(request, fault=request.fault or fault)
