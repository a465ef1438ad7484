"""Call ASGI and WSGI applications as a server does, with the headers that a browser sends and without any socket."""

import asyncio
from collections.abc import Callable, Iterable
from io import BytesIO
from itertools import cycle
from time import thread_time_ns
from typing import Any, Final

from .rounds import Clock, Run

NAME: Final = "Alice"
HEADERS: Final = {
    "host": "shop.example",
    "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "accept-language": "en-GB,en;q=0.5",
    "accept-encoding": "gzip, deflate, br, zstd",
    "referer": "https://shop.example/",
    "sec-fetch-site": "same-origin",
}
PLAIN: Final = [("content-type", "text/plain; charset=utf-8"), ("content-length", "5")]
RAW_PLAIN: Final = [(name.encode(), value.encode()) for name, value in PLAIN]

LOOP: Final = asyncio.new_event_loop()


def jar(cookies: Iterable[str]) -> str:
    """Write the Cookie header of a browser that holds these cookies and one of the shop's own."""
    return "; ".join(["theme=dark", *(cookie.partition(";")[0] for cookie in cookies)])


# -- ASGI --------------------------------------------------------------------------------------------------


def scope_of(path: str, cookie: str) -> dict[str, Any]:
    """Describe one GET request as uvicorn would."""
    headers = {**HEADERS, "cookie": cookie} if cookie else HEADERS
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "https",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("192.0.2.1", 50_000),
        "server": ("192.0.2.2", 443),
    }


async def receive() -> dict[str, Any]:
    """Give the empty body of a GET request."""
    return {"type": "http.request", "body": b"", "more_body": False}


async def _discard(message: Any) -> None:
    pass


def ask_asgi(app: Any, path: str, cookie: str = "") -> tuple[str, list[str]]:
    """Send one request; return the body and the cookies that the answer sets."""
    messages: list[Any] = []

    async def keep(message: Any) -> None:
        messages.append(message)

    LOOP.run_until_complete(app(scope_of(path, cookie), receive, keep))
    cookies = [value.decode() for name, value in messages[0]["headers"] if name == b"set-cookie"]
    return b"".join(message.get("body", b"") for message in messages).decode(), cookies


def asgi_run(app: Any, cookies: list[str], clock: Clock = thread_time_ns) -> Run:
    """Make a run that sends requests of these browsers in turn."""
    scopes = cycle([scope_of("/", cookie) for cookie in cookies])

    async def requests(count: int) -> int:
        began = clock()
        for _ in range(count):
            await app({**next(scopes)}, receive, _discard)
        return clock() - began

    return lambda count: LOOP.run_until_complete(requests(count))


def rest() -> None:
    """End what still waits in the loop, such as the connections of stores."""
    if tasks := asyncio.all_tasks(LOOP):
        for task in tasks:
            task.cancel()
        LOOP.run_until_complete(asyncio.wait(tasks))


# -- WSGI --------------------------------------------------------------------------------------------------


def environ_of(path: str, cookie: str) -> dict[str, Any]:
    """Describe one GET request as a WSGI server would."""
    headers = {**HEADERS, "cookie": cookie} if cookie else HEADERS
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "shop.example",
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "192.0.2.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https",
        "wsgi.input": BytesIO(),
        "wsgi.errors": BytesIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()},
    }


def _read(body: Any) -> bytes:
    chunks = b"".join(body)
    if hasattr(body, "close"):
        body.close()
    return chunks


def ask_wsgi(app: Any, path: str, cookie: str = "") -> tuple[str, list[str]]:
    """Send one request; return the body and the cookies that the answer sets."""
    started: list[Any] = []

    def start(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Callable[[bytes], object]:
        started[:] = headers
        return lambda _: None

    body = _read(app(environ_of(path, cookie), start))
    return body.decode(), [value for name, value in started if name.lower() == "set-cookie"]


def _start(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
    pass


def wsgi_run(app: Any, cookies: list[str], clock: Clock = thread_time_ns) -> Run:
    """Make a run that sends requests of these browsers in turn."""
    environs = cycle([environ_of("/", cookie) for cookie in cookies])

    def requests(count: int) -> int:
        began = clock()
        for _ in range(count):
            _read(app({**next(environs)}, _start))
        return clock() - began

    return requests
