"""A provider that does what a test tells it to: its documents are good, its tokens are what the test makes of them."""

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import httpx2
from attrs import define, field
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from sessioncore.testing import Clock

from .town import AUTH, KEYS, SECRET

Change = Callable[[dict[str, Any]], dict[str, Any] | None]


@define
class Forger(httpx2.AsyncBaseTransport):
    """Stand for the server, as far as the shop's own calls go."""

    clock: Clock
    through: httpx2.AsyncBaseTransport
    change: Change = lambda claims: claims
    sign: Callable[[dict[str, Any]], str] = lambda claims: KEYS.sign(claims, typ="JWT")
    metadata: dict[str, Any] = field(factory=dict)
    nonce: str = ""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer the token endpoint by hand, and the rest as the server does, with changed metadata."""
        if request.url.path == "/oauth/token":
            return httpx2.Response(200, json=self._tokens(dict(parse_qsl(request.content.decode()))))
        answer = await self.through.handle_async_request(request)
        if request.url.path.endswith("openid-configuration"):
            await answer.aread()
            return httpx2.Response(200, json={**answer.json(), **self.metadata})
        return answer

    def _tokens(self, _: dict[str, str]) -> dict[str, Any]:
        at = self.clock.at // 1_000
        claims = {
            "iss": AUTH,
            "sub": "alice",
            "aud": "shop",
            "iat": at,
            "exp": at + 60,
            "auth_time": at,
            "nonce": self.nonce,
            "sid": "the provider's sid",
            "amr": ["pwd"],
        }
        changed = self.change(claims)
        body = {"access_token": "the access token", "token_type": "Bearer", "expires_in": 60}
        return body if changed is None else body | {"id_token": self.sign(changed)}


def unsigned(claims: dict[str, Any]) -> str:
    """Write a token of algorithm none."""
    return ".".join(map(encoded, (json.dumps({"alg": "none"}).encode(), json.dumps(claims).encode()))) + "."


def encoded(text: bytes) -> str:
    """Write bytes as tokens do."""
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def by_secret(claims: dict[str, Any]) -> str:
    """Sign with the client's own secret."""
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET), ["HS256"])


def by_stranger(claims: dict[str, Any]) -> str:
    """Sign with a key that the server does not have, under the name of one that it has."""
    return jwt.encode({"alg": "RS256", "kid": str(KEYS._signing[0].kid)}, claims, STRANGER)


def by_unknown(claims: dict[str, Any]) -> str:
    """Sign with a key that nobody knows."""
    return jwt.encode({"alg": "RS256", "kid": "unknown"}, claims, STRANGER)


STRANGER = RSAKey.generate_key(2048)
