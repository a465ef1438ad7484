"""A WSGI application without a framework, with sessions."""

import json
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qsl

from sessioncore import LoginRequired, State, StepUpRequired, Store
from sessioncore_io import Handle, Sessions
from sessioncore_io.wsgi import Application, Environ, SessionMiddleware, StartResponse

from .users import Users

Form = dict[str, str]
Answer = tuple[str, str]
View = Callable[[Handle, Form], Answer]


def form_of(environ: Environ) -> Form:
    """Read the form that was posted."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    return dict(parse_qsl(environ["wsgi.input"].read(length).decode(), keep_blank_values=True))


def create_app(store: Store, users: Users) -> Application:
    """Build the application around its session store and its accounts."""
    sessions = Sessions(store)

    # [views]
    def log_in(session: Handle, form: Form) -> Answer:
        subject = users.subject_of(form["username"])
        attempt = session.attempt(subject)  # before the password is checked
        if not users.check_password(subject, form["password"]):
            return "401 Unauthorized", "wrong name or password"
        session.log_in(attempt, method="pwd", needs=users.needs(subject))
        return "200 OK", "welcome"

    def prove_code(session: Handle, form: Form) -> Answer:
        session.require(State.AUTHENTICATED)
        if not users.check_code(session.subject, form["code"]):
            return "401 Unauthorized", "wrong code"
        session.satisfy_mfa("otp")
        return "200 OK", "welcome"

    def log_out(session: Handle, form: Form) -> Answer:
        session.log_out()
        return "200 OK", "goodbye"

    def reset_password(session: Handle, form: Form) -> Answer:
        subject = users.redeem(form["link"])
        if subject is None:
            return "400 Bad Request", "this link was used"
        sessions.reset_password(subject, lambda: users.set_password(subject, form["password"]))
        return "200 OK", "log in with your new password"

    def account(session: Handle, form: Form) -> Answer:
        session.require()
        return "200 OK", f"signed in as {session.subject}"

    # [/views]

    def home(session: Handle, form: Form) -> Answer:
        return "200 OK", "hello"

    def add_to_cart(session: Handle, form: Form) -> Answer:
        session.setdefault("cart", []).append(form["item"])
        return cart(session, form)

    def cart(session: Handle, form: Form) -> Answer:
        return "200 OK", json.dumps(session.get("cart", []))

    views: dict[tuple[Any, Any], View] = {
        ("GET", "/"): home,
        ("POST", "/login"): log_in,
        ("POST", "/mfa"): prove_code,
        ("POST", "/logout"): log_out,
        ("POST", "/reset"): reset_password,
        ("GET", "/account"): account,
        ("POST", "/cart"): add_to_cart,
        ("GET", "/cart"): cart,
    }

    # [wiring]
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        view = views[environ["REQUEST_METHOD"], environ["PATH_INFO"]]
        try:
            status, text = view(environ["sessioncore.session"], form_of(environ))
        except LoginRequired:
            status, text = "401 Unauthorized", "log in first"
        except StepUpRequired:
            status, text = "401 Unauthorized", "prove your second factor first"
        start_response(status, [("Content-Type", "text/plain; charset=utf-8")])
        return [text.encode()]

    application = SessionMiddleware(app, store)
    # [/wiring]
    return application  # noqa: RET504 - servers look for this name
