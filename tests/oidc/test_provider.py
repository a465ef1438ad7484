"""What an application knows of its provider: which documents it believes, and when it looks for keys again."""

import asyncio
from typing import Any, Final

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry

from sessioncore.testing import Clock
from sessioncore_io.oidc import Keys, ProviderUnavailable
from sessioncore_io.oidc.failures import BadToken
from sessioncore_io.oidc.provider import Provider

pytestmark = pytest.mark.anyio

OP: Final = "https://op.example"
EC: Final = ECKey.generate_key("P-256", parameters={"kid": "one"})
OTHER: Final = ECKey.generate_key("P-256", parameters={"kid": "two"})
THIRD: Final = ECKey.generate_key("P-256", parameters={"kid": "three"})
RSA: Final = RSAKey.generate_key(2048, parameters={"kid": "rsa"})
UNPUBLISHED: Final = r"^it is signed by a key that the provider does not publish$"
LATER: Final = r"^the keys of https://op\.example were looked at a moment ago: try again in a minute$"
CONFIGURATION: Final = "/.well-known/openid-configuration"


class Documents(httpx2.AsyncBaseTransport):
    """Publish what a test says, and remember what was asked for."""

    def __init__(self, *keys: ECKey | RSAKey, **metadata: Any) -> None:
        self.configuration: Any = {"issuer": OP, "jwks_uri": f"{OP}/jwks"} | metadata
        self.jwks: Any = Keys(list(keys) or [EC]).jwks()
        self.down = False
        self.gate: asyncio.Event | None = None
        self.asked: list[httpx2.Request] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request)
        if self.gate:
            await self.gate.wait()
        if self.down:
            raise httpx2.ConnectError("down", request=request)
        said = self.jwks if request.url.path == "/jwks" else self.configuration
        if isinstance(said, httpx2.Response):
            return said
        return httpx2.Response(200, content=said) if isinstance(said, bytes) else httpx2.Response(200, json=said)

    @property
    def looks(self) -> int:
        """Count the looks at the keys."""
        return sum(request.url.path == "/jwks" for request in self.asked)


def provider(
    documents: Documents, clock: Clock, *, issuer: str = OP, algorithms: tuple[str, ...] = ("ES256",)
) -> Provider:
    """Know a provider."""
    return Provider(issuer, algorithms, clock, documents)


def signed(key: ECKey | RSAKey = EC, alg: str = "ES256", **header: Any) -> str:
    """Sign something."""
    registry = JWSRegistry(algorithms=[alg], strict_check_header=False)
    return jwt.encode({"alg": alg, "kid": str(key.kid), **header}, {"sub": "alice"}, key, registry=registry)


# -- documents ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("issuer", [OP, f"{OP}/", f"{OP}/X", f"{OP}/tenant/"])
async def test_the_metadata_is_where_the_issuer_says_and_fetched_once(clock: Clock, issuer: str) -> None:
    documents = Documents(issuer=issuer)
    known = provider(documents, clock, issuer=issuer)

    assert await known.metadata() == await known.metadata() == documents.configuration
    (request,) = documents.asked
    assert str(request.url) == issuer.rstrip("/") + CONFIGURATION
    assert request.headers["accept"] == "application/json"


@pytest.mark.parametrize("issuer", ["https://other.example", f"{OP}/", None])
async def test_a_document_of_another_issuer_is_not_believed(clock: Clock, issuer: Any) -> None:
    documents = Documents(issuer=issuer)
    known = provider(documents, clock)
    with pytest.raises(ProviderUnavailable, match=r"^the document of .* names another issuer: mend the setting$"):
        await known.metadata()

    documents.configuration["issuer"] = OP
    assert await known.metadata(), "it is fetched again when it was mended"


async def test_an_endpoint_is_an_address_that_can_be_called(clock: Clock) -> None:
    documents = Documents(a="https://a.example/?b=c", b="http://b.example/", c=7, d="/relative")
    known = provider(documents, clock)

    assert await known.endpoint("a") == "https://a.example/?b=c"
    for name in ("b", "d"):
        with pytest.raises(ProviderUnavailable, match=rf"^{OP} publishes an address that is none: {name} = "):
            await known.endpoint(name)
    for name in ("c", "nothing"):
        with pytest.raises(ProviderUnavailable, match=rf"^{OP} has no {name}$"):
            await known.endpoint(name)


