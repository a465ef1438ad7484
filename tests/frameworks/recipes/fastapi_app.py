"""A FastAPI application with sessions, whose login is a plain ``def`` endpoint."""

from typing import Annotated, Any

from fastapi import Depends, FastAPI, Form, HTTPException, Request, Response, WebSocket
from fastapi.requests import HTTPConnection
from fastapi.responses import JSONResponse

from sessioncore import LoginRequired, State, StepUpRequired, Store
from sessioncore_io import AsyncHandle, AsyncSessions
from sessioncore_io.asgi import Application, SessionMiddleware

from .users import Users


# [session]
def session_of(connection: HTTPConnection) -> AsyncHandle:
    """Give an endpoint or a websocket its session, typed."""
    session: AsyncHandle = connection.scope["session"]
    return session


def signed_in(connection: HTTPConnection) -> AsyncHandle:
    """Give an endpoint or a websocket its session, and refuse whoever has not proved all factors."""
    session = session_of(connection)
    session.require()
    return session


Session = Annotated[AsyncHandle, Depends(session_of)]
SignedIn = Annotated[AsyncHandle, Depends(signed_in)]
Field = Annotated[str, Form()]
# [/session]


def create_app(store: Store, users: Users) -> Application:
    """Build the application around its session store and its accounts."""
    # [wiring]
    app = FastAPI()
    app.add_middleware(SessionMiddleware, store=store)
    sessions = AsyncSessions(store)

    @app.exception_handler(LoginRequired)
    async def log_in_first(request: Request, error: LoginRequired) -> Response:
        return JSONResponse({"missing": "login"}, 401)

    @app.exception_handler(StepUpRequired)
    async def step_up_first(request: Request, error: StepUpRequired) -> Response:
        return JSONResponse({"missing": "second factor"}, 401)

    # [/wiring]

    # [views]
    # [login]
    @app.post("/login")
    def log_in(session: Session, username: Field, password: Field) -> dict[str, bool]:
        # A slow hash belongs into a worker thread, so a plain def: from_thread waits for what is awaited elsewhere.
        subject = users.subject_of(username)
        attempt = session.from_thread.attempt(subject)  # before the password is checked
        if not users.check_password(subject, password):
            raise HTTPException(401, "wrong name or password")
        session.log_in(attempt, method="pwd", needs=users.needs(subject))
        return {"signed_in": session.signed_in}

    # [/login]

    @app.post("/mfa")
    async def prove_code(session: Session, code: Field) -> dict[str, bool]:
        session.require(State.AUTHENTICATED)
        if not users.check_code(session.subject, code):
            raise HTTPException(401, "wrong code")
        session.satisfy_mfa("otp")
        return {"signed_in": session.signed_in}

    @app.post("/logout", status_code=204)
    async def log_out(session: Session) -> None:
        session.log_out()

    @app.post("/reset", status_code=204)
    async def reset_password(link: Field, password: Field) -> None:
        subject = users.redeem(link)
        if subject is None:
            raise HTTPException(400, "this link was used")
        await sessions.reset_password(subject, lambda: users.set_password(subject, password))

    @app.get("/account")
    async def account(session: SignedIn) -> str:
        return f"signed in as {session.subject}"

    # [live]
    @app.websocket("/live")
    async def live(socket: WebSocket, session: SignedIn) -> None:
        await socket.accept()
        await socket.send_text(f"signed in as {session.subject}")
        await socket.close()

    # [/live]

    # [/views]

    @app.get("/")
    def home() -> str:
        return "hello"

    @app.post("/cart")
    def add_to_cart(session: Session, item: Field) -> Any:
        session.setdefault("cart", []).append(item)
        return session["cart"]

    @app.get("/cart")
    def cart(session: Session) -> Any:
        return session.get("cart", [])

    return app
