"""An application on the standard library's HTTP server, with sessions and no adapter: only the shell."""

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl

from sessioncore import (
    Contention,
    LoginRequired,
    Refused,
    State,
    StepUpRequired,
    Store,
    StoreUnavailable,
)
from sessioncore_io import Cookie, Handle, Sessions

from .users import Users

Form = dict[str, str]
Answer = tuple[int, str]
View = Callable[[Handle, Form], Answer]


def create_app(store: Store, users: Users, cookie: Cookie) -> type[BaseHTTPRequestHandler]:
    """Build the application around its session store and its accounts."""
    sessions = Sessions(store)

    # [views]
    def log_in(session: Handle, form: Form) -> Answer:
        subject = users.subject_of(form["username"])
        attempt = session.attempt(subject)  # before the password is checked
        if not users.check_password(subject, form["password"]):
            return 401, "wrong name or password"
        session.log_in(attempt, method="pwd", needs=users.needs(subject))
        return 200, "welcome"

    def prove_code(session: Handle, form: Form) -> Answer:
        session.require(State.AUTHENTICATED)
        if not users.check_code(session.subject, form["code"]):
            return 401, "wrong code"
        session.satisfy_mfa("otp")
        return 200, "welcome"

    def log_out(session: Handle, form: Form) -> Answer:
        session.log_out()
        return 200, "goodbye"

    def reset_password(session: Handle, form: Form) -> Answer:
        subject = users.redeem(form["link"])
        if subject is None:
            return 400, "this link was used"
        sessions.reset_password(subject, lambda: users.set_password(subject, form["password"]))
        return 200, "log in with your new password"

    def account(session: Handle, form: Form) -> Answer:
        session.require()
        return 200, f"signed in as {session.subject}"

    # [/views]

    def add_to_cart(session: Handle, form: Form) -> Answer:
        session.setdefault("cart", []).append(form["item"])
        return cart(session, form)

    def cart(session: Handle, form: Form) -> Answer:
        return 200, json.dumps(session.get("cart", []))

    views: dict[tuple[str, str], View] = {
        ("POST", "/login"): log_in,
        ("POST", "/mfa"): prove_code,
        ("POST", "/logout"): log_out,
        ("POST", "/reset"): reset_password,
        ("GET", "/account"): account,
        ("POST", "/cart"): add_to_cart,
        ("GET", "/cart"): cart,
    }

    def answer(view: View, session: Handle, form: Form) -> Answer:
        try:
            return view(session, form)
        except LoginRequired:
            return 401, "log in first"
        except StepUpRequired:
            return 401, "prove your second factor first"

    # [wiring]
    def serve(view: View, cookies: str, form: Form) -> tuple[int, str, dict[str, str]]:
        try:
            session = sessions.open(cookie.find(cookies.encode("latin-1")))
            status, text = answer(view, session, form)
            sessions.commit(session)  # before the response starts: what it says is true
        except StoreUnavailable:
            return 503, "try again in a moment", {}
        except (Refused, Contention):
            return 409, "the session changed meanwhile; reload the page", {}
        headers = {"Vary": "Cookie"}
        if session.order is not None:
            headers["Set-Cookie"] = cookie.write(session.order, session.stored, session.at)
            headers["Cache-Control"] = "no-store"
        return status, text, headers

    # [/wiring]

    class Server(BaseHTTPRequestHandler):
        """Answer one request after the other."""

        def do_GET(self) -> None:
            self.reply()

        def do_POST(self) -> None:
            self.reply()

        def reply(self) -> None:
            if self.path == "/":
                return self.write(200, "hello", {})
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            form = dict(parse_qsl(body, keep_blank_values=True))
            cookies = "; ".join(self.headers.get_all("Cookie", []))
            return self.write(*serve(views[self.command, self.path], cookies, form))

        def write(self, status: int, text: str, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(text.encode()))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: Any) -> None:
            """Keep the tests' output quiet."""

    return Server