async def test_what_a_call_needs_is_sent_along(clock: Clock) -> None:
    documents = Documents()
    found = await provider(documents, clock).fetch(f"{OP}/userinfo", {"authorization": "Bearer a"})

    assert found == documents.configuration
    (request,) = documents.asked
    assert (request.headers["authorization"], request.headers["accept"]) == ("Bearer a", "application/json")


async def test_a_document_is_of_at_most_512_kib(clock: Clock) -> None:
    documents = Documents()
    known = provider(documents, clock)
    documents.configuration = b'{"a": 1}'.ljust(524_288)
    assert await known.fetch(f"{OP}/x") == {"a": 1}

    documents.configuration += b" "
    with pytest.raises(ProviderUnavailable, match=r"^https://op\.example/x answers no JSON object of a sensible size$"):
        await known.fetch(f"{OP}/x")


@pytest.mark.parametrize("said", [b"[]", b'"text"', b"null", b"7"])
async def test_a_document_is_an_object(clock: Clock, said: bytes) -> None:
    documents = Documents()
    documents.configuration = said
    with pytest.raises(ProviderUnavailable, match=r"answers no JSON object of a sensible size$"):
        await provider(documents, clock).fetch(f"{OP}/x")


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (httpx2.Response(404, json={}), "HTTPStatusError"),
        (httpx2.Response(500, json={}), "HTTPStatusError"),
        (httpx2.Response(302, json={}, headers={"location": f"{OP}/"}), "HTTPStatusError"),
        (b"<html>", "JSONDecodeError"),
    ],
)
async def test_an_answer_that_is_none_is_no_document(clock: Clock, said: Any, why: str) -> None:
    documents = Documents()
    documents.configuration = said
    with pytest.raises(ProviderUnavailable, match=rf"^{OP}/x does not answer \({why}\)$"):
        await provider(documents, clock).fetch(f"{OP}/x")


# -- keys --------------------------------------------------------------------------------------------------------


async def test_keys_are_kept_for_an_hour(clock: Clock) -> None:
    documents = Documents()
    known = provider(documents, clock)
    for span, looks in ((0, 1), (3_600_000, 1), (1, 2), (3_600_000, 2), (1, 3)):
        clock.advance(span)
        assert (await known.verified(signed())).claims == {"sub": "alice"}
        assert documents.looks == looks


async def test_a_key_that_is_new_is_looked_for_once_a_minute(clock: Clock) -> None:
    documents = Documents()
    known = provider(documents, clock)
    await known.verified(signed())
    for span, looks, said in ((0, 1, LATER), (59_999, 1, LATER), (1, 2, UNPUBLISHED), (59_999, 2, LATER)):
        clock.advance(span)
        with pytest.raises((BadToken, ProviderUnavailable), match=said):
            await known.verified(signed(OTHER))
        assert documents.looks == looks
    documents.jwks = Keys([EC, OTHER]).jwks()
    clock.advance(1)

    assert (await known.verified(signed(OTHER))).claims == {"sub": "alice"}
    assert documents.looks == 3


async def test_a_key_that_the_first_look_does_not_find_is_unpublished(clock: Clock) -> None:
    with pytest.raises(BadToken, match=UNPUBLISHED):
        await provider(Documents(), clock).verified(signed(OTHER))


async def test_who_asks_for_keys_that_are_being_fetched_waits_for_them(clock: Clock) -> None:
    """Also if who asked first goes away meanwhile."""
    documents = Documents()
    known = provider(documents, clock)
    await known.verified(signed())
    documents.jwks, documents.gate = Keys([EC, OTHER]).jwks(), asyncio.Event()
    clock.advance(60_000)
    first, *others = [asyncio.create_task(known.verified(signed(OTHER))) for _ in range(3)]
    unknown = asyncio.create_task(known.verified(signed(THIRD)))
    await asyncio.sleep(0)
    first.cancel()
    documents.gate.set()

    assert [token.claims for token in await asyncio.gather(*others)] == [{"sub": "alice"}] * 2
    assert documents.looks == 2
    with pytest.raises(ProviderUnavailable, match="before this one was asked for"):
        await unknown


