"""A small application for several worker processes; a request can be made to wait half-way, at a gate made of files."""

import asyncio
import os
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

from sessioncore import Policy
from sessioncore_io import Cookie
from sessioncore_io.asgi import SessionMiddleware
from sessioncore_io.postgres import AsyncPostgresStore

CAP: Final = 3
PLAIN: Final = [(b"content-type", b"text/plain")]


async def shop(scope: Any, receive: Any, send: Any) -> None:
    """Do what the path says; answer with who is there, what the session holds, and which process answered."""
    session, (verb, _, name) = scope["session"], scope["path"].strip("/").partition("/")
    gate = dict(parse_qsl(scope["query_string"].decode())).get("gate", "")
    if verb == "login":
        attempt = await session.attempt(name)
        await pass_through(gate)  # as long as it takes to check a password
        session.log_in(attempt, "pwd")
    elif verb == "put":
        _ = session.subject  # the session is loaded before the wait
        await pass_through(gate)
        session[name] = True
    elif verb == "logout":
        session.log_out()
    elif verb == "reset":
        await app.sessions.reset_password(name)
    text = f"{session.subject}:{','.join(sorted(session))}:{os.getpid()}"
    await send({"type": "http.response.start", "status": 200, "headers": PLAIN})
    await send({"type": "http.response.body", "body": text.encode()})


async def pass_through(gate: str) -> None:
    """Say that the request has come to its gate, and wait until that is open."""
    if not gate:
        return
    Path(gate).with_suffix(".reached").touch()
    async with asyncio.timeout(60):
        while not Path(gate).exists():
            await asyncio.sleep(0.01)


app: Final = SessionMiddleware(
    shop,
    AsyncPostgresStore(os.environ.get("SESSIONS_AT", "postgresql://127.0.0.1:1/none"), patience=3),
    policy=Policy(max_sessions=CAP),
    cookie=Cookie.for_plain_http(),
)
