"""An ASGI application without a framework, with sessions."""

import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl

from sessioncore import LoginRequired, State, StepUpRequired, Store
from sessioncore_io import AsyncHandle, AsyncSessions
from sessioncore_io.asgi import Application, Receive, Scope, Send, SessionMiddleware

from .users import Users

Form = dict[str, str]
Answer = tuple[int, str]
View = Callable[[AsyncHandle, Form], Awaitable[Answer]]


async def form_of(receive: Receive) -> Form:
    """Read the form that was posted."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return dict(parse_qsl(body.decode(), keep_blank_values=True))


def create_app(store: Store, users: Users) -> Application:
    """Build the application around its session store and its accounts."""
    sessions = AsyncSessions(store)

    # [views]
    async def log_in(session: AsyncHandle, form: Form) -> Answer:
        subject = users.subject_of(form["username"])
        attempt = await session.attempt(subject)  # before the password is checked
        if not users.check_password(subject, form["password"]):
            return 401, "wrong name or password"
        session.log_in(attempt, method="pwd", needs=users.needs(subject))
        return 200, "welcome"

    async def prove_code(session: AsyncHandle, form: Form) -> Answer:
        session.require(State.AUTHENTICATED)
        if not users.check_code(session.subject, form["code"]):
            return 401, "wrong code"
        session.satisfy_mfa("otp")
        return 200, "welcome"

    async def log_out(session: AsyncHandle, form: Form) -> Answer:
        session.log_out()
        return 200, "goodbye"

    async def reset_password(session: AsyncHandle, form: Form) -> Answer:
        subject = users.redeem(form["link"])
        if subject is None:
            return 400, "this link was used"
        await sessions.reset_password(subject, lambda: users.set_password(subject, form["password"]))
        return 200, "log in with your new password"

    async def account(session: AsyncHandle, form: Form) -> Answer:
        session.require()
        return 200, f"signed in as {session.subject}"

    # [/views]

    async def home(session: AsyncHandle, form: Form) -> Answer:
        return 200, "hello"

    async def add_to_cart(session: AsyncHandle, form: Form) -> Answer:
        session.setdefault("cart", []).append(form["item"])
        return await cart(session, form)

    async def cart(session: AsyncHandle, form: Form) -> Answer:
        return 200, json.dumps(session.get("cart", []))

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
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        view = views[scope["method"], scope["path"]]
        try:
            status, text = await view(scope["session"], await form_of(receive))
        except LoginRequired:
            status, text = 401, "log in first"
        except StepUpRequired:
            status, text = 401, "prove your second factor first"
        headers = [(b"content-type", b"text/plain; charset=utf-8")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": text.encode()})

    application = SessionMiddleware(app, store)
    # [/wiring]
    return application  # noqa: RET504 - servers look for this name
