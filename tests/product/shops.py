"""The smallest applications on sessioncore that have something to test, with a driver each."""

import asyncio
import threading
from collections.abc import Iterable
from datetime import timedelta
from http.client import HTTPConnection
from socketserver import ThreadingMixIn
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from attrs import define

from sessioncore import Policy
from sessioncore.testing import Clock
from sessioncore.testing.contracts.application import ALICE, BOB
from sessioncore.testing.contracts.driving import During, nothing
from sessioncore_io import Cookie, Sessions, asgi, wsgi
from sessioncore_io.memory import MemoryStore

Answer = tuple[str, str]
Replied = tuple[int, str, str | None]
OK, NO = "200 OK", "403 Forbidden"


class Shop:
    """Have two users and a clock; ``during`` is what happens within the next request."""

    def __init__(self) -> None:
        self.policy: Final = Policy()
        self.idle = timedelta(milliseconds=self.policy.login.idle)
        self.lifetime = timedelta(milliseconds=self.policy.login.lifetime)
        self.slack = timedelta(0)  # every page writes, so every use is written down
        self.clock = Clock()
        self.store = MemoryStore()
        self.passwords = dict([ALICE, BOB])
        self.cookie = Cookie()
        self.during: During = nothing

    def visitor(self) -> "Visitor":
        """Give a browser that was never here."""
        return Visitor(self)

    def advance(self, span: timedelta) -> None:
        """Turn the clock."""
        self.clock.advance(span)

    def reset_password(self, user: str, new: str) -> None:
        """Reset as the mailed link does."""
        sessions = Sessions(self.store, self.policy, self.clock)
        sessions.reset_password(user, lambda: self.passwords.update({user: new}))

    def happen(self) -> None:
        """Let happen what is to happen during this request, and not during those that it makes."""
        during, self.during = self.during, nothing
        during()

    def ask(self, path: str, form: dict[str, str], token: str) -> Replied:
        """Serve a request; give the status, the body and the cookie's new value."""
        raise NotImplementedError


@define
class Visitor:
    """Hold one browser's cookie."""

    shop: Shop
    token: str = ""

    def act(self, during: During = nothing) -> str | None:
        """Use the page that writes."""
        self.shop.during = during
        return self._ask("/act")[1] or None

    def log_in(self, user: str, password: str, during: During = nothing) -> bool:
        """Send the login form."""
        self.shop.during = during
        return self._ask("/log-in", user=user, password=password)[0] == 200

    def log_out(self) -> bool:
        """Send the logout form."""
        return self._ask("/log-out")[0] == 200

    def change_password(self, old: str, new: str) -> bool:
        """Send the form for a new password."""
        return self._ask("/change", old=old, new=new)[0] == 200

    def copy(self) -> "Visitor":
        """Copy the cookie."""
        return Visitor(self.shop, self.token)

    def _ask(self, path: str, **form: str) -> tuple[int, str]:
        status, body, token = self.shop.ask(path, form, self.token)
        self.token = self.token if token is None else token
        return status, body if status == 200 else ""


class WsgiShop(Shop):
    """Serve by WSGI, in process."""

    def __init__(self) -> None:
        super().__init__()
        self.app = self.wrapped()

    def wrapped(self) -> wsgi.SessionMiddleware:
        """Give the application with its sessions."""
        return wsgi.SessionMiddleware(self.serve, self.store, self.policy, self.cookie, self.clock)

    def serve(self, environ: wsgi.Environ, start_response: wsgi.StartResponse) -> Iterable[bytes]:
        """Serve every page."""
        session, form = environ[wsgi.KEY], dict(parse_qsl(environ["QUERY_STRING"]))
        status, body = self.pages(session, environ["PATH_INFO"], form)
        start_response(status, [("Content-Type", "text/plain")])
        return [body.encode()]

    def pages(self, session: Any, path: str, form: dict[str, str]) -> Answer:
        """Do what the forms ask for."""
        if path == "/act":
            user = session.subject if session.signed_in else ""
            self.happen()
            session["visits"] = session.get("visits", 0) + 1
            return OK, user
        if path == "/log-in":
            attempt = session.attempt(form["user"])
            right = self.passwords.get(form["user"]) == form["password"]
            self.happen()
            if not right:
                return NO, ""
            session.log_in(attempt, "pwd")
        elif path == "/change":
            user = session.subject
            if not session.signed_in or self.passwords[user] != form["old"]:
                return NO, ""
            session.password_changed(lambda: self.passwords.update({user: form["new"]}))
        else:
            session.log_out()
        return OK, ""

    def ask(self, path: str, form: dict[str, str], token: str) -> Replied:
        """Call the application as a server does."""
        started: list[tuple[str, list[tuple[str, str]]]] = []
        environ = {"REQUEST_METHOD": "POST", "PATH_INFO": path, "QUERY_STRING": urlencode(form)}
        if token:
            environ["HTTP_COOKIE"] = f"{self.cookie.name}={token}"
        body = b"".join(self.app(environ, lambda *response: started.append(response)))  # type: ignore[arg-type]
        (status, headers), *_ = started
        return int(status[:3]), body.decode(), cookie_in(self.cookie.name, headers)


