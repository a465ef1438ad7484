"""Authlib's part: OAuth 2.0 and OpenID Connect as its framework-free core speaks them, with our claims and our clock.

Authlib's core is synchronous and stores what it issues by calling back. Here it stores nothing: what it needs is put on
the request before, and what it issues is taken off the request afterwards.
"""

import secrets
from collections.abc import Mapping
from typing import Any, Final

from attrs import field, frozen
from authlib.oauth2.rfc6749 import AuthorizationServer as Authlib
from authlib.oauth2.rfc6749 import OAuth2Request
from authlib.oauth2.rfc6749.errors import InvalidClientError, InvalidRequestError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core.grants import OpenIDCode, OpenIDImplicitGrant

from .clients import Client
from .grants import Granted
from .keys import Keys

Triple = tuple[int, Any, list[tuple[str, str]]]

ACCESS_TOKEN: Final = "at+jwt"  # RFC 9068
ID_TOKEN_LIFE: Final = 600  # seconds
ACCESS_LIFE: Final = 600


class Unsaid(dict[str, Any]):
    """Hold issued tokens so that no log shows them: Authlib writes them to its own at level DEBUG."""

    def __repr__(self) -> str:
        return f"<{', '.join(self)}>"


@frozen(kw_only=True)
class Issue:
    """Hold what the tokens of one answer say: the grant, the client's own name of the session, the user's claims."""

    granted: Granted
    sid: str
    at: int  # seconds
    claims: Mapping[str, Any] = field(factory=dict, repr=False)


class Asked(OAuth2Request):  # type: ignore[misc]  # Authlib brings no types
    """Hold a request as Authlib wants it, with what it is to issue."""

    def __init__(self, method: str, params: Mapping[str, str], headers: Mapping[str, str]) -> None:
        # The address is a made-up one: whether the transport is secure was settled when the issuer was registered, and
        # Authlib would refuse http for every name of one's own machine but "localhost".
        super().__init__(method, "https://server.invalid/", headers={k.title(): v for k, v in headers.items()})
        self.payload = BasicOAuth2Payload(dict(params))
        self.issue: Issue | None = None
        self.found: Granted | None = None
        self.code = ""

    @property
    def form(self) -> Mapping[str, str]:
        """Give the parameters."""
        form: Mapping[str, str] = self.payload.data
        return form


class _Tokens:
    """Sign what a grant issues: our claims, our clock, our keys."""

    server: "Protocol"
    request: Asked

    def generate_token(self, *, scope: str = "", **_: Any) -> Unsaid:
        """Issue an access token as a JWT (RFC 9068): it ends soon, and says by which session it came."""
        issue = self.request.issue
        assert issue is not None, "nothing is issued before it was granted"
        return self.server.access_token(issue, self.request.client, scope)


class _Claims:
    """Say in an ID token what the session says."""

    protocol: "Protocol"

    def get_client_algorithm(self, client: Client) -> str:
        """Give the algorithm that the client is registered for."""
        return self.protocol.keys.signer(client.id_token_alg)[0]

    def resolve_client_private_key(self, client: Client) -> Any:
        """Give the key."""
        return self.protocol.keys.signer(client.id_token_alg)[1]

    def get_encode_header(self, client: Client) -> dict[str, str]:
        """Name the key, so that clients find it."""
        alg, key = self.protocol.keys.signer(client.id_token_alg)
        return {"alg": alg, "kid": str(key.kid)}

    def get_compatible_claims(self, request: Asked) -> dict[str, Any]:
        """Give the claims: ``auth_time`` is the session's, which Authlib would set to now."""
        assert request.issue is not None, "nothing is issued before it was granted"
        return self.protocol.id_claims(request.issue, request.client)

    def generate_user_info(self, user: str, _scope: str) -> dict[str, Any]:
        """Give the subject; what else is known about it is asked for at the userinfo endpoint."""
        return {"sub": user}

    def exists_nonce(self, _nonce: str, _request: Asked) -> bool:
        """Leave the nonce to the client, whom it protects."""
        return False


