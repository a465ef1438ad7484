"""What can go wrong with a provider, each with what to do next."""

from sessioncore import SessionError


class LoginFailed(SessionError):
    """A login by the provider came to nothing: nobody was signed in by it.

    ``error`` is a code: the provider's own, such as ``login_required`` or ``access_denied``, or one of ours:
    ``unknown_state``, ``other_issuer``, ``bad_token``, ``ended_meanwhile``, ``changed_meanwhile`` (a renewal's answer
    came after another login, which stays), or a ``Verdict``. ``next`` is where the user wanted to go. Show it and
    offer another try; do not try again by yourself.
    """

    def __init__(self, error: str, why: str, next: str = "/") -> None:
        super().__init__(f"{error}: {why}")
        self.error = error
        self.why = why
        self.next = next


class ProviderUnavailable(SessionError):
    """The provider did not answer, or not as its own documents promise: nobody is signed in by it. Try again later."""


class BadToken(SessionError):
    """A token is not what it has to be: nothing of it counts."""
