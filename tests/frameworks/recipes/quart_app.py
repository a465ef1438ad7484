"""A Quart application with sessions."""

from typing import cast

from quart import Quart, redirect, request
from quart.typing import ResponseReturnValue
from werkzeug.local import LocalProxy

from sessioncore import LoginRequired, State, StepUpRequired, Store
from sessioncore_io import AsyncHandle, AsyncSessions
from sessioncore_io.asgi import Application, SessionMiddleware

from .users import Users

# [session]
session = cast(AsyncHandle, LocalProxy(lambda: request.scope["session"]))
# [/session]


def create_app(store: Store, users: Users) -> Application:
    """Build the application around its session store and its accounts."""
    # [wiring]
    app = Quart(__name__)
    app.asgi_app = SessionMiddleware(app.asgi_app, store)
    sessions = AsyncSessions(store)

    @app.errorhandler(LoginRequired)
    async def to_login(error: LoginRequired) -> ResponseReturnValue:
        return redirect("/login", 303)

    @app.errorhandler(StepUpRequired)
    async def to_challenge(error: StepUpRequired) -> ResponseReturnValue:
        return redirect("/mfa", 303)

    # [/wiring]

    # [views]
    @app.post("/login")
    async def log_in() -> ResponseReturnValue:
        form = await request.form
        subject = users.subject_of(form["username"])
        attempt = await session.attempt(subject)  # before the password is checked
        if not users.check_password(subject, form["password"]):
            return "wrong name or password", 401
        session.log_in(attempt, method="pwd", needs=users.needs(subject))
        return redirect("/account", 303)

    @app.post("/mfa")
    async def prove_code() -> ResponseReturnValue:
        session.require(State.AUTHENTICATED)
        form = await request.form
        if not users.check_code(session.subject, form["code"]):
            return "wrong code", 401
        session.satisfy_mfa("otp")
        return redirect("/account", 303)

    @app.post("/logout")
    async def log_out() -> ResponseReturnValue:
        session.log_out()
        return redirect("/", 303)

    @app.post("/reset")
    async def reset_password() -> ResponseReturnValue:
        form = await request.form
        subject, password = users.redeem(form["link"]), form["password"]
        if subject is None:
            return "this link was used", 400
        await sessions.reset_password(subject, lambda: users.set_password(subject, password))
        return redirect("/login", 303)

    @app.get("/account")
    async def account() -> ResponseReturnValue:
        session.require()
        return f"signed in as {session.subject}"

    # [/views]

    @app.get("/")
    async def home() -> ResponseReturnValue:
        return "hello"

    @app.post("/cart")
    async def add_to_cart() -> ResponseReturnValue:
        form = await request.form
        session.setdefault("cart", []).append(form["item"])
        return list(session["cart"])

    @app.get("/cart")
    async def cart() -> ResponseReturnValue:
        return list(session.get("cart", []))

    return app
