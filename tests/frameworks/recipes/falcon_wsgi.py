"""A Falcon application (WSGI) with sessions."""

from typing import Any

import falcon
from falcon import Request, Response

from sessioncore import LoginRequired, State, StepUpRequired, Store
from sessioncore_io import Handle, Sessions
from sessioncore_io.wsgi import Application, SessionMiddleware

from .users import Users


# [session]
def session_of(req: Request) -> Handle:
    """Give a responder its session."""
    session: Handle = req.env["sessioncore.session"]
    return session


# [/session]


def create_app(store: Store, users: Users) -> Application:
    """Build the application around its session store and its accounts."""
    sessions = Sessions(store)

    # [views]
    class Login:
        def on_post(self, req: Request, resp: Response) -> None:
            session, form = session_of(req), req.get_media()
            subject = users.subject_of(form["username"])
            attempt = session.attempt(subject)  # before the password is checked
            if not users.check_password(subject, form["password"]):
                raise falcon.HTTPUnauthorized(title="wrong name or password")
            session.log_in(attempt, method="pwd", needs=users.needs(subject))

    class Code:
        def on_post(self, req: Request, resp: Response) -> None:
            session = session_of(req)
            session.require(State.AUTHENTICATED)
            if not users.check_code(session.subject, req.get_media()["code"]):
                raise falcon.HTTPUnauthorized(title="wrong code")
            session.satisfy_mfa("otp")

    class Logout:
        def on_post(self, req: Request, resp: Response) -> None:
            session_of(req).log_out()

    class Reset:
        def on_post(self, req: Request, resp: Response) -> None:
            form = req.get_media()
            subject = users.redeem(form["link"])
            if subject is None:
                raise falcon.HTTPBadRequest(title="this link was used")
            sessions.reset_password(subject, lambda: users.set_password(subject, form["password"]))

    class Account:
        def on_get(self, req: Request, resp: Response) -> None:
            session = session_of(req)
            session.require()
            resp.text = f"signed in as {session.subject}"

    # [/views]

    class Home:
        def on_get(self, req: Request, resp: Response) -> None:
            resp.text = "hello"

    class Cart:
        def on_post(self, req: Request, resp: Response) -> None:
            session_of(req).setdefault("cart", []).append(req.get_media()["item"])
            resp.media = session_of(req)["cart"]

        def on_get(self, req: Request, resp: Response) -> None:
            resp.media = session_of(req).get("cart", [])

    # [wiring]
    def log_in_first(req: Request, resp: Response, error: Exception, params: dict[str, Any]) -> None:
        raise falcon.HTTPUnauthorized(title="log in first")

    def step_up_first(req: Request, resp: Response, error: Exception, params: dict[str, Any]) -> None:
        raise falcon.HTTPUnauthorized(title="prove your second factor first")

    app: falcon.App[Request, Response] = falcon.App()
    app.add_error_handler(LoginRequired, log_in_first)
    app.add_error_handler(StepUpRequired, step_up_first)
    served = SessionMiddleware(app, store)
    # [/wiring]
    app.add_route("/", Home())
    app.add_route("/login", Login())
    app.add_route("/mfa", Code())
    app.add_route("/logout", Logout())
    app.add_route("/reset", Reset())
    app.add_route("/account", Account())
    app.add_route("/cart", Cart())
    return served
