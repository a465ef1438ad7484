"""An application's own steps: the address it sends a browser to, the login it keeps meanwhile, and the way out."""

from typing import Any, Final

import httpx2
import pytest

from sessioncore import Reason
from sessioncore.testing import Clock
from sessioncore_io import AsyncHandle
from sessioncore_io.oidc import Call, LocalNames, ProviderUnavailable, RelyingParty
from sessioncore_io.oidc.logins import begin, carried, take
from sessioncore_io.oidc.notices import EVENT
from sessioncore_io.oidc.relying import ID_TOKEN, Landed
from sessioncore_io.oidc.web import Params, Reply

from .test_landing import KEYS, OP, Answers, as_stored, signed_in

pytestmark = pytest.mark.anyio

HOUR: Final = 3_600_000
ENDS: Final[dict[str, Any]] = {"end_session_endpoint": f"{OP}/logout?a=b", "authorization_endpoint": f"{OP}/authorize"}


def application(clock: Clock, answers: Answers | None = None, **settings: Any) -> RelyingParty:
    """Register an application."""
    good: dict[str, Any] = {"issuer": OP, "client_id": "rp", "redirect_uri": "https://rp.example/callback"}
    good |= {"algorithms": ("ES256",), "clock": clock, "transport": answers or Answers(**ENDS)}
    return RelyingParty(**(good | settings))


def asked(url: str) -> dict[str, str]:
    """Read an address's query."""
    return dict(httpx2.URL(url).params)


# -- logins ------------------------------------------------------------------------------------------------------


async def test_a_login_is_given_once_and_within_an_hour(clock: Clock) -> None:
    session = await signed_in(clock)
    for late, is_good in ((HOUR, True), (HOUR + 1, False)):
        login = begin(session, next="/cart", max_age=7, renew=True, at=clock(), issuer=OP)
        assert (len(login.state), len(login.nonce), len(login.verifier)) == (22, 22, 64)
        assert login.verifier not in repr(login)
        assert take(session, login.state, clock(), "https://other.example") is None
        assert take(session, login.state, clock() + late, OP) == (login if is_good else None)
        assert take(session, login.state, clock(), OP) is None
    for state in ("", "nobody", "a\n", "x" * 65):
        assert take(session, state, clock(), OP) is None


async def test_a_state_is_of_at_most_64_characters(clock: Clock) -> None:
    session = await signed_in(clock)
    login = begin(session, next="/", max_age=None, renew=False, at=clock(), issuer=OP)
    kept = session._row_data[f"oidc.login.{login.state}"]
    for state, is_good in (("x", True), ("x" * 64, True), ("x" * 65, False), ("", False)):
        session._row_data[f"oidc.login.{state}"] = kept
        assert (take(session, state, clock(), OP) is not None) == is_good


async def test_eight_logins_wait_and_outlast_a_login_as_somebody_else(clock: Clock) -> None:
    session = await signed_in(clock)
    session["cart"] = 1
    session._row_data["oidc.request.r"] = {"at": clock()}
    for _ in range(9):
        begin(session, next="/", max_age=None, renew=False, at=clock(), issuer=OP)
    kept = carried(session)

    assert sum(key.startswith("oidc.login.") for key in kept) == 8
    assert kept["oidc.request.r"] == {"at": clock()}
    assert "cart" not in kept


# -- going there -------------------------------------------------------------------------------------------------


async def test_the_provider_is_asked_for_what_the_application_wants(clock: Clock) -> None:
    session, party = await signed_in(clock), application(clock)
    more: dict[str, Any] = {
        "prompt": "none",
        "acr_values": ("a", "b"),
        "login_hint": "al",
        "ui_locales": "de",
        "max_age": 0,
    }
    params = asked(await party.begin(session, next="/cart", **more))
    login = take(session, params["state"], clock(), OP)

    assert party.issuer == OP
    assert login is not None
    assert (login.next, login.max_age, login.renew) == ("/cart", 0, False)
    assert {name: params[name] for name in params if name not in ("state", "nonce", "code_challenge")} == {
        "response_type": "code",
        "client_id": "rp",
        "redirect_uri": "https://rp.example/callback",
        "scope": "openid profile email",
        "code_challenge_method": "S256",
        "prompt": "none",
        "acr_values": "a b",
        "login_hint": "al",
        "ui_locales": "de",
        "max_age": "0",
    }
    assert params["nonce"] == login.nonce


@pytest.mark.parametrize("tells", [True, False])
async def test_a_login_is_as_old_as_one_may_be_here(clock: Clock, tells: bool) -> None:
    session = await signed_in(clock)
    params = asked(await application(clock, says_auth_time=tells).begin(session))
    lifetime = session._shell.policy.login.lifetime // 1_000

    assert params.get("max_age") == (str(lifetime) if tells else None)
    assert "prompt" not in params
    older = asked(await application(clock, says_auth_time=tells).begin(session, max_age=lifetime + 1))
    assert older["max_age"] == str(lifetime if tells else lifetime + 1)


