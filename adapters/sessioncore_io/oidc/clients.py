"""The applications that a server knows: values, registered before anybody asks for anything."""

import hmac
from collections.abc import Iterable
from typing import Any, Final

from attrs import field, frozen
from authlib.oauth2.rfc6749 import ClientMixin

from sessioncore import InvalidSetting

from .addresses import check_address, origin_of

CODE: Final = "code"
ID_TOKEN: Final = "id_token"
ID_TOKEN_TOKEN: Final = "id_token token"
RESPONSE_TYPES: Final = (CODE, ID_TOKEN, ID_TOKEN_TOKEN)
AUTH_METHODS: Final = ("none", "client_secret_basic", "client_secret_post")
LONGEST_ID: Final = 128


def _texts(values: Iterable[str]) -> tuple[str, ...]:
    return (values,) if isinstance(values, str) else tuple(values)


def _addresses(_: object, attribute: Any, value: tuple[str, ...]) -> None:
    for address in value:
        check_address(f"Client.{attribute.name}", address)


def _origins(_: object, attribute: Any, value: tuple[str, ...]) -> None:
    for origin in value:
        if origin_of(check_address(f"Client.{attribute.name}", origin)) != origin:
            raise InvalidSetting(f"Client.{attribute.name}", origin, "write it as browsers do: https://app.example.com")


def _known(_: object, attribute: Any, value: tuple[str, ...]) -> None:
    for name in value:
        if name not in RESPONSE_TYPES:
            raise InvalidSetting(f"Client.{attribute.name}", name, f"use some of {', '.join(RESPONSE_TYPES)}")


@frozen(kw_only=True)
class Client(ClientMixin):  # type: ignore[misc]  # Authlib brings no types
    """Describe one application. Raises ``InvalidSetting`` for what would weaken it.

    ``redirect_uris`` and ``post_logout_redirect_uris`` are compared to the letter. ``origins`` are those whose scripts
    may call the token endpoint. A client with a ``secret`` proves it by ``auth_method``; one without is public and has
    to use PKCE. ``audience`` is what its access tokens are for: the server's own issuer if empty. ``trusted`` tells the
    server's rules that nobody need be asked for consent.
    """

    client_id: str
    redirect_uris: tuple[str, ...] = field(converter=_texts, validator=_addresses)
    name: str = ""
    secret: str = field(default="", repr=False)
    auth_method: str = "client_secret_basic"
    response_types: tuple[str, ...] = field(default=(CODE,), converter=_texts, validator=_known)
    scopes: tuple[str, ...] = field(default=("openid", "profile", "email"), converter=_texts)
    post_logout_redirect_uris: tuple[str, ...] = field(default=(), converter=_texts, validator=_addresses)
    backchannel_logout_uri: str = ""
    origins: tuple[str, ...] = field(default=(), converter=_texts, validator=_origins)
    audience: str = ""
    id_token_alg: str = ""
    trusted: bool = True

    def __attrs_post_init__(self) -> None:
        if not self.client_id.isprintable() or not 0 < len(self.client_id) <= LONGEST_ID or " " in self.client_id:
            raise InvalidSetting("Client.client_id", self.client_id, f"use 1 to {LONGEST_ID} characters, no spaces")
        if not self.redirect_uris:
            raise InvalidSetting("Client.redirect_uris", self.redirect_uris, "register at least one")
        if self.auth_method not in AUTH_METHODS:
            raise InvalidSetting("Client.auth_method", self.auth_method, f"use one of {', '.join(AUTH_METHODS)}")
        if self.secret and (len(self.secret) < 16 or self.auth_method == "none"):
            raise InvalidSetting("Client.secret", "***", "use at least 16 random characters and an auth_method with it")
        if self.backchannel_logout_uri:
            check_address("Client.backchannel_logout_uri", self.backchannel_logout_uri)

    @property
    def public(self) -> bool:
        """Tell whether it can keep no secret."""
        return not self.secret

    # -- what Authlib asks (authlib.oauth2.rfc6749.ClientMixin) ----------------------------------------------

    def get_client_id(self) -> str:
        """Give the name."""
        return self.client_id

    def get_default_redirect_uri(self) -> str | None:
        """Give none: OpenID Connect asks for it in every request (Core 1.0, 3.1.2.1)."""
        return None

    def get_allowed_scope(self, scope: str | None) -> str:
        """Keep of what was asked for what is allowed."""
        return " ".join(word for word in (scope or "").split(" ") if word in self.scopes)

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Compare to the letter (RFC 9700, section 2.1)."""
        return redirect_uri in self.redirect_uris

    def check_client_secret(self, client_secret: str) -> bool:
        """Compare in constant time."""
        return bool(self.secret) and hmac.compare_digest(client_secret.encode(), self.secret.encode())

    def check_endpoint_auth_method(self, method: str, _endpoint: str) -> bool:
        """Tell whether this client proves itself so."""
        return method == ("none" if self.public else self.auth_method)

    def check_response_type(self, response_type: str) -> bool:
        """Tell whether it may ask for this."""
        return response_type in self.response_types

    def check_grant_type(self, grant_type: str) -> bool:
        """Tell whether it may use this grant; there are no refresh tokens."""
        return grant_type == "authorization_code" and CODE in self.response_types
