"""Codes: issued after the commit, redeemed once, while the session is alive, by whom they are for."""

import asyncio
import logging
from typing import Any

import httpx2
import pytest

from sessioncore import Epoch, LogOut, Policy, Reason, StoreUnavailable, moment_for, step
from sessioncore_io.oidc import Keys
from sessioncore_io.oidc.grants import CODE_LIFE

from .browser import Browser
from .spa import answer, asked, exchanged
from .town import AUTH, KEYS, SECRET, SHOP, VERIFIER, Town, authorize_url, claims_of

pytestmark = pytest.mark.anyio


async def code_of(town: Town, **params: str) -> tuple[Browser, str]:
    """Give a browser that is signed in, and a code for it."""
    browser = await town.signed_in()
    return browser, answer(await asked(browser, **params))["code"]


async def refused(town: Town, code: str, error: str = "invalid_grant", **fields: str) -> None:
    """Be refused, with no token."""
    response = await exchanged(town, code, **fields)
    assert (response.status_code, response.json()["error"]) in ((400, error), (401, error)), response.text
    assert "access_token" not in response.text


async def test_a_code_is_redeemed_once(town: Town) -> None:
    """oidcc-codereuse."""
    _, code = await code_of(town)

    first = await exchanged(town, code)

    assert first.status_code == 200
    await refused(town, code)


async def test_two_who_redeem_at_once_are_one(town: Town) -> None:
    _, code = await code_of(town)

    answers = await asyncio.gather(*(exchanged(town, code) for _ in range(5)))

    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400, 400]


@pytest.mark.parametrize("reason", [Reason.USER, Reason.ADMIN, Reason.IDP])
async def test_the_code_of_a_dead_session_is_refused(town: Town, reason: Reason) -> None:
    _, code = await code_of(town)
    (row,) = town.auth_store._rows.values()

    await town.auth.middleware.sessions.end(row.sid, reason, subject="alice")

    await refused(town, code)


async def test_the_code_of_a_session_that_a_reset_ended_is_refused(town: Town) -> None:
    """Nobody has looked at the row since: its epoch is what is out of date."""
    _, code = await code_of(town)

    await town.auth.middleware.sessions.reset_password("alice")

    await refused(town, code)


async def test_a_code_is_good_for_a_minute(town: Town) -> None:
    _, code = await code_of(town)
    _, another = await code_of(town)

    town.clock.advance(CODE_LIFE - 1)
    response = await exchanged(town, code)
    town.clock.advance(1)

    assert response.status_code == 200
    await refused(town, another)


async def test_codes_that_nobody_redeems_do_not_pile_up(town: Town) -> None:
    browser = await town.signed_in()
    for _ in range(20):
        await asked(browser)
        town.clock.advance(CODE_LIFE)

    (row,) = town.auth_store._rows.values()
    assert len([key for key, _ in row.data if key.startswith("oidc.code.")]) == 1


async def test_codes_that_a_page_asks_for_again_and_again_do_not_fill_the_session(town: Town) -> None:
    """Any page can ask silently in a frame, with the longest nonce; the user logs in all the same."""
    browser = await town.signed_in()
    pages = [await asked(browser, prompt="none", nonce="\N{SNOWMAN}" * 500) for _ in range(40)]

    (row,) = town.auth_store._rows.values()
    assert all("code" in page.query for page in pages)
    assert sum(len(key) + len(value) for key, value in row.data) < town.policy.max_data / 2


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"code_verifier": "x" * 43}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_request"),
        ({"redirect_uri": f"{SHOP}/callback"}, "invalid_grant"),
        ({"redirect_uri": ""}, "invalid_grant"),
        ({"client_id": "shop"}, "invalid_client"),
        ({"client_id": "nobody"}, "invalid_client"),
        ({"client_id": ""}, "invalid_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, "unsupported_grant_type"),
        ({"grant_type": ""}, "unsupported_grant_type"),
        ({"code": ""}, "invalid_request"),
        ({"code": "junk"}, "invalid_grant"),
        ({"code": "a.b.c.d.e"}, "invalid_grant"),
        ({"client_secret": "wrong"}, "invalid_client"),
    ],
)
async def test_a_code_in_wrong_hands_is_worth_nothing(town: Town, fields: dict[str, str], error: str) -> None:
    _, code = await code_of(town)

    await refused(town, fields.get("code", code), error, **{k: v for k, v in fields.items() if k != "code"})

    assert (await exchanged(town, code)).status_code == 200, "the one fault was what counted, and used nothing up"


