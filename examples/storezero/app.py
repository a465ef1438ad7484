"""The wiring: six parts, one server, one port; the Host header says who is meant."""

import asyncio
import secrets
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import httpx2
from argon2 import PasswordHasher
from attrs import field, frozen
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Host, Mount, Route

from sessioncore import StoreUnavailable
from sessioncore_io.asgi import Application
from sessioncore_io.oidc import Client, Keys, LocalNames, LogoutNotices, RelyingParty
from sessioncore_io.oidc.guard import PublicOnly

from .auth import app as auth
from .common.calls import Marked
from .common.sites import Sites
from .friendbook import FRIENDBOOK
from .orders_app import app as orders_app
from .reviews import app as reviews
from .shop import app as shop
from .stage.layer import Stage
from .stage.time_machine import TimeMachine

SWEEP_EVERY: Final = 60.0  # seconds


@frozen(kw_only=True)
class Clocks:
    """Hold one clock a layer: each is an argument of its part, so each can be moved alone."""

    shop: TimeMachine = field(factory=TimeMachine)
    auth: TimeMachine = field(factory=TimeMachine)
    idp: TimeMachine = field(factory=TimeMachine)


@frozen(kw_only=True)
class KeyRing:
    """Hold the keys of the two providers; RS256 for the one that browser libraries ask."""

    auth: Keys = field(factory=Keys.generate)
    idp: Keys = field(factory=lambda: Keys.generate("ES256"))

    @classmethod
    def kept_in(cls, data: Path) -> "KeyRing":
        """Read the keys, or draw them once: a server that forgets its key ends every token it issued."""
        paths = {name: data / f"{name}-keys.json" for name in ("auth", "idp")}
        if not all(path.exists() for path in paths.values()):
            drawn = cls()
            for name, path in paths.items():
                path.touch(mode=0o600)
                path.write_text(getattr(drawn, name).dump())
            return drawn
        return cls(**{name: Keys.load(path.read_text()) for name, path in paths.items()})


def build(
    data: Path,
    sites: Sites,
    *,
    clocks: Clocks | None = None,
    hasher: PasswordHasher | None = None,
    keys: KeyRing | None = None,
    transport: httpx2.AsyncBaseTransport | None = None,
    clients: tuple[Client, ...] = (),
) -> Starlette:
    """Build all parts on a directory that keeps their databases.

    Tests bring their own clocks, a quick hasher, keys, a transport that needs no network, and further clients.
    """
    data.mkdir(parents=True, exist_ok=True)
    stage, clocks, hasher = Stage(sites), clocks or Clocks(), hasher or PasswordHasher()
    keys = keys or KeyRing.kept_in(data)
    wire = transport or _one_call_each()
    through, guarded = transport or LocalNames(wire), transport or PublicOnly(local=True, through=wire)
    known = {part: secrets.token_urlsafe(24) for part in ("shop", "reviews", "auth")}

    def calling(part: str) -> Marked:
        return Marked(part, stage.trace, through)

    def notifying(part: str) -> Marked:
        return Marked(part, stage.trace, guarded)

    def friendbook() -> RelyingParty:
        return RelyingParty(
            issuer=sites.url("idp", "/"),
            client_id="storezero",
            secret=known["auth"],
            redirect_uri=sites.url("auth", "/friendbook/callback"),
            post_logout_redirect_uri=sites.url("auth", "/friendbook/left"),
            scopes=("openid", "profile"),
            clock=clocks.auth,
            transport=calling("auth"),
        )

    shop_app, orders = shop.build(stage, data=data, clock=clocks.shop, secret=known["shop"], transport=calling("shop"))
    reviews_app = reviews.build(
        stage, data=data, clock=clocks.shop, secret=known["reviews"], transport=calling("reviews")
    )
    auth_app, house = auth.build(
        auth.AUTH,
        stage,
        data=data,
        clock=clocks.auth,
        hasher=hasher,
        keys=keys.auth,
        transport=notifying("auth"),
        clients=(*_applications(sites, known), *clients),
        friendbook=friendbook,
    )
    idp_app, friends = auth.build(
        FRIENDBOOK,
        stage,
        data=data,
        clock=clocks.idp,
        hasher=hasher,
        keys=keys.idp,
        transport=notifying("idp"),
        clients=[_storezero(sites, known["auth"])],
    )
    apps = {
        "shop": shop_app,
        "reviews": reviews_app,
        "auth": auth_app,
        "idp": idp_app,
        "orders": orders_app.build(stage, server=house.server, orders=orders),
    }
    return _hosted(apps, stage, [house.server.notices, friends.server.notices], wire)


