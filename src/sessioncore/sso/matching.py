"""Which sessions a logout token ends."""

from attrs import frozen

from ..errors import InvalidSetting
from ..records import Session
from .naming import subject_of


@frozen(kw_only=True)
class LogoutToken:
    """Hold what a verified logout token names: a session (``sid``), a subject (``sub``), or both.

    ``subject`` is how the application names that subject; if empty, ``subject_of`` does. Raises ``InvalidSetting``
    for one that names nothing. Source: OpenID Connect Back-Channel Logout 1.0, 2.4.
    """

    issuer: str
    sub: str = ""
    sid: str = ""
    subject: str = ""

    def __attrs_post_init__(self) -> None:
        if not self.issuer or not (self.sub or self.sid):
            raise InvalidSetting("LogoutToken", self, "it has to name its issuer, and a sub or a sid: answer 400")

    @property
    def owner(self) -> str:
        """Give the subject as the application names it; empty if the token names none."""
        return self.subject or (subject_of(self.issuer, self.sub) if self.sub else "")


def ends(token: LogoutToken, session: Session) -> bool:
    """Tell whether the token ends this session: with ``sid`` that one, without it every one of (iss, sub).

    One that names both ends a session only if both are its own. Sessions on another issuer's login, or on none, stay.
    Source: OpenID Connect Back-Channel Logout 1.0, 2.7.
    """
    issuer, sid = session.upstream
    if issuer != token.issuer or (token.sid and sid != token.sid):
        return False
    return not token.owner or session.subject == token.owner
