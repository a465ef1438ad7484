"""Three parties in one process: a shop, its authorization server, and an identity provider."""

from collections.abc import Mapping
from html import escape
from typing import Any, Final

import httpx2
from attrs import define, field
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route

from sessioncore import Policy, State, Store
from sessioncore.events import Reauthenticate
from sessioncore.sso import Interaction, ServerPolicy, recorded_as
from sessioncore.testing import Clock
from sessioncore_io import Cookie
from sessioncore_io.asgi import SessionMiddleware
from sessioncore_io.memory import MemoryStore
from sessioncore_io.oidc import (
    AuthorizationServer,
    Call,
    Client,
    ConfirmLogout,
    Keys,
    LoggedOut,
    LoginFailed,
    Outcome,
    Pending,
    ProviderUnavailable,
    RelyingParty,
    ServerApp,
)

from .browser import Browser, Internet, Page

AUTH: Final = "https://auth.example/"
SHOP: Final = "https://shop.example"
SECRET: Final = "a secret of the shop's own, 0123456789"
GOLD: Final = "urn:example:gold"
KEYS: Final = Keys.generate()
SHOP_CLIENT: Final = Client(
    client_id="shop",
    name="Shop",
    secret=SECRET,
    redirect_uris=f"{SHOP}/callback",
    post_logout_redirect_uris=f"{SHOP}/bye",
    backchannel_logout_uri=f"{SHOP}/backchannel",
)
SPA_CLIENT: Final = Client(
    client_id="spa",
    redirect_uris=f"{SHOP}/app",
    response_types=("code", "id_token", "id_token token"),
    origins=SHOP,
    audience="https://api.example",
)


@define
class Login:
    """Serve the pages of a server on which its users answer."""

    rules: ServerPolicy = field(factory=lambda: ServerPolicy(acrs=[(GOLD, State.MFA_SATISFIED)]))
    server: AuthorizationServer = field(init=False)
    app: Any = field(init=False)
    middleware: SessionMiddleware = field(init=False)
    shown: list[Any] = field(factory=list)
    told: list[tuple[str, Outcome]] = field(factory=list)
    more: list[Route] = field(factory=list)

    def open(
        self,
        issuer: str,
        clients: list[Client],
        store: Store,
        clock: Clock,
        policy: Policy,
        internet: Internet,
    ) -> None:
        """Begin to serve."""
        self.server = AuthorizationServer(
            issuer=issuer,
            clients=clients,
            keys=KEYS,
            clock=clock,
            listener=lambda notice, outcome: self.told.append((notice.client_id, outcome)),
            transport=internet,
            rules=lambda subject, client, scopes: self.rules,
            claims=lambda subject, scopes: {"name": subject.title()} if "profile" in scopes else {},
        )
        routes = [
            Route("/login", self.page),
            Route("/login", self.answer, methods=["POST"]),
            *self.more,
            Mount("/", ServerApp(self.server, self.show)),
        ]
        cookie = Cookie(name="__Host-auth", same_site="None")
        pages = Starlette(routes=routes)
        watched = self.server.watching(store)
        self.middleware = SessionMiddleware(pages, watched, policy, cookie, clock, lambda _: None)
        self.app = self.middleware

    async def show(self, call: Call, value: Any) -> Response:
        """Send the browser to the page that is needed."""
        self.shown.append(value)
        if isinstance(value, ConfirmLogout):
            fields = "".join(f'<input name="{escape(n)}" value="{escape(v)}">' for n, v in value.fields.items())
            return HTMLResponse(f'<h1>log out?</h1><form method="post" action="{value.action}">{fields}</form>')
        if isinstance(value, LoggedOut):
            return PlainTextResponse("logged out")
        return RedirectResponse(f"/login?{value.query}", 303)

    async def page(self, request: Request) -> Response:
        """Show what is asked for."""
        pending = self.server.pending(request.session, request.query_params["transaction"])  # type: ignore[arg-type]
        if pending is None:
            return PlainTextResponse("gone", 400)
        return HTMLResponse(
            f'<h1>{pending.kind} for {pending.subject}</h1><form method="post" action="/login?{pending.query}">'
            f'<input name="csrf" value="{request.session.csrf_token}"></form>',  # type: ignore[attr-defined]
            headers={"content-security-policy": "frame-ancestors 'none'"},
        )

    async def answer(self, request: Request) -> Response:
        """Do what the page asked for."""
        session: Any = request.session
        form = await request.form()
        pending = self.server.pending(session, request.query_params["transaction"])
        if pending is None:
            return PlainTextResponse("gone", 400)
        if not session.csrf_matches(form.get("csrf")):  # as when another tab has logged in meanwhile: decide again
            return RedirectResponse(pending.resume, 303)
        if form.get("deny"):
            return self.server.deny(session, pending)  # type: ignore[return-value]
        if pending.kind in (Interaction.LOG_IN, Interaction.REAUTHENTICATE):
            await self._log_in(session, pending, str(form.get("user", "alice")))
        elif pending.kind in (Interaction.STEP_UP, Interaction.SATISFY_MFA, Interaction.OFFER_STEP_UP):
            session.satisfy_mfa("otp")
        self.server.did(session, pending)
        return RedirectResponse(pending.resume, 303)

    async def _log_in(self, session: Any, pending: Pending, user: str) -> None:
        attempt = await session.attempt(user)
        event = recorded_as(session.stored, pending.waiting.transaction, pending.kind, user)
        if event is Reauthenticate:
            session.reauthenticate("pwd")
        else:
            session.log_in(attempt, "pwd")


