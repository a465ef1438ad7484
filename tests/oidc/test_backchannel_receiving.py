"""The application hears of a logout: every check of the token, each with a token that fails only that one.

The names are those of the conformance suite's modules for relying parties.
"""

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from attrs import evolve
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from sessioncore import Reason, Session, State, StoreUnavailable
from sessioncore_io.oidc.notices import EVENT

from .town import AUTH, KEYS, SECRET, SHOP, Town

pytestmark = pytest.mark.anyio


def shop_session(town: Town) -> Session:
    """Give the shop's session of the user."""
    (row,) = (row for row in town.shop_store._rows.values() if row.subject)
    return row  # type: ignore[no-any-return]


def good(town: Town, **claims: Any) -> dict[str, Any]:
    """Give the claims of a token that ends the shop's session; a claim of None is left out."""
    row, at = shop_session(town), town.clock.at // 1_000
    usual = {
        "iss": AUTH,
        "aud": "shop",
        "sub": "alice",
        "sid": row.upstream[1],
        "iat": at,
        "exp": at + 120,
        "jti": "the first",
        "events": {EVENT: {}},
    }
    return {name: value for name, value in (usual | claims).items() if value is not None}


def signed(claims: dict[str, Any], typ: str = "logout+jwt") -> str:
    """Sign as the server does."""
    return KEYS.sign(claims, typ=typ)


def _encoded(text: bytes) -> str:
    return urlsafe_b64encode(text).rstrip(b"=").decode()


async def told(town: Town, token: str | None) -> httpx2.Response:
    """Post a logout token to the shop."""
    async with httpx2.AsyncClient(transport=town.internet, trust_env=False) as client:
        return await client.post(f"{SHOP}/backchannel", data={"logout_token": token} if token else {})


async def refused(town: Town, token: str | None) -> None:
    """Be answered 400, with nothing changed, and nothing remembered that would make a good token fail."""
    before = dict(town.shop_store._rows), dict(town.shop_store._marks)

    answer = await told(town, token)

    assert (answer.status_code, answer.headers["cache-control"]) == (400, "no-store")
    assert (dict(town.shop_store._rows), dict(town.shop_store._marks)) == before
    assert (await told(town, signed(good(town)))).status_code == 200
    assert shop_session(town).state is State.LOGGED_OUT, "the good token works, so it was the one fault that counted"


async def test_oidcc_client_test_rp_backchannel_rpinitlogout(town: Town) -> None:
    browser = await town.signed_in()

    answer = await told(town, signed(good(town)))

    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert (shop_session(town).state, shop_session(town).reason) == (State.LOGGED_OUT, Reason.IDP)
    assert (await browser.get(f"{SHOP}/")).text == "hello None"


async def test_oidcc_client_test_rp_backchannel_rpinitlogout_alg_none(town: Town) -> None:
    await town.signed_in()
    header = {"alg": "none", "typ": "logout+jwt"}

    unsigned = ".".join(_encoded(json.dumps(part).encode()) for part in (header, good(town))) + "."

    await refused(town, unsigned)


async def test_oidcc_client_test_rp_backchannel_rpinitlogout_wrong_alg(town: Town) -> None:
    """Signed with the client's secret, which it shares with the server: not what was agreed on."""
    await town.signed_in()
    key = OctKey.import_key(SECRET)

    await refused(town, jwt.encode({"alg": "HS256", "typ": "logout+jwt"}, good(town), key, ["HS256"]))


async def test_the_servers_public_key_is_no_secret(town: Town) -> None:
    """The oldest trick: HMAC with the public key, as text, for a key."""
    await town.signed_in()
    public = KEYS._signing[0].as_pem(private=False)
    head_and_body = jwt.encode(
        {"alg": "HS256", "typ": "logout+jwt"}, good(town), OctKey.import_key(b"x" * 32), ["HS256"]
    )

    text = head_and_body.rpartition(".")[0]
    signature = _encoded(hmac.digest(public, text.encode(), "sha256"))

    await refused(town, f"{text}.{signature}")