# -- leaving -----------------------------------------------------------------------------------------------------


async def test_a_logout_ends_the_session_here_before_the_browser_goes_there(clock: Clock) -> None:
    session = await signed_in(clock)
    session._row_data[ID_TOKEN] = "i.d.t"
    party = application(clock, post_logout_redirect_uri="https://rp.example/bye")
    url = await party.log_out(session, state="s", reason=Reason.ADMIN, federated="yes")

    assert asked(url) == {
        "a": "b",
        "id_token_hint": "i.d.t",
        "client_id": "rp",
        "post_logout_redirect_uri": "https://rp.example/bye",
        "state": "s",
        "federated": "yes",
    }
    assert as_stored(session) == (None, Reason.ADMIN)


async def test_a_logout_says_no_more_than_there_is_to_say(clock: Clock) -> None:
    party = application(clock)

    assert asked(await party.log_out(await signed_in(clock))) == {"a": "b", "client_id": "rp"}
    assert asked(await party.logout_url()) == {"a": "b", "client_id": "rp"}


@pytest.mark.parametrize(("uri", "location"), [("https://rp.example/bye", "https://rp.example/bye"), ("", "/")])
async def test_a_logout_is_one_also_where_the_provider_has_none(clock: Clock, uri: str, location: str) -> None:
    session = await signed_in(clock)
    party = application(clock, Answers(), post_logout_redirect_uri=uri)

    assert await party.log_out(session) == location
    assert as_stored(session) == (None, Reason.USER)
    with pytest.raises(ProviderUnavailable):
        await party.logout_url()


async def test_what_is_known_of_a_user_is_about_who_logged_in(clock: Clock) -> None:
    answers = Answers(userinfo_endpoint=f"{OP}/userinfo")
    landed = Landed(subject="s", next="/", verdict=None, claims={"sub": "alice"}, access_token="secret")  # type: ignore[arg-type]
    answers.answers["/userinfo"] = (200, {"sub": "alice", "name": "Alice"})
    assert (await application(clock, answers).userinfo(landed))["name"] == "Alice"

    answers.answers["/userinfo"] = (200, {"sub": "bob"})
    with pytest.raises(ProviderUnavailable, match=r"answers about somebody else$"):
        await application(clock, answers).userinfo(landed)
    assert "secret" not in repr(landed)
    assert "alice" not in repr(landed)


# -- hearing of an end -------------------------------------------------------------------------------------------


async def told(party: RelyingParty, session: AsyncHandle, method: str = "POST", **claims: Any) -> Reply:
    """Post a logout token."""
    at = session.at // 1_000
    good = {"iss": OP, "aud": "rp", "iat": at, "exp": at + 120, "jti": "j", "events": {EVENT: {}}}
    form = Params((("logout_token", KEYS.sign(good | claims, typ="logout+jwt")),)) if claims else Params()
    return await party.back_channel(Call(method=method, path="/", form=form, handle=session))


@pytest.mark.parametrize("claims", [{"sid": "theirs"}, {"sub": "alice"}])
async def test_a_logout_token_ends_what_it_names(clock: Clock, claims: dict[str, str]) -> None:
    session = await signed_in(clock, upstream=(OP, "theirs"))
    reply = await told(application(clock), session, **claims)

    assert (reply.status, reply.body) == (200, b"")
    assert dict(reply.headers) == {"content-type": "application/json", "cache-control": "no-store"}
    assert as_stored(session) == (None, Reason.IDP)


async def test_a_logout_token_that_is_none_changes_nothing_and_is_told_why(clock: Clock) -> None:
    session = await signed_in(clock, upstream=(OP, "theirs"))
    nothing = b'{"error": "invalid_request", "error_description": "post one logout_token"}'

    for reply in (
        await told(application(clock), session),
        await told(application(clock), session, "PUT", sid="theirs"),
    ):
        assert (reply.status, reply.body) == (400, nothing)
    assert as_stored(session)[1] is None


async def test_a_logout_token_that_nobody_can_judge_is_asked_for_again(clock: Clock) -> None:
    answers = Answers()
    answers.answers["/jwks"] = (503, {})
    reply = await told(application(clock, answers), await signed_in(clock), sid="theirs")

    assert (reply.status, reply.body) == (503, b'{"error": "temporarily_unavailable"}')


class Closed(httpx2.AsyncBaseTransport):
    """Remember that it was closed, and what was sent."""

    closed = False

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=await request.aread())

    async def aclose(self) -> None:
        self.closed = True


async def test_connections_are_closed_with_what_holds_them(clock: Clock) -> None:
    one, two = Closed(), Closed()
    await application(clock, transport=one).aclose()
    local = LocalNames(two)
    answer = await local.handle_async_request(httpx2.Request("POST", "http://a.localhost/", content=b"body"))
    await local.aclose()

    assert (one.closed, two.closed) == (True, True)
    assert await answer.aread() == b"body"
