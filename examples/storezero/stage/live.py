"""A socket that stays open as long as its session: when it closes, the page says why, without being asked."""

from typing import Final

from starlette.websockets import WebSocket

from sessioncore import Reason

from .panel import why

ENDED: Final = 4401  # a close code of our own (4000 to 4999 are an application's)


async def live(websocket: WebSocket) -> None:
    """Hold the socket until its session ends, wherever that is done, or the page goes."""
    await websocket.accept()
    async with websocket.scope["session"].on_end(lambda reason: _close(websocket, reason)):
        async for _ in websocket.iter_text():
            pass  # the page has nothing to say


async def _close(websocket: WebSocket, reason: Reason | None) -> None:
    await websocket.close(ENDED, why(reason) if reason else "nobody can say any more whether it lives")
