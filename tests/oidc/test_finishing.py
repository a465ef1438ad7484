"""A login by a provider to its end, and the pages of a server that nobody frames."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sessioncore import NEVER, LoginRequired, State, StepUpRequired
from sessioncore.testing import Clock
from sessioncore_io.oidc import Call, LoginFailed, proving
from sessioncore_io.oidc.proving import AUTH_TIME
from sessioncore_io.oidc.relying import ID_TOKEN
from sessioncore_io.oidc.routes import ServerApp
from sessioncore_io.oidc.web import PAGE_HEADERS, Params

from .test_application import ENDS, application, asked
from .test_endpoints import SERVER, signed_in
from .test_landing import GOOD, KEYS, OP, Answers

pytestmark = pytest.mark.anyio


async def test_a_login_is_made_of_the_providers_answer_as_the_application_wants_it(clock: Clock) -> None:
    session, answers = await signed_in(clock), Answers(**ENDS)
    party = application(clock, answers)
    waiting = asked(await party.begin(session, next="/later"))["state"]
    params = asked(await party.begin(session, next="/cart"))
    at = clock() // 1_000
    claims = {"iss": OP, "aud": "rp", "sub": "bob", "iat": at, "exp": at + 60, "auth_time": at, "sid": "theirs"}
    text = KEYS.sign(claims | {"nonce": params["nonce"]}, typ="JWT")
    answers.answers["/token"] = (200, GOOD | {"id_token": text, "access_token": "the access token"})
    call = Call(method="GET", path="/", query=Params((("code", "c"), ("state", params["state"]))), handle=session)
    until = datetime.fromtimestamp(at + 7_200, UTC)
    landed = await party.finish(call, remember=True, label="a phone", not_after=until)

    assert (landed.subject, landed.next, landed.access_token) == (f"{OP}#bob", "/cart", "the access token")
    row = session.stored
    assert row is not None
    assert (row.subject, row.upstream, row.label) == (f"{OP}#bob", (OP, "theirs"), "a phone")
    assert row.remembered
    assert row.not_after == (at + 7_200) * 1_000
    assert session._row_data[ID_TOKEN] == text
    assert f"oidc.login.{waiting}" in session._row_data, "another tab still waits"
    with pytest.raises(LoginFailed) as failed:
        await party.finish(call)
    assert (failed.value.error, failed.value.next) == ("unknown_state", "/")


@pytest.mark.parametrize("root", ["", "/auth", "/auth/"])
async def test_a_page_of_the_applications_is_nobodys_frame(clock: Clock, root: str) -> None:
    """Below whatever path the server is mounted; what the page says itself stays as it is."""
    sent: list[Any] = []

    async def show(call: Call, value: Any) -> Any:
        async def page(scope: Any, receive: Any, send: Any) -> None:
            own = [(b"Cache-Control", b"private"), (b"x-own", b"1")]
            await send({"type": "http.response.start", "status": 200, "headers": own})
            await send({"type": "http.response.body", "body": b"log out?"})

        return page

    async def send(message: Any) -> None:
        sent.append(message)

    scope: dict[str, Any] = {"type": "http", "method": "GET", "path": f"{root.rstrip('/')}/oidc/logout", "headers": []}
    session = await signed_in(clock)
    scope |= {"query_string": b"", "session": session} | ({"root_path": root} if root else {})
    await ServerApp(SERVER, show)(scope, None, send)
    headers = dict(sent[0]["headers"])

    assert headers.pop(b"Cache-Control") == b"private"
    assert headers.pop(b"x-own") == b"1"
    assert headers == {n.encode(): v.encode() for n, v in PAGE_HEADERS if n != "cache-control"}
    assert sent[1] == {"type": "http.response.body", "body": b"log out?"}


async def landed(session: Any, clock: Clock, *, proved: int, renew: bool = False, **options: Any) -> Any:
    """Log bob in by a provider that says that he proved himself so many seconds ago."""
    answers = Answers(**ENDS)
    party = application(clock, answers)
    params = asked(await party.begin(session, renew=renew))
    at = clock() // 1_000
    claims = {
        "iss": OP,
        "aud": "rp",
        "sub": "bob",
        "iat": at,
        "exp": at + 60,
        "sid": "theirs",
        "nonce": params["nonce"],
    }
    said = claims | {"nonce": params["nonce"], "auth_time": at - proved}
    answers.answers["/token"] = (200, GOOD | {"id_token": KEYS.sign(said, typ="JWT"), "access_token": "a"})
    query = Params((("code", "c"), ("state", params["state"])))
    await party.finish(Call(method="GET", path="/", query=query, handle=session), **options)
    return party


async def test_a_login_that_the_provider_gave_silently_is_no_fresh_proof(clock: Clock) -> None:
    session = await signed_in(clock)
    party = await landed(session, clock, proved=1_200)

    session.require(max_age=timedelta(minutes=5))  # the login here is new
    with pytest.raises(LoginRequired, match=r"the provider's proof is 1200 s old and may be 300 s"):
        party.require(session, max_age=timedelta(minutes=5))
    party.require(session, max_age=timedelta(seconds=1_200))
    party.require(session)
    with pytest.raises(StepUpRequired, match="a second factor is missing"):
        party.require(session, State.MFA_SATISFIED, timedelta(minutes=5))

    await landed(session, clock, proved=0)
    party.require(session, max_age=timedelta(minutes=5))


async def test_a_second_factor_is_no_younger_than_the_providers_proof(clock: Clock) -> None:
    session = await signed_in(clock)
    party = await landed(session, clock, proved=301)
    session.satisfy_mfa("otp")

    with pytest.raises(StepUpRequired, match="ask it anew"):
        party.require(session, State.MFA_SATISFIED, timedelta(minutes=5))


async def test_a_renewal_brings_the_instant_of_the_proof_with_it(clock: Clock) -> None:
    session = await signed_in(clock)
    party = await landed(session, clock, proved=10)
    clock.advance(600_000)
    await landed(session, clock, proved=610, renew=True)

    assert session._row_data[AUTH_TIME] == clock() // 1_000 - 610
    with pytest.raises(LoginRequired):
        party.require(session, max_age=timedelta(minutes=10))


@pytest.mark.parametrize(("remember", "days"), [(False, 0.5), (True, 30)])
async def test_a_lifetime_here_is_counted_from_the_proof_there(clock: Clock, *, remember: bool, days: float) -> None:
    session = await signed_in(clock)
    await landed(session, clock, proved=3_600, remember=remember)

    assert session.stored is not None
    assert session.stored.not_after == (clock() // 1_000 - 3_600 + int(days * 86_400)) * 1_000


async def test_a_proof_of_just_now_leaves_the_lifetime_to_the_policy(clock: Clock) -> None:
    session = await signed_in(clock)
    await landed(session, clock, proved=59)

    assert session.stored is not None
    assert session.stored.not_after == NEVER


async def test_an_end_that_the_application_names_may_come_first(clock: Clock) -> None:
    session = await signed_in(clock)
    soon = datetime.fromtimestamp(session.at / 1_000 + 5, UTC)
    await landed(session, clock, proved=60, not_after=soon)

    assert session.stored is not None
    assert session.stored.not_after == session.at + 5_000


async def test_a_proof_as_old_as_a_lifetime_gives_a_moment(clock: Clock) -> None:
    session = await signed_in(clock)
    await landed(session, clock, proved=12 * 3_600)

    assert session.stored is not None
    assert session.stored.not_after == session.at + 1_000


async def test_a_provider_that_does_not_say_when_is_taken_at_the_login_here() -> None:
    clock = Clock()
    session = await signed_in(clock)
    session._row_data[AUTH_TIME] = 5
    proving.remember(session, {})

    application(clock, Answers(**ENDS)).require(session, max_age=timedelta(minutes=5))
    assert proving.bounded(session, {}, None, remembered=False) is None
