"""The names that cross from one layer to another: of a subject, and of a session as one client knows it."""

from hashlib import sha256

from ..errors import InvalidSetting
from ..events import LONGEST_NAME


def subject_of(issuer: str, sub: str) -> str:
    """Name a subject of an identity provider as a subject of one's own: two issuers' equal ``sub`` are two.

    ``sub`` is unique only within its issuer (OpenID Connect Core 1.0, 5.7). No two pairs have one name: the issuer's
    own ``#`` is escaped, so the first one parts the two. A pair that is too long for a name, or cannot be printed, is
    named by its SHA-256. Raises ``InvalidSetting`` if either is empty.
    """
    for name, value in (("issuer", issuer), ("sub", sub)):
        if not value:
            raise InvalidSetting(name, value, "pass the claims iss and sub of a verified ID token")
    plain = f"{issuer.replace('%', '%25').replace('#', '%23')}#{sub}"
    if len(plain) <= LONGEST_NAME and plain.isprintable():
        return plain
    return "sha256:" + _hashed(plain)


def client_sid(sid: str, client_id: str) -> str:
    """Name a session to one client, for the claim ``sid`` of ID tokens and logout tokens.

    Stable for the session's life, other than the cookie's selector, and another for each client, so that two of them
    cannot tell that they speak of one browser. Nothing about it is secret, and it proves no right. Source: OpenID
    Connect Back-Channel Logout 1.0, 2.1.
    """
    return _hashed(f"sid {len(sid)} {sid}{client_id}")[:32]


def _hashed(text: str) -> str:
    return sha256(text.encode(errors="surrogatepass")).hexdigest()