@pytest.mark.parametrize("header", [b"Basic /w==", b"Basic \xe9", b"Basic  ", b"Basic", b"Basic Og==", b"Basic %"])
async def test_credentials_that_are_none_are_refused(town: Town, header: bytes) -> None:
    _, code = await code_of(town)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": f"{SHOP}/app", "code_verifier": VERIFIER}

    async with httpx2.AsyncClient(transport=town.internet, trust_env=False) as client:
        response = await client.post(f"{AUTH}oauth/token", data=form, headers={b"authorization": header})

    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


async def test_a_code_of_another_client_is_refused(town: Town) -> None:
    """The shop's own secret does not open the single-page application's code."""
    _, code = await code_of(town)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": f"{SHOP}/app", "code_verifier": VERIFIER}

    async with httpx2.AsyncClient(transport=town.internet, trust_env=False) as client:
        response = await client.post(f"{AUTH}oauth/token", data=form, auth=("shop", SECRET))

    assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize("secret", ["", "wrong", SECRET + "x"])
async def test_a_client_with_a_secret_has_to_prove_it(town: Town, secret: str) -> None:
    browser = await town.signed_in()
    url = authorize_url("shop", response_type="code")
    town.internet.hosts.pop("shop.example")
    code = (await browser.get(url)).query["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": f"{SHOP}/callback"}

    async with httpx2.AsyncClient(transport=town.internet, trust_env=False) as client:
        wrong = await client.post(f"{AUTH}oauth/token", data={**form, "client_id": "shop"}, auth=("shop", secret))
        good = {**form, "code_verifier": VERIFIER}
        right = await client.post(f"{AUTH}oauth/token", data=good, auth=("shop", SECRET))

    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    assert right.status_code == 200


async def test_a_code_sealed_by_another_server_is_nothing(town: Town) -> None:
    await code_of(town)
    (row,) = town.auth_store._rows.values()

    await refused(town, Keys.generate("ES256").seal(f"{row.sid} word"))
    await refused(town, KEYS.seal(f"{row.sid} a guess"))
    await refused(town, KEYS.seal(row.sid))
    await refused(town, KEYS.seal(""))


async def test_a_dump_of_the_store_redeems_nothing(town: Town) -> None:
    """What the row holds is a hash."""
    _, code = await code_of(town)
    (row,) = town.auth_store._rows.values()
    word = (KEYS.unseal(code) or "").partition(" ")[2]

    assert word
    assert word not in repr(row.data)
    assert row.sid not in code


# -- nothing is issued before it is stored ------------------------------------------------------------------


@pytest.mark.parametrize("params", [{"response_type": "code"}, {"response_type": "id_token token"}])
async def test_a_store_that_fails_at_the_commit_issues_nothing(
    town: Town, monkeypatch: pytest.MonkeyPatch, params: dict[str, str]
) -> None:
    browser = await town.signed_in()
    monkeypatch.setattr(town.auth_store, "swap", _unavailable)
    browser.visited.clear()

    page = await browser.get(authorize_url(prompt="none", **params))

    assert page.status == 503
    assert page.response.headers.get("location") is None
    assert not any("code=" in url or "token=" in url for url in browser.visited)


def _unavailable(*_: object, **__: object) -> bool:
    raise StoreUnavailable("the test says so")


