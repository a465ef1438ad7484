"""Three layers: the server is itself an application of an identity provider, and ends travel down."""

from typing import Any

import pytest
from attrs import define, field
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from sessioncore import Reason, Session, State
from sessioncore.sso import subject_of
from sessioncore.testing import Clock
from sessioncore_io.memory import MemoryStore
from sessioncore_io.oidc import Call, Client, LoggedOut, RelyingParty

from .browser import Browser, Page
from .town import AUTH, SECRET, SHOP, Login, Town, authorize_url

pytestmark = pytest.mark.anyio

IDP = "https://idp.example/"
ALICE = subject_of(IDP, "alice")
AT_THE_SERVER = Client(
    client_id="auth",
    secret=SECRET,
    redirect_uris=f"{AUTH}social/callback",
    post_logout_redirect_uris=f"{AUTH}social/bye",
    backchannel_logout_uri=f"{AUTH}social/backchannel",
)


@define
class Social(Login):
    """Serve a server that knows nobody itself: whoever has to log in is sent to the provider."""

    provider: Any = None

    def __attrs_post_init__(self) -> None:
        self.more = [
            Route("/social/callback", self.callback),
            Route("/social/bye", self.bye),
            Route("/social/backchannel", self.backchannel, methods=["POST"]),
        ]

    async def page(self, request: Request) -> Response:
        """Send the browser on, with what waits."""
        name = request.query_params["transaction"]
        return RedirectResponse(await self.provider.begin(request.session, next=f"/?{name}"))

    async def callback(self, request: Request) -> Response:
        """Go on with what waited."""
        landed = await self.provider.finish(await Call.read(request.scope, request.receive))
        session: Any = request.session
        pending = self.server.pending(session, landed.next.partition("?")[2])
        if pending is None:
            return PlainTextResponse("gone", 400)
        self.server.did(session, pending)
        return RedirectResponse(pending.resume, 303)

    async def show(self, call: Call, value: Any) -> Response:
        """End the provider's session too, if that was asked for."""
        if isinstance(value, LoggedOut) and any(value.upstream):
            call.session["then"] = value.then
            return RedirectResponse(await self.provider.logout_url(value.upstream_hint), 303)
        return await Login.show(self, call, value)

    async def bye(self, request: Request) -> Response:
        """Go on after a logout at the provider."""
        return RedirectResponse(request.session.pop("then"), 303)

    async def backchannel(self, request: Request) -> Any:
        """Hear that a session of the provider's is over."""
        return await self.provider.back_channel(await Call.read(request.scope, request.receive))


@define
class ThreeLayers(Town):
    """Hold a town with an identity provider."""

    auth: Social = field(factory=Social)
    idp: Login = field(factory=Login)
    idp_store: Any = field(factory=MemoryStore)

    def __attrs_post_init__(self) -> None:
        Town.__attrs_post_init__(self)
        self.idp.open(IDP, [AT_THE_SERVER], self.idp_store, self.clock, self.policy, self.internet)
        self.internet.hosts["idp.example"] = self.idp.app
        self.auth.provider = RelyingParty(
            issuer=IDP,
            client_id="auth",
            secret=SECRET,
            redirect_uri=f"{AUTH}social/callback",
            post_logout_redirect_uri=f"{AUTH}social/bye",
            clock=self.clock,
            transport=self.internet,
        )

    async def through(self, browser: Browser, user: str = "alice", **options: str) -> Page:
        """Log in at the shop, by the server, by the provider."""
        page = await browser.get(f"{SHOP}/login", **options)  # type: ignore[arg-type]
        while page.url.startswith(f"{IDP}login"):
            page = await browser.submit(page, user=user)
        return page

    def states(self) -> list[tuple[State, Reason | None]]:
        """Say where the three sessions stand: shop, server, provider."""
        return [(row.state, row.reason) for row in map(_only, (self.shop_store, self.auth_store, self.idp_store))]

    async def deliver(self) -> None:
        """Let all messages arrive."""
        for login in (self.idp, self.auth):
            await login.server.notices.deliver()


def _only(store: Any) -> Session:
    (row,) = (row for row in store._rows.values() if row.subject)
    return row  # type: ignore[no-any-return]


IN = (State.AUTHENTICATED, None)
OUT = State.LOGGED_OUT


@pytest.fixture
def three(clock: Clock) -> ThreeLayers:
    """Give the parties."""
    return ThreeLayers(clock)


async def test_a_social_login_makes_three_sessions(three: ThreeLayers) -> None:
    browser = three.browser()

    page = await three.through(browser)

    assert page.text == f"hello {subject_of(AUTH, ALICE)}"
    assert three.states() == [IN, IN, IN]
    assert _only(three.auth_store).upstream[0] == IDP


async def test_who_is_known_to_the_provider_is_asked_for_nothing(three: ThreeLayers) -> None:
    browser = three.browser()
    await three.through(browser)
    three.auth_store._rows.clear()
    three.idp.shown.clear()

    page = await browser.get(f"{SHOP}/login")

    assert (page.text, three.idp.shown) == (f"hello {subject_of(AUTH, ALICE)}", [])


async def test_a_logout_at_the_provider_ends_all_three(three: ThreeLayers) -> None:
    await three.through(three.browser())
    provider = three.idp.middleware.sessions
    await provider.end(_only(three.idp_store).sid, Reason.USER, subject="alice")

    await three.deliver()

    assert three.states() == [(OUT, Reason.IDP), (OUT, Reason.IDP), (OUT, Reason.USER)]


async def test_a_logout_at_the_shop_leaves_the_provider_alone(three: ThreeLayers) -> None:
    browser = three.browser()
    await three.through(browser)

    page = await browser.post(f"{SHOP}/logout")

    assert page.url == f"{SHOP}/bye?state=so+long"
    assert three.states() == [(OUT, Reason.USER), (OUT, Reason.RP), IN]


async def test_a_federated_logout_ends_the_provider_too_and_comes_back(three: ThreeLayers) -> None:
    browser = three.browser()
    await three.through(browser)
    hint = dict(_only(three.shop_store).data)["oidc.id_token"].strip('"')

    url = await three.shop.provider.logout_url(hint, "so long", federated="yes")
    page = await browser.get(url)

    assert page.url == f"{SHOP}/bye?state=so+long"
    assert three.states()[1:] == [(OUT, Reason.RP), (OUT, Reason.RP)]
    await three.deliver()
    assert three.states()[0] == (OUT, Reason.IDP)


async def test_a_login_as_somebody_else_keeps_what_waits(three: ThreeLayers) -> None:
    """The old session ends, and its data with it; the request that led here is the browser's, and goes on."""
    browser = three.browser()
    await three.through(browser)
    await browser.get(f"{IDP}oidc/logout")
    await browser.submit(await browser.get(f"{IDP}oidc/logout"))

    page = await browser.get(authorize_url(prompt="login"))
    page = await browser.submit(page, user="bob")

    assert "code" in page.query
    ended, begun = sorted(three.auth_store._rows.values(), key=lambda row: row.live)
    assert (ended.subject, ended.reason, begun.subject) == (ALICE, Reason.REPLACED, subject_of(IDP, "bob"))


async def test_two_providers_equal_subs_are_two_people(three: ThreeLayers) -> None:
    assert subject_of(IDP, "alice") != subject_of(AUTH, "alice")


async def test_userinfo_is_believed_of_the_one_who_logged_in(three: ThreeLayers) -> None:
    await three.through(three.browser())
    landed = three.shop.landed[-1]

    said = await three.shop.provider.userinfo(landed)

    assert said["sub"] == landed.claims["sub"] == ALICE
