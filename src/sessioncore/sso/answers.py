"""What a decision can say: grant, ask the user for something, or refuse with an error of the protocol."""

from enum import StrEnum
from typing import Final

from attrs import frozen


class Interaction(StrEnum):
    """Name a page that a user can be asked to answer.

    ``OFFER_STEP_UP`` may be declined; all others must be done.
    """

    LOG_IN = "log_in"
    REAUTHENTICATE = "reauthenticate"
    SELECT_ACCOUNT = "select_account"
    STEP_UP = "step_up"
    SATISFY_MFA = "satisfy_mfa"
    CONSENT = "consent"
    OFFER_STEP_UP = "offer_step_up"


class ErrorCode(StrEnum):
    """Name an error as it goes to the client: OpenID Connect Core 1.0, 3.1.2.6, and its extension for an unmet acr."""

    INVALID_REQUEST = "invalid_request"
    LOGIN_REQUIRED = "login_required"
    INTERACTION_REQUIRED = "interaction_required"
    ACCOUNT_SELECTION_REQUIRED = "account_selection_required"
    CONSENT_REQUIRED = "consent_required"
    UNMET_AUTHENTICATION_REQUIREMENTS = "unmet_authentication_requirements"


class Granted(StrEnum):
    """Say in a cell of the table that the request is granted."""

    GRANTED = "granted"


GRANTED: Final = Granted.GRANTED


@frozen(kw_only=True)
class Grant:
    """Answer for this subject; ``auth_time`` is the session's own, in seconds, never the time of issue.

    ``acr`` is empty if the server names no class that the session meets. Source: OpenID Connect Core 1.0, section 2.
    """

    subject: str
    auth_time: int
    acr: str = ""
    amr: tuple[str, ...] = ()


@frozen
class Interact:
    """Show this page, and decide again once it is answered; ``subject`` is whom it is for, empty for anybody."""

    kind: Interaction
    subject: str = ""


@frozen
class Refuse:
    """Send this error to the client; ``why`` says in words what was the matter."""

    error: ErrorCode
    why: str = ""


Answer = Grant | Interact | Refuse