@pytest.mark.parametrize("prompt", ["none", ""])
async def test_a_session_that_ends_during_the_request_issues_nothing(
    town: Town, monkeypatch: pytest.MonkeyPatch, prompt: str
) -> None:
    """The decision was right when it was made; the commit finds the row ended, and drops the write silently."""
    browser = await town.signed_in()
    (row,) = town.auth_store._rows.values()
    swap = town.auth_store.swap

    def ended_meanwhile(old: Any, new: Any) -> bool:
        monkeypatch.setattr(town.auth_store, "swap", swap)
        ended = _ended(town.auth_store.load(row.sid)[0], town.clock.at)
        assert swap(town.auth_store.load(row.sid)[0], ended)
        return bool(swap(old, new))

    monkeypatch.setattr(town.auth_store, "swap", ended_meanwhile)
    town.auth.shown.clear()

    page = await asked(browser, prompt=prompt)

    assert "code" not in answer(page)
    if prompt:
        assert answer(page)["error"] == "login_required"
    else:
        assert page.url.startswith(f"{AUTH}login")


def _ended(row: Any, at: int) -> Any:
    return step(row, LogOut(Reason.ADMIN), moment_for(row, Epoch(value=row.epoch), at, Policy()))


async def test_a_store_that_cannot_be_read_says_neither_yes_nor_no(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    _, code = await code_of(town)
    issued = (await exchanged(town, code)).json()
    monkeypatch.setattr(town.auth_store, "load", _unavailable)
    monkeypatch.setattr(town.auth_store, "of_subject", _unavailable)

    async with httpx2.AsyncClient(transport=town.internet, trust_env=False) as client:
        info = await client.get(f"{AUTH}userinfo", headers={"authorization": f"Bearer {issued['access_token']}"})

    assert (info.status_code, (await exchanged(town, code)).status_code) == (503, 503)


# -- userinfo -------------------------------------------------------------------------------------------------


async def userinfo(town: Town, token: str) -> httpx2.Response:
    """Ask who the token is of."""
    async with httpx2.AsyncClient(transport=town.internet, trust_env=False) as client:
        return await client.get(f"{AUTH}userinfo", headers={"authorization": f"Bearer {token}", "origin": SHOP})


async def test_oidcc_userinfo_get(town: Town) -> None:
    _, code = await code_of(town)
    issued = (await exchanged(town, code)).json()

    response = await userinfo(town, issued["access_token"])

    assert response.json() == {"sub": "alice", "name": "Alice"}
    assert response.headers["access-control-allow-origin"] == SHOP


@pytest.mark.parametrize("method", ["PUT", "DELETE", "HEAD"])
async def test_another_method_tells_nothing(town: Town, method: str) -> None:
    _, code = await code_of(town)
    token = (await exchanged(town, code)).json()["access_token"]

    async with httpx2.AsyncClient(transport=town.internet, trust_env=False) as client:
        response = await client.request(method, f"{AUTH}userinfo", headers={"authorization": f"Bearer {token}"})

    assert (response.status_code, response.headers["allow"]) == (405, "GET, POST, OPTIONS")


async def test_nobody_keeps_what_a_token_was_answered(town: Town) -> None:
    async with httpx2.AsyncClient(transport=town.internet, trust_env=False) as client:
        answers = [
            await client.get(f"{AUTH}userinfo"),
            await client.get(f"{AUTH}oauth/token"),
            await exchanged(town, "x"),
        ]

    assert [(answer.status_code, answer.headers.get("cache-control")) for answer in answers] == [
        (401, "no-store"),
        (405, "no-store"),
        (400, "no-store"),
    ]


async def test_oidcc_userinfo_post_body(town: Town) -> None:
    _, code = await code_of(town)
    issued = (await exchanged(town, code)).json()

    async with httpx2.AsyncClient(transport=town.internet, trust_env=False) as client:
        response = await client.post(f"{AUTH}userinfo", data={"access_token": issued["access_token"]})

    assert response.json()["sub"] == "alice"


async def test_an_access_token_ends_with_its_session(town: Town) -> None:
    _, code = await code_of(town)
    issued = (await exchanged(town, code)).json()
    (row,) = town.auth_store._rows.values()

    await town.auth.middleware.sessions.end(row.sid, Reason.USER, subject="alice")

    response = await userinfo(town, issued["access_token"])
    assert (response.status_code, response.headers["www-authenticate"]) == (401, 'Bearer error="invalid_token"')


async def test_an_access_token_ends_by_itself(town: Town) -> None:
    _, code = await code_of(town)
    issued = (await exchanged(town, code)).json()

    town.clock.advance(issued["expires_in"] * 1_000)

    assert (await userinfo(town, issued["access_token"])).status_code == 401


async def test_an_api_takes_only_tokens_that_are_for_it(town: Town) -> None:
    _, code = await code_of(town)
    token, sessions = (await exchanged(town, code)).json()["access_token"], town.auth.middleware.sessions

    ours = await town.auth.server.bearer(token, sessions, "https://api.example")
    theirs = await town.auth.server.bearer(token, sessions, "https://other.example")

    assert ours is not None
    assert (ours["sub"], ours["client_id"], theirs) == ("alice", "spa", None)


async def test_an_id_token_is_no_access_token(town: Town) -> None:
    _, code = await code_of(town)
    issued = (await exchanged(town, code)).json()

    for token in (issued["id_token"], "junk", ""):
        assert (await userinfo(town, token)).status_code == 401


# -- what scripts may read, and what logs may not -------------------------------------------------------------


async def test_the_token_endpoint_answers_a_preflight_of_registered_origins(town: Town) -> None:
    async with httpx2.AsyncClient(transport=town.internet, trust_env=False) as client:
        asked = {"access-control-request-method": "POST", "access-control-request-headers": "content-type"}
        ours = await client.options(f"{AUTH}oauth/token", headers={**asked, "origin": SHOP})
        theirs = await client.options(f"{AUTH}oauth/token", headers={**asked, "origin": "https://evil.example"})

    assert (ours.status_code, ours.headers["access-control-allow-origin"]) == (204, SHOP)
    assert "POST" in ours.headers["access-control-allow-methods"]
    assert "content-length" not in ours.headers
    assert "access-control-allow-credentials" not in ours.headers
    assert "access-control-allow-origin" not in theirs.headers


async def test_the_keys_are_everybodys(town: Town) -> None:
    page = await town.browser().get(f"{AUTH}.well-known/jwks.json")

    (key,) = page.response.json()["keys"]
    assert page.response.headers["access-control-allow-origin"] == "*"
    assert (key["use"], key["alg"], key["kty"]) == ("sig", "RS256", "RSA")
    assert not {"d", "p", "q", "dp", "dq", "qi", "oth"} & key.keys()


async def test_no_log_shows_a_token(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    """Authlib writes every token that it issues to its log, at level DEBUG."""
    caplog.set_level(logging.DEBUG)

    browser, code = await code_of(town)
    issued = (await exchanged(town, code)).json()
    implicit = (await asked(browser, response_type="id_token token")).fragment

    assert "Grant token" in caplog.text, "it does write"
    secrets = (code, VERIFIER, SECRET, issued["access_token"], issued["id_token"], implicit["access_token"])
    ours = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("httpx"))
    assert [secret for secret in secrets if secret in ours] == []


async def test_no_token_is_in_an_address_that_a_server_sees(town: Town) -> None:
    """A fragment is not sent; what is in a query is a code, used up, or a hint at logout, which opens nothing."""
    browser, code = await code_of(town)
    issued = (await exchanged(town, code)).json()
    implicit = (await asked(browser, response_type="id_token token")).fragment

    tokens = (issued["access_token"], issued["id_token"], implicit["access_token"], implicit["id_token"])
    assert [line for line in town.internet.log if any(token in line.partition("#")[0] for token in tokens)] == []


async def test_no_repr_shows_a_secret(town: Town) -> None:
    await code_of(town)

    shown = repr((town.auth.server.clients, KEYS, town.shop.provider, town.auth.shown, town.shop.landed))

    assert SECRET not in shown
    assert "PRIVATE" not in shown
    assert str(claims_of(dict(_shop_row(town).data)["oidc.id_token"].strip('"'))["nonce"]) not in shown


def _shop_row(town: Town) -> Any:
    return next(row for row in town.shop_store._rows.values() if row.subject)
