"""A Django application (ASGI) with sessions; its login is a sync view, which Django runs in a thread."""

from collections.abc import Awaitable, Callable

from asgiref.sync import markcoroutinefunction
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import path
from django.views.decorators.http import require_GET, require_POST

from sessioncore import LoginRequired, State, StepUpRequired
from sessioncore_io import AsyncSessions
from sessioncore_io.asgi import Application, SessionMiddleware

View = Callable[[HttpRequest], Awaitable[HttpResponse]]


# [middleware]
class SessionHandle:
    """Set ``request.session``; send whoever has not proved enough to the page that asks for it."""

    sync_capable = False
    async_capable = True

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response
        markcoroutinefunction(self)

    async def __call__(self, request: HttpRequest) -> HttpResponse:
        request.session = request.scope["session"]
        return await self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if isinstance(error, LoginRequired | StepUpRequired):
            return HttpResponseRedirect("/login" if isinstance(error, LoginRequired) else "/mfa")
        return None


# [/middleware]


# [views]
# [login]
@require_POST
def log_in(request: HttpRequest) -> HttpResponse:
    # A sync view runs in a worker thread: from_thread waits for what an async view would await.
    users, session = settings.USERS, request.session
    subject = users.subject_of(request.POST["username"])
    attempt = session.from_thread.attempt(subject)  # before the password is checked
    if not users.check_password(subject, request.POST["password"]):
        return HttpResponse("wrong name or password", status=401)
    session.log_in(attempt, method="pwd", needs=users.needs(subject))
    return HttpResponseRedirect("/account")


# [/login]


@require_POST
def prove_code(request: HttpRequest) -> HttpResponse:
    request.session.require(State.AUTHENTICATED)
    if not settings.USERS.check_code(request.session.subject, request.POST["code"]):
        return HttpResponse("wrong code", status=401)
    request.session.satisfy_mfa("otp")
    return HttpResponseRedirect("/account")


@require_POST
def log_out(request: HttpRequest) -> HttpResponse:
    request.session.log_out()
    return HttpResponseRedirect("/")


@require_POST
async def reset_password(request: HttpRequest) -> HttpResponse:
    users, password = settings.USERS, request.POST["password"]
    subject = users.redeem(request.POST["link"])
    if subject is None:
        return HttpResponse("this link was used", status=400)
    await AsyncSessions(settings.SESSION_STORE).reset_password(subject, lambda: users.set_password(subject, password))
    return HttpResponseRedirect("/login")


@require_GET
def account(request: HttpRequest) -> HttpResponse:
    request.session.require()
    return HttpResponse(f"signed in as {request.session.subject}")


# [/views]


async def home(request: HttpRequest) -> HttpResponse:
    """Greet without a look at the session."""
    return HttpResponse("hello")


async def cart(request: HttpRequest) -> HttpResponse:
    """Show what a guest collects, and add to it."""
    if request.method == "POST":
        request.session.setdefault("cart", []).append(request.POST["item"])
    return JsonResponse(request.session.get("cart", []), safe=False)


urlpatterns = [
    path("", home),
    path("login", log_in),
    path("mfa", prove_code),
    path("logout", log_out),
    path("reset", reset_password),
    path("account", account),
    path("cart", cart),
]


def create_app() -> Application:
    """Do what ``asgi.py`` does."""
    # [wiring]
    application = SessionMiddleware(get_asgi_application(), settings.SESSION_STORE)
    # [/wiring]
    return application  # noqa: RET504 - servers look for this name
