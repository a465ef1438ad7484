"""Drive the middleware in this process: no server, no thread, and still requests that overlap."""

import asyncio
import io
import json
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any, Final

from attrs import field, frozen

from sessioncore import Policy, Store
from sessioncore_io import asgi, wsgi
from sessioncore_io.cookies import Cookie
from sessioncore_io.shell import Sessions

from .driver import Watched, cookie_of, lowered
from .script import Answer, Request, Scene, answer_of

JSON: Final = [("content-type", "application/json")]


def answer_from(status: int, headers: list[tuple[str, str]], body: bytes, name: str, late: int) -> Answer:
    """Read a response of the probe application, or one that replaced it."""
    rest: dict[str, Any] = {
        "status": status,
        "cookie": cookie_of(name, headers),
        "headers": lowered(headers),
        "body": body.decode(),
        "late": late,
    }
    return answer_of(json.loads(body), **rest) if ("content-type", "application/json") in headers else Answer(**rest)


# -- WSGI --------------------------------------------------------------------------------------------------


def wsgi_probe(hold: Callable[[dict[str, Any]], bytes]) -> wsgi.Application:
    """Build an application that plays the verbs of a request's body; it yields what ``hold`` gives at each hold."""

    def played(environ: dict[str, Any], start_response: wsgi.StartResponse) -> Iterator[bytes]:
        sent = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        environ["probe.gate"] = sent["gate"]
        scene = Scene(environ[wsgi.KEY], sent["verbs"])
        while scene.run():
            yield hold(environ)
        start_response("500 Sorry" if ["fail"] in sent["verbs"] else "200 OK", list(JSON))
        yield json.dumps(scene.report()).encode()

    def eager(environ: dict[str, Any], start_response: wsgi.StartResponse) -> Iterable[bytes]:
        chunks = played(environ, start_response)
        return chunks if environ.get("HTTP_PROBE_HOLDS") else list(chunks)

    return eager


class WsgiDriver(Watched):
    """Call the WSGI middleware; an empty chunk before the response starts is a hold (PEP 3333)."""

    web = True
    nests = True

    def __init__(self, store: Store, policy: Policy) -> None:
        super().__init__(store)
        self.cookie = Cookie()
        self.app = wsgi.SessionMiddleware(
            wsgi_probe(lambda _: b""), self.store, policy, self.cookie, self.clock, self.heard.listen
        )
        self.outside = self.app.sessions

    def set_policy(self, policy: Policy) -> None:
        """Go by another policy from now on."""
        self.app.sessions.policy = policy

    def serve(self, request: Request) -> Iterator[Answer | None]:
        """Call the application and read its body as far as it goes."""
        started: list[tuple[str, list[tuple[str, str]], int]] = []

        def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> Callable[[bytes], None]:
            started.append((status, headers, len(self.store.changes)))
            return lambda _: None

        body = b""
        for chunk in self.app(self._environ(request), start_response):
            if not started:
                yield None
            body += chunk
        status, headers, stored = started[0]
        late = len(self.store.changes) - stored
        yield answer_from(int(status[:3]), headers, body, self.cookie.name, late)

    def _environ(self, request: Request) -> dict[str, Any]:
        body = body_of(request)
        holds = {"HTTP_PROBE_HOLDS": "yes"} if ("hold",) in request.verbs else {}
        cookie = {"HTTP_COOKIE": f"a=b; {self.cookie.name}={request.token}"} if request.token else {}
        return {"CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body), **holds, **cookie}


def body_of(request: Request, gate: str = "") -> bytes:
    """Write the request's body for the probe application."""
    return json.dumps({"verbs": request.verbs, "gate": gate}).encode()


# -- ASGI --------------------------------------------------------------------------------------------------


def asgi_probe(hold: Callable[[str], Awaitable[object]]) -> asgi.Application:
    """Build an application that plays the verbs of a request's body; it awaits ``hold`` at each hold."""

    async def played(scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        sent = json.loads(await _read(receive))
        scene = Scene(scope[asgi.KEY], sent["verbs"])
        while await scene.arun():
            await hold(sent["gate"])
        status = 500 if ["fail"] in sent["verbs"] else 200
        headers = [(name.encode(), value.encode()) for name, value in JSON]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(scene.report()).encode()})

    return played


async def _read(receive: asgi.Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message["body"], message.get("more_body", False)
    return body


@frozen
class _Gate:
    """Let the test know that a request holds, and the request that it may go on."""

    held: asyncio.Event = field(factory=asyncio.Event)
    free: asyncio.Event = field(factory=asyncio.Event)

    async def hold(self) -> None:
        """Wait until the test lets the request go on."""
        self.held.set()
        await self.free.wait()
        self.free.clear()

    async def reached(self, call: "asyncio.Task[None]") -> bool:
        """Let the request run until it holds; False if it is over."""
        hold = asyncio.ensure_future(self.held.wait())
        await asyncio.wait({call, hold}, return_when=asyncio.FIRST_COMPLETED)
        hold.cancel()
        self.held.clear()
        return not call.done()


class AsgiDriver(Watched):
    """Call the ASGI middleware in an event loop that runs only while the test waits for it."""

    web = True
    nests = False

    def __init__(self, store: Store, policy: Policy) -> None:
        super().__init__(store)
        self.cookie = Cookie()
        self._loop = asyncio.new_event_loop()
        self._gates: list[_Gate] = []
        self.app = asgi.SessionMiddleware(
            asgi_probe(self._hold), self.store, policy, self.cookie, self.clock, self.heard.listen
        )
        self.outside = Sessions(self.store, policy, self.clock, self.heard.listen)

    async def _hold(self, gate: str) -> None:
        await self._gates[int(gate)].hold()

    def set_policy(self, policy: Policy) -> None:
        """Go by another policy from now on."""
        self.app.sessions.policy = self.outside.policy = policy

    def serve(self, request: Request) -> Iterator[Answer | None]:
        """Call the application and let it run from hold to hold."""
        gate, sent = _Gate(), list[tuple[asgi.Message, int]]()
        self._gates.append(gate)
        body = body_of(request, str(len(self._gates) - 1))

        async def receive() -> asgi.Message:
            return {"type": "http.request", "body": body}

        async def send(message: asgi.Message) -> None:
            sent.append((message, len(self.store.changes)))

        async def served() -> None:
            await self.app(self._scope(request), receive, send)

        call = self._loop.create_task(served())
        while self._loop.run_until_complete(gate.reached(call)):
            yield None
            gate.free.set()
        call.result()
        yield self._answer(sent)

    def _answer(self, sent: list[tuple[asgi.Message, int]]) -> Answer:
        (start, stored), *rest = sent
        headers = [(name.decode(), value.decode()) for name, value in start["headers"]]
        body = b"".join(message["body"] for message, _ in rest)
        late = len(self.store.changes) - stored
        return answer_from(start["status"], headers, body, self.cookie.name, late)

    def _scope(self, request: Request) -> dict[str, Any]:
        crumbs = (b"a=b", f"{self.cookie.name}={request.token}".encode()) if request.token else ()
        return {"type": "http", "headers": [(b"cookie", crumb) for crumb in crumbs]}

    def close(self) -> None:
        """Stop listening, and close the loop."""
        self._loop.close()
        super().close()
