"""The endpoints that applications call, on their own: what they publish, whom they answer, and how they refuse."""

import json
from typing import Any, Final

import pytest
from joserfc.jwk import ECKey

from sessioncore.sso import client_sid
from sessioncore.testing import Clock
from sessioncore_io import AsyncHandle, AsyncSessions
from sessioncore_io.memory import MemoryStore
from sessioncore_io.oidc import AuthorizationServer, Call, Client, Keys, ServerApp
from sessioncore_io.oidc.settings import Paths, no_claims, no_rules
from sessioncore_io.oidc.tokens import json_reply
from sessioncore_io.oidc.web import Params, Reply

pytestmark = pytest.mark.anyio

OP: Final = "https://op.example/X"
KEYS: Final = Keys([ECKey.generate_key("P-256")])
CLIENT: Final = Client(client_id="rp", redirect_uris="https://rp.example/", scopes=("openid", "a"), trusted=False)
SERVER: Final = AuthorizationServer(issuer=OP, clients=[CLIENT], keys=KEYS)


async def signed_in(clock: Clock) -> AsyncHandle:
    """Give alice's session."""
    handle = await AsyncSessions(MemoryStore(), clock=clock).open(None)
    handle.log_in(await handle.attempt("alice"), "pwd")
    await handle.commit()
    return handle


def access(handle: AsyncHandle, **other: Any) -> str:
    """Give an access token of this session, or nearly."""
    claims = {
        "iss": OP,
        "sub": "alice",
        "aud": "api",
        "client_id": "rp",
        "scope": "openid a",
        "exp": handle.at // 1_000 + 600,
        "sid": client_sid(handle.sid or "", "rp"),
    }
    return KEYS.sign(claims | other, typ="at+jwt")


def call(handle: AsyncHandle, method: str = "POST", token: str = "", **form: str) -> Call:
    """Call an endpoint."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return Call(method=method, path="/", form=Params(tuple(form.items())), headers=headers, handle=handle)


def read(reply: Reply) -> tuple[int, Any]:
    """Read a JSON answer."""
    assert dict(reply.headers)["content-type"] == "application/json"
    return reply.status, json.loads(reply.body)


async def test_a_server_publishes_what_it_can_do(clock: Clock) -> None:
    status, said = read(await SERVER.discovery(call(await signed_in(clock), "GET")))

    assert status == 200
    assert said == {
        "issuer": OP,
        "authorization_endpoint": f"{OP}/authorize",
        "token_endpoint": f"{OP}/oauth/token",
        "userinfo_endpoint": f"{OP}/userinfo",
        "end_session_endpoint": f"{OP}/oidc/logout",
        "jwks_uri": f"{OP}/.well-known/jwks.json",
        "response_types_supported": ["code", "id_token", "id_token token"],
        "response_modes_supported": ["query", "fragment", "form_post", "web_message"],
        "grant_types_supported": ["authorization_code", "implicit"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
        "scopes_supported": ["a", "openid"],
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


def test_openid_is_a_scope_of_every_server() -> None:
    bare = AuthorizationServer(issuer=OP, clients=[], keys=KEYS)

    assert bare._tokens.metadata()["scopes_supported"] == ["openid"]


async def test_keys_and_metadata_are_for_scripts_of_every_origin(clock: Clock) -> None:
    handle = await signed_in(clock)
    keys, metadata = await SERVER.jwks(call(handle)), await SERVER.discovery(call(handle))

    assert read(keys) == (200, KEYS.jwks())
    assert dict(keys.headers)["cache-control"] == "public, max-age=300"
    for reply in (keys, metadata):
        assert dict(reply.headers)["access-control-allow-origin"] == "*"


def test_the_paths_are_those_that_browser_libraries_expect() -> None:
    paths = Paths()

    assert (paths.authorize, paths.token, paths.userinfo) == ("/authorize", "/oauth/token", "/userinfo")
    assert (paths.logout, paths.jwks) == ("/oidc/logout", "/.well-known/jwks.json")
    assert list(SERVER.endpoints) == [
        "/authorize",
        "/oauth/token",
        "/userinfo",
        "/oidc/logout",
        "/.well-known/jwks.json",
        "/.well-known/openid-configuration",
    ]


def test_a_server_without_rules_asks_a_stranger_for_consent_and_says_nothing_about_anybody() -> None:
    trusted = Client(client_id="t", redirect_uris="https://t.example/")

    assert [no_rules("alice", client, ()).consented for client in (CLIENT, trusted)] == [False, True]
    assert no_claims("alice", ()) == {}
    assert json_reply({}).status == 200


async def test_an_access_token_lasts_while_it_and_its_session_do(clock: Clock) -> None:
    handle = await signed_in(clock)
    sessions: Any = handle._shell
    token = access(handle)

    for audience, is_good in (("", True), ("api", True), ("other", False), ("X", False)):
        assert (await SERVER.bearer(token, sessions, audience) is not None) == is_good
    assert await SERVER.bearer(token, sessions) is not None
    assert await SERVER.bearer("a.b.c", sessions, "api") is None
    for other in ({"iss": "https://other.example"}, {"sid": "other"}, {"sub": "bob"}):
        assert await SERVER.bearer(access(handle, **other), sessions) is None
    clock.advance(599_999)
    assert await SERVER.bearer(token, sessions) is not None
    clock.advance(1)
    assert await SERVER.bearer(token, sessions) is None


async def test_userinfo_is_for_who_has_an_access_token(clock: Clock) -> None:
    handle = await signed_in(clock)

    assert read(await SERVER.userinfo(call(handle, token=access(handle)))) == (200, {"sub": "alice"})
    for token, challenge in (("", "Bearer"), (access(handle, scope="a"), 'Bearer error="invalid_token"')):
        reply = await SERVER.userinfo(call(handle, "GET", token))
        assert read(reply) == (401, {"error": "invalid_token"})
        headers = dict(reply.headers)
        assert (headers["www-authenticate"], headers["cache-control"]) == (challenge, "no-store")
        assert headers["pragma"] == "no-cache"
    assert (await SERVER.userinfo(call(handle, "OPTIONS"))).status == 204
    assert dict((await SERVER.userinfo(call(handle, "PUT"))).headers)["allow"] == "GET, POST, OPTIONS"


async def test_a_token_request_is_one_post_that_says_nothing_twice(clock: Clock) -> None:
    handle = await signed_in(clock)
    twice = Call(method="POST", path="/", form=Params((("code", "a"), ("code", "b"))), handle=handle)
    reply = await SERVER.token(twice)

    assert read(reply) == (400, {"error": "invalid_request"})
    assert dict(reply.headers)["cache-control"] == "no-store"
    refused = await SERVER.token(call(handle, "GET"))
    assert (refused.status, dict(refused.headers)["allow"]) == (405, "POST, OPTIONS")
    assert (await SERVER.token(call(handle, "OPTIONS"))).status == 204


async def test_a_path_that_is_none_is_not_found() -> None:
    async def show(*_: Any) -> Any:
        raise AssertionError("nothing is to be shown")

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await ServerApp(SERVER, show)({"type": "http", "path": "/nothing", "headers": []}, None, send)

    assert (sent[0]["status"], sent[1]["body"]) == (404, b"Not found\n")
    assert (b"content-type", b"text/plain") in sent[0]["headers"]
