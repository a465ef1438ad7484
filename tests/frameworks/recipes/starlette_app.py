"""A Starlette application with sessions."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from sessioncore import LoginRequired, State, StepUpRequired, Store
from sessioncore_io import AsyncHandle, AsyncSessions
from sessioncore_io.asgi import Application, SessionMiddleware

from .users import Users


# [session]
def session_of(request: Request) -> AsyncHandle:
    """Give an endpoint its session, typed; ``request.session`` is the same."""
    session: AsyncHandle = request.scope["session"]
    return session


# [/session]


def create_app(store: Store, users: Users) -> Application:
    """Build the application around its session store and its accounts."""
    sessions = AsyncSessions(store)

    # [views]
    async def log_in(request: Request) -> Response:
        session, form = session_of(request), await request.form()
        subject = users.subject_of(str(form["username"]))
        attempt = await session.attempt(subject)  # before the password is checked
        if not users.check_password(subject, str(form["password"])):
            return PlainTextResponse("wrong name or password", 401)
        session.log_in(attempt, method="pwd", needs=users.needs(subject))
        return RedirectResponse("/account", 303)

    async def prove_code(request: Request) -> Response:
        session, form = session_of(request), await request.form()
        session.require(State.AUTHENTICATED)
        if not users.check_code(session.subject, str(form["code"])):
            return PlainTextResponse("wrong code", 401)
        session.satisfy_mfa("otp")
        return RedirectResponse("/account", 303)

    async def log_out(request: Request) -> Response:
        session_of(request).log_out()
        return RedirectResponse("/", 303)

    async def reset_password(request: Request) -> Response:
        form = await request.form()
        subject, password = users.redeem(str(form["link"])), str(form["password"])
        if subject is None:
            return PlainTextResponse("this link was used", 400)
        await sessions.reset_password(subject, lambda: users.set_password(subject, password))
        return RedirectResponse("/login", 303)

    async def account(request: Request) -> Response:
        session = session_of(request)
        session.require()
        return PlainTextResponse(f"signed in as {session.subject}")

    # [/views]

    async def home(request: Request) -> Response:
        return PlainTextResponse("hello")

    async def add_to_cart(request: Request) -> Response:
        form = await request.form()
        request.session.setdefault("cart", []).append(form["item"])
        return JSONResponse(request.session["cart"])

    async def cart(request: Request) -> Response:
        return JSONResponse(request.session.get("cart", []))

    routes = [
        Route("/", home),
        Route("/login", log_in, methods=["POST"]),
        Route("/mfa", prove_code, methods=["POST"]),
        Route("/logout", log_out, methods=["POST"]),
        Route("/reset", reset_password, methods=["POST"]),
        Route("/account", account),
        Route("/cart", add_to_cart, methods=["POST"]),
        Route("/cart", cart),
    ]

    # [wiring]
    async def to_login(request: Request, error: Exception) -> Response:
        return RedirectResponse("/login", 303)

    async def to_challenge(request: Request, error: Exception) -> Response:
        return RedirectResponse("/mfa", 303)

    app = Starlette(routes=routes, exception_handlers={LoginRequired: to_login, StepUpRequired: to_challenge})
    app.add_middleware(SessionMiddleware, store=store)
    # [/wiring]
    return app