async def test_nobody_knows_whether_a_key_is_new_while_the_provider_is_down(clock: Clock) -> None:
    documents = Documents()
    known = provider(documents, clock)
    await known.verified(signed())
    documents.down = True
    clock.advance(60_000)
    with pytest.raises(ProviderUnavailable, match=r"does not answer"):
        await known.verified(signed(OTHER))
    clock.advance(59_999)
    with pytest.raises(ProviderUnavailable, match=LATER):
        await known.verified(signed(OTHER))

    assert (await known.verified(signed())).claims == {"sub": "alice"}, "those at hand stay"
    assert documents.looks == 2
    documents.down, documents.jwks = False, Keys([OTHER]).jwks()
    clock.advance(1)
    assert (await known.verified(signed(OTHER))).claims == {"sub": "alice"}, "and it is looked for again"


async def test_the_first_keys_are_fetched_whatever_the_time_is(clock: Clock) -> None:
    clock.at = 0

    assert (await provider(Documents(), clock).verified(signed())).claims == {"sub": "alice"}


POINT: Final = {"kid": "odd", "x": "AA", "y": "AA"}


@pytest.mark.parametrize(
    "odd",
    [
        {"kty": "?"},
        {"kid": "odd"},
        {"kty": "EC", "crv": "BP-256", **POINT},
        {"kty": "EC", "crv": "P-256", **POINT},
        {"kty": "OKP", "crv": "X", "x": "AA"},
        {"kty": "RSA", "n": "AQAB"},
        {"kty": ["RSA"]},
        {**EC.as_dict(private=False), "kid": "odd", "use": "?"},
        {**EC.as_dict(private=False), "kid": "odd", "key_ops": ["?"]},
        None,
        "text",
    ],
)
async def test_a_key_that_cannot_be_used_takes_no_other_one_away(clock: Clock, odd: Any) -> None:
    """RFC 7517, section 5."""
    documents = Documents()
    documents.jwks["keys"].insert(0, odd)

    assert (await provider(documents, clock).verified(signed())).claims == {"sub": "alice"}


@pytest.mark.parametrize("jwks", [{}, {"keys": [{"kty": "?"}]}, {"keys": [{}]}, {"keys": 7}])
async def test_keys_that_are_none_cannot_be_read(clock: Clock, jwks: Any) -> None:
    documents = Documents()
    documents.jwks = jwks
    with pytest.raises(ProviderUnavailable, match=r"^the keys of https://op\.example cannot be read$"):
        await provider(documents, clock).verified(signed())


# -- signatures --------------------------------------------------------------------------------------------------


async def test_only_an_algorithm_that_was_named_counts(clock: Clock) -> None:
    documents = Documents(EC, RSA)
    text = signed(RSA, "RS256")
    with pytest.raises(BadToken, match=r"^it cannot be verified \(UnsupportedAlgorithmError\)$"):
        await provider(documents, clock).verified(text)

    found = await provider(documents, clock, algorithms=("ES256", "RS256")).verified(text)
    assert found.claims == {"sub": "alice"}


async def test_a_header_may_say_more_than_is_known(clock: Clock) -> None:
    """Providers do: what is not understood and not critical is passed over (RFC 7515, section 4)."""
    found = await provider(Documents(), clock).verified(signed(pi_atm="1"))

    assert found.header["pi_atm"] == "1"


@pytest.mark.parametrize("text", ["", "a.b.c", "\u2028", signed()[:-4] + "AAAA"])
async def test_what_is_not_signed_is_no_token(clock: Clock, text: str) -> None:
    with pytest.raises(BadToken, match=r"^it cannot be verified \(\w+\)$"):
        await provider(Documents(), clock).verified(text)
