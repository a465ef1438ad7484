"""How applications are told that sessions are over: which of them, of what, by which token, and how often."""

from typing import Any, Final
from urllib.parse import parse_qsl

import httpx2
import pytest
from joserfc.jwk import ECKey, RSAKey

from sessioncore import InvalidSetting, Reason
from sessioncore.sso import client_sid
from sessioncore.testing import Clock
from sessioncore_io import AsyncHandle, AsyncSessions
from sessioncore_io.memory import MemoryStore
from sessioncore_io.oidc import Client, Keys, LogoutNotice, Outcome
from sessioncore_io.oidc.grants import keep_client
from sessioncore_io.oidc.notices import EVENT, LogoutNotices

pytestmark = pytest.mark.anyio

OP: Final = "https://op.example"
KEYS: Final = Keys([ECKey.generate_key("P-256"), RSAKey.generate_key(2048)])


class Clients(httpx2.AsyncBaseTransport):
    """Answer for all applications, and remember the tokens."""

    def __init__(self, *statuses: int, raising: Exception | None = None) -> None:
        self.statuses = list(statuses)
        self.raising = raising
        self.posted: list[tuple[str, dict[str, str]]] = []
        self.closed = False

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.posted.append((str(request.url), dict(parse_qsl((await request.aread()).decode()))))
        if self.raising:
            raise self.raising
        return httpx2.Response(self.statuses.pop(0) if self.statuses else 200)

    async def aclose(self) -> None:
        self.closed = True


class Told:
    """Tell three applications, of which the third does not want to know."""

    def __init__(self, clock: Clock, transport: httpx2.AsyncBaseTransport | None = None, **settings: Any) -> None:
        self.clock = clock
        self.heard: list[tuple[str, Outcome]] = []
        uri = settings.pop("uri", "https://a.example/out")
        self.clients = {
            "a": Client(client_id="a", redirect_uris="https://a.example/", backchannel_logout_uri=uri),
            "b": Client(
                client_id="b",
                redirect_uris="https://b.example/",
                backchannel_logout_uri="https://b.example/out",
                id_token_alg="RS256",
            ),
            "c": Client(client_id="c", redirect_uris="https://c.example/"),
        }
        self.notices = LogoutNotices(
            issuer=OP,
            clients=self.clients,
            keys=KEYS,
            clock=clock,
            listener=self.listen,
            transport=transport,
            **settings,
        )
        self.sessions = AsyncSessions(self.notices.watching(MemoryStore()), clock=clock)

    def listen(self, notice: LogoutNotice, outcome: Outcome) -> None:
        """Hear of an outcome."""
        self.heard.append((notice.client_id, outcome))

    async def signed_in(self, *clients: str) -> AsyncHandle:
        """Give alice's session, on which these clients hang."""
        handle = await self.sessions.open(None)
        handle.log_in(await handle.attempt("alice"), "pwd")
        for name in clients:
            keep_client(handle, name, handle.at)
        await handle.commit()
        return handle

    @property
    def waiting(self) -> list[tuple[str, str, str]]:
        """List what waits."""
        return sorted((told.client_id, told.subject, told.sid) for told in self.notices.queue.waiting)


def notice(clock: Clock, client_id: str = "a", **other: Any) -> LogoutNotice:
    """Give a notice that is due."""
    told: dict[str, Any] = {"client_id": client_id, "subject": "alice", "sid": "s"}
    return LogoutNotice(**(told | {"due_at": clock(), "happened_at": clock()} | other))


# -- of what -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", [Reason.USER, Reason.RP, Reason.IDP, Reason.ADMIN])
async def test_every_client_of_a_session_is_told_of_its_end_once(clock: Clock, reason: Reason) -> None:
    told = Told(clock, Clients())
    handle = await told.signed_in("0 gone", "a", "b", "c")
    sid = handle.sid or ""
    await told.sessions.end(sid, reason, subject="alice")

    assert told.waiting == [(name, "alice", client_sid(sid, name)) for name in ("a", "b")]
    assert all((each.due_at, each.happened_at) == (clock(), clock()) for each in told.notices.queue.waiting)


async def test_a_reset_is_told_of_all_sessions_at_once(clock: Clock) -> None:
    told = Told(clock, Clients())
    await told.signed_in("a")
    await told.signed_in("a", "b")
    await told.sessions.reset_password("alice")
    assert told.waiting == [], "the sessions have not ended yet, each would at its next use"
    await told.notices.settle(told.sessions, "alice")

    assert told.waiting == [("a", "alice", ""), ("b", "alice", "")]


async def test_settling_ends_nothing_that_is_alive(clock: Clock) -> None:
    told = Told(clock, Clients())
    handle = await told.signed_in("a")
    await told.notices.settle(told.sessions, "alice")

    assert told.waiting == []
    assert (await told.sessions.sessions_of("alice"))[0].sid == handle.sid


async def test_what_a_login_service_clears_away_is_its_own_and_every_client_is_told_all_the_same(clock: Clock) -> None:
    told = Told(clock, Clients())
    handle = await told.signed_in("a", "b")
    handle["cart"] = 1
    await handle.commit()
    sid = handle.sid or ""
    for away in (handle.clear, lambda: handle.pop("oidc.client.a", None), lambda: handle.update({"cart": 2})):
        away()
        await handle.commit()
    with pytest.raises(InvalidSetting, match="oidc"):
        handle["oidc.client.a"] = None
    await told.sessions.end(sid, Reason.ADMIN, subject="alice")

    assert told.waiting == [(name, "alice", client_sid(sid, name)) for name in ("a", "b")]


# -- by which token ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("client_id", "alg"), [("a", "ES256"), ("b", "RS256")])
async def test_a_token_says_whose_session_is_over_and_since_when(clock: Clock, client_id: str, alg: str) -> None:
    told = Told(clock, Clients())
    about = notice(clock, client_id)
    clock.advance(9_999)
    text = told.notices.token(about)
    claims = KEYS.verified(text, typ="logout+jwt") or {}
    jti, at = claims.pop("jti"), clock() // 1_000

    assert len(jti) == 22
    assert claims == {
        "iss": OP,
        "aud": client_id,
        "sub": "alice",
        "sid": "s",
        "iat": at,
        "toe": at - 9,
        "exp": at + 120,
        "events": {EVENT: {}},
    }
    assert Keys([key for key in KEYS._signing if isinstance(key, RSAKey)]).verified(text) == (
        None if alg == "ES256" else claims | {"jti": jti}
    )
    assert (KEYS.verified(told.notices.token(about)) or {})["jti"] != jti


async def test_a_token_about_all_sessions_names_none_and_no_event_to_come(clock: Clock) -> None:
    told = Told(clock, Clients())
    claims = KEYS.verified(told.notices.token(notice(clock, sid="", happened_at=clock() + 5_000))) or {}

    assert "sid" not in claims
    assert claims["toe"] == claims["iat"]
