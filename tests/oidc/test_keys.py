"""Keys: which sign, which verify, and what nobody can pass for one."""

import base64
import json
from typing import Any

import pytest
from joserfc import jwe, jws
from joserfc.jwk import ECKey, OctKey, RSAKey

from sessioncore import InvalidSetting
from sessioncore_io.oidc import Keys
from sessioncore_io.oidc.keys import _sealing_key

RSA, EC = RSAKey.generate_key(2048), ECKey.generate_key("P-256")
CLAIMS = {"sub": "alice"}


def test_the_first_key_signs_and_all_verify() -> None:
    """Rotation: what the old key signed is good until it goes."""
    old, both, new = Keys([RSA]), Keys([EC, RSA]), Keys([EC])

    signed = old.sign(CLAIMS, typ="JWT")

    assert both.signer()[0] == "ES256"
    assert [keys.verified(signed) for keys in (old, both, new)] == [CLAIMS, CLAIMS, None]
    assert [key["kty"] for key in both.jwks()["keys"]] == ["EC", "RSA"]
    assert both.unseal(old.seal("text")) == "text"
    assert new.unseal(old.seal("text")) is None


def test_a_client_may_be_registered_for_the_other_algorithm() -> None:
    keys = Keys([EC, RSA])

    token = keys.sign(CLAIMS, typ="JWT", alg="RS256")

    assert keys.verified(token) == CLAIMS
    with pytest.raises(InvalidSetting):
        Keys([EC]).signer("RS256")


def test_keys_survive_a_restart() -> None:
    keys = Keys([EC, RSA])

    again = Keys.load(keys.dump())

    assert again.verified(keys.sign(CLAIMS, typ="JWT")) == CLAIMS
    assert again.unseal(keys.seal("text")) == "text"
    assert repr(again) == repr(keys)
    assert str(RSA.as_dict(private=True)["d"]) not in repr(keys)


@pytest.mark.parametrize("key", [OctKey.generate_key(256), ECKey.generate_key("P-384")])
def test_a_key_of_another_kind_is_refused(key: Any) -> None:
    with pytest.raises(InvalidSetting):
        Keys([key])


def test_a_public_key_signs_nothing() -> None:
    public = RSAKey.import_key(RSA.as_dict(private=False))

    with pytest.raises(InvalidSetting):
        Keys([public])
    with pytest.raises(InvalidSetting):
        Keys([])


def encoded(value: object) -> str:
    """Write a part of a token."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


HEADERS: list[Any] = [
    {"alg": "ES256", "kid": RSA.kid},
    {"alg": "RS256", "kid": EC.kid},
    {"alg": "RS256"},
    {"alg": "RS256", "kid": 7},
    {"alg": "RS256", "kid": ["x"]},
    {"alg": ["RS256"], "kid": RSA.kid},
    {"alg": "none"},
    {"alg": "HS256", "kid": RSA.kid},
    {"alg": "RS256", "kid": RSA.kid, "crit": ["exp"]},
    {"alg": "RS256", "kid": RSA.kid, "b64": False, "crit": ["b64"]},
    {"alg": "RS256", "jwk": RSA.as_dict(private=False)},
    {"alg": "RS256", "jku": "https://evil.example/keys"},
    {},
    [],
    "text",
    None,
]


@pytest.mark.parametrize(
    "header", HEADERS, ids=lambda header: " ".join(header) if isinstance(header, dict) else str(header)
)
def test_a_header_of_any_kind_verifies_nothing(header: Any) -> None:
    keys = Keys([RSA, EC])
    signature = keys.sign(CLAIMS, typ="JWT").rpartition(".")[2]

    for end in (signature, "", "AAAA", "%"):
        assert keys.verified(f"{encoded(header)}.{encoded(CLAIMS)}.{end}") is None


@pytest.mark.parametrize("claims", [[], "text", 7, None])
def test_claims_that_are_none_are_none(claims: Any) -> None:
    """Signed by us, and still no token."""

    token = jws.serialize_compact({"alg": "RS256", "kid": RSA.kid}, json.dumps(claims), RSA)

    assert Keys([RSA]).verified(token) is None


@pytest.mark.parametrize(
    "token", ["", ".", "..", "...", "....", "a.b.c.d.e", "\u2028", "é.é.é", "." * 10_000, "A" * 70_000]
)
def test_what_is_no_token_is_none(token: str) -> None:
    keys = Keys([RSA])

    assert keys.verified(token) is None
    assert keys.unseal(token) is None


def test_only_our_own_way_of_sealing_is_opened() -> None:
    """A stranger chooses the header: one that asks for a costly derivation of the key costs nothing here."""
    header = {"alg": "PBES2-HS256+A128KW", "enc": "A256GCM", "p2c": 1_000, "p2s": "c2FsdHNhbHQ"}
    sealed = jwe.encrypt_compact(header, "text", _sealing_key(RSA), ["PBES2-HS256+A128KW", "A256GCM"])

    assert Keys([RSA]).unseal(sealed) is None
