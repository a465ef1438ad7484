"""What an application has registered with its provider, and how it calls there."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from attrs import field, frozen
from authlib.integrations.httpx_client import AsyncOAuth2Client

from sessioncore import InvalidSetting
from sessioncore.factors import KIND_OF, names_of

from .addresses import check_address
from .provider import Provider
from .settings import settled
from .transport import client_options

# Give one's own account for a provider's user: by default (iss, sub) is the account.
Account = Callable[[Mapping[str, Any]], str | Awaitable[str]]


@frozen(kw_only=True)
class Party:
    """Hold an application's settings. Raises ``InvalidSetting``."""

    provider: Provider
    client_id: str
    redirect_uri: str
    secret: str = field(default="", repr=False)
    auth_method: str = ""
    post_logout_redirect_uri: str = ""
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    assumed_method: str = "pwd"
    account: Account | None = None
    says_auth_time: bool = True
    any_logout_type: bool = False

    def __attrs_post_init__(self) -> None:
        check_address("redirect_uri", self.redirect_uri)
        if self.post_logout_redirect_uri:
            check_address("post_logout_redirect_uri", self.post_logout_redirect_uri)
        if "openid" not in self.scopes:
            raise InvalidSetting("scopes", self.scopes, "ask for openid, or there is no ID token")
        names_of(self.assumed_method)

    def client(self) -> AsyncOAuth2Client:
        """Give Authlib's client for one call."""
        return AsyncOAuth2Client(
            self.client_id,
            self.secret or None,
            token_endpoint_auth_method=self.auth_method or ("client_secret_basic" if self.secret else "none"),
            scope=" ".join(self.scopes),
            redirect_uri=self.redirect_uri,
            code_challenge_method="S256",
            **client_options(self.provider.transport),
        )

    async def subject(self, claims: Mapping[str, Any]) -> str:
        """Name one's own account for a provider's user, or nothing: then (iss, sub) is the account."""
        return await settled(self.account(claims)) if self.account else ""

    def methods(self, claims: Mapping[str, Any]) -> tuple[str, ...]:
        """Name the methods that the provider says were proved, as far as they are known, or the assumed one."""
        said = claims.get("amr")
        named = [name for name in said if isinstance(name, str)] if isinstance(said, list) else []
        known = [name for name in named if name in KIND_OF or name == "mfa"]
        return tuple(dict.fromkeys(known)) or (self.assumed_method,)
