"""What is compared: an application with a session and the same application without one."""

from collections.abc import Callable
from time import thread_time_ns
from typing import Any, Final

from attrs import frozen

from .drive import NAME, PLAIN, RAW_PLAIN, asgi_run, ask_asgi, ask_wsgi, jar, wsgi_run
from .rounds import Clock, Run

OURS: Final = "sessioncore"


@frozen
class Contender:
    """Hold one way of keeping sessions, ready to be timed."""

    world: str
    name: str
    keeps: str
    run: Run
    bare: Run

    @property
    def ours(self) -> bool:
        """Tell whether this is what the benchmark is about."""
        return self.name == OURS

    @property
    def title(self) -> str:
        """Name it in full."""
        return f"{self.name}, {self.keeps}"

    @property
    def key(self) -> str:
        """Name the run with a session."""
        return f"{self.world} {self.title}"

    @property
    def bare_key(self) -> str:
        """Name the run without one."""
        return f"{self.key}, bare"

    @property
    def runs(self) -> dict[str, Run]:
        """Put the application next to the bare one that is subtracted from it."""
        return {self.key: self.run, self.bare_key: self.bare}


def signed_in(ask: Callable[..., tuple[str, list[str]]], app: Any) -> str:
    """Log in, and check that the next request knows who it is; return the browser's Cookie header."""
    _, cookies = ask(app, "/login")
    cookie = jar(cookies)
    seen, _ = ask(app, "/", cookie)
    if seen != NAME:
        raise AssertionError(f"{app} answered {seen!r}: it does not know the session that it began")
    return cookie


def asgi(name: str, keeps: str, app: Any, bare: Any = None, clock: Clock = thread_time_ns) -> Contender:
    """Compare an ASGI application with the same one without sessions."""
    cookie = [signed_in(ask_asgi, app)]
    return Contender("ASGI", name, keeps, asgi_run(app, cookie, clock), asgi_run(bare or bare_asgi, cookie, clock))


def wsgi(name: str, keeps: str, app: Any, bare: Any = None, clock: Clock = thread_time_ns) -> Contender:
    """Compare a WSGI application with the same one without sessions."""
    cookie = [signed_in(ask_wsgi, app)]
    return Contender("WSGI", name, keeps, wsgi_run(app, cookie, clock), wsgi_run(bare or bare_wsgi, cookie, clock))


async def answer(send: Any, text: str) -> None:
    """Answer with a short text."""
    await send({"type": "http.response.start", "status": 200, "headers": list(RAW_PLAIN)})
    await send({"type": "http.response.body", "body": text.encode()})


async def bare_asgi(scope: Any, receive: Any, send: Any) -> None:
    """Answer without a session."""
    await answer(send, NAME)


def bare_wsgi(environ: Any, start_response: Any) -> list[bytes]:
    """Answer without a session."""
    start_response("200 OK", list(PLAIN))
    return [NAME.encode()]
