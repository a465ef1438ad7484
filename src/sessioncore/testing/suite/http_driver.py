"""Drive real servers over real HTTP: uvicorn and waitress, each in a thread, on a free port."""

import asyncio
import http.client
import socket
import threading
from collections.abc import Iterator
from typing import Any, Final

import uvicorn
import waitress
from attrs import field, frozen

from sessioncore import Policy, Store
from sessioncore_io import asgi, wsgi
from sessioncore_io.cookies import Cookie
from sessioncore_io.shell import Sessions

from .driver import Watched
from .script import Answer, Request
from .web_driver import answer_from, asgi_probe, body_of, wsgi_probe

PATIENCE: Final = 30  # seconds, for a server that hangs: no test waits this long


@frozen
class _Gate:
    """Let the test know that a request holds, and the request that it may go on."""

    held: threading.Semaphore = field(factory=lambda: threading.Semaphore(0))
    free: threading.Semaphore = field(factory=lambda: threading.Semaphore(0))

    def hold(self) -> None:
        """Wait, in the server, until the test lets the request go on."""
        self.held.release()
        assert self.free.acquire(timeout=PATIENCE), "the test never let the request go on"

    def await_held(self) -> None:
        """Wait, in the test, until the request holds."""
        assert self.held.acquire(timeout=PATIENCE), "the request never came to its hold"


class _HttpDriver(Watched):
    """Send requests to a server of this process; its clock and store are ours."""

    web = True
    nests = False
    port: int
    sessions: Any

    def __init__(self, store: Store, policy: Policy) -> None:
        super().__init__(store)
        self.cookie = Cookie.for_plain_http()
        self.outside = Sessions(self.store, policy, self.clock, self.heard.listen)
        self._gates: dict[str, _Gate] = {}
        self._connections: list[http.client.HTTPConnection] = []
        self._start(policy)

    def _start(self, policy: Policy) -> None:
        raise NotImplementedError

    def set_policy(self, policy: Policy) -> None:
        """Go by another policy from now on."""
        self.sessions.policy = self.outside.policy = policy

    def serve(self, request: Request) -> Iterator[Answer | None]:
        """Send the request, wait at its holds, and read the response."""
        gate = self._gates[str(len(self._gates))] = _Gate()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        self._connections.append(connection)
        connection.request("POST", "/", body_of(request, str(len(self._gates) - 1)), self._headers(request))
        for _ in range(request.verbs.count(("hold",))):
            gate.await_held()
            yield None
            gate.free.release()
        response = connection.getresponse()
        stored = len(self.store.changes)
        body = response.read()
        connection.close()
        late = len(self.store.changes) - stored
        yield answer_from(response.status, response.getheaders(), body, self.cookie.name, late)

    def _headers(self, request: Request) -> dict[str, str]:
        holds = {"Probe-Holds": "yes"} if ("hold",) in request.verbs else {}
        cookie = {"Cookie": f"a=b; {self.cookie.name}={request.token}"} if request.token else {}
        return {"Content-Type": "application/json", "Connection": "close", **holds, **cookie}

    def close(self) -> None:
        """Let every request end, and then the server."""
        for gate in self._gates.values():
            gate.free.release(8)
        self._stop()
        for connection in self._connections:
            connection.close()
        super().close()

    def _stop(self) -> None:
        raise NotImplementedError


class UvicornDriver(_HttpDriver):
    """Serve the ASGI middleware by uvicorn."""

    def _start(self, policy: Policy) -> None:
        async def hold(gate: str) -> None:
            await asyncio.to_thread(self._gates[gate].hold)

        app = asgi.SessionMiddleware(asgi_probe(hold), self.store, policy, self.cookie, self.clock, self.heard.listen)
        self.sessions = app.sessions
        listening = socket.create_server(("127.0.0.1", 0))
        self.port = listening.getsockname()[1]
        config = uvicorn.Config(app, log_config=None, lifespan="off", ws="none")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listening]})
        self._thread.start()

    def _stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "the server did not end"


class WaitressDriver(_HttpDriver):
    """Serve the WSGI middleware by waitress."""

    def _start(self, policy: Policy) -> None:
        def hold(environ: dict[str, Any]) -> bytes:
            self._gates[environ["probe.gate"]].hold()
            return b""

        app = wsgi.SessionMiddleware(wsgi_probe(hold), self.store, policy, self.cookie, self.clock, self.heard.listen)
        self.sessions = app.sessions
        self._sockets: dict[int, Any] = {}
        self._server = waitress.create_server(app, map=self._sockets, host="127.0.0.1", port=0, threads=8)
        self.port = self._server.effective_port
        self._stopping = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopping:
            self._server.asyncore.loop(timeout=1, map=self._sockets, count=1)

    def _stop(self) -> None:
        self._server.task_dispatcher.shutdown()
        self._stopping = True
        self._server.trigger.pull_trigger()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "the server did not end"
        for connected in list(self._sockets.values()):  # the listening socket, and whatever it accepted
            connected.close()
