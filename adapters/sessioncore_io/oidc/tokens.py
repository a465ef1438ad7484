"""The endpoints that applications call: token, userinfo, and what they learn the server by."""

import json
from collections.abc import Mapping
from typing import Any

from sessioncore import StoreUnavailable
from sessioncore.sso import client_sid

from ..shell import AsyncSessions
from .clients import AUTH_METHODS, RESPONSE_TYPES, Client
from .cors import ANYBODY, answered_preflight, for_origins
from .grants import alive, find_code, redeem
from .protocol import ACCESS_TOKEN, Asked, Issue, Protocol
from .responding import RESPONSE_MODES
from .settings import Paths, UserClaims, settled
from .web import Call, Pairs, Reply, not_allowed

_NO_STORE = (("cache-control", "no-store"), ("pragma", "no-cache"))


def json_reply(value: object, *, status: int = 200, headers: Pairs = ()) -> Reply:
    """Answer with JSON."""
    return Reply(
        status=status, headers=(("content-type", "application/json"), *headers), body=json.dumps(value).encode()
    )


def _unavailable(cors: Pairs) -> Reply:
    """Say that nobody knows, which is neither yes nor no."""
    return json_reply({"error": "temporarily_unavailable"}, status=503, headers=(*_NO_STORE, *cors))


class Tokens:
    """Answer what applications ask without a browser."""

    def __init__(self, protocol: Protocol, paths: Paths, claims: UserClaims) -> None:
        self.protocol = protocol
        self.paths = paths
        self._claims = claims

    async def token(self, call: Call) -> Reply:
        """Exchange a code for tokens, once, while its session is alive."""
        cors = for_origins(call, self._origins())
        if call.method == "OPTIONS":
            return answered_preflight(cors)
        if call.method != "POST":
            return not_allowed("POST", "OPTIONS").with_headers(*cors)
        if call.form.repeated:
            return json_reply({"error": "invalid_request"}, status=400, headers=(*_NO_STORE, *cors))
        try:
            status, body, headers = await self._exchanged(call)
        except StoreUnavailable:
            return _unavailable(cors)
        extra = tuple((name, value) for name, value in headers if name.lower() == "www-authenticate")
        return json_reply(body, status=status, headers=(*_NO_STORE, *extra, *cors))

    async def _exchanged(self, call: Call) -> tuple[int, Any, list[tuple[str, str]]]:
        sessions = call.session.sessions
        asked = Asked("POST", call.form.once, call.headers)
        found = await find_code(call.form.get("code"), self.protocol.keys, sessions)
        if found is not None:
            sid = client_sid(found.row.sid, found.granted.client_id)
            asked.found = found.granted
            asked.issue = Issue(granted=found.granted, sid=sid, at=sessions.clock() // 1_000)
        status, body, headers = self.protocol.create_token_response(asked)
        if status == 200 and (found is None or not await redeem(found, sessions)):
            return 400, {"error": "invalid_grant", "error_description": "The code was used before."}, []
        return status, body, headers

    async def userinfo(self, call: Call) -> Reply:
        """Tell what the bearer of an access token may know, as long as the session lasts by which it came."""
        cors = for_origins(call, self._origins())
        if call.method == "OPTIONS":
            return answered_preflight(cors)
        if call.method not in ("GET", "POST"):
            return not_allowed("GET", "POST", "OPTIONS").with_headers(*cors)
        token = call.bearer or call.form.get("access_token")
        try:
            claims = await self.bearer(token, call.session.sessions)
        except StoreUnavailable:
            return _unavailable(cors)
        if claims is None or "openid" not in claims["scope"].split():
            challenge = 'Bearer error="invalid_token"' if token else "Bearer"
            headers = (("www-authenticate", challenge), *_NO_STORE, *cors)
            return json_reply({"error": "invalid_token"}, status=401, headers=headers)
        known = await settled(self._claims(claims["sub"], tuple(claims["scope"].split())))
        return json_reply({**known, "sub": claims["sub"]}, headers=(*_NO_STORE, *cors))

    async def bearer(self, token: str, sessions: AsyncSessions) -> Mapping[str, Any] | None:
        """Give an access token's claims while it lasts, and its session too; for an API beside the server."""
        claims = self.protocol.keys.verified(token, typ=ACCESS_TOKEN)
        if claims is None or claims.get("iss") != self.protocol.issuer:
            return None
        if claims["exp"] * 1_000 <= sessions.clock():
            return None
        rows, epoch = sessions.store.of_subject(claims["sub"], live=True), sessions.store.epoch(claims["sub"])
        rows, epoch = await settled(rows), await settled(epoch)
        standing = (row for row in rows if client_sid(row.sid, claims["client_id"]) == claims["sid"])
        return claims if any(alive(row, epoch, sessions) for row in standing) else None

    def jwks(self) -> Reply:
        """Publish the keys, to scripts of every origin."""
        return json_reply(self.protocol.keys.jwks(), headers=(("cache-control", "public, max-age=300"), *ANYBODY))

    def discovery(self) -> Reply:
        """Publish what this server can do (OpenID Connect Discovery 1.0, section 3)."""
        return json_reply(self.metadata(), headers=ANYBODY)

    def metadata(self) -> dict[str, Any]:
        """Describe this server."""
        base, paths, clients = self.protocol.issuer.rstrip("/"), self.paths, self.protocol.clients.values()
        return {
            "issuer": self.protocol.issuer,
            "authorization_endpoint": base + paths.authorize,
            "token_endpoint": base + paths.token,
            "userinfo_endpoint": base + paths.userinfo,
            "end_session_endpoint": base + paths.logout,
            "jwks_uri": base + paths.jwks,
            "response_types_supported": list(RESPONSE_TYPES),
            "response_modes_supported": list(RESPONSE_MODES),
            "grant_types_supported": ["authorization_code", "implicit"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": list(self.protocol.keys.algorithms),
            "token_endpoint_auth_methods_supported": list(AUTH_METHODS),
            "scopes_supported": sorted({scope for client in clients for scope in client.scopes} | {"openid"}),
            "claims_supported": ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid"],
            "code_challenge_methods_supported": ["S256"],
            "prompt_values_supported": ["none", "login", "consent", "select_account"],
            "backchannel_logout_supported": True,
            "backchannel_logout_session_supported": True,
            "authorization_response_iss_parameter_supported": True,
            "claims_parameter_supported": True,
            "request_parameter_supported": False,
            "request_uri_parameter_supported": False,
        }

    def _origins(self) -> set[str]:
        clients: list[Client] = list(self.protocol.clients.values())
        return {origin for client in clients for origin in client.origins}
