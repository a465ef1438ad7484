"""The logout endpoint on its own: what it takes, what it asks, what it ends, and where it sends the browser."""

from typing import Any, Final
from urllib.parse import urlencode

import pytest
from joserfc.jwk import ECKey

from sessioncore import Reason
from sessioncore.sso import client_sid
from sessioncore.testing import Clock
from sessioncore_io import AsyncHandle, AsyncSessions
from sessioncore_io.memory import MemoryStore
from sessioncore_io.oidc import Call, Client, ConfirmLogout, Keys, LoggedOut
from sessioncore_io.oidc.leaving import Leaving
from sessioncore_io.oidc.protocol import Protocol
from sessioncore_io.oidc.relying import ID_TOKEN
from sessioncore_io.oidc.settings import Paths
from sessioncore_io.oidc.web import Params, Reply

pytestmark = pytest.mark.anyio

OP: Final = "https://op.example/X"
BYE: Final = "https://rp.example/bye"
UPSTREAM: Final = ("https://idp.example", "theirs")
KEYS: Final = Keys([ECKey.generate_key("P-256")])
CLIENT: Final = Client(client_id="rp", redirect_uris="https://rp.example/", post_logout_redirect_uris=BYE)
OTHER: Final = Client(client_id="other", redirect_uris="https://other.example/")
LEAVING: Final = Leaving(Protocol(OP, {"rp": CLIENT, "other": OTHER}, KEYS), Paths())


async def signed_in(clock: Clock, upstream: tuple[str, str] = ("", "")) -> AsyncHandle:
    """Give alice's session."""
    handle = await AsyncSessions(MemoryStore(), clock=clock).open(None)
    handle.log_in(await handle.attempt("alice"), "pwd", upstream=upstream)
    if any(upstream):
        handle._row_data[ID_TOKEN] = "the provider's ID token"
    await handle.commit()
    return handle


async def logout(handle: AsyncHandle, method: str = "GET", **params: str) -> Any:
    """Ask for a logout."""
    asked = Params(tuple(params.items()))
    return await LEAVING.logout(Call(method=method, path="/oidc/logout", query=asked, form=asked, handle=handle))


def hint(handle: AsyncHandle, typ: str = "JWT", **other: Any) -> str:
    """Give an ID token of this session, or nearly."""
    claims = {"iss": OP, "sub": "alice", "aud": "rp", "sid": client_sid(handle.sid or "", "rp")}
    return KEYS.sign({name: value for name, value in (claims | other).items() if value is not None}, typ=typ)


def reason(handle: AsyncHandle) -> Reason | None:
    """Say why the session of the store is over."""
    store: Any = handle._shell.store
    (row,) = store._rows.values()
    return None if row.live else row.reason


async def test_a_session_that_was_named_has_ended_when_that_is_answered(clock: Clock) -> None:
    handle = await signed_in(clock)
    answer = await logout(handle, id_token_hint=hint(handle))

    assert answer == LoggedOut(client=CLIENT)
    assert (answer.then, answer.upstream, answer.upstream_hint) == ("", ("", ""), "")
    assert (reason(handle), handle.subject) == (Reason.RP, None)


@pytest.mark.parametrize(("state", "location"), [("", BYE), ("a b", f"{BYE}?state=a+b")])
async def test_the_browser_goes_where_the_client_has_registered(clock: Clock, state: str, location: str) -> None:
    handle = await signed_in(clock)
    params = {"state": state} if state else {}
    answer = await logout(handle, id_token_hint=hint(handle), post_logout_redirect_uri=BYE, **params)

    assert (answer.status, dict(answer.headers)["location"]) == (303, location)


async def test_an_audience_may_be_several_and_name_who_is_gone(clock: Clock) -> None:
    handle = await signed_in(clock)
    token = hint(handle, aud=["gone", "rp"])
    answer = await logout(handle, id_token_hint=token, post_logout_redirect_uri=BYE)

    assert dict(answer.headers)["location"] == BYE


@pytest.mark.parametrize("federated", [True, False])
async def test_the_providers_session_is_ended_too_where_that_is_asked_for(clock: Clock, federated: bool) -> None:
    handle = await signed_in(clock, UPSTREAM)
    params = {"federated": "yes"} if federated else {}
    answer = await logout(handle, id_token_hint=hint(handle), post_logout_redirect_uri=BYE, state="s", **params)

    if not federated:
        assert dict(answer.headers)["location"] == f"{BYE}?state=s"
        return
    assert answer == LoggedOut(
        client=CLIENT, then=f"{BYE}?state=s", upstream=UPSTREAM, upstream_hint="the provider's ID token"
    )
    assert "ID token" not in repr(answer)
    assert reason(handle) is Reason.RP


