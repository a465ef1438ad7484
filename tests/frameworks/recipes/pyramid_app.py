"""A Pyramid application with sessions."""

from collections.abc import Callable
from typing import Any

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPBadRequest, HTTPSeeOther, HTTPUnauthorized
from pyramid.request import Request

from sessioncore import LoginRequired, State, StepUpRequired, Store
from sessioncore_io import Handle, Sessions
from sessioncore_io.wsgi import Application, SessionMiddleware

from .users import Users


def create_app(store: Store, users: Users) -> Application:
    """Build the application around its session store and its accounts."""
    sessions = Sessions(store)

    # [views]
    def log_in(request: Request) -> Any:
        subject = users.subject_of(request.POST["username"])
        attempt = request.session.attempt(subject)  # before the password is checked
        if not users.check_password(subject, request.POST["password"]):
            return HTTPUnauthorized("wrong name or password")
        request.session.log_in(attempt, method="pwd", needs=users.needs(subject))
        return HTTPSeeOther("/account")

    def prove_code(request: Request) -> Any:
        request.session.require(State.AUTHENTICATED)
        if not users.check_code(request.session.subject, request.POST["code"]):
            return HTTPUnauthorized("wrong code")
        request.session.satisfy_mfa("otp")
        return HTTPSeeOther("/account")

    def log_out(request: Request) -> Any:
        request.session.log_out()
        return HTTPSeeOther("/")

    def reset_password(request: Request) -> Any:
        subject, password = users.redeem(request.POST["link"]), request.POST["password"]
        if subject is None:
            return HTTPBadRequest("this link was used")
        sessions.reset_password(subject, lambda: users.set_password(subject, password))
        return HTTPSeeOther("/login")

    def account(request: Request) -> str:
        request.session.require()
        return f"signed in as {request.session.subject}"

    # [/views]

    def home(request: Request) -> str:
        return "hello"

    def add_to_cart(request: Request) -> list[str]:
        request.session.setdefault("cart", []).append(request.POST["item"])
        return list(request.session["cart"])

    def cart(request: Request) -> list[str]:
        return list(request.session.get("cart", []))

    def routes(config: Configurator) -> None:
        def add(path: str, method: str, view: Callable[[Request], Any], renderer: str = "string") -> None:
            config.add_route(name := f"{method} {path}", path, request_method=method)
            config.add_view(view, route_name=name, renderer=renderer)

        add("/", "GET", home)
        add("/login", "POST", log_in)
        add("/mfa", "POST", prove_code)
        add("/logout", "POST", log_out)
        add("/reset", "POST", reset_password)
        add("/account", "GET", account)
        add("/cart", "POST", add_to_cart, "json")
        add("/cart", "GET", cart, "json")

    # [wiring]
    def session_of(request: Request) -> Handle:
        session: Handle = request.environ["sessioncore.session"]
        return session

    def to_login(error: LoginRequired, request: Request) -> Any:
        return HTTPSeeOther("/login")

    def to_challenge(error: StepUpRequired, request: Request) -> Any:
        return HTTPSeeOther("/mfa")

    config = Configurator()
    config.add_request_method(session_of, "session", property=True)
    config.add_exception_view(to_login, context=LoginRequired)
    config.add_exception_view(to_challenge, context=StepUpRequired)
    config.include(routes)
    app = SessionMiddleware(config.make_wsgi_app(), store)
    # [/wiring]
    return app  # noqa: RET504 - servers look for this name
