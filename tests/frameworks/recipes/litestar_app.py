"""A Litestar application with sessions."""

from typing import Annotated, Any, cast

from litestar import Litestar, Request, Response, get, post
from litestar.enums import RequestEncodingType
from litestar.exceptions import ClientException, NotAuthorizedException
from litestar.middleware import DefineMiddleware
from litestar.params import Body

from sessioncore import LoginRequired, State, StepUpRequired, Store
from sessioncore_io import AsyncHandle, AsyncSessions
from sessioncore_io.asgi import Application, SessionMiddleware

from .users import Users

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]

# [session]
AnyRequest = Request[Any, Any, Any]


def session_of(request: AnyRequest) -> AsyncHandle:
    """Give a handler its session, typed; ``request.session`` is the same."""
    return cast(AsyncHandle, request.scope["session"])


# [/session]


def create_app(store: Store, users: Users) -> Application:
    """Build the application around its session store and its accounts."""
    sessions = AsyncSessions(store)

    # [views]
    @post("/login", status_code=204)
    async def log_in(request: AnyRequest, data: Form) -> None:
        session = session_of(request)
        subject = users.subject_of(data["username"])
        attempt = await session.attempt(subject)  # before the password is checked
        if not users.check_password(subject, data["password"]):
            raise NotAuthorizedException("wrong name or password")
        session.log_in(attempt, method="pwd", needs=users.needs(subject))

    @post("/mfa", status_code=204)
    async def prove_code(request: AnyRequest, data: Form) -> None:
        session = session_of(request)
        session.require(State.AUTHENTICATED)
        if not users.check_code(session.subject, data["code"]):
            raise NotAuthorizedException("wrong code")
        session.satisfy_mfa("otp")

    @post("/logout", status_code=204)
    async def log_out(request: AnyRequest) -> None:
        session_of(request).log_out()

    @post("/reset", status_code=204)
    async def reset_password(data: Form) -> None:
        subject, password = users.redeem(data["link"]), data["password"]
        if subject is None:
            raise ClientException("this link was used")
        await sessions.reset_password(subject, lambda: users.set_password(subject, password))

    @get("/account")
    async def account(request: AnyRequest) -> str:
        session = session_of(request)
        session.require()
        return f"signed in as {session.subject}"

    # [/views]

    @get("/")
    async def home() -> str:
        return "hello"

    @post("/cart")
    async def add_to_cart(request: AnyRequest, data: Form) -> list[str]:
        request.session.setdefault("cart", []).append(data["item"])
        return list(request.session["cart"])

    @get("/cart")
    async def cart(request: AnyRequest) -> list[str]:
        return list(request.session.get("cart", []))

    handlers = [home, log_in, prove_code, log_out, reset_password, account, add_to_cart, cart]

    # [wiring]
    def log_in_first(request: AnyRequest, error: Exception) -> Response[Any]:
        return Response({"missing": "login"}, status_code=401)

    def step_up_first(request: AnyRequest, error: Exception) -> Response[Any]:
        return Response({"missing": "second factor"}, status_code=401)

    app = Litestar(
        handlers,
        middleware=[DefineMiddleware(SessionMiddleware, store=store)],
        exception_handlers={LoginRequired: log_in_first, StepUpRequired: step_up_first},
    )
    # [/wiring]
    return app  # noqa: RET504 - servers look for this name
