"""An authentication request as far as the protocol goes: who asks, where the answer goes, whether it can be answered.

The order matters: nothing is sent to an address before it was found among the client's own.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from attrs import field, frozen
from authlib.oauth2.rfc6749.errors import OAuth2Error

from .clients import CODE, RESPONSE_TYPES, Client
from .pending import LARGEST
from .protocol import Asked, Protocol
from .responding import QUERY, mode_of, respond
from .web import Params, Reply, refusal

_UNSUPPORTED: Final = {
    "request": "request_not_supported",
    "request_uri": "request_uri_not_supported",
    "registration": "registration_not_supported",
}


class Unanswerable(Exception):
    """The request cannot be answered otherwise than by this reply."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


@frozen(kw_only=True)
class Arrived:
    """Hold a request whose client, address and way back are good."""

    issuer: str
    client: Client
    redirect_uri: str
    mode: str
    params: Mapping[str, str] = field(repr=False)

    @property
    def scopes(self) -> tuple[str, ...]:
        """Give what is asked for and allowed, each once."""
        return tuple(dict.fromkeys(self.client.get_allowed_scope(self.params.get("scope")).split()))

    @property
    def response_type(self) -> str:
        """Give the response type, its words in order."""
        return " ".join(sorted(self.params.get("response_type", "").split()))

    def answer(self, *params: tuple[str, str]) -> Reply:
        """Send the client an answer: with its ``state``, and with our name (RFC 9207)."""
        state = self.params.get("state")
        own = (("state", state), ("iss", self.issuer)) if state else (("iss", self.issuer),)
        return respond(self.mode, self.redirect_uri, (*params, *own))

    def error(self, code: str, why: str = "") -> Reply:
        """Send the client an error, in its own way back."""
        plain = "".join(c for c in why if c.isascii() and c.isprintable() and c not in '"\\')
        return self.answer(("error", code), *((("error_description", plain),) if plain else ()))


def arrive(protocol: Protocol, params: Params) -> Arrived:
    """Find out who asks and where the answer goes. Raises ``Unanswerable``: nobody unknown is redirected to."""
    if len(json.dumps(params.pairs)) > LARGEST:
        raise Unanswerable(refusal("It is too long.", status=414))
    if {"client_id", "redirect_uri"} & set(params.repeated):
        raise Unanswerable(refusal("It names its client or its redirect_uri twice."))
    client = protocol.query_client(params.get("client_id"))
    if client is None:
        raise Unanswerable(refusal("Its client_id is not registered here."))
    redirect_uri = params.get("redirect_uri")
    if not client.check_redirect_uri(redirect_uri):
        raise Unanswerable(refusal("Its redirect_uri is not one that its client has registered."))
    return _on_its_way(protocol, client, redirect_uri, params)


def _on_its_way(protocol: Protocol, client: Client, redirect_uri: str, params: Params) -> Arrived:
    once = params.once
    response_type = " ".join(sorted(once.get("response_type", "").split()))
    known = response_type if response_type in RESPONSE_TYPES else CODE
    mode = mode_of(known, once.get("response_mode", ""))
    arrived = Arrived(
        issuer=protocol.issuer,
        client=client,
        redirect_uri=redirect_uri,
        mode=mode or mode_of(known, "") or QUERY,
        params=once,
    )
    if mode is None:  # to be found now: Authlib would issue a token first and raise afterwards
        raise Unanswerable(arrived.error("invalid_request", "response_mode: not one for this response_type"))
    if params.repeated:
        raise Unanswerable(arrived.error("invalid_request", "a parameter came more than once"))
    for name in _UNSUPPORTED.keys() & once.keys():
        raise Unanswerable(arrived.error(_UNSUPPORTED[name]))
    return arrived


def granting(protocol: Protocol, arrived: Arrived) -> tuple[Asked, Any]:
    """Let Authlib validate the request and choose the grant. Raises ``Unanswerable`` with the client's error."""
    # Authlib is not told of the way back: it always uses its own, and the parameters are taken out of that.
    params = {name: value for name, value in arrived.params.items() if name != "response_mode"}
    asked = Asked("GET", params, {})
    try:
        grant = protocol.get_authorization_grant(asked)
        grant.validate_authorization_request()
    except OAuth2Error as error:
        raise Unanswerable(arrived.error(str(error.error), str(error.description or ""))) from None
    if "openid" not in arrived.scopes:
        raise Unanswerable(arrived.error("invalid_scope", "scope: ask for openid"))
    return asked, grant
