"""What a server is told about itself and its users: paths, rules, claims."""

from collections.abc import Awaitable, Callable, Mapping
from inspect import isawaitable
from typing import Any, TypeVar

from attrs import field, frozen

from sessioncore import InvalidSetting
from sessioncore.sso import ServerPolicy

from .clients import Client

T = TypeVar("T")

# For one user (empty: nobody yet), one client and what it asks: the server's own rules.
Rules = Callable[[str, Client, tuple[str, ...]], ServerPolicy | Awaitable[ServerPolicy]]
# What is known about a user, for these scopes: "name", "email" and so on.
UserClaims = Callable[[str, tuple[str, ...]], Mapping[str, Any] | Awaitable[Mapping[str, Any]]]


def _path(_: object, attribute: Any, value: str) -> None:
    if not value.startswith("/") or not value.isascii() or not value.isprintable() or set(value) & set("?# "):
        raise InvalidSetting(f"Paths.{attribute.name}", value, "begin with / and use no query")


@frozen(kw_only=True)
class Paths:
    """Say where the endpoints are, below the issuer. The defaults are those that browser libraries expect."""

    authorize: str = field(default="/authorize", validator=_path)
    token: str = field(default="/oauth/token", validator=_path)
    userinfo: str = field(default="/userinfo", validator=_path)
    logout: str = field(default="/oidc/logout", validator=_path)
    jwks: str = field(default="/.well-known/jwks.json", validator=_path)
    discovery: str = field(default="/.well-known/openid-configuration", validator=_path)


def no_rules(subject: str, client: Client, scopes: tuple[str, ...]) -> ServerPolicy:
    """Ask nothing of anybody but a login, and no consent for a client that is trusted."""
    return ServerPolicy(consented=client.trusted)


def no_claims(subject: str, scopes: tuple[str, ...]) -> Mapping[str, Any]:
    """Say nothing about anybody."""
    return {}


async def settled(value: T | Awaitable[T]) -> T:
    """Wait for what may have to be waited for."""
    return await value if isawaitable(value) else value
