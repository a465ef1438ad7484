"""Every error of the library, in one tree: who erred, which value, what to do next."""

from typing import Any


class SessionError(Exception):
    """Stand at the root: catch this to catch them all."""


class InvalidSetting(SessionError, ValueError):
    """A setting or argument is wrong: the program needs mending, not the request."""

    def __init__(self, name: str, value: object, advice: str) -> None:
        super().__init__(f"{name} = {value!r}: {advice}")
        self.name = name
        self.value = value
        self.advice = advice


class ExtraMissing(SessionError, ImportError):
    """A part was imported without what an extra of this package brings: install it, or leave the part out."""

    def __init__(self, extra: str, missing: ImportError, *besides: str) -> None:
        wanted = " ".join(f"'{each}'" for each in (f"sessioncore[{extra}]", *besides))
        [what, *_] = (str(missing) or type(missing).__name__).splitlines()
        super().__init__(f"{what}: install the extra, pip install {wanted}")
        self.name = missing.name
        self.extra = extra


class Refused(SessionError):
    """No row of the table lets this event act on this session at this moment.

    ``settled`` is the session as the clock leaves it: store it, it may have ended. ``state`` is its state. Both are
    None if there is no session any more.
    """

    def __init__(self, event: object, state: Any, why: str, settled: Any) -> None:
        where = "no session" if state is None else f"a session that is {state}"
        super().__init__(f"{type(event).__name__} on {where}: {why}")
        self.event = event
        self.state = state
        self.why = why
        self.settled = settled


class Contention(SessionError):
    """Other requests changed the same session for too long: nothing was stored, try again."""


class StoreUnavailable(SessionError):
    """The store did not answer: nobody is authenticated, and nothing that was not acknowledged is done."""


class UnreadableRecord(SessionError):
    """A stored record is not one of ours: it is treated as absent, never as defaults."""


class NotYours(SessionError):
    """The session to end belongs to another subject."""


class LoginRequired(SessionError):
    """The request needs a (fresher) login: send the user to the login page."""


class StepUpRequired(SessionError):
    """The request needs a (fresher) second factor: send the user to the challenge page."""


class TooLate(SessionError):
    """The response has started: its headers can no longer carry what this event needs."""


class DataTooLarge(SessionError, ValueError):
    """The session's data would exceed the policy's cap: nothing of this write is stored."""