class _Code(_Tokens, AuthorizationCodeGrant):  # type: ignore[misc]
    """Issue codes that stand for an entry in the session's row."""

    TOKEN_ENDPOINT_AUTH_METHODS: Final = ["client_secret_basic", "client_secret_post", "none"]

    def generate_authorization_code(self) -> str:
        """Give the code that was written into the session."""
        return str(self.request.code)

    def save_authorization_code(self, code: str, request: Asked) -> None:
        """Do nothing: the session holds it."""

    def query_authorization_code(self, _code: str, client: Client) -> Granted | None:
        """Give what the code stands for, if it is this client's."""
        found = self.request.found
        return found if found is not None and found.client_id == client.client_id else None

    def authenticate_user(self, authorization_code: Granted) -> str:
        """Give the subject."""
        return authorization_code.subject

    def delete_authorization_code(self, authorization_code: Granted) -> None:
        """Do nothing: its use is remembered when the answer is ready."""


class _Pkce(CodeChallenge):  # type: ignore[misc]
    """Ask public clients for a challenge, and take none but S256 (RFC 9700, section 2.1.1)."""

    DEFAULT_CODE_CHALLENGE_METHOD = "S256"
    SUPPORTED_CODE_CHALLENGE_METHOD: Final = ["S256"]

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        """Refuse a challenge that is plain, or missing where it must not be."""
        data = grant.request.payload.data
        if data.get("code_challenge") and data.get("code_challenge_method") != "S256":
            raise InvalidRequestError("code_challenge_method: use S256")
        if grant.request.client.public and not data.get("code_challenge"):
            raise InvalidRequestError("code_challenge: a public client has to send one")
        super().validate_code_challenge(grant, redirect_uri)


class Protocol(Authlib):  # type: ignore[misc]
    """Bind Authlib's server to registered clients, keys and an issuer."""

    def __init__(self, issuer: str, clients: Mapping[str, Client], keys: Keys) -> None:
        super().__init__()
        self.issuer = issuer
        self.clients = clients
        self.keys = keys
        code = type("Code", (_Claims, OpenIDCode), {"protocol": self})
        implicit = type("Implicit", (_Claims, _Tokens, OpenIDImplicitGrant), {"protocol": self})
        self.register_grant(_Code, [_Pkce(required=True), code()])
        self.register_grant(implicit)

    # -- what Authlib asks of its integration ----------------------------------------------------------------

    def query_client(self, client_id: str) -> Client | None:
        """Find a registered client."""
        return self.clients.get(client_id)

    def authenticate_client(self, request: Asked, methods: list[str], endpoint: str = "token") -> Client:
        """Find out who asks. Authlib raises ``ValueError`` for a header that holds no name and password."""
        try:
            client: Client = super().authenticate_client(request, methods, endpoint)
        except ValueError:
            raise InvalidClientError("The Authorization header cannot be read.", status_code=401) from None
        return client

    def save_token(self, token: Any, request: Asked) -> None:
        """Do nothing: tokens are signed, and kept by whom they are for."""

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Do nothing: there is nobody to tell."""

    def create_oauth2_request(self, request: Asked) -> Asked:
        """Take a request as it is."""
        return request

    def handle_response(self, status: int, body: Any, headers: list[tuple[str, str]]) -> Triple:
        """Give the answer as it is."""
        return status, body, headers

    # -- what the tokens say -----------------------------------------------------------------------------------

    def id_claims(self, issue: Issue, client: Client) -> dict[str, Any]:
        """Say who logged in, when and how, in which session."""
        granted = issue.granted
        claims = {
            **issue.claims,
            "iss": self.issuer,
            "sub": granted.subject,
            "aud": client.client_id,
            "iat": issue.at,
            "exp": issue.at + ID_TOKEN_LIFE,
            "auth_time": granted.auth_time,
            "sid": issue.sid,
        }
        said = {"acr": granted.acr, "amr": list(granted.amr), "nonce": granted.nonce}
        return claims | {name: value for name, value in said.items() if value}

    def access_token(self, issue: Issue, client: Client, scope: str) -> Unsaid:
        """Issue an access token for the client's audience."""
        claims = {
            "iss": self.issuer,
            "sub": issue.granted.subject,
            "aud": client.audience or self.issuer,
            "client_id": client.client_id,
            "scope": scope,
            "iat": issue.at,
            "exp": issue.at + ACCESS_LIFE,
            "auth_time": issue.granted.auth_time,
            "jti": secrets.token_urlsafe(16),
            "sid": issue.sid,
        }
        token = self.keys.sign(claims, typ=ACCESS_TOKEN)
        return Unsaid({"token_type": "Bearer", "access_token": token, "expires_in": ACCESS_LIFE, "scope": scope})
