"""One strict parser over bytes and one writer, for both adapters (RFC 6265bis)."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from attrs import field, frozen

from sessioncore import InvalidSetting, Session
from sessioncore.flows import TOKEN, Token

from .storing import CLEAR, Clear

_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")
_PATH: Final = re.compile(r"/[\x21-\x3a\x3c-\x7e]{0,1024}")
_DOMAIN: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_SAME_SITE: Final = ("Lax", "Strict", "None")
_LONGEST: Final = 4096


@frozen(kw_only=True)
class Cookie:
    """Say how the browser keeps the token. Raises ``InvalidSetting`` for what would weaken or break it.

    The default name begins with ``__Host-``: the browser then takes it only over https (or on localhost), for
    this host and the whole of it, so no other host can plant one. HttpOnly is always on. Secure may be off only for
    a name without such a prefix, with the default path and domain: see ``for_plain_http``.
    """

    name: str = "__Host-session"
    same_site: str = "Lax"
    path: str = "/"
    domain: str = ""
    secure: bool = True
    _crumbs: Callable[[str], list[tuple[str, str]]] = field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        self._check_syntax()
        self._check_security()
        # Every crumb of our name, by one pattern: the parts of its token, or two empty texts if it holds none.
        crumb = rf";[ \t]*+{re.escape(self.name)}=(?:{TOKEN}[ \t]*+(?![^;])|)"
        object.__setattr__(self, "_crumbs", re.compile(crumb).findall)

    @classmethod
    def for_plain_http(cls, name: str = "session") -> "Cookie":
        """Serve clients that drop Secure cookies over http: for development on one's own machine only."""
        return cls(name=name, secure=False)

    def _check_syntax(self) -> None:
        if not isinstance(self.name, str) or _NAME.fullmatch(self.name) is None:
            raise InvalidSetting("Cookie.name", self.name, "use 1 to 128 letters, digits, - or _ (RFC 9110 token)")
        if not isinstance(self.path, str) or _PATH.fullmatch(self.path) is None:
            raise InvalidSetting("Cookie.path", self.path, "begin with / and use printable ASCII without ; or space")
        if self.domain and (not isinstance(self.domain, str) or _DOMAIN.fullmatch(self.domain) is None):
            raise InvalidSetting("Cookie.domain", self.domain, "use a host name, or leave it out")
        if self.same_site not in _SAME_SITE:
            raise InvalidSetting("Cookie.same_site", self.same_site, f"use one of {', '.join(_SAME_SITE)}")
        if not isinstance(self.secure, bool):
            raise InvalidSetting("Cookie.secure", self.secure, "use True")

    def _check_security(self) -> None:
        prefix = self.name.lower()
        if prefix.startswith(("__host-", "__secure-", "__http-")) and not self.secure:
            raise InvalidSetting("Cookie.secure", self.secure, f"browsers take {self.name} only with Secure")
        if prefix.startswith("__host-") and (self.domain or self.path != "/"):
            raise InvalidSetting("Cookie.name", self.name, "a __Host- cookie has Path=/ and no Domain")
        if not self.secure and self.same_site == "None":
            raise InvalidSetting("Cookie.same_site", self.same_site, "SameSite=None asks for Secure")
        if not self.secure and (self.domain or self.path != "/"):
            raise InvalidSetting("Cookie.secure", self.secure, "without Secure, leave path and domain out")

    # -- reading -------------------------------------------------------------------------------------------

    def find(self, header: bytes) -> Token | None:
        """Find our token in a Cookie header, in linear time; the name twice means no token.

        Several Cookie headers are joined with ``; `` first. Only SP and HTAB are stripped, and the name has to
        be ours to the letter: what else looks like it is another cookie, or somebody's trick.
        """
        return self.find_in(header.decode("latin-1"))

    def find_in(self, header: str) -> Token | None:
        """Find our token in a header whose bytes were made characters, one by one, as in WSGI."""
        found = self._crumbs(";" + header)
        if len(found) != 1:
            return None
        sid, secret = found[0]
        return Token(sid, secret) if sid else None

    # -- writing -------------------------------------------------------------------------------------------

    def write(self, order: Token | Clear, session: Session | None, at: int) -> str:
        """Write the Set-Cookie header's value: the token, or the same cookie emptied."""
        if order is CLEAR:
            return f"{self.name}=; Max-Age=0; Expires={_DAWN}{self._attributes}"
        assert isinstance(order, Token)
        kept = _max_age(session, at) if session is not None and session.remembered else ""
        value = f"{self.name}={order.text}{kept}{self._attributes}"
        assert len(value) <= _LONGEST, "names and tokens are bounded"
        return value

    @property
    def _attributes(self) -> str:
        domain = f"; Domain={self.domain}" if self.domain else ""
        secure = "; Secure" if self.secure else ""
        return f"; Path={self.path}{domain}{secure}; HttpOnly; SameSite={self.same_site}"


_DAWN: Final = datetime.fromtimestamp(0, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")


def _max_age(session: Session, at: int) -> str:
    """Keep the cookie as long as the session can last, not as long as it may be idle."""
    seconds = (min(session.since + session.lifetime, session.not_after) - at) // 1000
    return f"; Max-Age={max(seconds, 1)}"