async def test_a_provider_that_names_no_sessions_is_asked_to_end_its_own_too(clock: Clock) -> None:
    handle = await signed_in(clock, (UPSTREAM[0], ""))
    answer = await logout(handle, id_token_hint=hint(handle), post_logout_redirect_uri=BYE, federated="yes")

    assert (answer.then, answer.upstream) == (BYE, (UPSTREAM[0], ""))


async def test_a_provider_that_gave_no_token_to_keep_gets_none(clock: Clock) -> None:
    handle = await signed_in(clock, UPSTREAM)
    del handle._row_data[ID_TOKEN]
    answer = await logout(handle, id_token_hint=hint(handle), federated="yes")

    assert (answer.upstream, answer.upstream_hint) == (UPSTREAM, "")


async def test_a_session_that_nobody_named_is_asked_about(clock: Clock) -> None:
    handle = await signed_in(clock)
    params = {"client_id": "rp", "post_logout_redirect_uri": BYE, "state": "s", "federated": "yes"}
    page = await logout(handle, ui_locales="de", **params)

    assert page == ConfirmLogout(
        client=CLIENT, action=f"{OP}/oidc/logout", fields={**params, "confirm": handle.csrf_token}
    )
    assert handle.csrf_token not in repr(page)
    assert reason(handle) is None
    answer = await logout(handle, "POST", **page.fields)
    assert dict(answer.headers)["location"] == f"{BYE}?state=s"
    assert reason(handle) is Reason.RP


async def test_a_token_of_a_session_that_says_none_is_not_this_ones(clock: Clock) -> None:
    page = await logout(handle := await signed_in(clock), id_token_hint=hint(handle, sid=None))

    assert isinstance(page, ConfirmLogout)


@pytest.mark.parametrize("client_id", ["", "gone"])
async def test_who_asks_may_be_nobody_that_is_known(clock: Clock, client_id: str) -> None:
    page = await logout(await signed_in(clock), **({"client_id": client_id} if client_id else {}))

    assert page.client is None


async def test_a_form_without_the_pages_token_asks_again(clock: Clock) -> None:
    handle = await signed_in(clock)
    answer = await logout(handle, "POST", confirm="guessed", state="s", client_id="rp")

    location = f"{OP}/oidc/logout?{urlencode({'state': 's', 'client_id': 'rp'})}"
    assert (answer.status, dict(answer.headers)["location"]) == (303, location)
    assert reason(handle) is None


@pytest.mark.parametrize("length", [8_192, 8_193])
async def test_a_request_says_8_ki_characters_at_most(clock: Clock, length: int) -> None:
    handle = await signed_in(clock)
    answer = await logout(handle, state="s" * 8_000, ui_locales="d" * (length - 8_000))

    if length == 8_192:
        assert isinstance(answer, ConfirmLogout)
        return
    assert (answer.status, b"It says something twice, or too much." in answer.body) == (400, True)


async def test_a_request_says_nothing_twice_and_comes_by_get_or_post(clock: Clock) -> None:
    handle = await signed_in(clock)
    twice = Call(method="GET", path="/", query=Params((("state", "a"), ("state", "b"))), handle=handle)

    assert (await LEAVING.logout(twice)).status == 400  # type: ignore[union-attr]
    answer = await logout(handle, "PUT")
    assert (answer.status, dict(answer.headers)["allow"]) == (405, "GET, POST")


@pytest.mark.parametrize(
    "other",
    [{"iss": "https://other.example"}, {"iss": 7}, {"iss": None}, {"sub": 7}, {"sub": None}, {"typ": "at+jwt"}],
    ids=str,
)
async def test_a_hint_is_an_id_token_of_ours_or_nothing_changes(clock: Clock, other: dict[str, Any]) -> None:
    handle = await signed_in(clock)
    answer = await logout(handle, id_token_hint=hint(handle, **other))

    assert isinstance(answer, Reply)
    assert (answer.status, b"is not one that this issuer signed" in answer.body) == (400, True)
    assert reason(handle) is None


async def test_a_client_that_has_not_registered_the_way_back_is_refused(clock: Clock) -> None:
    handle = await signed_in(clock)
    for params in ({"client_id": "other"}, {"client_id": "gone"}):
        assert (await logout(handle, post_logout_redirect_uri=BYE, **params)).status == 400
