"""The pages of a login: password, one-time code, proving it again, consent, choosing an account.

Who comes from an application has a request waiting in the session (``transaction``); it is resumed when the page is
answered. A real service also slows down who guesses (OWASP ASVS 5.0, 6.3.1); that needs no session, so it is left out.
"""

from typing import Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from sessioncore import LogIn, State
from sessioncore.sso import Interaction, recorded_as
from sessioncore_io.oidc import Pending, Reply

from ..common.labels import label_of
from ..common.web import form_of, go, next_page, page, session_of
from .accounts import Account
from .house import House, house_of

NO_MATCH = "That name and password do not belong together."
NO_CODE = "That code is wrong, or was used before. Wait for the next one."
GONE = "This login has been answered, or waited too long. Go back to where you came from and begin again."

# Which page of ours asks for what.
PAGES = {
    Interaction.LOG_IN: "/login",
    Interaction.REAUTHENTICATE: "/confirm",
    Interaction.SATISFY_MFA: "/code",
    Interaction.STEP_UP: "/code",
    Interaction.OFFER_STEP_UP: "/code",
    Interaction.SELECT_ACCOUNT: "/select",
    Interaction.CONSENT: "/consent",
}


# What each page of ours proves: a request that waits for more is not answered by it, whatever its address says.
PASSWORD = (Interaction.LOG_IN, Interaction.REAUTHENTICATE, Interaction.SELECT_ACCOUNT)
CODE = (Interaction.SATISFY_MFA, Interaction.STEP_UP, Interaction.OFFER_STEP_UP)


def page_for(pending: Pending) -> Response:
    """Send the browser to the page that a request is waiting for."""
    return go(f"{PAGES[pending.kind]}?{pending.query}")


def waiting(request: Request, values: Any, *kinds: Interaction) -> Pending | None:
    """Give the request that is waiting for one of these pages; None for somebody who came by themselves."""
    name = values.get("transaction", "")
    if not name:
        return None
    pending = house_of(request).server.pending(session_of(request), name, kinds)
    if pending is None:
        raise HTTPException(410, GONE)
    return pending


class OutOfDate(Exception):
    """A form is of before a login in another tab: ask the server again, usually there is nothing left to do."""

    def __init__(self, resume: str) -> None:
        super().__init__(resume)
        self.resume = resume


async def login_form(request: Request) -> dict[str, str]:
    """Read a form that this session's own page sent; one that another tab has overtaken goes on where that led.

    Nothing in it counts then, so nobody is logged in by a forged one.
    """
    try:
        return await form_of(request)
    except HTTPException:
        pending = waiting(request, await request.form(), *Interaction)
        if pending is None:
            raise
        raise OutOfDate(pending.resume) from None


def customer(request: Request) -> Account:
    """Give who is signed in. Raises ``LoginRequired`` or ``StepUpRequired``; ``refusals`` answers them."""
    session = session_of(request)
    session.require()
    account = house_of(request).accounts.get(session.subject or "")
    if account is None:
        raise HTTPException(404, "This account is gone.")
    return account


async def ask_password(request: Request) -> Response:
    """Show the login form; its CSRF token begins a guest's session, so a login cannot be forged either."""
    pending = waiting(request, request.query_params, *PASSWORD)
    return _login_page(request, pending, next_page(request.query_params.get("next")))


async def check_password(request: Request) -> Response:
    """Check name and password, and sign in: whoever owes a code is sent on to the code page."""
    form = await login_form(request)
    house, session = house_of(request), session_of(request)
    pending, target = waiting(request, form, *PASSWORD), next_page(form.get("next"))
    name, password = form.get("name", ""), form.get("password", "")
    known = house.accounts.named(name)
    # First the attempt, then what is checked, read anew: should the password be reset meanwhile, this login is worth
    # nothing.
    attempt = await session.attempt(known.id if known else "nobody")
    account = house.accounts.get(attempt.subject)
    if not await run_in_threadpool(house.accounts.verify, account, password) or account is None:
        return _login_page(request, pending, target, 400, error=NO_MATCH, name=name)
    if pending is not None and _event(request, pending, account) is not LogIn:
        session.reauthenticate("pwd")
    else:
        session.log_in(
            attempt,
            method="pwd",
            remember=form.get("remember") == "on",
            needs=State.MFA_SATISFIED if account.owes_code else State.AUTHENTICATED,
            label=label_of(request.headers.get("user-agent", "")),
        )
    session.record("gave the password")
    if pending is not None:
        return _answered(house, request, pending, Interaction.LOG_IN)
    return go(_code_page(target) if account.owes_code else target)


