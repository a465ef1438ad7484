"""The wiring: one store, one clock, one middleware around a Starlette application."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from argon2 import PasswordHasher
from starlette.applications import Starlette
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles

from sessioncore import StoreUnavailable
from sessioncore_io.asgi import Application, SessionMiddleware
from sessioncore_io.sqlite import SqliteStore
from sessioncore_io.world import Clock

from ..auth import login
from ..common.headers import SafeHeaders
from ..stage import demo
from ..stage.journal import Journal
from ..stage.live import live
from ..stage.time_machine import TimeMachine
from . import account, checkout, shopping
from .refusals import ANSWERS
from .shop import Shop
from .web import HERE

SWEEP_EVERY: Final = 60.0  # seconds

ROUTES: Final = [
    Route("/", shopping.home),
    Route("/product/{slug}", shopping.product),
    Route("/cart", shopping.show_cart),
    Route("/cart", shopping.change_cart, methods=["POST"]),
    Route("/checkout", checkout.review),
    Route("/checkout", checkout.buy, methods=["POST"]),
    Route("/orders", checkout.orders),
    Route("/login", login.ask_password),
    Route("/login", login.check_password, methods=["POST"]),
    Route("/code", login.ask_code),
    Route("/code", login.check_code, methods=["POST"]),
    Route("/confirm", login.ask_again),
    Route("/confirm", login.check_again, methods=["POST"]),
    Route("/logout", login.log_out, methods=["POST"]),
    Route("/forgotten", login.ask_name),
    Route("/forgotten", login.send_link, methods=["POST"]),
    Route("/reset/{token}", login.ask_new_password),
    Route("/reset/{token}", login.reset_password, methods=["POST"]),
    Route("/sessions", account.my_sessions),
    Route("/sessions/end", account.end_one, methods=["POST"]),
    Route("/sessions/end-others", account.end_others, methods=["POST"]),
    Route("/password", account.ask_change),
    Route("/password", account.change_password, methods=["POST"]),
    Route("/phone", account.ask_phone),
    Route("/phone", account.add_phone, methods=["POST"]),
    WebSocketRoute("/live", live),
    Route("/panel", demo.panel),
    Route("/demo/clock", demo.move_clock, methods=["POST"]),
    Route("/demo/outbox", demo.outbox),
    Route("/demo/phone", demo.phone),
    Mount("/static", StaticFiles(directory=HERE / "common" / "static")),
]


def build(data: Path, clock: Clock | None = None, hasher: PasswordHasher | None = None) -> Application:
    """Build the shop on a directory that keeps its two databases; tests bring their own clock and a quick hasher."""
    data.mkdir(parents=True, exist_ok=True)
    clock = clock or TimeMachine()
    journal = Journal()
    pages = Starlette(routes=ROUTES, exception_handlers=ANSWERS, lifespan=_sweeping)
    sessions = SessionMiddleware(pages, SqliteStore(data / "sessions.sqlite3"), clock=clock, listener=journal)
    pages.state.shop = Shop.open(data / "shop.sqlite3", sessions.sessions, clock, journal, hasher or PasswordHasher())
    return SafeHeaders(sessions)


@asynccontextmanager
async def _sweeping(pages: Starlette) -> AsyncIterator[None]:
    """End abandoned sessions every minute; for safety this is not needed, for the notices it is."""
    task = asyncio.create_task(_sweep(pages.state.shop))
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _sweep(shop: Shop) -> None:
    while True:
        with suppress(StoreUnavailable):  # it is asked again in a minute
            await shop.sessions.sweep()
        await asyncio.sleep(SWEEP_EVERY)