@define
class Shop:
    """Serve an application that logs in by a server."""

    provider: RelyingParty = field(init=False)
    app: Any = field(init=False)
    middleware: SessionMiddleware = field(init=False)
    options: dict[str, Any] = field(factory=dict)
    landed: list[Any] = field(factory=list)

    def open(self, provider: RelyingParty, store: Store, clock: Clock, policy: Policy) -> None:
        """Begin to serve."""
        self.provider = provider
        routes = [
            Route("/", self.home),
            Route("/login", self.login),
            Route("/callback", self.callback),
            Route("/logout", self.logout, methods=["POST"]),
            Route("/backchannel", self.backchannel, methods=["POST"]),
            Route("/bye", self.home),
            Route("/app", self.home),
        ]
        cookie = Cookie(name="__Host-shop")
        self.middleware = SessionMiddleware(Starlette(routes=routes), store, policy, cookie, clock, lambda _: None)
        self.app = self.middleware

    async def home(self, request: Request) -> Response:
        """Say who is signed in."""
        return PlainTextResponse(f"hello {request.session.subject}")  # type: ignore[attr-defined]

    async def login(self, request: Request) -> Response:
        """Send the browser to the server."""
        options = {**self.options, **dict(request.query_params)}
        return RedirectResponse(await self.provider.begin(request.session, **options), 303)  # type: ignore[arg-type]

    async def callback(self, request: Request) -> Response:
        """Take the browser back."""
        try:
            landed = await self.provider.finish(await Call.read(request.scope, request.receive))
        except LoginFailed as failed:
            return PlainTextResponse(f"failed {failed.error}", 400)
        except ProviderUnavailable:
            return PlainTextResponse("unavailable", 503)
        self.landed.append(landed)
        return RedirectResponse(landed.next, 303)

    async def backchannel(self, request: Request) -> Any:
        """Hear that a session of the server's is over."""
        return await self.provider.back_channel(await Call.read(request.scope, request.receive))

    async def logout(self, request: Request) -> Response:
        """End the session here, then there."""
        return RedirectResponse(await self.provider.log_out(request.session, state="so long"), 303)  # type: ignore[arg-type]


@define
class Town:
    """Hold the parties, their stores, and the one clock."""

    clock: Clock
    policy: Policy = field(factory=Policy)
    internet: Internet = field(factory=Internet)
    auth: Login = field(factory=Login)
    shop: Shop = field(factory=Shop)
    auth_store: Any = field(factory=MemoryStore)
    shop_store: Any = field(factory=MemoryStore)

    def __attrs_post_init__(self) -> None:
        self.auth.open(AUTH, [SHOP_CLIENT, SPA_CLIENT], self.auth_store, self.clock, self.policy, self.internet)
        provider = RelyingParty(
            issuer=AUTH,
            client_id="shop",
            secret=SECRET,
            redirect_uri=f"{SHOP}/callback",
            post_logout_redirect_uri=f"{SHOP}/bye",
            clock=self.clock,
            transport=self.internet,
        )
        self.shop.open(provider, self.shop_store, self.clock, self.policy)
        self.internet.hosts |= {"auth.example": self.auth.app, "shop.example": self.shop.app}

    def browser(self) -> Browser:
        """Give a browser that has never been here."""
        return Browser(self.internet)

    async def signed_in(self, user: str = "alice") -> Browser:
        """Give a browser whose user has logged in to the shop."""
        browser = self.browser()
        page = await self.log_in(browser, user)
        assert page.text == f"hello {AUTH}#{user}", page.text
        return browser

    async def log_in(self, browser: Browser, user: str = "alice", **options: str) -> Page:
        """Go through a login, page by page."""
        page = await browser.get(f"{SHOP}/login", **options)  # type: ignore[arg-type]
        for _ in range(5):
            if not page.url.startswith(f"{AUTH}login"):
                return page
            page = await browser.submit(page, user=user)
        raise AssertionError("asked for ever")


def authorize_url(client_id: str = "spa", **params: str) -> str:
    """Write an authentication request of the single-page application."""
    asked = {
        "client_id": client_id,
        "redirect_uri": f"{SHOP}/app" if client_id == "spa" else f"{SHOP}/callback",
        "response_type": "code",
        "scope": "openid profile",
        "state": "the state",
        "nonce": "the nonce",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **params,
    }
    return str(httpx2.URL(f"{AUTH}authorize", params={name: value for name, value in asked.items() if value}))


# RFC 7636, appendix B.
VERIFIER: Final = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE: Final = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def claims_of(token: str) -> Mapping[str, Any]:
    """Read a token of the server's."""
    claims = KEYS.verified(token)
    assert claims is not None, "not signed by the server"
    return claims
