"""A Bottle application with sessions."""

import json
from collections.abc import Callable
from typing import Any

from bottle import Bottle, HTTPResponse, request, response

from sessioncore import LoginRequired, State, StepUpRequired, Store
from sessioncore_io import Handle, Sessions
from sessioncore_io.wsgi import Application, SessionMiddleware

from .users import Users


def redirect(where: str) -> HTTPResponse:
    """Send the browser there by GET."""
    return HTTPResponse(status=303, headers={"Location": where})


# [session]
def current() -> Handle:
    """Give the request's session."""
    session: Handle = request.environ["sessioncore.session"]
    return session


# [/session]


def create_app(store: Store, users: Users) -> Application:
    """Build the application around its session store and its accounts."""

    # [wiring]
    def with_redirects(view: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(*args: Any, **kwargs: Any) -> Any:
            try:
                return view(*args, **kwargs)
            except LoginRequired:
                return redirect("/login")
            except StepUpRequired:
                return redirect("/mfa")

        return guarded

    app = Bottle()
    app.install(with_redirects)
    served = SessionMiddleware(app, store)
    sessions = Sessions(store)
    # [/wiring]

    # [views]
    @app.post("/login")
    def log_in() -> Any:
        session = current()
        subject = users.subject_of(request.forms.username)
        attempt = session.attempt(subject)  # before the password is checked
        if not users.check_password(subject, request.forms.password):
            return HTTPResponse("wrong name or password", 401)
        session.log_in(attempt, method="pwd", needs=users.needs(subject))
        return redirect("/account")

    @app.post("/mfa")
    def prove_code() -> Any:
        session = current()
        session.require(State.AUTHENTICATED)
        if not users.check_code(session.subject, request.forms.code):
            return HTTPResponse("wrong code", 401)
        session.satisfy_mfa("otp")
        return redirect("/account")

    @app.post("/logout")
    def log_out() -> Any:
        current().log_out()
        return redirect("/")

    @app.post("/reset")
    def reset_password() -> Any:
        subject, password = users.redeem(request.forms.link), request.forms.password
        if subject is None:
            return HTTPResponse("this link was used", 400)
        sessions.reset_password(subject, lambda: users.set_password(subject, password))
        return redirect("/login")

    @app.get("/account")
    def account() -> str:
        current().require()
        return f"signed in as {current().subject}"

    # [/views]

    @app.get("/")
    def home() -> str:
        return "hello"

    @app.post("/cart")
    def add_to_cart() -> str:
        current().setdefault("cart", []).append(request.forms.item)
        return json.dumps(current()["cart"])

    @app.get("/cart")
    def cart() -> str:
        response.content_type = "application/json"
        return json.dumps(current().get("cart", []))

    return served