async def test_oidcc_client_test_rp_backchannel_rpinitlogout_invalid_sig(town: Town) -> None:
    await town.signed_in()
    kid = str(KEYS._signing[0].kid)

    forged = jwt.encode({"alg": "RS256", "typ": "logout+jwt", "kid": kid}, good(town), RSAKey.generate_key(2048))

    await refused(town, forged)


Fault = Callable[[Town], dict[str, Any]]

FAULTS: dict[str, Fault] = {
    "wrong-iss": lambda town: good(town, iss="https://other.example/"),
    "no-iss": lambda town: good(town, iss=None),
    "wrong-aud": lambda town: good(town, aud="spa"),
    "no-aud": lambda town: good(town, aud=None),
    "several-aud-none-ours": lambda town: good(town, aud=["spa", "other"]),
    "no-event": lambda town: good(town, events=None),
    "empty-events": lambda town: good(town, events={}),
    "wrong-event": lambda town: good(town, events={"http://schemas.openid.net/event/foo": {}}),
    "event-in-a-list": lambda town: good(town, events=[EVENT]),
    "event-is-no-object": lambda town: good(town, events={EVENT: True}),
    "with-nonce": lambda town: good(town, nonce="n"),
    "with-empty-nonce": lambda town: {**good(town), "nonce": ""},
    "neither-sub-nor-sid": lambda town: good(town, sub=None, sid=None),
    "empty-sub-and-sid": lambda town: good(town, sub="", sid=""),
    "sid-is-a-number": lambda town: good(town, sid=7),
    "sub-is-a-list": lambda town: good(town, sub=["alice"]),
    "long-sid": lambda town: good(town, sid="x" * 300),
    "no-iat": lambda town: good(town, iat=None),
    "iat-in-the-future": lambda town: good(town, iat=town.clock.at // 1_000 + 60),
    "iat-of-yesterday": lambda town: good(town, iat=town.clock.at // 1_000 - 86_400),
    "iat-is-text": lambda town: good(town, iat="now"),
    "no-exp": lambda town: good(town, exp=None),
    "expired": lambda town: good(town, exp=town.clock.at // 1_000 - 60),
    "exp-is-true": lambda town: good(town, exp=True),
    "no-jti": lambda town: good(town, jti=None),
    "empty-jti": lambda town: good(town, jti=""),
    "jti-is-a-number": lambda town: good(town, jti=1),
    "toe-is-text": lambda town: good(town, toe="now"),
    "toe-is-true": lambda town: good(town, toe=True),
    "toe-is-before-all-time": lambda town: good(town, toe=-1),
    "toe-is-no-number": lambda town: good(town, toe=float("nan")),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_oidcc_client_test_rp_backchannel_rpinitlogout_with_a_fault(town: Town, fault: str) -> None:
    await town.signed_in()

    await refused(town, signed(FAULTS[fault](town)))


@pytest.mark.parametrize("typ", ["JWT", "at+jwt", ""])
async def test_another_type_of_token_is_refused(town: Town, typ: str) -> None:
    await town.signed_in()

    await refused(town, signed(good(town), typ))


@pytest.mark.parametrize("token", [None, "junk", "a.b.c", "e30.e30.e30", "." * 3_000])
async def test_what_is_no_token_is_refused(town: Town, token: str | None) -> None:
    await town.signed_in()

    await refused(town, token)


async def test_a_form_that_says_it_twice_is_refused(town: Town) -> None:
    await town.signed_in()
    token = signed(good(town))

    async with httpx2.AsyncClient(transport=town.internet, trust_env=False) as client:
        answer = await client.post(f"{SHOP}/backchannel", data={"logout_token": [token, token]})

    assert answer.status_code == 400
    assert shop_session(town).live


async def test_a_relaxed_type_is_an_option(town: Town) -> None:
    await town.signed_in()
    town.shop.provider.party = evolve(town.shop.provider.party, any_logout_type=True)

    answer = await told(town, signed(good(town), "JWT"))

    assert (answer.status_code, shop_session(town).live) == (200, False)


async def test_an_id_token_is_no_logout_token_even_then(town: Town) -> None:
    await town.signed_in()
    town.shop.provider.party = evolve(town.shop.provider.party, any_logout_type=True)
    id_token = dict(shop_session(town).data)["oidc.id_token"].strip('"')

    await refused(town, id_token)


async def test_without_sid_every_session_of_the_subject_ends(town: Town) -> None:
    for _ in range(2):
        await town.signed_in()
    await town.signed_in("bob")
    at = town.clock.at // 1_000
    claims = {"iss": AUTH, "aud": "shop", "sub": "alice", "iat": at, "exp": at + 60, "jti": "j", "events": {EVENT: {}}}

    await told(town, signed(claims))

    rows = [row for row in town.shop_store._rows.values() if row.subject]
    assert sorted((row.subject, row.live) for row in rows) == [
        (f"{AUTH}#alice", False),
        (f"{AUTH}#alice", False),
        (f"{AUTH}#bob", True),
    ]


async def test_what_is_said_to_happen_only_later_happens_now(town: Town) -> None:
    await town.signed_in()

    answer = await told(town, signed(good(town, sid=None, toe=float("inf"))))

    assert (answer.status_code, shop_session(town).live) == (200, False)


async def test_a_sid_of_another_subject_ends_nothing(town: Town) -> None:
    await town.signed_in()

    answer = await told(town, signed(good(town, sub="bob")))

    assert (answer.status_code, shop_session(town).live) == (200, True)


async def test_an_audience_among_several_is_ours(town: Town) -> None:
    await town.signed_in()

    answer = await told(town, signed(good(town, aud=["other", "shop"])))

    assert (answer.status_code, shop_session(town).live) == (200, False)


async def test_who_is_out_already_is_out(town: Town) -> None:
    await town.signed_in()
    await told(town, signed(good(town)))

    answer = await told(town, signed(good(town, jti="the second")))

    assert answer.status_code == 200


async def test_a_replayed_token_has_no_second_effect(town: Town) -> None:
    """Without sid it would end whoever logged in since."""
    await town.signed_in()
    token = signed(good(town, sid=None))
    await told(town, token)
    town.clock.advance(1_000)
    browser = await town.signed_in()

    answer = await told(town, token)

    assert answer.status_code == 200
    assert (await browser.get(f"{SHOP}/")).text == f"hello {AUTH}#alice"


@pytest.mark.parametrize("failures", [1, 2, 3])
async def test_a_logout_that_failed_may_be_tried_again(
    town: Town, monkeypatch: pytest.MonkeyPatch, failures: int
) -> None:
    """The token was seen, but the store did not take the end: the next time is no replay, however often that was."""
    await town.signed_in()
    token = signed(good(town))
    with monkeypatch.context() as outage:
        outage.setattr(town.shop_store, "swap", _unavailable)
        tries = [(await told(town, token)).status_code for _ in range(failures)]

    answer = await told(town, token)

    assert tries == [503] * failures
    assert (answer.status_code, shop_session(town).live) == (200, False)


def _unavailable(*_: object) -> bool:
    raise StoreUnavailable("the test says so")


async def test_a_provider_that_does_not_answer_is_asked_again(town: Town) -> None:
    """No keys, no verdict: 503, so that the sender tries again."""
    await town.signed_in()
    town.shop.provider.provider._keys = None
    town.internet.down.add("auth.example")

    answer = await told(town, signed(good(town)))

    assert (answer.status_code, shop_session(town).live) == (503, True)


async def test_a_message_touches_no_session_and_sets_no_cookie(town: Town) -> None:
    browser = await town.signed_in()
    before = shop_session(town)
    town.clock.advance(10 * 60_000)

    page = await browser.post(f"{SHOP}/backchannel", logout_token="junk")

    assert (page.status, page.response.headers.get("set-cookie")) == (400, None)
    assert shop_session(town) == before
