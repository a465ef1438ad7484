"""A login's life: password, one-time code, proving it again, logging out, and forgetting the password.

A real shop also slows down who guesses (OWASP ASVS 5.0, 6.3.1); that needs no session, so it is left out here.
"""

from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from sessioncore import State

from ..common.labels import label_of
from ..shop.shop import shop_of
from ..shop.web import customer, form_of, go, next_page, page, session_of
from .accounts import DEMO, Account, objection

NO_MATCH = "That name and password do not belong together."
NO_CODE = "That code is wrong, or was used before. Wait for the next one."


async def ask_password(request: Request) -> Response:
    """Show the login form; its CSRF token begins a guest's session, so a login cannot be forged either."""
    return page(request, "login.html", demo=DEMO, next=next_page(request.query_params.get("next")))


async def check_password(request: Request) -> Response:
    """Check name and password, and sign in: whoever owes a code is sent on to the code page."""
    form = await form_of(request)
    shop, session, target = shop_of(request), session_of(request), next_page(form.get("next"))
    name, password = form.get("name", ""), form.get("password", "")
    known = shop.accounts.named(name)
    # First the attempt, then what is checked, read anew: should the password be reset meanwhile, this login is worth
    # nothing.
    attempt = await session.attempt(known.id if known else "nobody")
    account = shop.accounts.get(attempt.subject)
    if not await run_in_threadpool(shop.accounts.verify, account, password) or account is None:
        return page(request, "login.html", 400, demo=DEMO, next=target, error=NO_MATCH, name=name)
    session.log_in(
        attempt,
        method="pwd",
        remember=form.get("remember") == "on",
        needs=State.MFA_SATISFIED if account.owes_code else State.AUTHENTICATED,
        label=label_of(request.headers.get("user-agent", "")),
    )
    session.record("gave the password")
    return go(_code_page(target) if account.owes_code else target)


async def ask_code(request: Request) -> Response:
    """Show the form for a one-time code, at login and again at step-up."""
    if not _code_user(request):
        return go("/login")
    return page(request, "code.html", next=next_page(request.query_params.get("next")))


async def check_code(request: Request) -> Response:
    """Check the code: only now is this customer signed in."""
    form = await form_of(request)
    shop, session, target = shop_of(request), session_of(request), next_page(form.get("next"))
    account = _code_user(request)
    if account is None:
        return go("/login")
    if not shop.codes.spend(account, form.get("code", ""), shop.clock()):
        return page(request, "code.html", 400, next=target, error=NO_CODE)
    session.satisfy_mfa("otp")
    session.record("gave a code")
    return go(target)


async def ask_again(request: Request) -> Response:
    """Ask a signed-in customer for the password, before something that matters."""
    customer(request)
    return page(request, "confirm.html", next=next_page(request.query_params.get("next")))


async def check_again(request: Request) -> Response:
    """Check the password once more; the session's lifetime starts anew."""
    form = await form_of(request)
    account, target = customer(request), next_page(form.get("next"))
    if not await run_in_threadpool(shop_of(request).accounts.verify, account, form.get("password", "")):
        return page(request, "confirm.html", 400, next=target, error="That is not your password.")
    session_of(request).reauthenticate("pwd")
    session_of(request).record("gave the password again")
    return go(target)


async def log_out(request: Request) -> Response:
    """End this session; the next page's panel shows where it went."""
    await form_of(request)
    session = session_of(request)
    ended = session.sid or ""
    session.log_out()
    return go(f"/?{urlencode({'was': ended})}")


async def ask_name(request: Request) -> Response:
    """Ask whose password was forgotten."""
    return page(request, "forgotten.html")


async def send_link(request: Request) -> Response:
    """Send a link if there is such an account, and say the same if there is none."""
    form = await form_of(request)
    shop = shop_of(request)
    account = shop.accounts.named(form.get("name", ""))
    if account is not None:
        link = f"/reset/{shop.links.new(account.id, shop.clock())}"
        text = "Follow this link within half an hour to choose a new password. If it was not you, do nothing."
        shop.outbox.send(account.greeting, "A new password for Storezero", text, shop.clock(), link)
    return page(request, "forgotten.html", sent=True)


async def ask_new_password(request: Request) -> Response:
    """Show the form behind a link. Looking does not use it up: mail scanners look too."""
    good = shop_of(request).links.owner(request.path_params["token"], shop_of(request).clock()) is not None
    return page(request, "reset.html", 200 if good else 410, good=good)


async def reset_password(request: Request) -> Response:
    """Store the new password; every session of this customer ends, on every device."""
    form = await form_of(request)
    shop, password = shop_of(request), form.get("password", "")
    if error := objection(password, form.get("repeated", "")):
        return page(request, "reset.html", 400, good=True, error=error)
    owner = shop.links.redeem(request.path_params["token"], shop.clock())
    if owner is None:
        return page(request, "reset.html", 410, good=False)
    hashed = await run_in_threadpool(shop.accounts.hash, password)
    await shop.sessions.reset_password(owner, lambda: shop.accounts.store_hash(owner, hashed))
    return page(request, "message.html", title="Password changed", text="You are logged out everywhere. Log in anew.")


def _code_page(target: str) -> str:
    return f"/code?{urlencode({'next': target})}"


def _code_user(request: Request) -> Account | None:
    """Give who proved a password and has a phone: perhaps not signed in yet."""
    subject = session_of(request).subject
    account = shop_of(request).accounts.get(subject) if subject else None
    return account if account and account.owes_code else None
