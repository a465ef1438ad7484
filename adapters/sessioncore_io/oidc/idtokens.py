"""Whether an ID token is what the client asked for: every check of OpenID Connect Core 1.0, 3.1.3.7, but those on time
of login and strength, which ``sessioncore.sso.accept`` makes."""

import hmac
from collections.abc import Mapping
from typing import Any, Final

from authlib.oidc.core.util import create_half_hash
from joserfc.errors import JoseError
from joserfc.jwt import JWTClaimsRegistry, Token

from sessioncore.events import LONGEST_NAME
from sessioncore.flows.upstream import TAKEN_FOR

from .failures import BadToken

LEEWAY: Final = 5  # seconds by which two clocks may disagree
OLDEST: Final = TAKEN_FOR // 1_000  # seconds since its issue: it comes straight from the provider


def check_origin(claims: Mapping[str, Any], *, issuer: str, client_id: str, at: int, needs: str) -> None:
    """See that a token is this provider's, for this client, of now, and has the claim that it needs besides.

    Raises ``BadToken``.
    """
    besides: Any = {needs: {"essential": True}}
    registry = JWTClaimsRegistry(
        now=at,
        leeway=LEEWAY,
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": client_id},
        exp={"essential": True},
        iat={"essential": True},
        **besides,
    )
    try:
        registry.validate(dict(claims))
    except JoseError as error:
        raise BadToken(str(error)) from None
    if claims["iat"] < at - OLDEST:
        raise BadToken("it was issued too long ago")


def check_names(claims: Mapping[str, Any], *names: str) -> None:
    """See that claims which name somebody or something can be stored as names, if they are there. Raises ``BadToken``.

    What is not printable has lone surrogates among it, which no database takes.
    """
    for name in names:
        value = claims.get(name, "")
        if not isinstance(value, str) or len(value) > LONGEST_NAME or not value.isprintable():
            raise BadToken(f"its {name} is no name")


def check_id_token(
    token: Token, *, issuer: str, client_id: str, nonce: str, at: int, access_token: str = ""
) -> Mapping[str, Any]:
    """Give the claims of a token whose signature is good; ``at`` is in seconds. Raises ``BadToken``."""
    claims = token.claims
    check_origin(claims, issuer=issuer, client_id=client_id, at=at, needs="sub")
    said = claims.get("nonce")
    # JSON may spell what UTF-8 has no bytes for.
    if not isinstance(said, str) or not hmac.compare_digest(said.encode(errors="replace"), nonce.encode()):
        raise BadToken("its nonce is not the one that was sent")
    check_names(claims, "sub", "sid")
    if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and claims.get("azp") != client_id:
        raise BadToken("it is for several, and azp does not name this client")
    if claims.get("azp", client_id) != client_id:
        raise BadToken("azp names another client")
    expected = create_half_hash(access_token, str(token.header.get("alg")))
    if "at_hash" in claims and expected is not None and claims["at_hash"] != expected.decode():
        raise BadToken("at_hash is not that of the access token")
    return claims