def _applications(sites: Sites, known: dict[str, str]) -> list[Client]:
    """Register the applications at the authorization server."""
    return [
        *(_regular(sites, part, name, known[part]) for part, name in (("shop", "the shop"), ("reviews", "Reviews"))),
        Client(
            client_id=orders_app.CLIENT,
            name="the orders app",
            redirect_uris=sites.url("orders", "/callback"),
            response_types=("code", "id_token token"),
            scopes=tuple(orders_app.SCOPES.split()),
            post_logout_redirect_uris=sites.url("orders", "/"),
            origins=sites.url("orders"),
            trusted=False,
        ),
    ]


def _regular(sites: Sites, part: str, name: str, secret: str) -> Client:
    return Client(
        client_id=part,
        name=name,
        secret=secret,
        redirect_uris=sites.url(part, "/callback"),
        scopes=("openid", "profile"),
        post_logout_redirect_uris=sites.url(part, "/"),
        backchannel_logout_uri=sites.url(part, "/backchannel"),
    )


def _storezero(sites: Sites, secret: str) -> Client:
    """Register the authorization server at Friendbook, to which it is an application."""
    return Client(
        client_id="storezero",
        name="Storezero",
        secret=secret,
        redirect_uris=sites.url("auth", "/friendbook/callback"),
        scopes=("openid", "profile"),
        post_logout_redirect_uris=sites.url("auth", "/friendbook/left"),
        backchannel_logout_uri=sites.url("auth", "/friendbook/backchannel"),
    )


def _one_call_each() -> httpx2.AsyncHTTPTransport:
    """Keep no connection for later: we call ourselves, and would hang up on the call that we are about to make.

    It is plain HTTP, and no certificate is trusted: reading all those that the world trusts is half of the start.
    """
    nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return httpx2.AsyncHTTPTransport(verify=nobody, limits=httpx2.Limits(max_keepalive_connections=0))


def _hosted(
    apps: dict[str, Application],
    stage: Stage,
    notices: list[LogoutNotices],
    wire: httpx2.AsyncBaseTransport,
) -> Starlette:
    """Send each request to the part whose host it names; whoever comes without one is shown the start page."""

    async def start(request: Request) -> Response:
        return RedirectResponse(stage.sites.url("shop", "/stage"), 303)

    async def elsewhere(request: Request) -> Response:
        return PlainTextResponse(f"Nobody lives here. Begin at {stage.sites.url('start')}/\n", 421)

    routes = [
        *(Host(getattr(stage.sites, part), app) for part, app in apps.items()),
        *(Host(name, Starlette(routes=[Route("/{path:path}", start)])) for name in (stage.sites.start, "127.0.0.1")),
        Mount("/", Starlette(routes=[Route("/{path:path}", elsewhere)])),
    ]

    @asynccontextmanager
    async def running(town: Starlette) -> AsyncIterator[None]:
        """Sweep, and deliver logout notices, as long as the town is open."""
        tasks = [asyncio.create_task(one) for one in (_sweep(stage), *(each.run() for each in notices))]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await wire.aclose()

    town = Starlette(routes=routes, lifespan=running)
    town.state.stage = stage
    return town


async def _sweep(stage: Stage) -> None:
    """End abandoned sessions every minute; for safety this is not needed, for the notices it is."""
    while True:
        with suppress(StoreUnavailable):  # it is asked again in a minute
            await stage.sweep()
        await asyncio.sleep(SWEEP_EVERY)
