"""A Flask application with sessions."""

from typing import cast

from flask import Flask, redirect, request
from flask.typing import ResponseReturnValue
from werkzeug.local import LocalProxy

from sessioncore import LoginRequired, State, StepUpRequired, Store
from sessioncore_io import Handle, Sessions
from sessioncore_io.wsgi import Application, SessionMiddleware

from .users import Users

# [session]
session = cast(Handle, LocalProxy(lambda: request.environ["sessioncore.session"]))
# [/session]


def create_app(store: Store, users: Users) -> Application:
    """Build the application around its session store and its accounts."""
    # [wiring]
    app = Flask(__name__)
    app.wsgi_app = SessionMiddleware(app.wsgi_app, store)
    sessions = Sessions(store)

    @app.errorhandler(LoginRequired)
    def to_login(error: LoginRequired) -> ResponseReturnValue:
        return redirect("/login", 303)

    @app.errorhandler(StepUpRequired)
    def to_challenge(error: StepUpRequired) -> ResponseReturnValue:
        return redirect("/mfa", 303)

    # [/wiring]

    # [views]
    @app.post("/login")
    def log_in() -> ResponseReturnValue:
        subject = users.subject_of(request.form["username"])
        attempt = session.attempt(subject)  # before the password is checked
        if not users.check_password(subject, request.form["password"]):
            return "wrong name or password", 401
        session.log_in(attempt, method="pwd", needs=users.needs(subject))
        return redirect("/account", 303)

    @app.post("/mfa")
    def prove_code() -> ResponseReturnValue:
        session.require(State.AUTHENTICATED)
        if not users.check_code(session.subject, request.form["code"]):
            return "wrong code", 401
        session.satisfy_mfa("otp")
        return redirect("/account", 303)

    @app.post("/logout")
    def log_out() -> ResponseReturnValue:
        session.log_out()
        return redirect("/", 303)

    @app.post("/reset")
    def reset_password() -> ResponseReturnValue:
        subject, password = users.redeem(request.form["link"]), request.form["password"]
        if subject is None:
            return "this link was used", 400
        sessions.reset_password(subject, lambda: users.set_password(subject, password))
        return redirect("/login", 303)

    @app.get("/account")
    def account() -> ResponseReturnValue:
        session.require()
        return f"signed in as {session.subject}"

    # [/views]

    @app.get("/")
    def home() -> ResponseReturnValue:
        return "hello"

    @app.post("/cart")
    def add_to_cart() -> ResponseReturnValue:
        session.setdefault("cart", []).append(request.form["item"])
        return list(session["cart"])

    @app.get("/cart")
    def cart() -> ResponseReturnValue:
        return list(session.get("cart", []))

    return app
