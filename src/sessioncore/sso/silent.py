"""What a single-page application does when a silent authentication comes back, or does not."""

from enum import StrEnum
from typing import Final

from attrs import frozen

from .answers import ErrorCode


class AfterSilence(StrEnum):
    """Name what becomes of the application's session: it goes on anew, it ends, or it stays as long as it would."""

    RENEWED = "renewed"
    ENDED = "ended"
    STAYS = "stays"


@frozen
class SilentResult:
    """Hold one row: this result, that consequence."""

    error: str
    then: AfterSilence
    clause: str


_STAYS: Final = AfterSilence.STAYS

# Anything else, such as a timeout or a server in trouble, says nothing about the session: it stays.
# fmt: off
SILENT_RESULTS: Final = (
    SilentResult("",                                   AfterSilence.RENEWED, "Core 1.0, 3.1.2.5"),
    SilentResult(ErrorCode.LOGIN_REQUIRED,             AfterSilence.ENDED,   "Core 1.0, 3.1.2.6"),
    SilentResult(ErrorCode.INTERACTION_REQUIRED,       _STAYS,               "Core 1.0, 3.1.2.6"),
    SilentResult(ErrorCode.ACCOUNT_SELECTION_REQUIRED, _STAYS,               "Core 1.0, 3.1.2.6"),
    SilentResult(ErrorCode.CONSENT_REQUIRED,           _STAYS,               "Core 1.0, 3.1.2.6"),
    SilentResult(ErrorCode.INVALID_REQUEST,            _STAYS,               "Core 1.0, 3.1.2.6"),
    SilentResult(ErrorCode.UNMET_AUTHENTICATION_REQUIREMENTS, _STAYS,        "Unmet Authentication Requirements 1.0"),
)
# fmt: on


def on_silent_result(error: str | None) -> AfterSilence:
    """Say what a silent authentication means for the application's session; ``error`` is empty if it succeeded.

    None stands for no answer in time. Only ``login_required`` says that nobody is signed in any more. Source:
    OpenID Connect Core 1.0, 3.1.2.6.
    """
    return next((row.then for row in SILENT_RESULTS if row.error == error), _STAYS)