class AsgiShop(Shop):
    """Serve by ASGI, in process; what happens during a request happens in another thread and loop."""

    def __init__(self) -> None:
        super().__init__()
        self.app = asgi.SessionMiddleware(self.serve, self.store, self.policy, self.cookie, self.clock)

    async def serve(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        """Serve every page."""
        form = dict(parse_qsl(scope["query_string"].decode()))
        status, body = await self.pages(scope["session"], scope["path"], form)
        await send({"type": "http.response.start", "status": int(status[:3]), "headers": []})
        await send({"type": "http.response.body", "body": body.encode()})

    async def pages(self, session: Any, path: str, form: dict[str, str]) -> Answer:
        """Do what the forms ask for."""
        if path == "/act":
            user = session.subject if session.signed_in else ""
            await self.happen_elsewhere()
            session["visits"] = session.get("visits", 0) + 1
            return OK, user
        if path == "/log-in":
            attempt = await session.attempt(form["user"])
            right = self.passwords.get(form["user"]) == form["password"]
            await self.happen_elsewhere()
            if not right:
                return NO, ""
            session.log_in(attempt, "pwd")
        elif path == "/change":
            user = session.subject
            if not session.signed_in or self.passwords[user] != form["old"]:
                return NO, ""
            await session.password_changed(lambda: self.passwords.update({user: form["new"]}))
        else:
            session.log_out()
        return OK, ""

    async def happen_elsewhere(self) -> None:
        """Let happen what is to happen, if anything is: a thread costs more than a request."""
        if self.during is not nothing:
            await asyncio.to_thread(self.happen)

    def ask(self, path: str, form: dict[str, str], token: str) -> Replied:
        """Call the application as a server does."""
        cookie = [(b"cookie", f"{self.cookie.name}={token}".encode())] if token else []
        scope = {"type": "http", "method": "POST", "path": path, "headers": cookie}
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        asyncio.run(self.app({**scope, "query_string": urlencode(form).encode()}, receive, send))
        headers = [(name.decode(), value.decode()) for name, value in sent[0]["headers"]]
        body = b"".join(message.get("body", b"") for message in sent[1:])
        return sent[0]["status"], body.decode(), cookie_in(self.cookie.name, headers)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Keep the test's output short."""


class HttpShop(WsgiShop):
    """Serve the same by a real server, over loopback."""

    def __init__(self) -> None:
        super().__init__()
        self.cookie = Cookie.for_plain_http()
        self.server = make_server("127.0.0.1", 0, self.wrapped(), _Server, _Quiet)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self) -> None:
        """Stop the server."""
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def ask(self, path: str, form: dict[str, str], token: str) -> Replied:
        """Send a request over a connection of its own."""
        connection = HTTPConnection("127.0.0.1", self.server.server_port, timeout=20)
        connection.request("POST", f"{path}?{urlencode(form)}", headers={"Cookie": f"{self.cookie.name}={token}"})
        response = connection.getresponse()
        body = response.read().decode()
        connection.close()
        return response.status, body, cookie_in(self.cookie.name, response.getheaders())


def cookie_in(name: str, headers: list[tuple[str, str]]) -> str | None:
    """Find the cookie's new value: empty if it is cleared, None if it is left alone."""
    lines = [value for header, value in headers if header.lower() == "set-cookie" and value.startswith(f"{name}=")]
    return lines[-1].partition(";")[0].removeprefix(f"{name}=") if lines else None
