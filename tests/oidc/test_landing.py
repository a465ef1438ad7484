"""The way back from the provider, step by step: what each refuses, what it says, and what it leaves of the session."""

from typing import Any, Final
from urllib.parse import parse_qsl

import httpx2
import pytest
from joserfc.jwk import ECKey

from sessioncore import Reason
from sessioncore.testing import Clock
from sessioncore_io import AsyncHandle, AsyncSessions
from sessioncore_io.memory import MemoryStore
from sessioncore_io.oidc import Keys, LoginFailed, ProviderUnavailable
from sessioncore_io.oidc.landing import check_answer, redeemed
from sessioncore_io.oidc.logins import Login
from sessioncore_io.oidc.party import Party
from sessioncore_io.oidc.provider import Provider

pytestmark = pytest.mark.anyio

OP: Final = "https://op.example"
KEYS: Final = Keys([ECKey.generate_key("P-256")])
METADATA: Final = {"issuer": OP, "token_endpoint": f"{OP}/token", "jwks_uri": f"{OP}/jwks"}
GOOD: Final[dict[str, Any]] = {"access_token": "a", "token_type": "Bearer", "id_token": "i.d.t"}
Answer = tuple[int, Any]


class Answers(httpx2.AsyncBaseTransport):
    """Answer by path, and remember what was posted."""

    def __init__(self, token: Answer = (200, GOOD), **metadata: Any) -> None:
        self.answers: dict[str, Answer] = {
            "/.well-known/openid-configuration": (200, METADATA | metadata),
            "/jwks": (200, KEYS.jwks()),
            "/token": token,
        }
        self.posted: list[dict[str, str]] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        status, said = self.answers[request.url.path]
        if request.method == "POST":
            self.posted.append(dict(parse_qsl((await request.aread()).decode())) | dict(request.headers))
        if status == 0:
            raise httpx2.ConnectError("down", request=request)
        return httpx2.Response(status, content=said) if isinstance(said, bytes) else httpx2.Response(status, json=said)


def party(clock: Clock, answers: Answers | None = None, **settings: Any) -> Party:
    """Register an application."""
    provider = Provider(OP, ("ES256",), clock, answers or Answers())
    good: dict[str, Any] = {"provider": provider, "client_id": "rp", "redirect_uri": "https://rp.example/callback"}
    return Party(**(good | settings))


def login(**other: Any) -> Login:
    """Give a login that was begun."""
    begun: dict[str, Any] = {
        "state": "s",
        "nonce": "n",
        "verifier": "v" * 43,
        "next": "/cart",
        "max_age": None,
        "renew": False,
    }
    return Login(**(begun | {"at": 0, "issuer": OP} | other))


async def signed_in(clock: Clock, subject: str = f"{OP}#alice", upstream: tuple[str, str] = ("", "")) -> AsyncHandle:
    """Give somebody's session."""
    handle = await AsyncSessions(MemoryStore(), clock=clock).open(None)
    handle.log_in(await handle.attempt(subject), "pwd", upstream=upstream)
    await handle.commit()
    return handle


def as_stored(handle: AsyncHandle) -> tuple[str | None, Reason | None]:
    """Give who the next request finds signed in, and why nobody is."""
    store: Any = handle._shell.store
    row = next(iter(store._rows.values()))
    return (row.subject if row.live else None), row.reason


def said(failed: pytest.ExceptionInfo[LoginFailed]) -> tuple[str, str, str]:
    """Give all that a failure says."""
    return failed.value.error, failed.value.why, failed.value.next


# -- the answer --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("issuer", [OP, None])
async def test_an_answer_is_a_code_of_this_provider(clock: Clock, issuer: str | None) -> None:
    params = {"code": "c"} | ({"iss": issuer} if issuer else {})

    await check_answer(party(clock), await signed_in(clock), login(), params)


