"""A login by a provider to its end, and the pages of a server that nobody frames."""

from datetime import UTC, datetime
from typing import Any

import pytest

from sessioncore.testing import Clock
from sessioncore_io.oidc import Call, LoginFailed
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
    assert session[ID_TOKEN] == text
    assert f"oidc.login.{waiting}" in session, "another tab still waits"
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
