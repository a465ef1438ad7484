"""Parts that need more than the core does: where that is missing, which extra of this package brings it is said."""

from typing import Final

from .errors import ExtraMissing

OURS: Final = ("sessioncore", "sessioncore_io")


class Extra:
    """Import in this context what the extra of that name brings, and ``besides`` it. Raises ``ExtraMissing``."""

    def __init__(self, name: str, *besides: str) -> None:
        self._name = name
        self._besides = besides

    def __enter__(self) -> None:
        """Nothing is imported yet."""

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        """Say what to install, unless a module of our own is what is wrong."""
        if isinstance(error, ExtraMissing) or not isinstance(error, ImportError):
            return
        if (error.name or "").partition(".")[0] not in OURS:
            raise ExtraMissing(self._name, error, *self._besides) from error