@pytest.mark.parametrize(
    ("params", "names_itself"),
    [({"iss": "https://other.example"}, False), ({"iss": f"{OP}/"}, True), ({}, True), ({"iss": ""}, True)],
)
async def test_an_answer_of_another_provider_is_none(clock: Clock, params: dict[str, str], names_itself: bool) -> None:
    answers = Answers(authorization_response_iss_parameter_supported=names_itself)
    with pytest.raises(LoginFailed) as failed:
        await check_answer(party(clock, answers), await signed_in(clock), login(), {"code": "c", **params})

    assert said(failed) == ("other_issuer", "the answer is not this provider's (RFC 9207)", "/cart")


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"error": "access_denied"}, "access_denied"),
        ({"error": "login_required", "code": "c"}, "login_required"),
        ({"error": "<script>", "code": "c"}, "invalid_response"),
        ({"error": "a" * 64}, "a" * 64),
        ({"error": "a" * 65}, "invalid_response"),
        ({}, "invalid_response"),
        ({"code": ""}, "invalid_response"),
    ],
)
async def test_an_answer_without_a_code_is_an_error(clock: Clock, params: dict[str, str], error: str) -> None:
    handle = await signed_in(clock)
    with pytest.raises(LoginFailed) as failed:
        await check_answer(party(clock), handle, login(), params)

    assert said(failed) == (error, "the provider did not sign anybody in", "/cart")
    assert as_stored(handle) == (f"{OP}#alice", None)


@pytest.mark.parametrize(
    ("renew", "error", "ends"),
    [(True, "login_required", True), (True, "interaction_required", False), (False, "login_required", False)],
)
async def test_a_session_that_cannot_go_on_has_ended_when_that_is_said(
    clock: Clock, renew: bool, error: str, ends: bool
) -> None:
    handle = await signed_in(clock)
    with pytest.raises(LoginFailed):
        await check_answer(party(clock), handle, login(renew=renew), {"error": error})

    assert as_stored(handle) == ((None, Reason.IDP) if ends else (f"{OP}#alice", None))
    assert (handle.subject is None) == ends


# -- the code ----------------------------------------------------------------------------------------------------


async def test_a_code_is_sent_with_what_proves_whose_it_is(clock: Clock) -> None:
    answers = Answers()

    assert await redeemed(party(clock, answers), login(), "the code") == GOOD
    (posted,) = answers.posted
    asked = ("grant_type", "code", "code_verifier", "redirect_uri", "client_id")
    assert [posted[name] for name in asked] == [
        "authorization_code",
        "the code",
        "v" * 43,
        "https://rp.example/callback",
        "rp",
    ]
    assert "authorization" not in posted


@pytest.mark.parametrize(
    ("method", "by_header"), [("", True), ("client_secret_basic", True), ("client_secret_post", False)]
)
async def test_a_secret_is_proved_as_it_was_registered(clock: Clock, method: str, by_header: bool) -> None:
    answers = Answers()
    await redeemed(party(clock, answers, secret="a secret of 16 characters", auth_method=method), login(), "c")
    (posted,) = answers.posted

    assert ("authorization" in posted, "client_secret" in posted) == (by_header, not by_header)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((400, {"error": "invalid_grant"}), "invalid_grant"),
        ((401, {"error": "<script>"}), "invalid_response"),
        ((400, {"error": None}), "oauth_error"),
        ((200, {"error": "a"}), "a"),
    ],
)
async def test_a_code_that_was_not_taken_is_an_error(clock: Clock, answer: Answer, error: str) -> None:
    with pytest.raises(LoginFailed) as failed:
        await redeemed(party(clock, Answers(answer)), login(), "c")

    assert said(failed) == (error, "the provider did not take the code", "/cart")


@pytest.mark.parametrize("token", [{"id_token": None}, {"id_token": 7}])
async def test_an_answer_without_an_id_token_is_an_error(clock: Clock, token: dict[str, Any]) -> None:
    with pytest.raises(LoginFailed) as failed:
        await redeemed(party(clock, Answers((200, GOOD | token))), login(), "c")

    assert said(failed) == ("bad_token", "the provider sent no ID token", "/cart")


@pytest.mark.parametrize(
    ("answer", "why"),
    [((0, None), "ConnectError"), ((200, b"<html>"), "ValueError"), ((503, {}), "HTTPStatusError")],
)
async def test_a_provider_that_does_not_answer_is_no_failure_of_the_login(
    clock: Clock, answer: Answer, why: str
) -> None:
    with pytest.raises(ProviderUnavailable) as failed:
        await redeemed(party(clock, Answers(answer)), login(), "c")

    assert str(failed.value) == f"{OP}/token does not answer ({why})"
