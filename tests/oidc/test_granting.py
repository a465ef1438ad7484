"""The authorization endpoint over one session, without a browser: what is granted, what waits, what ends it."""

import json
from typing import Any, Final
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from joserfc.jwk import ECKey

from sessioncore import InvalidSetting, State
from sessioncore.sso import Interaction, ServerPolicy, client_sid
from sessioncore.testing import Clock
from sessioncore_io import AsyncHandle, AsyncSessions
from sessioncore_io.memory import MemoryStore
from sessioncore_io.oidc import AuthorizationServer, Call, Client, Keys, Pending
from sessioncore_io.oidc.grants import find_code
from sessioncore_io.oidc.web import Params, Reply

pytestmark = pytest.mark.anyio

OP: Final = "https://op.example/X"
BACK: Final = "https://rp.example/cb?own=1&empty="
KEYS: Final = Keys([ECKey.generate_key("P-256")])
WEB: Final = Client(client_id="web", redirect_uris=BACK, secret="s" * 16)
SPA: Final = Client(
    client_id="spa", redirect_uris="https://rp.example/app", response_types=("id_token", "id_token token")
)
GOLD: Final = ServerPolicy(issuer="https://nobody.example", acrs=[("gold", State.AUTHENTICATED)])


class Rules:
    """Be the server's rules and what it knows of its users; remember who was asked about."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.policy = GOLD

    async def rules(self, subject: str, client: Client, scopes: tuple[str, ...]) -> ServerPolicy:
        """Give the rules."""
        self.asked.append((subject, client.client_id, scopes))
        return self.policy

    async def claims(self, subject: str, scopes: tuple[str, ...]) -> dict[str, str]:
        """Give what is known."""
        return {"name": f"{subject} of {' '.join(scopes)}"}


@pytest.fixture
def rules() -> Rules:
    """Give rules that ask nothing."""
    return Rules()


@pytest.fixture
def server(rules: Rules, clock: Clock) -> AuthorizationServer:
    """Give a server with two clients."""
    return AuthorizationServer(
        issuer=OP, clients=[WEB, SPA], keys=KEYS, rules=rules.rules, claims=rules.claims, clock=clock
    )


async def session_of(clock: Clock, subject: str = "alice") -> AsyncHandle:
    """Give a session: somebody's, or a guest's."""
    handle = await AsyncSessions(MemoryStore(), clock=clock).open(None)
    if subject:
        handle.log_in(await handle.attempt(subject), "pwd")
    else:
        handle["cart"] = 1
    await handle.commit()
    return handle


def call(handle: AsyncHandle, method: str = "GET", client: str = "web", **other: str) -> Call:
    """Ask for a code, or what else is asked for."""
    good = {"client_id": client, "redirect_uri": BACK, "response_type": "code", "scope": "openid email", "state": "s"}
    if client == "spa":
        good |= {"redirect_uri": SPA.redirect_uris[0], "response_type": "id_token", "nonce": "n"}
    params = Params(tuple((good | other).items()))
    where = {"form": params} if method == "POST" else {"query": params}
    return Call(method=method, path="/authorize", handle=handle, **where)  # type: ignore[arg-type]


def resumed(handle: AsyncHandle, page: Pending) -> Call:
    """Come back from a page."""
    return Call(method="GET", path="/authorize", query=Params.read(urlsplit(page.resume).query), handle=handle)


def told(reply: Any, part: str = "query") -> dict[str, str]:
    """Read what a redirect tells the client, besides what its address says itself."""
    assert isinstance(reply, Reply)
    location = urlsplit(dict(reply.headers)["location"])
    return dict(pair for pair in parse_qsl(getattr(location, part), keep_blank_values=True))


def waiting(handle: AsyncHandle) -> list[str]:
    """Say which requests wait in the session."""
    return [key for key in handle._row_data if key.startswith("oidc.request.")]


# -- granted -----------------------------------------------------------------------------------------------------


async def test_a_code_stands_for_what_the_session_says(server: AuthorizationServer, rules: Rules, clock: Clock) -> None:
    session = await session_of(clock)
    clock.advance(5_000)
    reply = await server.authorize(
        call(session, nonce="n", acr_values="gold", code_challenge="c" * 43, code_challenge_method="S256")
    )
    answer = told(reply)

    assert isinstance(reply, Reply)
    location = dict(reply.headers)["location"]
    assert location.startswith("https://rp.example/cb?own=1&empty=&code=")
    assert {name: value for name, value in answer.items() if name != "code"} == {
        "own": "1",
        "empty": "",
        "state": "s",
        "iss": OP,
    }
    assert parse_qs(urlsplit(location).query)["state"] == ["s"], "once"
    found = await find_code(answer["code"], KEYS, session._shell)  # type: ignore[arg-type]
    assert found is not None
    granted = found.granted
    assert (granted.client_id, granted.redirect_uri, granted.scope) == ("web", BACK, "openid email")
    assert (granted.subject, granted.auth_time, granted.at) == ("alice", clock() // 1_000 - 5, clock())
    assert (granted.acr, granted.amr, granted.nonce, granted.code_challenge) == ("gold", ("pwd",), "n", "c" * 43)
    assert rules.asked == [("alice", "web", ("openid", "email"))]
    assert {"oidc.client.web", found.name.removeprefix("oidc ")} <= set(session._row_data)
    assert waiting(session) == []


async def test_what_was_not_sent_is_empty_in_the_code(server: AuthorizationServer, clock: Clock) -> None:
    session = await session_of(clock)
    found = await find_code(told(await server.authorize(call(session)))["code"], KEYS, session._shell)  # type: ignore[arg-type]

    assert found is not None
    assert (found.granted.nonce, found.granted.code_challenge) == ("", "")


async def test_an_id_token_alone_says_what_is_known_and_names_the_session_as_the_client_may(
    server: AuthorizationServer, clock: Clock
) -> None:
    session = await session_of(clock)
    answer = told(await server.authorize(call(session, client="spa")), "fragment")
    claims = KEYS.verified(answer["id_token"])

    assert claims is not None
    assert (answer["state"], answer["iss"], "access_token" in answer) == ("s", OP, False)
    assert claims == {
        "iss": OP,
        "sub": "alice",
        "aud": "spa",
        "iat": clock() // 1_000,
        "exp": clock() // 1_000 + 600,
        "auth_time": clock() // 1_000,
        "sid": client_sid(session.sid or "", "spa"),
        "acr": "gold",
        "amr": ["pwd"],
        "nonce": "n",
        "name": "alice of openid email",
    }
    assert not [key for key in session._row_data if key.startswith("oidc.code.")]


async def test_beside_an_access_token_what_is_known_is_asked_for_with_it(
    server: AuthorizationServer, clock: Clock
) -> None:
    session = await session_of(clock)
    answer = told(await server.authorize(call(session, client="spa", response_type="id_token token")), "fragment")
    claims, access = KEYS.verified(answer["id_token"]), KEYS.verified(answer["access_token"], typ="at+jwt")

    assert claims is not None
    assert access is not None
    assert "name" not in claims
    assert (answer["token_type"], answer["expires_in"], answer["scope"]) == ("Bearer", "600", "openid email")
    jti = access.pop("jti")
    assert len(jti) == 22
    assert access == {
        "iss": OP,
        "sub": "alice",
        "aud": OP,
        "client_id": "spa",
        "scope": "openid email",
        "iat": clock() // 1_000,
        "exp": clock() // 1_000 + 600,
        "auth_time": clock() // 1_000,
        "sid": client_sid(session.sid or "", "spa"),
    }


async def test_a_token_says_no_more_than_there_is(server: AuthorizationServer, rules: Rules, clock: Clock) -> None:
    rules.policy = ServerPolicy()
    session = await session_of(clock)
    claims = KEYS.verified(told(await server.authorize(call(session, client="spa")), "fragment")["id_token"])

    assert claims is not None
    assert "acr" not in claims


async def test_codes_that_were_asked_for_silently_take_no_room_from_one_of_a_user(
    server: AuthorizationServer, clock: Clock
) -> None:
    session = await session_of(clock)
    codes = [told(await server.authorize(call(session)))["code"]]
    for _ in range(9):
        clock.advance(1)
        codes.append(told(await server.authorize(call(session, prompt="none")))["code"])
    found = [await find_code(code, KEYS, session._shell) is not None for code in codes]  # type: ignore[arg-type]

    assert found == [True, False, *[True] * 8]


# -- what has to be done first -----------------------------------------------------------------------------------


async def test_a_guest_is_asked_to_log_in_and_comes_back_to_the_answer(
    server: AuthorizationServer, rules: Rules, clock: Clock
) -> None:
    session = await session_of(clock, "")
    page = await server.authorize(call(session, login_hint="al"))

    assert isinstance(page, Pending)
    assert (page.kind, page.subject, page.client, page.scopes) == (
        Interaction.LOG_IN,
        "",
        WEB,
        ("openid", "email"),
    )
    assert (page.login_hint, page.resume) == ("al", f"{OP}/authorize?transaction={page.id}")
    assert waiting(session) == [f"oidc.request.{page.id}"]
    assert server.pending(session, page.name) == page
    assert server.pending(session, "nobody.log_in") is None
    again = await server.authorize(resumed(session, page))
    assert isinstance(again, Pending)
    assert again.kind is Interaction.LOG_IN
    session.log_in(await session.attempt("alice"), "pwd")
    server.did(session, page)
    await session.commit()

    assert "code" in told(await server.authorize(resumed(session, page)))
    assert waiting(session) == []
    assert [subject for subject, *_ in rules.asked] == ["", "", "alice"]


async def test_a_page_is_given_only_to_where_it_is_proved(server: AuthorizationServer, clock: Clock) -> None:
    """OpenID Connect Core 1.0, 3.1.2.1: a login that was asked for is no second factor alone, and no old one."""
    session = await session_of(clock)
    page = await server.authorize(call(session, prompt="login"))
    assert isinstance(page, Pending)

    assert server.pending(session, page.name, {Interaction.LOG_IN}) == page
    assert server.pending(session, page.name, {Interaction.SATISFY_MFA, Interaction.REAUTHENTICATE}) is None
    assert server.pending(session, f"{page.id}.reauthenticate") is None
    with pytest.raises(InvalidSetting, match="asked to log_in"):
        server.did(session, page, Interaction.REAUTHENTICATE)


async def test_a_page_counts_for_who_answered_it(server: AuthorizationServer, rules: Rules, clock: Clock) -> None:
    rules.policy = ServerPolicy(consented=False)
    session = await session_of(clock)
    page = await server.authorize(call(session))
    assert isinstance(page, Pending)
    assert (page.kind, page.subject) == (Interaction.CONSENT, "alice")
    server.did(session, page, Interaction.CONSENT)
    await session.commit()
    kept = session._row_data[f"oidc.request.{page.id}"]

    assert (kept["kind"], kept["subject"]) == ("consent", "alice")
    assert "alice" in str(kept["did"])
    assert "code" in told(await server.authorize(resumed(session, page)))


async def test_who_answers_a_page_as_nobody_is_remembered_as_nobody(server: AuthorizationServer, clock: Clock) -> None:
    session = await session_of(clock, "")
    page = await server.authorize(call(session))
    assert isinstance(page, Pending)
    before = session._row_data[f"oidc.request.{page.id}"]["did"]
    server.did(session, page)
    after = session._row_data[f"oidc.request.{page.id}"]["did"]

    assert before == after


# -- what is refused ---------------------------------------------------------------------------------------------


async def test_what_is_asked_silently_is_refused_silently_and_what_waits_still_waits(
    server: AuthorizationServer, clock: Clock
) -> None:
    session = await session_of(clock, "")
    page = await server.authorize(call(session))
    await session.commit()
    used = session.idle_at
    clock.advance(120_000)
    answer = told(await server.authorize(call(session, prompt="none")))
    await session.commit()

    assert (answer["error"], answer["state"], answer["iss"]) == ("login_required", "s", OP)
    assert isinstance(page, Pending)
    assert waiting(session) == [f"oidc.request.{page.id}"]
    assert session.idle_at == used, "to be refused is no use of the session"


async def test_what_cannot_be_granted_does_not_wait_any_more(
    server: AuthorizationServer, rules: Rules, clock: Clock
) -> None:
    rules.policy = ServerPolicy(acrs=[("gold", State.MFA_SATISFIED)])
    session = await session_of(clock)
    wanted = json.dumps({"id_token": {"acr": {"essential": True, "values": ["gold"]}}})
    page = await server.authorize(call(session, claims=wanted))
    assert isinstance(page, Pending)
    rules.policy = ServerPolicy()
    answer = told(await server.authorize(resumed(session, page)))

    assert answer["error"] == "unmet_authentication_requirements"
    assert waiting(session) == []


async def test_who_says_no_is_sent_back_and_nothing_waits(server: AuthorizationServer, clock: Clock) -> None:
    session = await session_of(clock, "")
    page = await server.authorize(call(session))
    assert isinstance(page, Pending)
    answer = told(server.deny(session, page))

    assert (answer["error"], answer["error_description"]) == ("access_denied", "the user said no")
    assert waiting(session) == []
    gone = await server.authorize(resumed(session, page))
    assert isinstance(gone, Reply)
    assert gone.status == 400
    assert b"It has been answered already, or it waited too long." in gone.body


async def test_a_posted_request_goes_on_by_get_and_other_methods_are_refused(
    server: AuthorizationServer, clock: Clock
) -> None:
    """A post from another site comes without a Lax cookie."""
    session = await session_of(clock)
    posted = await server.authorize(call(session, "POST", transaction="x"))
    refused = await server.authorize(call(session, "PUT"))

    assert isinstance(posted, Reply)
    assert isinstance(refused, Reply)
    location = dict(posted.headers)["location"]
    assert location.startswith(f"{OP}/authorize?client_id=web&redirect_uri=")
    assert dict(parse_qsl(urlsplit(location).query))["redirect_uri"] == BACK
    assert (refused.status, dict(refused.headers)["allow"]) == (405, "GET, POST")


@pytest.mark.parametrize("silent", [True, False])
async def test_a_session_that_ends_while_it_is_granted_issues_nothing(
    server: AuthorizationServer, rules: Rules, clock: Clock, silent: bool
) -> None:
    session = await session_of(clock)
    sessions: Any = session._shell
    ask = rules.rules

    async def ended_meanwhile(subject: str, client: Client, scopes: tuple[str, ...]) -> ServerPolicy:
        await sessions.end(session.sid, subject="alice")
        return await ask(subject, client, scopes)

    server._authorizing._rules = ended_meanwhile
    reply = await server.authorize(call(session, **({"prompt": "none"} if silent else {})))

    assert isinstance(reply, Reply)
    if silent:
        assert told(reply)["error"] == "login_required"
    else:
        assert dict(reply.headers)["location"].startswith(f"{OP}/authorize?")
        assert told(reply) == call(session).query.once
    assert "code" not in told(reply)


async def test_who_came_with_a_former_secret_is_told_that_the_session_changed(
    server: AuthorizationServer, clock: Clock
) -> None:
    session = await session_of(clock, "")
    sessions: Any = session._shell
    former: Any = session.order
    session.log_in(await session.attempt("alice"), "pwd")
    await session.commit()
    reply = await server.authorize(call(await sessions.open(former)))

    assert isinstance(reply, Reply)
    assert reply.status == 409
    assert b"another tab" in reply.body


async def test_a_hint_of_somebody_else_is_not_answered_silently(server: AuthorizationServer, clock: Clock) -> None:
    session = await session_of(clock)
    hint = KEYS.sign({"iss": OP, "sub": "bob", "aud": "web", "sid": "x"}, typ="JWT")
    own = KEYS.sign({"iss": OP, "sub": "alice", "aud": "web", "sid": "x"}, typ="JWT")

    assert told(await server.authorize(call(session, prompt="none", id_token_hint=hint)))["error"] == "login_required"
    assert "code" in told(await server.authorize(call(session, prompt="none", id_token_hint=own)))