async def ask_code(request: Request) -> Response:
    """Show the form for a one-time code."""
    if _code_user(request) is None:
        return go("/login")
    pending = waiting(request, request.query_params, *CODE)
    return page(request, "code.html", pending=pending, next=next_page(request.query_params.get("next")))


async def check_code(request: Request) -> Response:
    """Check the code: only now is this customer signed in."""
    form = await login_form(request)
    house, session, target = house_of(request), session_of(request), next_page(form.get("next"))
    pending, account = waiting(request, form, *CODE), _code_user(request)
    if account is None:
        return go("/login")
    if not house.books.codes.spend(account, form.get("code", ""), house.clock()):
        return page(request, "code.html", 400, pending=pending, next=target, error=NO_CODE)
    session.satisfy_mfa("otp")
    session.record("gave a code")
    return _answered(house, request, pending) if pending is not None else go(target)


async def ask_again(request: Request) -> Response:
    """Ask a signed-in customer for the password, before something that matters."""
    account, pending = customer(request), waiting(request, request.query_params, Interaction.REAUTHENTICATE)
    return _confirm_page(request, account, pending, next_page(request.query_params.get("next")))


async def check_again(request: Request) -> Response:
    """Check the password once more; the session's lifetime starts anew."""
    form = await login_form(request)
    house, account = house_of(request), customer(request)
    pending, target = waiting(request, form, Interaction.REAUTHENTICATE), next_page(form.get("next"))
    if not await run_in_threadpool(house.accounts.verify, account, form.get("password", "")):
        return _confirm_page(request, account, pending, target, 400, error="That is not your password.")
    session_of(request).reauthenticate("pwd")
    session_of(request).record("gave the password again")
    return _answered(house, request, pending, Interaction.REAUTHENTICATE) if pending is not None else go(target)


async def ask_consent(request: Request) -> Response:
    """Ask whether an application may learn what it wants to."""
    customer(request)
    pending = waiting(request, request.query_params, Interaction.CONSENT)
    return page(request, "consent.html", pending=pending) if pending is not None else go("/account")


async def give_consent(request: Request) -> Response | Reply:
    """Record the answer; a refusal goes back to the application."""
    form = await login_form(request)
    house, account = house_of(request), customer(request)
    pending = waiting(request, form, Interaction.CONSENT)
    if pending is None:
        raise HTTPException(410, GONE)
    if form.get("answer") != "yes":
        return house.server.deny(session_of(request), pending)
    house.books.consents.give(account.id, pending.client.client_id, pending.scopes)
    return _answered(house, request, pending, Interaction.CONSENT)


async def ask_account(request: Request) -> Response:
    """Let somebody choose to go on as who they are, or to log in as somebody else."""
    pending = waiting(request, request.query_params, Interaction.SELECT_ACCOUNT)
    return page(request, "select.html", pending=pending) if pending is not None else go("/account")


async def choose_account(request: Request) -> Response:
    """Go on as who is signed in, or has a code still to give: the server asks for that next."""
    form = await login_form(request)
    pending = waiting(request, form, Interaction.SELECT_ACCOUNT)
    if pending is None or not session_of(request).subject:
        raise HTTPException(410, GONE)
    return _answered(house_of(request), request, pending, Interaction.SELECT_ACCOUNT)


def _answered(house: House, request: Request, pending: Pending, kind: Interaction | None = None) -> Response:
    house.server.did(session_of(request), pending, kind or pending.kind)
    return go(pending.resume)


def _event(request: Request, pending: Pending, account: Account) -> type:
    row = session_of(request).stored
    return recorded_as(row, pending.waiting.transaction, pending.kind, account.id)


def _login_page(request: Request, pending: Pending | None, target: str, status: int = 200, **more: Any) -> Response:
    return page(request, "login.html", status, pending=pending, next=target, **more)


def _confirm_page(
    request: Request, account: Account, pending: Pending | None, target: str, status: int = 200, **more: Any
) -> Response:
    return page(request, "confirm.html", status, account=account, pending=pending, next=target, **more)


def _code_page(target: str) -> str:
    return f"/code?{urlencode({'next': target})}"


def _code_user(request: Request) -> Account | None:
    """Give who proved a password and has a phone: perhaps not signed in yet."""
    subject = session_of(request).subject
    account = house_of(request).accounts.get(subject) if subject else None
    return account if account and account.owes_code else None
