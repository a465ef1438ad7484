"""A small ASGI application for several worker processes; a request can be made to wait at a gate, half-way.

The gate is a list in the same Valkey: the request says that it has come, and goes on when the test lets it.
"""

import os
from typing import Any, Final
from urllib.parse import parse_qsl

import valkey.asyncio

from sessioncore import Policy
from sessioncore_io import Cookie
from sessioncore_io.asgi import SessionMiddleware
from sessioncore_io.valkey import AsyncValkeyStore

URL: Final = os.environ.get("SESSIONS_AT", "valkey://127.0.0.1:1")
CAP: Final = 3


async def shop(scope: Any, receive: Any, send: Any) -> None:
    """Do what the path says, to the session or to the user; say who is there, and in which process."""
    session = scope["session"]
    verb, _, name = scope["path"].strip("/").partition("/")
    gate = dict(parse_qsl(scope["query_string"].decode())).get("gate", "")
    if verb == "login":
        attempt = await session.attempt(name)
        await _wait_at(gate)  # as long as a password check takes
        session.log_in(attempt, "pwd")
    elif verb == "put":
        session["seen"] = session.subject  # the session is loaded before the wait
        await _wait_at(gate)
        session[name] = True
    elif verb == "logout":
        session.log_out()
    elif verb == "reset":
        await app.sessions.reset_password(name)
    body = f"{os.getpid()} {session.subject} {' '.join(sorted(key for key in session if key != 'seen'))}".strip()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": body.encode()})


async def _wait_at(gate: str) -> None:
    if gate:
        async with valkey.asyncio.Valkey.from_url(URL) as client:
            await client.lpush(f"{gate}:here", 1)
            await client.blpop([f"{gate}:go"], timeout=20)


app: Final = SessionMiddleware(
    shop, AsyncValkeyStore(URL), policy=Policy(max_sessions=CAP), cookie=Cookie.for_plain_http()
)
